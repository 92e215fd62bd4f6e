"""Labels that were voided after their carrier had billed them: what was paid for them is to come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement.commands.take_carrier_invoices import ITEM, KIND
from entrepot.settlement.commands.take_payouts import LOCK
from entrepot.work.commands.open_items import OpenItem, open_items

CHARGE = "voided"
"""The name of the line that stands for what is to come back."""
WHY = "its label was voided after it was billed: a credit is due"


@dataclass(frozen=True, slots=True)
class QuestionVoided:
    """A voided label of a return, or a shipment that was labeled anew."""

    document: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class VoidedQuestioned:
    """What its carrier billed beyond what it costs now, in minor units, and is asked back; 0 where that is nothing."""

    document: UUID
    question_minor: int


class _Billed(NamedTuple):
    """What an invoice released of the accrual of a label that costs less by now, or nothing."""

    document: UUID
    label: UUID
    invoice: UUID
    number: str
    carrier: str
    company: int
    currency: str
    state: str
    tracking: str
    released: int
    lines: int


@command("settlement.question_voided")
def question_voided(
    cause: Cause, /, *, requests: Sequence[QuestionVoided]
) -> list[VoidedQuestioned | Refused]:
    """What carriers billed for labels that were voided later goes from the accrual to what is in question: a line of
    the invoice, on which the controller enters the carrier's credit, disputes it, or takes it as a cost.

    Locks: the accounts with the carriers, in the order of their names; the balances.
    Refuses nothing. Again: what is in question already is asked back once. 3 statements, 6 more where some was billed.
    """
    which = {"documents": list(dict.fromkeys(one.document for one in requests))}
    sql.run(_LOCK, which)
    found = [_Billed(*row) for row in sql.run(_BILLED, which)]
    if found:
        _write(cause, found)
    asked: dict[UUID, int] = defaultdict(int)
    for one in found:
        asked[one.document] += one.released
    return [VoidedQuestioned(one.document, asked.pop(one.document, 0)) for one in requests]


def _write(cause: Cause, found: Sequence[_Billed]) -> None:
    places: dict[UUID, int] = defaultdict(int)
    rows = []
    for one in found:
        places[one.invoice] += 1
        rows.append((
            one.invoice, one.lines + places[one.invoice], one.tracking, CHARGE, 0, 0, one.label, one.document,
            -one.released, one.released, "differs", WHY,
        ))  # fmt: skip
    sql.write("settlement_carriercharge", _CHARGE, rows)
    invoices = {one.invoice: one for one in found}
    sql.run(_OPEN, {"invoices": list(invoices)})
    whole(post(cause, requests=[
        Posting(one.company, "carrier.invoiced", KIND, one.invoice, one.currency,
                (("accrual", -one.released), ("question", one.released)), cause.at)
        for one in found
    ]))  # fmt: skip
    announce(cause, [
        Event(KIND, one.invoice, one.company, one.state, "open", cause.at,
              {"number": one.number, "document": one.document, "question_minor": one.released}, WHY)
        for one in found
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            one.company, ITEM, KIND, one.invoice,
            Said(
                "Invoice {0} of {1}: label {2} was voided after it was billed. {3} is to come back: give the "
                "label back there, or claim it.",
                one.number, one.carrier, one.tracking, money.told(one.released, one.currency),
            ),
            "controller", {"document": str(one.document)},
        )
        for one in found
    ])  # fmt: skip


_CHARGE = (
    "invoice_id", "number", "tracking", "charge", "amount_minor", "weight_g", "unit_id", "shipment_id",
    "expected_minor", "difference_minor", "state", "why",
)  # fmt: skip

# What the documents were billed by: themselves, or the labels of shipments.
_UNITS = """c.unit_id IN (SELECT unnest(%(documents)s::uuid[])
                                UNION SELECT id FROM shipping_label WHERE shipment_id = ANY(%(documents)s::uuid[]))"""

_LOCK = LOCK.format(
    accounts="SELECT i.company_id, i.carrier FROM settlement_carrierinvoice AS i"
    f" JOIN settlement_carriercharge AS c ON c.invoice_id = i.id WHERE {_UNITS}"
)

# Of several invoices, the last ones bear what is beyond.
_BILLED = f"""
SELECT c.shipment_id, c.unit_id, i.id, i.number, i.carrier, i.company_id::int, i.currency::text, i.state, k.tracking,
       least(c.released, c.so_far - k.cost)::bigint,
       (SELECT max(number) FROM settlement_carriercharge WHERE invoice_id = i.id)
FROM (SELECT shipment_id, unit_id, invoice_id, released,
             sum(released) OVER (PARTITION BY unit_id ORDER BY invoice_id) AS so_far
      FROM (SELECT c.shipment_id, c.unit_id, c.invoice_id, sum(c.expected_minor) AS released
            FROM settlement_carriercharge AS c WHERE {_UNITS} GROUP BY 1, 2, 3) AS s) AS c
JOIN (SELECT id, tracking, CASE state WHEN 'voided' THEN 0 ELSE cost_minor END AS cost FROM returns_label
      WHERE id = ANY(%(documents)s::uuid[])
      UNION ALL
      SELECT id, tracking, 0 FROM shipping_label
      WHERE shipment_id = ANY(%(documents)s::uuid[]) AND state = 'voided') AS k
  ON k.id = c.unit_id AND c.released > 0 AND c.so_far > k.cost
JOIN settlement_carrierinvoice AS i ON i.id = c.invoice_id
ORDER BY i.id, k.id
"""

_OPEN = "UPDATE settlement_carrierinvoice SET state = 'open' WHERE id = ANY(%(invoices)s::uuid[])"
