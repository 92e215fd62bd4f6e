"""What somebody found with a scanner, and a person has to decide about, becomes work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from entrepot.work.scanning import FINDS

ROLE = "inventory manager"


@dataclass(frozen=True, slots=True)
class ReportScan:
    """A scan at a node that was refused, and why; `find` is the type of the item (`scanning.FINDS`). `place` and
    `expected` say where it was, and what was wanted there, as far as that is known."""

    company: int
    node: UUID
    find: str
    scanned: str
    flow: str
    reason: str
    place: str = ""
    expected: str = ""
    key: str | None = None


@command("work.report_scans")
def report_scans(cause: Cause, /, *, requests: Sequence[ReportScan]) -> list[ItemOpened | Refused]:
    """A work item for each find, one at a time for the same thing at a node. Stock stays as it is.

    Locks: as `work.open`. Again: the item that stands. The statements of `work.open`.
    """
    return open_items(
        cause,
        requests=[
            OpenItem(
                one.company, FINDS[one.find], "node", one.node, one.reason, ROLE,
                {"barcode": one.scanned, "flow": one.flow} | _where(one),
                dedupe=f"{one.node}/{one.scanned}", due_in_hours=24,
            )
            for one in requests
        ],
    )  # fmt: skip


def _where(one: ReportScan) -> dict[str, str]:
    known = {"place": one.place, "expected": one.expected}
    return {name: said for name, said in known.items() if said}
