"""What somebody found with a scanner, and a person has to decide about, becomes work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from entrepot.work.scanning import FINDS, OF_SERIALS

ROLE = "inventory manager"


@dataclass(frozen=True, slots=True)
class ReportScan:
    """A scan at a node that was refused, and why; `find` is the type of the item (`scanning.FINDS`). `place` and
    `expected` say where it was, and what was wanted there, as far as that is known; `known` is what the records say of
    it, as (name, value)."""

    company: int
    node: UUID
    find: str
    scanned: str
    flow: str
    reason: str
    place: str = ""
    expected: str = ""
    known: tuple[tuple[str, str], ...] = ()
    key: str | None = None


@command("work.report_scans")
def report_scans(cause: Cause, /, *, requests: Sequence[ReportScan]) -> list[ItemOpened | Refused]:
    """A work item for each find, one at a time for the same thing at a node, and for the same serial number at a place.
    Stock stays as it is.

    Locks: as `work.open`. Again: the item that stands, which is told what it lacked. The statements of `work.open`, and
    1 more where an item stands.
    """
    answers = open_items(
        cause,
        requests=[
            OpenItem(
                one.company, FINDS[one.find], "node", one.node, one.reason, ROLE,
                {_named(one): one.scanned, "flow": one.flow} | dict(one.known) | _where(one),
                dedupe=_dedupe(one), due_in_hours=24,
            )
            for one in requests
        ],
    )  # fmt: skip
    more = {
        answer.item: wire.dump(_where(one))
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, ItemOpened) and not answer.fresh and _where(one)
    }
    if more:
        sql.change(_FILL, sql.columns(("items", "facts"), sorted(more.items())))
    return answers


def _named(one: ReportScan) -> str:
    return "serial" if one.find in OF_SERIALS else "barcode"


def _dedupe(one: ReportScan) -> str:
    place = f"{one.place}/" if one.find in OF_SERIALS else ""
    return f"{one.node}/{place}{one.scanned}"


def _where(one: ReportScan) -> dict[str, str]:
    known = {"place": one.place, "expected": one.expected}
    return {name: said for name, said in known.items() if said}


# Whoever reported it first knew it better: only what is absent is filled in.
_FILL = """
UPDATE work_item AS w SET facts = d.facts || w.facts
FROM unnest(%(items)s::uuid[], %(facts)s::text[]::jsonb[]) AS d(item, facts)
WHERE w.id = d.item AND NOT w.facts @> d.facts AND jsonb_typeof(w.facts) = 'object'
"""
