"""Ship notices about drop-ship orders: what a supplier says has left for a customer, or won't. Inside a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.channels.x12.goods import ToCustomer
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused, Said
from entrepot.purchasing.commands.lock_drop_ships import DropShip, lock_drop_ships
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.errors import NoticedBefore
from entrepot.shipping.commands.ship_drop_ships import DropShipShipped, ShipDropShip, ship_drop_ships
from entrepot.work.commands.open_items import OpenItem, open_items

DOUBTED = "tracking number in doubt"
"""Type of the work item about a supplier whose notices name numbers that parcels can't be followed by."""

Name = tuple[int, UUID, str]
"""Company, supplier, and the supplier's number of the notice: what makes two notices one."""


@dataclass(frozen=True, slots=True)
class SentNotice:
    """What a notice says, and under which name it is taken once."""

    company: int
    supplier: UUID
    reference: str
    order: str
    told: ToCustomer
    carrier: str
    tracking: str
    parcels: tuple[str, ...]
    occurred_at: datetime | None

    @property
    def name(self) -> Name:
        return self.company, self.supplier, self.reference


def take_sent(cause: Cause, notices: Sequence[SentNotice]) -> list[str | Refused]:
    """The number of the shipment that each notice became, of the drop-ship order where it only refuses, or why it is
    not taken. 5 statements, and those of shipping, of refusing and of work about odd numbers, where some
    are."""
    known = _begin(cause, notices)
    found = lock_drop_ships([one.told.drop_ship for one in notices])
    answers: dict[int, str | Refused] = {}
    first: dict[Name, int] = {}
    for place, one in enumerate(notices):
        if one.name in known:
            answers[place] = NoticedBefore(external_ref=one.reference, number=known[one.name])
        elif one.name in first:
            answers[place] = NoticedBefore(external_ref=one.reference, number=one.reference)
        else:
            first[one.name] = place
    _ship(cause, notices, list(first.values()), answers)
    left = _left(
        found, [notices[place] for place in first.values() if not isinstance(answers.get(place), Refused)]
    )
    _refuse(cause, notices, list(first.values()), answers, left)
    _end(notices, {place: answers[place] for place in first.values()})
    return [answers[place] for place in range(len(notices))]


def _begin(cause: Cause, notices: Sequence[SentNotice]) -> dict[Name, str]:
    """Notices under their names; the numbers of those that were taken before. Whoever takes one meanwhile waits."""
    names = sorted({one.name for one in notices})
    params = {**sql.columns(("companies", "suppliers", "refs"), names), "at": cause.at}
    made = {tuple(row) for row in sql.run(_BEGIN, params)}
    older = [name for name in names if name not in made]
    rows = sql.run(_KNOWN, sql.columns(("companies", "suppliers", "refs"), older)) if older else ()
    return {(company, supplier, ref): number for company, supplier, ref, number in rows}


def _ship(
    cause: Cause, notices: Sequence[SentNotice], places: Sequence[int], answers: dict[int, str | Refused]
) -> None:
    asked = [place for place in places if notices[place].told.sent]
    shipped = ship_drop_ships(cause, requests=[
        ShipDropShip(
            one.told.drop_ship, one.carrier, one.tracking, one.told.sent, one.occurred_at, or_now=True,
            parcels=one.parcels,
        )
        for one in (notices[place] for place in asked)
    ]) if asked else []  # fmt: skip
    for place, told in zip(asked, shipped, strict=True):
        answers[place] = told if isinstance(told, Refused) else told.number
    doubted = [
        (notices[place], told)
        for place, told in zip(asked, shipped, strict=True)
        if isinstance(told, DropShipShipped) and told.doubt
    ]
    if doubted:
        open_items(cause, requests=[_doubted(one, told) for one, told in doubted])


def _doubted(one: SentNotice, told: DropShipShipped) -> OpenItem:
    """One for each supplier at a time: his next notices are as this one."""
    return OpenItem(
        one.company, DOUBTED, "shipment", told.shipment,
        Said(
            "About the tracking number of {0}, as ship notice {1} names it: {2}. Where customers can't follow it, ask"
            " the supplier for the numbers of the carrier, and to name them in his notices.",
            told.number, one.reference, told.doubt,
        ),
        "inventory manager", {"drop_ship": str(told.drop_ship)}, dedupe=f"{one.supplier}",
    )  # fmt: skip


def _left(found: Mapping[UUID, DropShip], sent: Sequence[SentNotice]) -> dict[tuple[UUID, int], int]:
    """Units that suppliers still have to send by (drop-ship order, number of its line), after what was sent."""
    left = {(one.id, line.number): line.left for one in found.values() for line in one.lines.values()}
    for one in sent:
        for number, units in one.told.sent:
            left[one.told.drop_ship, number] -= units
    return left


def _refuse(
    cause: Cause,
    notices: Sequence[SentNotice],
    places: Sequence[int],
    answers: dict[int, str | Refused],
    left: dict[tuple[UUID, int], int],
) -> None:
    """Of lines of which no more will be sent, all that is left; where nothing is, there is nothing to refuse. It can't
    be refused to us: else goods would be shipped with a notice that is not taken."""
    asked: list[RefuseDropShip] = []
    for place in places:
        if isinstance(answers.get(place), Refused):
            continue
        one = notices[place]
        # Another notice of the document may refuse the same line: what is left of it is refused once.
        rest = [(number, left.pop((one.told.drop_ship, number), 0)) for number in one.told.refused]
        if units := tuple(each for each in rest if each[1] > 0):
            why = Said("refused with ship notice {0}", one.reference)
            asked.append(RefuseDropShip(one.told.drop_ship, why, units, one.occurred_at))
        answers.setdefault(place, one.order)
    if asked:
        whole(refuse_drop_ships(cause, requests=asked))


def _end(notices: Sequence[SentNotice], taken: dict[int, str | Refused]) -> None:
    """What was taken is kept under its number; what was refused may come again."""
    rows = [
        (*notices[place].name, "" if isinstance(told, Refused) else told) for place, told in taken.items()
    ]
    sql.run(_END, sql.columns(("companies", "suppliers", "refs", "numbers"), rows))


_BEGIN = """
INSERT INTO channels_sentnotice (company_id, supplier_id, external_ref, number, taken_at)
SELECT d.*, '', %(at)s::timestamptz
FROM unnest(%(companies)s::smallint[], %(suppliers)s::uuid[], %(refs)s::text[]) AS d
ON CONFLICT DO NOTHING RETURNING company_id::int, supplier_id, external_ref
"""

_KNOWN = """
SELECT n.company_id::int, n.supplier_id, n.external_ref, n.number
FROM unnest(%(companies)s::smallint[], %(suppliers)s::uuid[], %(refs)s::text[]) AS d(company, supplier, ref)
JOIN channels_sentnotice AS n ON (n.company_id, n.supplier_id, n.external_ref) = (d.company, d.supplier, d.ref)
"""

_END = """
WITH told AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(suppliers)s::uuid[], %(refs)s::text[], %(numbers)s::text[])
      AS d(company, supplier, ref, number)
), gone AS (
    DELETE FROM channels_sentnotice AS n USING told AS d
    WHERE (n.company_id, n.supplier_id, n.external_ref) = (d.company, d.supplier, d.ref) AND d.number = ''
)
UPDATE channels_sentnotice AS n SET number = d.number FROM told AS d
WHERE (n.company_id, n.supplier_id, n.external_ref) = (d.company, d.supplier, d.ref) AND d.number <> ''
"""
