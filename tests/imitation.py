"""A local imitation of a carrier's go-between: answers over HTTP as it was told to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Imitation:
    """`answer` gets (path, body) and gives (status, body), and headers where there are any."""

    url: str
    answer: Callable[[str, Any], tuple[Any, ...]]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def an_imitation(answer: Callable[[str, Any], tuple[Any, ...]]) -> Iterator[Imitation]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null"
            is_form = "urlencoded" in (self.headers.get("Content-Type") or "")
            is_file = "multipart" in (self.headers.get("Content-Type") or "")
            body = sent if is_file else dict(parse_qsl(sent.decode())) if is_form else json.loads(sent)
            imitation.keys.append(self.headers.get("Idempotency-Key") or "")
            imitation.asked.append((self.path, body))
            status, told, *headers = imitation.answer(self.path, body)
            data = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers[0].items() if headers else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST  # noqa: N815  the base class's name

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    imitation = Imitation(f"http://127.0.0.1:{server.server_port}/v2", answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield imitation
    finally:
        server.shutdown()
        server.server_close()


def a_rate(carrier: str, service: str, rate: str, days: int | None, currency: str = "GBP") -> dict[str, Any]:
    return {
        "id": f"rate_{service}", "object": "Rate", "carrier": carrier, "service": service, "rate": rate,
        "currency": currency, "delivery_days": days, "est_delivery_days": days,
    }  # fmt: skip


def a_form(status: str = "created", numbers: tuple[str, ...] = ("PP100200300GB",)) -> dict[str, Any]:
    """A scan form of EasyPost, in the state that it is in."""
    made = (
        {"form_url": "https://forms.example/1.pdf", "tracking_codes": numbers} if status == "created" else {}
    )
    told = {"message": "labels of two accounts"} if status == "failed" else {}
    empty = {"form_url": None, "tracking_codes": [], "message": None}
    return {"id": "sf_1", "object": "ScanForm", "status": status, **empty, **made, **told}


def easypost(path: str, body: Any) -> tuple[int, Any]:
    """As EasyPost answers for a parcel within a country."""
    rates = [a_rate("Post", "Slow", "2.50", 4), a_rate("Post", "Fast", "9.10", 1)]
    shipment = {"id": "shp_1", "object": "Shipment", "rates": rates, "refund_status": None}
    if path.endswith("/shipments"):
        return 201, shipment
    if path.endswith("/buy"):
        bought = next(one for one in rates if one["id"] == body["rate"]["id"])
        label = {"label_url": "https://labels.example/1.png", "label_pdf_url": None}
        return 200, shipment | {
            "selected_rate": bought,
            "postage_label": label,
            "tracking_code": "PP100200300GB",
        }
    if "/scan_forms" in path:
        return 200, a_form()
    if path.endswith("/shipments/shp_1"):
        return 200, shipment | {"scan_form": None}
    if path.endswith("/refund"):
        return 200, shipment | {"refund_status": "submitted"}
    details = [
        {"status": "delivered", "status_detail": "arrived_at_destination", "message": "Delivered",
         "datetime": "2026-11-25T10:00:00Z", "tracking_location": {"city": "Leeds"}}
    ]  # fmt: skip
    number = body["tracker"]["tracking_code"]
    return 200, {"object": "Tracker", "tracking_code": number, "carrier": "Post", "tracking_details": details}
