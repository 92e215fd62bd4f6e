"""A mail server that keeps what it gets, or says no, for tests."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Catcher:
    """`refuses`: a reply to whoever names a recipient, instead of taking the mail. `breaks_off`: it takes the mail and
    hangs up without a word. `bytes_max`: it keeps no longer mail."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: str = ""
    breaks_off: bool = False
    bytes_max: int = 10_000_000


class _Handler(socketserver.StreamRequestHandler):
    catcher: Catcher

    def handle(self) -> None:
        self._say("220 catcher")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"QUIT":
                return self._say("221 bye")
            if verb == b"DATA":
                self._say("354 go on")
                is_kept = self._keep()
                if self.catcher.breaks_off:
                    return None
                self._say("250 ok" if is_kept else "552 too large")
            elif verb == b"RCPT" and self.catcher.refuses:
                self._say(self.catcher.refuses)
            else:
                self._say("250 ok")
        return None

    def _keep(self) -> bool:
        lines = [line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n")]
        if sum(map(len, lines)) > self.catcher.bytes_max:
            return False
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.catcher.mails.append(mail)
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def catching() -> Iterator[Catcher]:
    catcher = Catcher()
    handler = type("Handler", (_Handler,), {"catcher": catcher})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        catcher.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield catcher
        finally:
            server.shutdown()
            thread.join()
