"""The figures that a manager reads at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from entrepot.kernel import sql
from entrepot.ledger import queries as ledger
from entrepot.returns import queries as returns
from entrepot.returns.states import RETURN
from entrepot.settlement import queries as settlement
from entrepot.work import queries as work


@dataclass(frozen=True, slots=True)
class OrdersOfStatus:
    status: str
    orders: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class StockOfStatus:
    """Units of a status at all nodes, and how many of them are committed to picks."""

    status: str
    units: int
    committed: int
    skus: int


@dataclass(frozen=True, slots=True)
class ReturnsOfState:
    state: str
    returns: int
    units: int


STATUSES = (
    "payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "ready", "with supplier",
    "warehouse release", "picking", "picked", "packed", "partly shipped", "shipped", "delivered", "exception",
    "cancelled", "closed",
)  # fmt: skip
"""In the order of an order's life, for reading."""


def orders_by_status(company: int) -> list[OrdersOfStatus]:
    """How many orders stand where, in the order of an order's life. 1 statement."""
    return [
        OrdersOfStatus(*row) for row in sql.run(_ORDERS, {"company": company, "statuses": list(STATUSES)})
    ]


def stock_by_status(company: int) -> list[StockOfStatus]:
    """Units by physical status, the most first. 1 statement."""
    return [StockOfStatus(*row) for row in sql.run(_STOCK, {"company": company})]


def trial_balance(company: int) -> list[ledger.TrialLine]:
    """Every account with its sums; the balances sum to zero. 1 statement."""
    return ledger.trial_balance(company=company)


def returns_by_state(company: int) -> list[ReturnsOfState]:
    """How many returns stand where, in the order of a return's life. 1 statement."""
    params = {"company": company, "states": list(RETURN.states)}
    return [ReturnsOfState(*row) for row in sql.run(_RETURNS, params)]


def dispositions(company: int) -> list[returns.DoneRow]:
    """Returned units by what was done with them. 1 statement."""
    return returns.by_disposition(company)


def refunds(company: int) -> list[returns.RefundsOfState]:
    """Refunds by state, apart for those above the limit. 1 statement."""
    return returns.refunds_by_state(company)


def payouts(company: int) -> list[settlement.PayoutRow]:
    """What providers paid out, the latest first. 1 statement."""
    return settlement.payouts(company)


def clearing(company: int) -> list[settlement.Clearing]:
    """What providers still have of ours. 1 statement."""
    return settlement.open_clearing(company)


def work_by_type(company: int, at: datetime) -> list[work.TypeCount]:
    """Work items by type: unfinished, of these overdue at a moment, and done. 1 statement."""
    return work.by_type(company, at)


_ORDERS = """
SELECT status, count(*), sum(total_minor)::bigint FROM orders_order WHERE company_id = %(company)s::smallint
GROUP BY status ORDER BY array_position(%(statuses)s::text[], status), status
"""

_STOCK = """
SELECT status, sum(quantity)::bigint, sum(committed)::bigint, count(DISTINCT sku_id)
FROM stock_bucket WHERE company_id = %(company)s::smallint AND quantity > 0
GROUP BY status ORDER BY 2 DESC, status
"""

_RETURNS = """
SELECT r.state, count(DISTINCT r.id), sum(l.quantity)::bigint
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
WHERE r.company_id = %(company)s::smallint
GROUP BY r.state ORDER BY array_position(%(states)s::text[], r.state)
"""
