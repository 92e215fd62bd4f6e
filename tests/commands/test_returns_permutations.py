"""Returns of an order in every sequence, by commands: the same cents on each tender, and in the books."""

from __future__ import annotations

from itertools import permutations
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.returns.commands.refund import Refund, Refunded, refund
from tests.back import ASKS, asked, back, policy
from tests.floor import COMPANY, NOW, SYSTEM
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
