"""Every page of the house as full as `bench.volume` makes it, opened by the person of the role: how long it takes.

A page is asked for in this process, with all that Django does for it, and what it takes is told twice: on the clock,
and as the time that this process and its server process worked. Others may use the machine; work is ours alone.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from bench import report, volume
from docs import walk

BAR_MS, BAR_KB, STATEMENTS = 150.0, 250.0, 40
MOVES_OF_AN_ORDER = 5
"""At least, in a full house: 200,000 orders have made a million moves of stock."""
WHO = {
    "": "lead", "orders": "service", "order": "service", "portal": "service", "returns": "inspector",
    "refunds": "controller", "floor": "supervisor", "ship": "packer", "inbound": "inventory", "stock": "inventory",
    "work": "service", "books": "controller", "month": "controller", "integration": "engineer", "scan": "picker",
    "audit": "auditor", "reports": "lead", "policies": "lead",
}  # fmt: skip
"""Who of the demo's people opens the pages of a part of the house, by how their addresses begin."""
OTHERS = (
    "lead", "supervisor", "controller", "service", "inventory", "inspector", "engineer", "auditor", "picker", "packer",
    "admin",
)  # fmt: skip
"""Who is asked next where the first may not."""
AS_A_BROWSER = {"accept-encoding": "gzip"}
LEADS_ON = {"view"}
"""Addresses whose answer is another."""
YEAR = "?since={since}&until={until}"
WIDER = {
    "report": "&period=month",
    "reports": "",
    "profit": "",
    "cohorts": "",
    "promises": "",
    "return-times": "",
}
"""Pages that are opened once more for the whole year."""


