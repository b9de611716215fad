"""The official `openai` client at `/v1`, for the tests: what any client of OpenAI's chat completions does.

    openai_client.py --base-url http://127.0.0.1:4747/v1 --key-file F --model PROVIDER/MODEL CASE

Prints one JSON object that tells what came back, and exits with 0; an exception of the client is told as
{"exception": class, "status": …, "code": …, "param": …, "message": …}. Cases:

    models    the list, and the model by its name
    whole     an answer in one piece
    stream    an answer as it comes, with its usage
    tools     an answer that calls tools, streamed and put together
    unknown   a model that nobody has
    wrong-key a key that nobody made
"""

import argparse
import json
import pathlib

import openai

MESSAGES = [{"role": "user", "content": "hello"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Looks somewhere.",
            "parameters": {"type": "object", "properties": {"at": {"type": "integer"}}, "required": ["at"]},
        },
    }
]


def models(client, model):
    listed = [known.id for known in client.models.list()]
    return {"listed": listed, "retrieved": client.models.retrieve(model).id}


def whole(client, model):
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    choice = answer.choices[0]
    return {
        "id": answer.id,
        "object": answer.object,
        "model": answer.model,
        "role": choice.message.role,
        "content": choice.message.content,
        "finish_reason": choice.finish_reason,
        "total_tokens": answer.usage.total_tokens,
    }


def stream(client, model):
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return {
        "ids": len({chunk.id for chunk in chunks}),
        "first_role": choices[0].delta.role,
        "content": "".join(choice.delta.content or "" for choice in choices),
        "finish_reason": choices[-1].finish_reason,
        "total_tokens": chunks[-1].usage.total_tokens,
    }


def tools(client, model):
    with client.chat.completions.stream(model=model, messages=MESSAGES, tools=TOOLS) as events:
        for _ in events:
            pass
        message = events.get_final_completion().choices[0].message
    calls = message.tool_calls or []
    return {"calls": [[call.id, call.function.name, call.function.arguments] for call in calls]}


def unknown(client, _model):
    return whole(client, "nobody/nothing")


CASES = {"models": models, "whole": whole, "stream": stream, "tools": tools, "unknown": unknown, "wrong-key": whole}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--key-file", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("case", choices=sorted(CASES))
    arguments = parser.parse_args()
    key = arguments.key_file.read_text().strip()
    if arguments.case == "wrong-key":
        key = "ark-0123456789012345678901"
    client = openai.OpenAI(base_url=arguments.base_url, api_key=key, max_retries=0, timeout=30)
    try:
        told = CASES[arguments.case](client, arguments.model)
    except openai.APIError as error:
        told = {
            "exception": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "code": error.code,
            "param": error.param,
            "message": error.message,
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
