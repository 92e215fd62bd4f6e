"""settlement.split_payout_lines, and what a line of a payout may be"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.orders.commands.place import PaymentGiven
from entrepot.settlement import fit_queries, queries, rules
from entrepot.settlement.commands.explain import Explain, Explained, explain
from entrepot.settlement.commands.split_payout_lines import (
    PayoutLineSplit,
    SplitPayoutLine,
    split_payout_lines,
)
from entrepot.settlement.rules import PayoutLine
from tests.back import sold
from tests.commands.test_settlement import ROOMS, a_payout, answered, charged, entries, taken
from tests.commands.test_settlement_explain import attempt, state
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES
from tests.together import at_once
from tests.walk import a_house

pytestmark = pytest.mark.alone(*ROOMS)


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def split(payout: UUID, line: int, *amounts: int, key: str | None = None) -> object:
    return split_payout_lines(SYSTEM, requests=[SplitPayoutLine(payout, line, amounts, key)])[0]


def waiting(payout: UUID) -> list[tuple[int, int]]:
    return [(one.number, one.amount_minor) for one in queries.open_lines([payout])]


def test_two_charges_that_are_told_as_one_are_split_and_each_is_found(house: None):
    """A part that was split wrong is split anew, what is settled stays, and the fee is booked once."""
    charged(10_000, "ch_1")
    charged(5_000, "ch_2")
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "ch_1", 15_000, 90), PayoutLine("fee", "", 0, 5)))
    which = payout.payout
    assert state(which) == ("differs", -5_000, "we know 100.00 GBP, the payout says 150.00 GBP")

    assert split(which, 1, 9_000, 6_000, key="k") == PayoutLineSplit(which, (1, 3))
    assert split(which, 1, 9_000, 6_000, key="k") == PayoutLineSplit(which, (1, 3)), "the answer of the key"
    assert split(which, 3, 15_000) == PayoutLineSplit(which, (1,)), "one amount puts it together"
    assert split(which, 1, 10_000, 4_000, 1_000) == PayoutLineSplit(which, (1, 4, 5))
    assert state(which) == ("unmatched", -10_000, "of a line over 150.00 GBP")
    assert {one.whole_minor for one in queries.lines(which)} == {15_000, None}
    assert balance(1100) == 0
    assert explain(SYSTEM, requests=[Explain(which, 1, known=attempt("ch_1"))]) == [Explained(which, "open")]
    assert split(which, 5, 5_000) == PayoutLineSplit(which, (4,)), "what is settled stays"
    assert waiting(which) == [(4, 5_000)]
    assert explain(SYSTEM, requests=[Explain(which, 4, known=attempt("ch_2"))]) == [
        Explained(which, "matched")
    ]
    assert (balance(1100), balance(5210), entries()) == (0, 95, [])
    assert isinstance(split(which, 4, 5_000), WrongState)


def test_what_is_no_split_is_refused(house: None):
    charged(10_000, "ch_1")
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "a", 60), PayoutLine("chargeback", "b", 30),
                 PayoutLine("charge", "ch_1", 10_000))
    )  # fmt: skip
    which = payout.payout
    assert isinstance(split(ids.uuid7(), 1, 60), NotFound)
    assert isinstance(split(which, 9, 60), NotFound)
    assert isinstance(split(which, 3, 5_000, 5_000), WrongState), "it is matched"
    for amounts in ((), (30, 20), (70, -10), (60, 0), (1,) * 101):
        refused = split(which, 1, *amounts)
        assert isinstance(refused, Invalid) and refused.facts["field"] == "amounts", amounts
    kind = split(which, 2, 10, 20)
    assert isinstance(kind, Invalid) and kind.facts["found"] == "chargeback"
    _, twice = split_payout_lines(
        SYSTEM, requests=[SplitPayoutLine(which, 1, (30, 30)), SplitPayoutLine(which, 1, (20, 40))]
    )
    assert isinstance(twice, Invalid) and twice.facts["expected"] == "each line once"
    split(which, 1, 30, 30, key="k")
    reused = split(which, 1, 20, 40, key="k")
    assert reused == RequestReused(key="k", command="settlement.split_payout_lines")
    nobody = Cause(Actor("nobody"), NOW, "a test")
    (not_allowed,) = split_payout_lines(nobody, requests=[SplitPayoutLine(which, 1, (60,))])
    assert isinstance(not_allowed, NotPermitted)


@given(st.lists(st.integers(-50, 10**6), max_size=110), st.integers(-50, 10**6))
def test_parts_go_the_way_of_their_line_and_make_it(amounts: list[int], whole: int):
    fits = not rules.misfit_parts(amounts, whole)
    assert fits == (
        0 < len(amounts) <= rules.PARTS_MAX and all(one > 0 for one in amounts) and sum(amounts) == whole
    )
    assert (
        not amounts
        or len(amounts) > 100
        or min(amounts) <= 0
        or not rules.misfit_parts(amounts, sum(amounts))
    )


@pytest.mark.counts("settlement.split_payout_lines")
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts, looks = [], []
    for size in SIZES:
        lines = [PayoutLine("charge", f"t{size}-{n}", 60) for n in range(size)]
        (payout,) = taken(a_payout(f"po_{size}", *lines))
        requests = [SplitPayoutLine(payout.payout, n + 1, (20, 40)) for n in range(size)]
        with statements() as ran:
            assert len(split_payout_lines(SYSTEM, requests=requests)) == size
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            fit_queries.fits(COMPANY, [(payout.payout, n + 1) for n in range(size)], limit=6)
        looks.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
    assert set(looks) == {1}


def test_a_line_is_split_or_found_one_after_the_other(committed_db: None):
    a_floor(skus=0, channels=())
    charged(60, "ch_1")
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "a", 60)))
    known = attempt("ch_1")
    at_once([
        lambda: split(payout.payout, 1, 20, 40), lambda: split(payout.payout, 1, 30, 30),
        lambda: explain(SYSTEM, requests=[Explain(payout.payout, 1, known=known)])[0],
    ] * 3)  # fmt: skip
    assert sum(one.amount_minor for one in queries.lines(payout.payout)) == 60
    assert sum(one.amount_minor for one in queries.open_entries(COMPANY, "GBP")) == balance(1100)


@pytest.mark.django_db
def test_what_a_line_may_be_is_found_by_amount_name_and_order():
    """The nearest of its amount first; what is settled, of another provider or of another kind is none."""
    house = a_house()
    house.stock(0, 20)
    paid = [PaymentGiven("fake", f"auth_{n}", 20_000, NOW) for n in range(3)]
    orders = [sold(house, 1, (0, n), payment=paid[n - 1])[0] for n in (1, 1, 2)]
    sold(house, 1, (0, 1))
    payments = {
        order: sql.run("SELECT id FROM payments_payment WHERE order_id = %(order)s::uuid", {"order": order})[
            0
        ][0]
        for order in orders
    }
    for n, order in enumerate(orders):
        answered(payments[order], f"ch_{n}")
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "x", 999), PayoutLine("charge", "ch_0", 1_500),
                 PayoutLine("refund", "y", 999), provider="fake")
    )  # fmt: skip
    which = payout.payout
    shown = fit_queries.line(COMPANY, which, 1)
    assert shown and (shown.kind, shown.reference, shown.amount_minor) == ("charge", "x", 999)
    assert fit_queries.line(COMPANY + 1, which, 1) is None

    def told(line: int, **asked: Any) -> list[tuple[str, int, UUID]]:
        found = fit_queries.fits(COMPANY, [(which, line)], limit=6, **asked)[which, line]
        return [(one.reference, one.amount_minor, one.order) for one in found]

    assert told(1) == [("ch_1", 999, orders[1])], (
        "the first was settled by its name, though over another amount"
    )
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE id = %(id)s::uuid", {"id": orders[2]})
    other = ("ch_2", 1_998, orders[2])
    assert told(1, said=[number]) == [("ch_1", 999, orders[1]), other]
    assert told(1, said=["ch_2"])[1:] == told(1, amounts=[1_998])[1:] == [other]
    ((name,),) = sql.run("SELECT external_id FROM orders_order WHERE id = %(id)s::uuid", {"id": orders[2]})
    assert told(1, said=[name])[1:] == [other]
    assert told(3, said=[number]) == [], "a charge is no refund"
    (done,) = explain(SYSTEM, requests=[Explain(which, 1, known=attempt("ch_1"))])
    assert isinstance(done, Explained)
    assert told(1) == []