BESIDE: dict[str, str | list[Any]] = {
    "report-tile": ["perfect-order"],
    "draft-paper": walk.WHICH["draft"],
    "purchase-order-paper": walk.WHICH["purchase-order"],
    "purchase-order-document": "SELECT id FROM channels_orderdocument LIMIT 1",
    "packing-slip": walk.WHICH["packing"],
    "packing-customs": "SELECT f.id FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id"
    " JOIN network_node AS n ON n.id = f.node_id AND n.country <> o.country WHERE f.state = 'shipped' LIMIT 1",
    "labels": "SELECT shipment_id, 'pdf' FROM shipping_label WHERE state <> 'voided' ORDER BY id LIMIT 1",
    "label-of-carrier": "SELECT label_id FROM shipping_purchase WHERE state = 'bought' LIMIT 1",
    "plate-label": "SELECT id, 'pdf' FROM stock_plate ORDER BY id DESC LIMIT 1",
    "manifest": "SELECT id FROM shipping_manifest ORDER BY id DESC LIMIT 1",
    "manifest-form": "SELECT manifest_id, source FROM shipping_manifestform WHERE url <> '' LIMIT 1",
    "return-photo": "SELECT id FROM returns_photo LIMIT 1",
    "departure-pdf": walk.WHICH["departure"],
    "return-label-pdf": "SELECT return_id FROM returns_label WHERE state = 'made' LIMIT 1",
    "order-file": "SELECT id FROM orders_attachment LIMIT 1",
    "departure-paper": "SELECT id FROM returns_paper LIMIT 1",
    "dispute-pdf": walk.WHICH["dispute"],
    "audit-heads": [],
    "invoice-pdf": "SELECT id FROM settlement_document ORDER BY id DESC LIMIT 1",
    "invoice-xml": "SELECT id FROM settlement_document ORDER BY id DESC LIMIT 1",
    "find": [],
    "view": "SELECT id FROM access_view LIMIT 1",
    "portal-theme": walk.DOOR,
    "login": [],
}
"""What answers a GET and is no page of the walk: parts of pages, and files; its arguments, or how they are found."""
NOT_HERE = {
    "order-file": "is kept by customer service, and in the demo nobody has",
    "purchase-order-document": "is made for a supplier with EDI, and the demo has none",
    "packing-customs": "nothing of the demo's retailer leaves the country",
    "label-of-carrier": "is bought of a carrier, and the demo has none on a line",
    "manifest-form": "is made of labels that were bought of a carrier, and the demo has none on a line",
    "return-label-pdf": "is made when somebody asks for it, and in the demo nobody has",
}
"""What the house has nothing of, and why."""
NOT_OPENED = {
    "barcode-photo": "nobody reported a code at the benchmark's house",
    "book-file": "is left to the worker, whose time is that of the export",
    "portal-link": "the walk goes through it to an order",
    "portal-label": "is asked for in a customer's visit, which the walk has left by then",
    "portal-slip": "is asked for in a customer's visit, which the walk has left by then",
    "file": "is made when somebody asks for a long one, and kept a day for them alone",
    "portal-quote": "a paper by a signed link; draft-paper is the same",
    "login-code": "stands behind a password, in the middle of an entry",
    "set_language": "Django's; it answers a POST",
    "logout": "Django's; it answers a POST",
    "webhook-easypost": "answers a POST",
    "webhook-stripe": "answers a POST",
}
"""Addresses that take a GET by their pattern, and are not opened by themselves, and why."""
ASKED = {
    "orders": ("?status=held", "?status=allocated", "?channel=shop&late=1", "?q=volume-150000", "?q=V-00077",
               "?sort=-total", "?sort=promise", "?node=LDN&sku=HH-0042", "?country=GB&total_from=100",
               "?placed_from={day}&hold=fraud+review"),
    "work": ("?view=overdue", "?view=mine", "?role=controller", "?kind=cases", "?sort=due", "?sort=-priority"),
    "returns": ("?state=received", "?state=closed", "?q=RMA-100500"),
    "stock": ("?q=HH-01", "?sort=-value", "?sort=free"),
    "account": ("?month={month}",),
    "audit": ("?actor=lead", "?command=orders.place", "?since={day}", "?kind=refund", "?subject=SO-150000"),
    "clearing-lines": ("?account=2100", "?account=1100&older=60", "?account=2150&side=credit"),
    "find": ("?q=SO-150000", "?q=HH-0042", "?q=V-00077", "?q=mug"),
    "search": ("?q=SO-150000", "?q=HH-0042", "?q=V-00077", "?q=mug"),
    "invoices": ("?kind=credit_note",),
    "station": ("?q=HH-0042", "?node=LDN", "?later=7"),
    "messages": ("?state=waiting", "?state=kept&place=channels:shop"),
    "tax-report": ("?since={month}&until={month}", "?month={month}&country=GB&rate=0.2"),
}  # fmt: skip
"""What lists are asked beside: filters, searches and orders, as the people of a role do all day."""


@dataclass
class Opened:
    """A page that was opened some times: seconds on the clock and worked, each time; the rest of the last."""

    name: str
    who: str
    address: str
    first: float = 0.0
    """Milliseconds of the first answer, before any is kept."""
    status: int = 0
    statements: int = 0
    size: int = 0
    """Bytes of the answer, as it is served."""
    took: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    loaded: int = 0
    """Bytes of all that it loads beside, each once."""

    def told(self) -> tuple[float, float, float, float]:
        """Milliseconds: the median and p95 on the clock, and of the work."""
        return (*_spread(self.took), *_spread(self.worked))

    def weight(self) -> int:
        """Bytes that a browser gets which has nothing yet."""
        return self.size + self.loaded

    def is_over(self, by: str) -> bool:
        return self.status >= 400 or _spread(self.worked if by == "work" else self.took)[1] > BAR_MS


def _spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return statistics.median(ordered) * 1e3, ordered[math.ceil(0.95 * len(ordered)) - 1] * 1e3


def opened(
    times: int, names: Sequence[str] = (), tell: Callable[[Opened], None] = lambda _: None
) -> list[Opened]:
    """Each address that answers a GET, or those named, opened so many times after once to warm up."""
    found = []
    for one in _stops():
        if not names or one.name.split(" ")[0].rstrip(",") in names:
            _open(one, times)
            found.append(one)
            tell(one)
    return found


