"""Looks for a text in all that goes over loopback: `capture.py TEXT`; ends when standard input does.

Prints `ready`, then at the end `packets N hits M`. Exit 3: this machine does not let us look.
"""

import select
import socket
import sys


def main() -> int:
    needle = sys.argv[1].encode()
    try:
        capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
        capture.bind(("lo", 0))
    except OSError as error:
        print(f"cannot look at loopback: {error}", file=sys.stderr)
        return 3
    capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024 * 1024)
    print("ready", flush=True)
    packets = hits = 0
    while True:
        readable, _, _ = select.select([capture, sys.stdin], [], [])
        if capture in readable:
            packets += 1
            hits += needle in capture.recv(262144)
        elif sys.stdin in readable and not sys.stdin.readline():
            print(f"packets {packets} hits {hits}", flush=True)
            return 0


sys.exit(main())
