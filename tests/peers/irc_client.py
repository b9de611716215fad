"""A second client of IRC, for the tests. It shares no code with ours: Python's own sockets, and the protocol read anew.

Joins a channel and says there, or to a nick, what it reads on standard input: `TARGET TEXT`, one a line. Prints one JSON object a line:

    {"event": "joined", "nick": N}                       somebody is in the channel now; it itself is so first
    {"event": "heard", "nick": N, "target": T, "text": X, "notice": B, "bytes": L}

`bytes` is the length of the whole line as it came, with its end. It ends with its standard input, or with the connection.

    irc_client.py PORT NICK CHANNEL
"""

import json
import os
import socket
import sys
import threading


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def take_apart(line):
    """Source, command and parameters of a message (RFC 2812, section 2.3.1)."""
    source = ""
    if line.startswith(":"):
        source, line = line[1:].split(" ", 1)
    head, colon, trailing = line.partition(" :")
    words = head.split()
    return source, words[0], words[1:] + ([trailing] if colon else [])


def handle(raw, channel, send):
    source, command, parameters = take_apart(raw.decode("utf-8").rstrip("\r\n"))
    nick = source.split("!")[0]
    if command == "PING":
        send("PONG :" + parameters[0])
    elif command == "001":
        send("JOIN " + channel)
    elif command == "JOIN":
        say("joined", nick=nick)
    elif command in ("PRIVMSG", "NOTICE") and "!" in source:
        say("heard", nick=nick, target=parameters[0], text=parameters[1], notice=command == "NOTICE", bytes=len(raw))


def hear(connection, channel, send):
    for raw in connection.makefile("rb"):
        handle(raw, channel, send)
    os._exit(1)


def main():
    port, nick, channel = sys.argv[1:]
    connection = socket.create_connection(("127.0.0.1", int(port)))

    def send(line):
        connection.sendall(line.encode("utf-8") + b"\r\n")

    send("NICK " + nick)
    send("USER " + nick.lower() + " 0 * :" + nick)
    threading.Thread(target=hear, args=(connection, channel, send), daemon=True).start()
    for line in sys.stdin:
        target, text = line.rstrip("\n").split(" ", 1)
        send("PRIVMSG " + target + " :" + text)


main()
