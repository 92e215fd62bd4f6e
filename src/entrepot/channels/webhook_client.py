"""One message to one address over HTTP: to the public internet alone, never further than there, and not for long.

A name is looked up once, every address that it has is judged, and the connection goes to one of those that were judged:
so a name that leads elsewhere a moment later (DNS rebinding) leads nowhere. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from entrepot.channels.webhooks import is_public
from entrepot.kernel.errors import Away

CONNECT_S, WHOLE_S = 5.0, 15.0
"""How long we wait for a connection, and for all of an answer."""
PORTS = {"http": 80, "https": 443}


def send(url: str, secrets: Sequence[str], kept: str, at: datetime, *, permits_local: bool) -> int:
    """A message as the outbox keeps it, with a signature of each secret; the status of the answer."""
    message = json.loads(kept)
    body = json.dumps(message["sent"], separators=(",", ":"), ensure_ascii=False)
    signatures = [Webhook(one).sign(message["id"], at.astimezone(UTC), body) for one in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Entrepot",
        "webhook-id": message["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return post(url, body.encode(), headers, permits_local=permits_local)


def post(url: str, body: bytes, headers: Mapping[str, str], *, permits_local: bool) -> int:
    """Send it; the status of the answer. `Away` where nobody answers, or where the address is not one to send to."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    wire = _connect(_judged(host, port, permits_local=permits_local), host)
    # Whoever answers a letter at a time would hold us up for ever: so the whole of it has an end too. It is kept by
    # another handle on the connection, as TLS takes this one over.
    handle, end = wire.dup(), time.monotonic() + WHOLE_S
    guard = threading.Timer(WHOLE_S, _hang_up, [handle])
    guard.start()
    try:
        if parts.scheme == "https":
            wire = ssl.create_default_context().wrap_socket(wire, server_hostname=host)
        connection = _Pinned(host, port, wire)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers))
        status = connection.getresponse().status
        if time.monotonic() >= end:  # headers that were cut off look like all of them
            raise OSError(f"no whole answer within {WHOLE_S:g} s")
        return status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away(f"{host} does not answer: {_told(error)}") from error
    finally:
        guard.cancel()
        guard.join()
        handle.close()
        wire.close()


class _Pinned(http.client.HTTPConnection):
    """A connection that stands already."""

    def __init__(self, host: str, port: int, wire: socket.socket) -> None:
        super().__init__(host, port)
        self.default_port = 443 if isinstance(wire, ssl.SSLSocket) else 80
        self.sock: Any = wire

    def connect(self) -> None:
        """It is connected; anew it would be connected to whatever the name says now."""
        raise OSError("the connection ended")


def _judged(host: str, port: int, *, permits_local: bool) -> list[tuple[Any, ...]]:
    """Where a name leads, if all of it is the public internet."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Away(f"{host} has no address: {_told(error)}") from error
    if not permits_local and not all(is_public(str(address[0])) for *_, address in found):
        raise Away(f"{host} leads to an address that is not of the public internet")
    return found


def _connect(found: list[tuple[Any, ...]], host: str) -> socket.socket:
    said: OSError | None = None
    for family, kind, protocol, _name, address in found[:3]:
        wire = socket.socket(family, kind, protocol)
        wire.settimeout(CONNECT_S)
        try:
            wire.connect(address)
        except OSError as error:
            wire.close()
            said = error
        else:
            return wire
    raise Away(f"{host} does not answer: {_told(said)}") from said


def _hang_up(wire: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        wire.shutdown(socket.SHUT_RDWR)


def _told(error: object) -> str:
    return str(error) or type(error).__name__
