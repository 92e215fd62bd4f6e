"""Shops at the API, as a process of its own: so many connections that are kept, each with one request on its way.

`python -m bench.carts PORT CONNECTIONS` reads one line, the requests as base64; says `ready` once all connections have
had an answer; begins at the next line, and tells of the answers in JSON.
"""

from __future__ import annotations

import base64
import collections
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator

HELLO = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def main(port: int, connections: int) -> None:
    requests = [base64.b64decode(one) for one in json.loads(sys.stdin.readline())]
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(connections)]
    asked(sockets, iter([HELLO] * connections))
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    answers = asked(sockets, iter(requests))
    print(json.dumps({"seconds": time.perf_counter() - began, "answers": answers}), flush=True)


def asked(sockets: list[socket.socket], requests: Iterator[bytes]) -> dict[str, int]:
    """Each connection sends the next request as soon as it has its answer; how often each status came."""
    found: collections.Counter[str] = collections.Counter()
    with selectors.DefaultSelector() as selector:
        for one, request in zip(sockets, requests, strict=False):
            one.sendall(request)
            selector.register(one, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            for key, _ in selector.select(60):
                one, text = key.fileobj, key.data
                assert isinstance(one, socket.socket)
                more = one.recv(65_536)
                if not more:
                    raise SystemExit(f"The server hung up after {dict(found)}")
                text += more
                if not is_whole(text):
                    continue
                found[text[9:12].decode()] += 1
                text.clear()
                if request := next(requests, b""):
                    one.sendall(request)
                else:
                    selector.unregister(one)
    return dict(found)


def is_whole(text: bytearray) -> bool:
    """Whether an answer is there with all that its head says of its length."""
    head, found, body = bytes(text).partition(b"\r\n\r\n")
    if not found:
        return False
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if not sizes:
        raise SystemExit(f"An answer should say how long it is, found {head!r}")
    return len(body) >= int(sizes[0].partition(b":")[2])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
