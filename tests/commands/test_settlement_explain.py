"""settlement.explain"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.refund import Refund, refund
from entrepot.settlement import errors, queries
from entrepot.settlement.commands.explain import Explain, Explained, explain
from entrepot.settlement.commands.take_payouts import take_payouts
from entrepot.settlement.rules import PayoutLine
from entrepot.work import queries as work
from tests.commands.test_settlement import ROOMS, a_payout, answered, charged, entries, taken
from tests.floor import NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES
from tests.together import at_once

pytestmark = pytest.mark.alone(*ROOMS)


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def attempt(reference: str) -> UUID:
    ((found,),) = sql.run(
        "SELECT id FROM payments_attempt WHERE provider_reference = %(name)s::text", {"name": reference}
    )
    return found


def state(payout: UUID, line: int = 1) -> tuple[str, int, str]:
    one = queries.lines(payout)[line - 1]
    return one.state, one.difference_minor, one.reason


def test_what_a_person_explains_leaves_the_clearing_account(house: None):
    charged(10_000, "ch_1")
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 9_900), PayoutLine("charge", "ch_9", 60),
                 PayoutLine("fee", "", 0, 10))
    )  # fmt: skip
    assert balance(1100) == 40

    unknown, nowhere, silent, one = explain(SYSTEM, requests=[
        Explain(payout.payout, 9, "?"), Explain(ids.uuid7(), 1, "?"), Explain(payout.payout, 1),
        Explain(payout.payout, 1, "a fee of theirs"),
    ])  # fmt: skip
    assert isinstance(unknown, NotFound)
    assert isinstance(nowhere, NotFound)
    assert isinstance(silent, Invalid)
    assert one == Explained(payout.payout, "open")
    assert work.of_subject(payout.payout)[0].state == "open"

    again, last, whole = explain(SYSTEM, requests=[
        Explain(payout.payout, 1, "again"), Explain(payout.payout, 2, "a charge of last year"),
        Explain(payout.payout, 3, "nothing to say"),
    ])  # fmt: skip
    assert isinstance(again, WrongState)
    assert last == Explained(payout.payout, "matched")
    assert isinstance(whole, WrongState)
    assert (balance(1100), balance(5210)) == (0, 10 + 100 - 60)
    assert state(payout.payout) == ("explained", 100, "a fee of theirs")
    assert work.of_subject(payout.payout)[0].state == "done"
    assert entries() == []


def test_a_line_under_another_name_is_matched_by_hand(house: None):
    charged(10_000, "ch_1")
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "txn_777", 10_000)))
    assert sorted(entries()) == [("charge", "ch_1", 10_000), ("line", "txn_777", -10_000)]

    (answer,) = explain(SYSTEM, requests=[Explain(payout.payout, 1, known=attempt("ch_1"))])

    assert answer == Explained(payout.payout, "matched")
    assert state(payout.payout) == ("matched", 0, "matched by hand")
    assert entries() == []
    assert balance(5210) == 0, "nothing is booked: it was where it belongs"
    assert work.of_subject(payout.payout)[0].state == "done"
    (later,) = taken(a_payout("po_2", PayoutLine("charge", "ch_1", 10_000)))
    assert state(later.payout) == ("unmatched", -10_000, "ch_1 was paid out before")


def test_a_refund_that_was_paid_out_before_we_knew_of_it_is_matched_when_we_do(house: None):
    payment = charged(10_000, "ch_1")
    ((order,),) = sql.run("SELECT order_id FROM payments_payment")
    refund(SYSTEM, requests=[Refund(order, 2_000)])
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), PayoutLine("refund", "re_1", 2_000))
    )
    assert state(payout.payout, 2) == ("unmatched", 2_000, "no refund is known under re_1")
    ((waiting,),) = sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting'")
    (early,) = explain(SYSTEM, requests=[Explain(payout.payout, 2, known=waiting)])
    assert isinstance(early, NotFound), "its provider has not said that it is done"

    answered(payment, "re_1")
    (answer,) = explain(SYSTEM, requests=[Explain(payout.payout, 2, known=waiting)])

    assert answer == Explained(payout.payout, "matched")
    assert entries() == []


def test_what_is_matched_in_part_waits_for_a_reason_or_gets_it_at_once(house: None):
    charged(10_000, "ch_1")
    charged(500, "ch_2")
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "txn_1", 9_900), PayoutLine("charge", "txn_2", 510))
    )

    first, second = explain(SYSTEM, requests=[
        Explain(payout.payout, 1, known=attempt("ch_1")),
        Explain(payout.payout, 2, "they gave us ten", known=attempt("ch_2")),
    ])  # fmt: skip

    assert first == second == Explained(payout.payout, "open")
    assert state(payout.payout, 1) == ("differs", 100, "we know 100.00 GBP, the payout says 99.00 GBP")
    assert state(payout.payout, 2) == ("explained", -10, "they gave us ten")
    assert entries() == [("line", "txn_1", 100)]
    assert balance(5210) == -10

    assert explain(SYSTEM, requests=[Explain(payout.payout, 1, "a fee of theirs")]) == [
        Explained(payout.payout, "matched")
    ]
    assert (balance(1100), balance(5210)) == (0, 90)


def test_a_line_is_matched_and_explained_in_one_batch(house: None):
    charged(10_000, "ch_1")
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "txn_1", 9_900)))

    answers = explain(SYSTEM, requests=[
        Explain(payout.payout, 1, known=attempt("ch_1")), Explain(payout.payout, 1, "a fee of theirs"),
    ])  # fmt: skip

    assert answers == [Explained(payout.payout, "matched")] * 2
    assert state(payout.payout) == ("explained", 100, "a fee of theirs")
    assert (balance(1100), balance(5210)) == (0, 100)


def test_disputes_are_matched_by_hand_on_both_sides(house: None):
    payment = charged(10_000, "ch_1")
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 4_000)])
    (payout,) = taken(
        a_payout(
            "po_1", PayoutLine("chargeback", "cb_1", 4_000), PayoutLine("chargeback_reversal", "cb_1", 4_000)
        )
    )
    requests = [Explain(payout.payout, line, known=opened.dispute) for line in (1, 2)]
    taken_back, not_won = explain(SYSTEM, requests=requests)
    assert taken_back == Explained(payout.payout, "open")
    assert isinstance(not_won, errors.DoesNotFit), "it was not won, so nothing comes back"

    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=True)])
    assert explain(SYSTEM, requests=requests[1:]) == [Explained(payout.payout, "matched")]
    assert entries() == [("charge", "ch_1", 10_000)]


def test_the_fee_of_a_chargeback_is_booked_once_whether_its_line_is_matched_or_found_by_hand(house: None):
    payment = charged(10_000, "ch_1")
    opened = open_disputes(SYSTEM, requests=[
        OpenDispute(payment, name, 1_000, fee_minor=1_500) for name in ("dp_1", "dp_2")
    ])  # fmt: skip
    assert entries()[1:] == [("dispute", "dp_1", -2_500), ("dispute", "dp_2", -2_500)]
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), PayoutLine("chargeback", "dp_1", 1_000, 1_500),
                 PayoutLine("chargeback", "cb_2", 1_000, 1_500))
    )  # fmt: skip
    assert (balance(5220), balance(5210)) == (3_000, 1_500), "whose the second is nobody knows yet"
    explain(SYSTEM, requests=[Explain(payout.payout, 3, known=opened[1].dispute)])
    assert (balance(5220), balance(5210), balance(1100)) == (3_000, 0, 0)
    assert entries() == []
    close_disputes(SYSTEM, requests=[CloseDispute(opened[0].dispute, won=True, fee_returned_minor=1_500)])
    assert entries() == [("dispute", "dp_1", 2_500)]
    taken(a_payout("po_2", PayoutLine("chargeback_reversal", "dp_1", 1_000, -1_500)))
    assert (balance(5220), balance(5210), balance(1100)) == (1_500, 0, 0)


def test_a_line_is_not_matched_with_what_it_can_not_be(house: None):
    charged(10_000, "ch_1", given_back=60)
    charged(60, "ch_2")
    (before,) = taken(a_payout("po_0", PayoutLine("charge", "ch_2", 60)))
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "a", 60), PayoutLine("charge", "b", 10_000)))
    (elsewhere,) = taken(a_payout("po_1", PayoutLine("charge", "a", 10_000), provider="account"))
    known, back, gone = attempt("ch_1"), attempt("re_ch_1"), attempt("ch_2")

    other_kind, other_provider, settled, nothing, good, twice = explain(SYSTEM, requests=[
        Explain(payout.payout, 1, known=back), Explain(elsewhere.payout, 1, known=known),
        Explain(payout.payout, 1, known=gone), Explain(payout.payout, 1, known=ids.uuid7()),
        Explain(payout.payout, 2, known=known), Explain(payout.payout, 1, known=known),
    ])  # fmt: skip

    assert other_kind == errors.DoesNotFit(
        line=1,
        payout=payout.number,
        expected="charge of fake in GBP",
        known=str(back),
        found="a refund of fake in GBP",
    )
    assert other_provider == errors.DoesNotFit(
        line=1, payout=elsewhere.number, expected="charge of account in GBP", known=str(known),
        found="a charge of fake in GBP",
    )  # fmt: skip
    assert settled == errors.PaidOutBefore(known=str(gone), line=1, payout=before.number)
    assert isinstance(nothing, NotFound)
    assert good == Explained(payout.payout, "open")
    assert twice == errors.PaidOutBefore(known=str(known), line=2, payout=payout.number)
    (matched_already,) = explain(SYSTEM, requests=[Explain(payout.payout, 2, known=known)])
    assert isinstance(matched_already, WrongState)


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: None):
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "a", 60), PayoutLine("charge", "b", 60)))
    request = Explain(payout.payout, 1, "so", key="k")
    first = explain(SYSTEM, requests=[request])

    assert explain(SYSTEM, requests=[request]) == first == [Explained(payout.payout, "open")]
    assert balance(5210) == -60
    reused = explain(SYSTEM, requests=[Explain(payout.payout, 2, "so", key="k")])
    assert reused == [RequestReused(key="k", command="settlement.explain")]
    nobody = Cause(Actor("nobody"), NOW, "a test")
    (refused,) = explain(nobody, requests=[Explain(payout.payout, 2, "so")])
    assert isinstance(refused, NotPermitted)


def test_a_line_is_explained_once_however_many_explain_it(committed_db: None):
    a_floor(skus=0, channels=())
    charged(60, "ch_1")
    (payout,) = taken(a_payout("po_1", PayoutLine("charge", "a", 60)))
    known = attempt("ch_1")
    requests = [Explain(payout.payout, 1, "so"), Explain(payout.payout, 1, known=known)] * 8

    answers = at_once([lambda one=one: explain(SYSTEM, requests=[one])[0] for one in requests])

    assert sum(isinstance(one, Explained) for one in answers) == 1
    assert sum(isinstance(one, WrongState) for one in answers) == 15
    assert sum(one.amount_minor for one in queries.open_entries(1, "GBP")) == balance(1100)


def test_a_charge_is_matched_by_hand_or_by_its_name_not_both(committed_db: None):
    a_floor(skus=0, channels=())
    for n in range(5):
        charged(60, f"ch_{n}")
        (payout,) = taken(a_payout(f"po_{n}", PayoutLine("charge", f"txn_{n}", 60)))
        by_hand = Explain(payout.payout, 1, known=attempt(f"ch_{n}"))
        by_name = a_payout(f"po_{n}_late", PayoutLine("charge", f"ch_{n}", 60))

        hand, name = at_once([
            lambda one=by_hand: explain(SYSTEM, requests=[one])[0],
            lambda one=by_name: take_payouts(SYSTEM, requests=[one])[0],
        ])  # fmt: skip

        assert isinstance(hand, Explained) == (name.state == "open")
    assert sum(one.amount_minor for one in queries.open_entries(1, "GBP")) == balance(1100)


@pytest.mark.counts("settlement.explain")
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts = []
    for size in SIZES:
        lines = [PayoutLine("charge", f"ch_{size}_{i}", 10) for i in range(size)]
        payouts = taken(*[a_payout(f"po_{size}_{i}", one) for i, one in enumerate(lines)])
        (long,) = taken(a_payout(f"po_{size}_long", *lines))
        with statements() as ran:
            apart = explain(
                SYSTEM, requests=[Explain(one.payout, 1, "so", key=f"a{one.number}") for one in payouts]
            )
        many = len([text for text in ran.texts if "SAVEPOINT" not in text])
        with statements() as ran:
            together = explain(SYSTEM, requests=[
                Explain(long.payout, i + 1, "so", key=f"t{size}{i}") for i in range(size)
            ])  # fmt: skip
        assert {one.state for one in (*apart, *together)} == {"matched"}
        counts.append((many, len([text for text in ran.texts if "SAVEPOINT" not in text])))
    assert len(set(counts)) == 1, counts
    assert counts[0] == (14, 14), "12, and two for keys"