def missing(found: Sequence[Opened]) -> list[str]:
    """Addresses of which this house has nothing to show, so that nothing was measured."""
    names = {one.name for one in found}
    return [one for one in (*walk.shown(), *BESIDE) if one not in names and one not in NOT_HERE]


def rows(found: Sequence[Opened], by: str) -> list[report.Row]:
    """For the table of the benchmark: the slowest page, how many are over the bars, and what could not be opened."""
    place = 3 if by == "work" else 1
    slowest, largest = max(found, key=lambda one: one.told()[place]), max(found, key=Opened.weight)
    over, none = [one.name for one in found if one.is_over(by)], missing(found)
    many = max(found, key=lambda one: one.statements)
    return [
        report.Row(
            f"pages of the house, p95 by {by} of the slowest of {len(found)} ({slowest.name})", "ms",
            slowest.told()[place], floor=BAR_MS, less_is_better=True,
        ),
        report.Row(
            "pages over the bar" + (f": {', '.join(over)}" if over else ""), "pages", float(len(over)), floor=0,
            less_is_better=True,
        ),
        report.Row(
            f"statements of the page that takes most ({many.name})", "", float(many.statements), floor=STATEMENTS,
            less_is_better=True,
        ),
        report.Row(
            f"the largest page with all that it loads, as served ({largest.name})", "kB", largest.weight() / 1e3,
            floor=BAR_KB, less_is_better=True,
        ),
        report.Row("pages that this house can't show" + (f": {', '.join(none)}" if none else ""), "pages",
                   float(len(none)), floor=0, less_is_better=True),
    ]  # fmt: skip


HEAD = (
    f"{'page':<44}{'opened by':<12}{'first':>8}{'p50':>8}{'p95':>8}{'work':>8}{'p95':>8}{'stmts':>7}{'kB':>7}"
    f"{'loads':>7}"
)


def line(one: Opened, by: str = "clock") -> str:
    figures = "".join(f"{value:>8.1f}" for value in (one.first, *one.told()))
    mark = f"  over {BAR_MS:.0f} ms" if one.status < 400 else f"  answers {one.status}"
    return (
        f"{one.name[:43]:<44}{one.who:<12}{figures}{one.statements:>7}{one.size / 1e3:>7.1f}{one.loaded / 1e3:>7.1f}"
        f"{mark if one.is_over(by) else ''}"
    )


def _stops() -> Iterator[Opened]:
    from datetime import timedelta

    from django.urls import reverse
    from django.utils import timezone

    today = timezone.now().date()
    year = {"since": (today - timedelta(days=365)).strftime("%Y-%m"), "until": today.strftime("%Y-%m")}
    days = {"since": str(today - timedelta(days=365)), "until": str(today)}
    said = {"month": (today - timedelta(days=40)).strftime("%Y-%m"), "day": str(today - timedelta(days=3))}
    beside = [
        walk.Stop(name, reverse(name, args=arguments))
        for name, given in BESIDE.items()
        if (arguments := given if isinstance(given, list) else _found(given)) is not None
    ]
    for stop in (*beside, *walk.stops()):  # those of a customer's visit last
        yield Opened(stop.name, "", stop.address)
        if stop.name in WIDER:
            asked = year if stop.name in ("profit", "cohorts") else days
            yield Opened(f"{stop.name}, a year", "", stop.address + YEAR.format(**asked) + WIDER[stop.name])
        for query in ASKED.get(stop.name, ()):
            yield Opened(f"{stop.name} {query.format(**said)}", "", stop.address + query.format(**said))


def _found(statement: str) -> list[Any] | None:
    from entrepot.kernel import sql

    rows = sql.run(statement)
    return list(rows[0]) if rows else None


_visit: SimpleCookie = SimpleCookie()
"""What the browser of a customer keeps from page to page of a visit."""


