"""The house as it is served: web processes of its own on the measured database, and connections that ask them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import house


@dataclass(frozen=True)
class Served:
    port: int
    key: str

    def connect(self) -> Asking:
        return Asking(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), self.key)


@dataclass
class Asking:
    """A connection that is kept, as a program keeps it."""

    connection: http.client.HTTPConnection
    key: str

    def get(self, path: str) -> Any:
        return json.loads(self._ask("GET", path, None, {}))

    def post(self, path: str, body: Any, again: str) -> Any:
        return json.loads(self.send(path, json.dumps(body).encode(), again))

    def send(self, path: str, body: bytes, again: str) -> bytes:
        """The answer as it came: who counts the house's time writes and reads JSON before and after."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": again}
        return self._ask("POST", path, body, headers)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        self.connection.request(method, path, body, {"X-API-Key": self.key, **headers})
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text[:500]!r}")
        return text


@contextlib.contextmanager
def running() -> Iterator[Served]:
    """The web processes of `entrepot up`, with an API key of somebody who may do everything."""
    from entrepot import supervisor

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = house.api_key()
    command = [sys.executable, *supervisor.web_arguments("127.0.0.1", port)]
    web = [subprocess.Popen(command) for _ in range(supervisor.WORKERS)]
    try:
        _wait_for(port, len(web))
        yield Served(port, key)
    finally:
        for process in web:
            process.terminate()
        for process in web:
            process.wait(30)


def _wait_for(port: int, processes: int) -> None:
    """Until all web processes listen: then each connection has its own, and its first answer tells that it is ready."""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        if _listening(port) == processes:
            return
        time.sleep(0.1)
    raise SystemExit("the web processes did not listen within three minutes")


def _listening(port: int) -> int:
    """Sockets that listen at a port, as the kernel lists them (man 5 proc): address and state are hexadecimal."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == LISTEN for row in rows)


LISTEN = "0A"
