"""Every page of the house as full as `bench.volume` makes it, opened by the person of the role: how long it takes.

A page is asked for in this process, with all that Django does for it, and what it takes is told twice: on the clock,
and as the time that this process and its server process worked. Others may use the machine; work is ours alone.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import report

BAR_MS = 150.0
WHO = {
    "": "lead", "orders": "service", "order": "service", "portal": "service", "returns": "inspector",
    "refunds": "controller", "floor": "supervisor", "ship": "packer", "inbound": "inventory", "stock": "inventory",
    "work": "service", "books": "controller", "month": "controller", "integration": "engineer", "scan": "picker",
    "audit": "auditor", "reports": "lead", "policies": "lead",
}  # fmt: skip
"""Who of the demo's people opens the pages of a part of the house, by how their addresses begin."""
OTHERS = (
    "lead", "supervisor", "controller", "service", "inventory", "inspector", "engineer", "auditor", "picker", "packer",
)  # fmt: skip
"""Who is asked next where the first may not."""
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


@dataclass
class Opened:
    """A page that was opened some times: seconds on the clock and worked, each time; the rest of the last."""

    name: str
    who: str
    address: str
    status: int = 0
    statements: int = 0
    size: int = 0
    took: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def told(self) -> tuple[float, float, float, float]:
        """Milliseconds: the median and p95 on the clock, and of the work."""
        return (*_spread(self.took), *_spread(self.worked))

    def is_over(self, by: str) -> bool:
        return self.status >= 400 or _spread(self.worked if by == "work" else self.took)[1] > BAR_MS


def _spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return statistics.median(ordered) * 1e3, ordered[math.ceil(0.95 * len(ordered)) - 1] * 1e3


def opened(
    times: int, names: Sequence[str] = (), tell: Callable[[Opened], None] = lambda _: None
) -> list[Opened]:
    """Each page of the walk, or those named, opened so many times after once to warm up."""
    found = []
    for one in _stops():
        if not names or one.name.removesuffix(", a year") in names:
            _open(one, times)
            found.append(one)
            tell(one)
    return found


def rows(found: Sequence[Opened], by: str) -> list[report.Row]:
    """For the table of the benchmark: the slowest page, and how many are over the bar."""
    slowest = max(found, key=lambda one: one.told()[1])
    over = [one.name for one in found if one.is_over(by)]
    return [
        report.Row(
            f"pages of the house, p95 of the slowest of {len(found)} ({slowest.name})", "ms", slowest.told()[1],
            floor=BAR_MS, less_is_better=True,
        ),
        report.Row(
            "pages over the bar" + (f": {', '.join(over)}" if over else ""), "pages", float(len(over)), floor=0,
            less_is_better=True,
        ),
        report.Row("statements of the page that takes most", "", float(max(one.statements for one in found))),
    ]  # fmt: skip


HEAD = f"{'page':<28}{'opened by':<12}{'p50':>8}{'p95':>8}{'work':>8}{'p95':>8}{'stmts':>7}{'kB':>7}"


def line(one: Opened, by: str = "clock") -> str:
    figures = "".join(f"{value:>8.1f}" for value in one.told())
    mark = f"  over {BAR_MS:.0f} ms" if one.status < 400 else f"  answers {one.status}"
    return (
        f"{one.name:<28}{one.who:<12}{figures}{one.statements:>7}{one.size / 1e3:>7.1f}"
        f"{mark if one.is_over(by) else ''}"
    )


def _stops() -> Iterator[Opened]:
    from datetime import timedelta

    from django.utils import timezone

    from docs import walk

    today = timezone.now().date()
    year = {"since": (today - timedelta(days=365)).strftime("%Y-%m"), "until": today.strftime("%Y-%m")}
    days = {"since": str(today - timedelta(days=365)), "until": str(today)}
    for stop in walk.stops():
        yield Opened(stop.name, "", stop.address)
        if stop.name in WIDER:
            asked = year if stop.name in ("profit", "cohorts") else days
            yield Opened(f"{stop.name}, a year", "", stop.address + YEAR.format(**asked) + WIDER[stop.name])


def _open(one: Opened, times: int) -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    head = one.address.strip("/").partition("/")[0]
    for who in dict.fromkeys((WHO.get(head, "lead"), *OTHERS)):
        client = Client(SERVER_NAME="localhost")
        client.force_login(User.objects.get(username=who), "django.contrib.auth.backends.ModelBackend")
        answer = client.get(one.address, follow=one.name.startswith("portal-"))
        one.who, one.status = who, answer.status_code
        if answer.status_code == 200:
            break
    address = answer.redirect_chain[-1][0] if getattr(answer, "redirect_chain", None) else one.address
    with counted() as ran:
        answer = client.get(address)
    one.status, one.size, one.statements, one.texts = answer.status_code, len(answer.content), len(ran), ran
    server = connection.connection.info.backend_pid
    # What helpers of the server process work would be nobody's: let it do all by itself.
    connection.cursor().execute("SET max_parallel_workers_per_gather = 0")
    for _ in range(times):
        began, idle = time.perf_counter(), time.process_time() + on_cpu(server)
        client.get(address)
        one.took.append(time.perf_counter() - began)
        one.worked.append(time.process_time() + on_cpu(server) - idle)


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
