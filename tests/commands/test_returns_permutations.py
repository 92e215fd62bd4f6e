"""Returns of an order in every sequence, by commands: the same cents on each tender, and in the books."""

from __future__ import annotations

from itertools import permutations
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.tasks import serve_refund
from tests.back import ASKS, asked, back, came, policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db

STEPS = ((1, 0, "changed_mind"), (1, 0, "defective"), (0, 1, "poor_fit"), (1, 0, "changed_mind"))


def test_every_sequence_of_returns_ends_at_the_same_cents_per_tender_and_part(db: None):
    house = a_house()
    house.stock(0, 200)
    house.stock(1, 200)
    policy(approve_above_minor=None, fee_percent=7)
    sequences = sorted(set(permutations(STEPS)))
    assert len(sequences) == 12
    orders = placed(
        house, len(sequences), (0, 3), (1, 2), discount_minor=701, tax_minor=853, shipping_minor=499,
        payment=PaymentGiven("account", "a voucher", 5_646, NOW),
    )  # fmt: skip
    second = [Authorize(COMPANY, order, "account", "a card", "GBP", 4_000, NOW) for order in orders]
    sql.run(
        "UPDATE payments_payment SET authorized_minor = 2_000 WHERE order_id = ANY(%(orders)s::uuid[])",
        {"orders": orders},
    )
    authorize(SYSTEM, requests=second)
    shipped(*orders)
    ends = {_end(order, sequence) for order, sequence in zip(orders, sequences, strict=True)}
    assert len(ends) == 1, ends
    ((tenders, _, _),) = ends
    assert all(refunded > 0 for _, refunded in tenders), "both tenders have given back"


def test_exchanges_among_returns_end_at_the_same_cents_per_tender_too(db: None):
    """Of a tender of store credit and another: what is exchanged stays paid by the other one, whenever that happens."""
    house = a_house()
    house.stock(0, 200)
    policy(approve_above_minor=None, fee_percent=7, refund_at="received")
    sequences = sorted(permutations(("exchange", "changed_mind", "defective")))
    amounts = {"discount_minor": 701, "tax_minor": 353, "shipping_minor": 499}
    ends = []
    for place, sequence in enumerate(sequences):  # each its own customer, whose credit is worth two units
        for _ in range(2):
            _credit(house, f"C{place}")
        (order,) = placed(
            house, 1, (0, 3), customer=f"C{place}", store_credit_minor=1_500,
            payment=PaymentGiven("account", "a card", 3_148 - 1_500, NOW), **amounts,
        )  # fmt: skip
        shipped(order)
        replacement = _exchange_and_return(house, order, sequence)
        ends.append((_tenders(order), _tenders(replacement), sql.run(_PARTS, {"order": order})[0]))
    assert all(end == ends[0] for end in ends), ends
    assert (1_500, 1_500) in ends[0][0], "store credit comes back first"


def _credit(house: Floor, customer: str) -> None:
    (order,) = placed(house, 1, (0, 1), customer=customer, payment=PaymentGiven("account", "x", 999, NOW))
    shipped(order)
    one = asked(order, 1, asked="store_credit")
    came(one)
    refund(ASKS, requests=[Refund(one.return_id)])


def _exchange_and_return(house: Floor, order: UUID, sequence: tuple[str, ...]) -> UUID:
    """The replacement, in the course of the sequence."""
    replacement = order
    for step in sequence:
        one = asked(order, 1, reason="poor_fit" if step == "exchange" else step)
        came(one)
        if step == "exchange":
            (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[0])])
            settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
            replacement = new.order
        else:
            refund(ASKS, requests=[Refund(one.return_id)])
        serve_refund(SYSTEM, [order])
    return replacement


def _tenders(order: UUID) -> list[tuple[int, int]]:
    return [(one.captured_minor, one.refunded_minor) for one in payments.of_order(order)]


def _end(
    order: UUID, steps: tuple[tuple[int, int, str], ...]
) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...], tuple[tuple[str, int], ...]]:
    for *units, reason in steps:
        one = asked(order, *units, reason=reason)
        back(one)
        (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
        assert isinstance(answer, Refunded), answer
    tenders = tuple((one.captured_minor, one.refunded_minor) for one in payments.of_order(order))
    parts = sql.run(_PARTS, {"order": order})[0]
    kinds = tuple((kind, amount) for kind, amount in sql.run(_KINDS, {"order": order}))
    return tenders, parts, kinds


_PARTS = """
SELECT sum(goods_minor)::bigint, sum(tax_minor)::bigint, sum(shipping_minor)::bigint, sum(fee_minor)::bigint
FROM returns_refund WHERE order_id = %(order)s::uuid
"""

_KINDS = """
SELECT kind, sum(amount_minor)::bigint FROM ledger_line
WHERE document_id IN (SELECT id FROM returns_refund WHERE order_id = %(order)s::uuid) AND kind <> 'settlement'
GROUP BY 1 ORDER BY 1
"""
