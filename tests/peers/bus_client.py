"""An independent client of the bus, for the tests: nats-py, which nobody here wrote.

Prints one JSON object a line and tells by its exit code how it ended:

    0  done: published, answered, or as many messages received as asked for
    1  something else went wrong (the line says what)
    2  wrong arguments
    3  denied: the server reported a permissions violation
    4  nobody listens to the subject (no responders)
    5  the server refused the credential
    6  time ran out

    bus_client.py --address H:P [--seed-file F] [--inbox-prefix P] [--timeout S] request SUBJECT TEXT
    bus_client.py --address H:P … publish SUBJECT TEXT
    bus_client.py --address H:P … subscribe SUBJECT [--queue NAME] [--count N]

A subscription prints {"event": "subscribed"} once the server has taken it: from then on a message counts.
"""

import argparse
import asyncio
import base64
import json
import sys

import nats
import nats.errors

DONE, FAILED, DENIED, NO_RESPONDERS, UNAUTHENTICATED, TIMEOUT = 0, 1, 3, 4, 5, 6


class Denied(Exception):
    """The server reported a permissions violation."""


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def say_message(event, message):
    say(
        event,
        subject=message.subject,
        reply=message.reply,
        headers=message.headers or {},
        text=message.data.decode("utf-8", "replace"),
        base64=base64.b64encode(message.data).decode(),
    )


class Watch:
    """What the server reported on this connection while something else was awaited."""

    def __init__(self):
        self.denied = asyncio.get_running_loop().create_future()
        self.errors = []

    async def on_error(self, error):
        self.errors.append(str(error))
        if "permissions violation" in str(error).lower() and not self.denied.done():
            self.denied.set_result(str(error))

    async def race(self, work, timeout_s):
        """The result of `work`, unless the server denies it first or time runs out."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self.denied}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if self.denied.done():
                raise Denied(self.denied.result())
            if not task.done():
                raise asyncio.TimeoutError
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def connect(arguments, watch):
    options = {
        "servers": [f"nats://{arguments.address}"],
        "allow_reconnect": False,
        "connect_timeout": arguments.timeout,
        # Who is refused or finds nobody hears it at once. 0 would mean for ever.
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0.1,
        "error_cb": watch.on_error,
        "inbox_prefix": arguments.inbox_prefix,
        "name": "bus_client.py",
    }
    if arguments.seed_file:
        options["nkeys_seed"] = arguments.seed_file
    return await asyncio.wait_for(nats.connect(**options), arguments.timeout)


async def publish(client, arguments, watch):
    await client.publish(arguments.subject, payload(arguments))
    # The server answers in order: its PONG comes after any complaint about what was sent before the PING.
    await watch.race(client.flush(), arguments.timeout)
    say("published", subject=arguments.subject)


async def request(client, arguments, watch):
    answer = client.request(arguments.subject, payload(arguments), timeout=arguments.timeout)
    say_message("reply", await watch.race(answer, arguments.timeout + 1))


async def subscribe(client, arguments, watch):
    subscription = await client.subscribe(arguments.subject, queue=arguments.queue)
    await watch.race(client.flush(), arguments.timeout)
    say("subscribed", subject=arguments.subject)

    async def receive():
        for _ in range(arguments.count):
            say_message("message", await subscription.next_msg(timeout=None))

    await watch.race(receive(), arguments.timeout)


def payload(arguments):
    return base64.b64decode(arguments.text) if arguments.base64 else arguments.text.encode()


def is_authentication(error):
    text = str(error).lower()
    return isinstance(error, nats.errors.AuthorizationError) or "authorization violation" in text or "authentication" in text


async def run(arguments):
    watch = Watch()
    try:
        client = await connect(arguments, watch)
    except Exception as error:
        text = " / ".join([str(error) or type(error).__name__, *watch.errors])
        is_refused = is_authentication(error) or is_authentication(text)
        say("unauthenticated" if is_refused else "unreachable", text=text)
        return UNAUTHENTICATED if is_refused else FAILED
    try:
        await arguments.deed(client, arguments, watch)
        return DONE
    except Denied as error:
        say("denied", text=str(error))
        return DENIED
    except nats.errors.NoRespondersError:
        say("no_responders", subject=arguments.subject)
        return NO_RESPONDERS
    except (asyncio.TimeoutError, nats.errors.TimeoutError):
        say("timeout", subject=arguments.subject)
        return TIMEOUT
    except Exception as error:
        say("error", text=str(error) or type(error).__name__)
        return FAILED
    finally:
        await client.close()


def parse():
    parser = argparse.ArgumentParser(description="an independent client of the bus")
    parser.add_argument("--address", required=True, metavar="HOST:PORT")
    parser.add_argument("--seed-file", metavar="FILE", help="nkey seed of the credential")
    parser.add_argument("--inbox-prefix", default="_INBOX", metavar="SUBJECT")
    parser.add_argument("--timeout", type=float, default=5, metavar="SECONDS")
    deeds = parser.add_subparsers(required=True, metavar="request|publish|subscribe")
    for name, deed in (("request", request), ("publish", publish)):
        sender = deeds.add_parser(name)
        sender.add_argument("subject")
        sender.add_argument("text")
        sender.add_argument("--base64", action="store_true", help="TEXT is base64, for payloads that are no text")
        sender.add_argument("--timeout", type=float, default=argparse.SUPPRESS, metavar="SECONDS")
        sender.set_defaults(deed=deed)
    receiver = deeds.add_parser("subscribe")
    receiver.add_argument("subject")
    receiver.add_argument("--queue", default="")
    receiver.add_argument("--count", type=int, default=1)
    receiver.add_argument("--timeout", type=float, default=argparse.SUPPRESS, metavar="SECONDS")
    receiver.set_defaults(deed=subscribe)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
