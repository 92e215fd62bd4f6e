"""Choose how a company values its stock: by moving average, or first in, first out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.ledger import errors
from entrepot.ledger.layers import METHODS


@dataclass(frozen=True, slots=True)
class ChooseCosting:
    """`average` or `fifo`, and why. With stock on hand it takes `revalue`: what stands at a node is one layer from now
    on, or the layers there become one average. The value of stock stays as it is to the minor unit."""

    company: int
    method: str
    reason: str
    revalue: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CostingChosen:
    """The method in force, and the stock that stood there. Not `fresh` where it was in force before."""

    company: int
    method: str
    quantity: int
    value_minor: int
    fresh: bool


class _Books(NamedTuple):
    currency: str
    method: str
    quantity: int
    value: int


@command("ledger.choose_costing")
def choose_costing(cause: Cause, /, *, requests: Sequence[ChooseCosting]) -> list[CostingChosen | Refused]:
    """The method by which stock is valued from now on; what was valued before stays as it was posted.

    Locks: all valuation, against every move of stock. Refuses: NotFound; Invalid (method, no reason);
    ledger.stock_on_hand. Again: not fresh. 5 statements.
    """
    sql.run("LOCK TABLE ledger_valuation IN EXCLUSIVE MODE")
    rows = sql.run(_FOUND, {"companies": [one.company for one in requests]})
    books = {row[0]: _Books(*row[1:]) for row in rows}
    answers: list[CostingChosen | Refused] = []
    chosen: list[tuple[UUID, ChooseCosting, _Books]] = []
    for one in requests:
        found = books.get(one.company)
        if refused := _misfit(one, found):
            answers.append(refused)
            continue
        assert found is not None
        fresh = found.method != one.method
        answers.append(CostingChosen(one.company, one.method, found.quantity, found.value, fresh))
        if fresh:
            chosen.append((ids.uuid7(), one, found))
            books[one.company] = found._replace(method=one.method)
    if chosen:
        _write(cause, chosen, {company: one.method for company, one in books.items()})
    return answers


def _misfit(one: ChooseCosting, found: _Books | None) -> Refused | None:
    if found is None:
        return NotFound(what="company", which=str(one.company))
    if one.method not in METHODS:
        return Invalid(field="method", expected=one_of(METHODS), found=one.method)
    if not one.reason.strip():
        return Invalid(field="reason", expected="why stock is valued so from now on", found="nothing")
    if found.quantity and found.method != one.method and not one.revalue:
        return errors.StockOnHand(units=found.quantity, value=money.told(found.value, found.currency))
    return None


def _write(
    cause: Cause, chosen: Sequence[tuple[UUID, ChooseCosting, _Books]], methods: dict[int, str]
) -> None:
    sql.write("ledger_costing", _COSTING, [
        (which, one.company, one.method, cause.at, cause.actor.name, one.reason.strip(), found.quantity, found.value)
        for which, one, found in chosen
    ])  # fmt: skip
    companies = {one.company for _, one, _ in chosen}
    sql.run(_CLEAR, {"companies": list(companies)})
    in_layers = [company for company in companies if methods[company] == "fifo"]
    sql.run(_BEGIN, {"companies": in_layers, "at": cause.at})
    announce(cause, [
        Event("costing", which, one.company, found.method, one.method, None,
              {"units": found.quantity, "value_minor": found.value}, one.reason.strip())
        for which, one, found in chosen
    ])  # fmt: skip


_COSTING = (
    "id", "company_id", "method", "chosen_at", "chosen_by", "reason", "quantity", "value_minor",
)  # fmt: skip

_FOUND = """
SELECT c.id::int, c.currency::text,
       COALESCE((SELECT method FROM ledger_costing WHERE company_id = c.id ORDER BY id DESC LIMIT 1), 'average'),
       COALESCE(sum(v.quantity), 0)::bigint, COALESCE(sum(v.value_minor), 0)::bigint
FROM parties_company AS c LEFT JOIN ledger_valuation AS v ON v.company_id = c.id
WHERE c.id = ANY(%(companies)s::smallint[]) GROUP BY c.id
"""

_CLEAR = """
UPDATE ledger_layer SET quantity = 0, value_minor = 0, written_minor = 0
WHERE company_id = ANY(%(companies)s::smallint[]) AND quantity > 0
"""

_BEGIN = """
INSERT INTO ledger_layer (company_id, sku_id, node_id, pool, acquired_at, document_id, quantity, value_minor,
                          written_minor)
SELECT v.company_id, v.sku_id, v.node_id, v.pool, %(at)s::timestamptz, c.id, v.quantity, v.value_minor, v.written_minor
FROM (SELECT company_id, max(id::text)::uuid AS id FROM ledger_costing
      WHERE company_id = ANY(%(companies)s::smallint[]) GROUP BY 1) AS c
JOIN ledger_valuation AS v ON v.company_id = c.company_id AND v.quantity > 0
"""
