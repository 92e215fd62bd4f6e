"""However an order comes back, in whatever parts and order: it ends at the same cents, in the ledger and in payments.

Each order has a discount, shipping and tax of its own, and was paid by two tenders.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from uuid import UUID

import pytest
from django.db import transaction

from entrepot.kernel import sql
from entrepot.ledger import queries as ledger
from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.returns import queries
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.refund import Refund, refund
from tests.back import APPROVES, ASKS, asked, back, policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db

UNITS = (2, 1, 1)
DISCOUNT, SHIPPING, TAX = 101, 502, 703
GOODS = sum(UNITS) * 999 - DISCOUNT
TOTAL = GOODS + SHIPPING + TAX
FIRST = 2000
"""What the first tender bears of it."""


@pytest.fixture
def order(db: None) -> UUID:
    """Sent and captured, over two tenders."""
    house: Floor = a_house()
    for sku in range(3):
        house.stock(sku, 50, cost=5_003)
    (order,) = placed(
        house, 1, *enumerate(UNITS), discount_minor=DISCOUNT, shipping_minor=SHIPPING, tax_minor=TAX,
        payment=PaymentGiven("account", "a voucher", FIRST, NOW),
    )  # fmt: skip
    rest = Authorize(COMPANY, order, "account", "an account", "GBP", TOTAL - FIRST, NOW)
    authorize(SYSTEM, requests=[rest])
    ((hold,),) = sql.run("SELECT id FROM orders_hold")
    release_holds(SYSTEM, requests=[ReleaseHold(hold, "the rest is covered")])
    shipped(order)
    assert captured(order) == [(FIRST, 0), (TOTAL - FIRST, 0)]
    return order


def captured(order: UUID) -> list[tuple[int, int]]:
    """What each tender bore and gave back."""
    return [(one.captured_minor, one.refunded_minor) for one in payments.of_order(order)]


def refunded(one: UUID, units: int) -> int:
    (answer,) = refund(ASKS, requests=[Refund(one)])
    assert (answer.state, units) == ("paid", queries.return_(one).units)
    return answer.total_minor


def assert_all_came_back(order: UUID) -> None:
    """Nothing of the sale is left: not in the books, not in the tenders, not in the lines."""
    kinds = ledger.sums_by_kind(company=COMPANY)
    returned = [kinds.get(f"return.{kind}", 0) for kind in ("goods", "shipping", "tax", "fee")]
    assert returned == [-GOODS, -SHIPPING, -TAX, 0]
    left = {account: balance(account) for account in (1100, 2100, 2200, 2300, 4010)}
    assert set(left.values()) == {0}, left
    assert balance(4000) + balance(4090) + balance(4100) == 0
    assert captured(order) == [(FIRST, FIRST), (TOTAL - FIRST, TOTAL - FIRST)]
    sold = sql.run("SELECT goods_minor, tax_minor FROM returns_sold ORDER BY line_id")
    frozen = sql.run(
        "SELECT gross_minor - discount_minor, tax_minor FROM orders_line WHERE order_id = %(order)s ORDER BY id",
        {"order": order},
    )
    assert sold == frozen
    assert orders.order(order).payment == "refunded"


def in_turns() -> list[tuple[int, ...]]:
    """Every order in which single units can come back, by their lines."""
    units = [line for line, count in enumerate(UNITS) for _ in range(count)]
    return sorted(set(permutations(units)))


def in_parts(left: tuple[int, ...] = UNITS) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every sequence of returns, each so many units of each line, that ends with all of them."""
    if not any(left):
        yield ()
    for a in range(left[0] + 1):
        for b in range(left[1] + 1):
            for c in range(left[2] + 1):
                if a or b or c:
                    for rest in in_parts((left[0] - a, left[1] - b, left[2] - c)):
                        yield ((a, b, c), *rest)


def test_every_permutation_of_single_units_ends_at_the_same_cents(order: UUID):
    turns = in_turns()
    assert len(turns) == 12
    stock, cost = balance(1200), balance(5000)
    for number, lines in enumerate(turns):
        reasons = ("changed_mind", "defective", "not_given")
        with transaction.atomic():
            for turn, line in enumerate(lines):
                one = asked(order, *(int(line == i) for i in range(3)), reason=reasons[(number + turn) % 3])
                back(one)
                refunded(one.return_id, 1)
            assert_all_came_back(order)
            assert balance(1200) - stock == cost - balance(5000) == cost, "and its cost, to the penny"
            assert queries.discrepancies() + payments.discrepancies() + ledger.discrepancies() == []
            transaction.set_rollback(True)


def test_every_way_to_part_it_ends_at_the_same_cents(order: UUID):
    policy(refund_at="authorized")
    ways = list(in_parts())
    assert len(ways) == 44
    for way in ways:
        with transaction.atomic():
            totals = [refunded(asked(order, *part).return_id, sum(part)) for part in way]
            assert sum(totals) == TOTAL
            assert_all_came_back(order)
            transaction.set_rollback(True)


def test_a_refund_that_was_rejected_between_changes_nothing_of_it(order: UUID):
    policy(refund_at="authorized", approve_above_minor=0)
    for rejected in in_turns():
        with transaction.atomic():
            first = [asked(order, *(int(line == i) for i in range(3))).return_id for line in rejected]
            waits = refund(ASKS, requests=[Refund(one) for one in first])
            no = [Approve(one.refund, agree=False, reason="not yet") for one in (waits[0], waits[2])]
            yes = [Approve(one.refund) for one in (waits[3], waits[1])]
            approve(APPROVES, requests=[*no, *yes])
            again = refund(ASKS, requests=[Refund(first[2]), Refund(first[0])])
            approve(APPROVES, requests=[Approve(one.refund) for one in again])
            assert_all_came_back(order)
            transaction.set_rollback(True)
