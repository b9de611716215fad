"""The official OpenAI client against `/v1`: `openai_client.py BASE_URL KEY MODEL`. Prints one JSON line for each case."""

import json
import sys

import openai

base_url, key, model = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=20)
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
said = [{"role": "user", "content": "hello"}]
failed = 0


def case(name, check):
    global failed
    try:
        check()
        print(json.dumps({"case": name, "passed": True}))
    except Exception as error:  # every case is told
        failed += 1
        print(json.dumps({"case": name, "passed": False, "error": f"{type(error).__name__}: {error}"}))


def lists():
    assert model in [entry.id for entry in client.models.list()], "the model is not listed"
    assert client.models.retrieve(model).id == model


def answers():
    answer = client.chat.completions.create(model=model, messages=said, temperature=0.5)
    assert answer.choices[0].message.content == "Good day.", answer
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 11, answer.usage


def streams():
    chunks = list(client.chat.completions.create(model=model, messages=said, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Good day.", text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.prompt_tokens == 11


def calls_tools():
    answer = client.chat.completions.create(model=model, messages=said, tools=[TOOL])
    call = answer.choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "now", "{}"), answer
    assert answer.choices[0].finish_reason == "tool_calls"


def refuses(error, act):
    def check():
        try:
            act()
        except error:
            return
        raise AssertionError(f"no {error.__name__}")

    return check


def with_key(other):
    return openai.OpenAI(base_url=base_url, api_key=other, max_retries=0, timeout=20)


case("the models are listed", lists)
case("a question is answered", answers)
case("an answer is streamed", streams)
case("a tool call is passed through", calls_tools)
case("a wrong key is refused", refuses(openai.AuthenticationError, lambda: with_key("ark-0000000000000000000000").models.list()))
case(
    "an unknown model is refused",
    refuses(openai.NotFoundError, lambda: client.chat.completions.create(model="nobody/nothing", messages=said)),
)
case("a question without messages is refused", refuses(openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=[])))
case("a vendor that is busy says so", refuses(openai.RateLimitError, lambda: client.chat.completions.create(model=model, messages=said)))
sys.exit(failed)