def _open(one: Opened, times: int) -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    head = one.address.strip("/").partition("/")[0]
    for who in dict.fromkeys((WHO.get(head, "lead"), *OTHERS)):
        client = Client(SERVER_NAME="localhost")
        client.cookies.update(_visit)
        client.force_login(User.objects.get(username=who), "django.contrib.auth.backends.ModelBackend")
        began = time.perf_counter()
        answer = client.get(one.address, follow=one.name.startswith("portal-"))
        one.who, one.status, one.first = who, answer.status_code, (time.perf_counter() - began) * 1e3
        if answer.status_code == 200 or (one.name in LEADS_ON and answer.status_code == 302):
            break
    if one.name.startswith("portal-"):
        _visit.update(client.cookies)
    address = answer.redirect_chain[-1][0] if getattr(answer, "redirect_chain", None) else one.address
    with counted() as ran:
        answer = client.get(address, headers=AS_A_BROWSER)
    one.status, one.statements, one.texts = answer.status_code, len(ran), ran
    content = _content(answer)
    one.size, one.loaded = len(content), sum(_size(client, asked) for asked in _loads(answer, content))
    server = connection.connection.info.backend_pid
    # What helpers of the server process work would be nobody's: let it do all by itself.
    connection.cursor().execute("SET max_parallel_workers_per_gather = 0")
    for _ in range(times):
        began, idle = time.perf_counter(), time.process_time() + on_cpu(server)
        client.get(address)
        one.took.append(time.perf_counter() - began)
        one.worked.append(time.process_time() + on_cpu(server) - idle)


def _content(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


_sizes: dict[str, int] = {}
"""Of what pages load, by address: served once for all."""


def _loads(answer: Any, content: bytes) -> set[str]:
    """What a browser fetches of our own server to show a page: scripts, styles, pictures."""
    if not answer.get("Content-Type", "").startswith("text/html"):
        return set()
    page = _Loads()
    is_packed = answer.get("Content-Encoding") == "gzip"
    page.feed((gzip.decompress(content) if is_packed else content).decode())
    return page.found


class _Loads(HTMLParser):
    """Collects the addresses of what tags load: `src` of any, `href` of a <link>."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        address = named.get("href" if tag == "link" else "src") or ""
        if address.startswith("/") and "alternate" not in (named.get("rel") or ""):
            self.found.add(address)


def _size(client: Any, address: str) -> int:
    """As a browser gets it: compressed, where the server compresses it."""
    if address not in _sizes:
        answer = client.get(address, headers=AS_A_BROWSER)
        if answer.status_code != 200:
            raise SystemExit(
                f"{address} is loaded by a page, expected its content, found {answer.status_code}"
            )
        _sizes[address] = len(_content(answer))
    return _sizes[address]


def held(wanted: volume.Wanted) -> list[report.Row]:
    """How much the house holds of what makes pages long, and how much it must."""
    from entrepot.kernel import sql

    least = {
        "orders_order": wanted.orders,
        "stock_move": wanted.orders * MOVES_OF_AN_ORDER,
        "work_item": wanted.items,
    }
    return [
        report.Row(
            f"{what} in the house of the pages", "", float(sql.run(f"SELECT count(*)::int FROM {table}")[0][0]),
            floor=least[table],
        )
        for what, table in (("orders", "orders_order"), ("moves", "stock_move"), ("work items", "work_item"))
    ]  # fmt: skip


def on_cpu(pid: int) -> float:
    """Seconds that a process has been on a processor, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """The texts of the statements that ran, those of Django among them."""
    from django.db import connection

    from entrepot.kernel import sql

    ran: list[str] = []

    def through_django(execute, statement, parameters, many, context):  # type: ignore[no-untyped-def]
        if ran[-1:] != [str(statement)]:  # which the house's own way to the database has told already
            ran.append(str(statement))
        return execute(statement, parameters, many, context)

    sql.observers.append(ran.append)
    try:
        with connection.execute_wrapper(through_django):
            yield ran
    finally:
        sql.observers.remove(ran.append)
