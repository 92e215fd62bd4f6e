"""settlement.take_payouts, settlement.explain"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import CloseDispute, OpenDispute, close_disputes, open_disputes
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.commands.settle import Settle, settle
from entrepot.settlement import errors, queries
from entrepot.settlement.commands.explain import Explain, Explained, explain
from entrepot.settlement.commands.take_payouts import PayoutTaken, TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    a_floor()


def charged(amount: int, reference: str, given_back: int = 0) -> UUID:
    """A payment captured under a reference, and refunded in part under `re_…`; the payment."""
    order = ids.uuid7()
    (paid,) = authorize(SYSTEM, requests=[Authorize(COMPANY, order, "fake", reference, "GBP", amount, NOW)])
    capture(SYSTEM, requests=[Capture(order, amount)])
    _answer(paid.payment, reference)
    if given_back:
        refund(SYSTEM, requests=[Refund(order, given_back)])
        _answer(paid.payment, f"re_{reference}")
    return paid.payment


def _answer(payment: UUID, reference: str) -> None:
    ((attempt,),) = sql.run(
        "SELECT id FROM payments_attempt WHERE payment_id = %(id)s AND state = 'waiting'", {"id": payment}
    )
    settle(SYSTEM, requests=[Settle(attempt, ok=True, provider_reference=reference)])


def a_payout(external_id: str, net: int, *lines: PayoutLine, **facts: object) -> TakePayout:
    return TakePayout(COMPANY, "fake", external_id, "GBP", net, lines, **facts)  # type: ignore[arg-type]


def test_a_payout_settles_charges_and_refunds_and_goes_to_the_bank():
    charged(10_000, "ch_1", given_back=2_500)
    charged(700, "ch_2")
    assert [(one.charges, one.refunds, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [
        (2, 1, 8_200)
    ]

    (taken,) = take_payouts(
        SYSTEM,
        requests=[
            a_payout(
                "po_1",
                7_340,
                PayoutLine("charge", "ch_1", 10_000, 160),
                PayoutLine("refund", "re_ch_1", 2_500),
            )
        ],
    )

    assert (taken.state, taken.open_lines, taken.fresh) == ("matched", 0, True)
    assert (balance(1000), balance(5210), balance(1100)) == (7_340, 160, 700)
    assert [(one.charges, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [(1, 700)]
    assert queries.discrepancies() == []


def test_what_differs_or_nobody_knows_waits_for_a_person_and_is_explained():
    charged(10_000, "ch_1")
    (taken,) = take_payouts(
        SYSTEM,
        requests=[
            a_payout("po_1", 9_950, PayoutLine("charge", "ch_1", 9_900), PayoutLine("charge", "ch_9", 60),
                     PayoutLine("fee", "", 0, 10))
        ],
    )  # fmt: skip
    assert (taken.state, taken.open_lines) == ("open", 2)
    assert balance(1100) == 40
    (item,) = work.of_subject(taken.payout)
    assert "2 lines do not match" in item.reason
    assert queries.discrepancies() == []

    unknown, silent, one = explain(
        SYSTEM,
        requests=[
            Explain(taken.payout, 9, "?"),
            Explain(taken.payout, 1, ""),
            Explain(taken.payout, 1, "a fee of theirs"),
        ],
    )
    assert isinstance(unknown, NotFound)
    assert isinstance(silent, Invalid)
    assert one == Explained(taken.payout, "open")
    again, last, whole = explain(
        SYSTEM,
        requests=[
            Explain(taken.payout, 1, "again"), Explain(taken.payout, 2, "a charge of last year"),
            Explain(taken.payout, 3, "nothing to say"),
        ],
    )  # fmt: skip
    assert isinstance(again, WrongState)
    assert last == Explained(taken.payout, "matched")
    assert isinstance(whole, WrongState)
    assert (balance(1100), balance(5210)) == (0, 10 + 100 - 60)
    assert work.of_subject(taken.payout)[0].state == "done"


def test_a_payout_is_taken_once_and_a_charge_settled_once():
    charged(10_000, "ch_1")
    request = a_payout("po_1", 10_000, PayoutLine("charge", "ch_1", 10_000), key="k")
    (first,) = take_payouts(SYSTEM, requests=[request])
    assert take_payouts(SYSTEM, requests=[request]) == [first]

    same, twice = take_payouts(
        SYSTEM,
        requests=[
            a_payout("po_1", 10_000, PayoutLine("charge", "ch_1", 10_000)),
            a_payout("po_2", 10_000, PayoutLine("charge", "ch_1", 10_000)),
        ],
    )

    assert same == PayoutTaken(first.payout, first.number, "matched", 0, fresh=False)
    assert twice.state == "open", "paid out before"
    assert balance(1000) == 20_000, "but the bank has it"


def test_a_report_that_does_not_add_up_is_refused():
    (refused,) = take_payouts(SYSTEM, requests=[a_payout("po_1", 99, PayoutLine("charge", "ch_1", 100))])
    assert isinstance(refused, errors.DoesNotAddUp)
    assert balance(1000) == 0


def test_a_dispute_is_charged_back_and_comes_back_when_it_is_won():
    payment = charged(10_000, "ch_1")
    take_payouts(SYSTEM, requests=[a_payout("po_1", 10_000, PayoutLine("charge", "ch_1", 10_000))])
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 4_000, "fraudulent")])
    assert [(one.disputes, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [(1, -4_000)]
    take_payouts(SYSTEM, requests=[a_payout("po_2", -4_000, PayoutLine("chargeback", "dp_1", 4_000))])
    assert queries.open_clearing(COMPANY) == []

    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=True)])
    take_payouts(SYSTEM, requests=[a_payout("po_3", 4_000, PayoutLine("chargeback_reversal", "dp_1", 4_000))])

    assert (balance(1100), balance(1160), balance(5310), balance(1000)) == (0, 0, 0, 10_000)
    assert queries.discrepancies() == []
    assert [one.external_id for one in queries.payouts(COMPANY)] == ["po_3", "po_2", "po_1"]


def test_a_lost_dispute_is_a_loss_and_can_not_be_refunded_as_well():
    payment = charged(10_000, "ch_1", given_back=7_000)
    (opened,) = open_disputes(
        SYSTEM, requests=[OpenDispute(payment, "dp_1", 5_000, evidence_due_at=NOW + timedelta(hours=36))]
    )
    (item,) = work.of_subject(opened.dispute)
    assert item.type == "disputed after refund", "2,000 of it had been refunded"
    ((order,),) = sql.run("SELECT order_id FROM payments_payment WHERE id = %(id)s", {"id": payment})
    (refused,) = refund(SYSTEM, requests=[Refund(order, 1)])
    assert refused.code == "payments.exceeds_captured"

    (closed,) = close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=False)])

    assert closed.state == "lost"
    assert balance(5310) == 5_000
    again, unknown = close_disputes(
        SYSTEM, requests=[CloseDispute(opened.dispute, won=True), CloseDispute(ids.uuid7(), won=True)]
    )
    assert isinstance(again, WrongState)
    assert isinstance(unknown, NotFound)
    assert work.of_subject(opened.dispute)[0].state == "done"


def test_a_dispute_is_opened_once_and_never_above_the_capture():
    payment = charged(1_000, "ch_1")
    first, same, more = open_disputes(
        SYSTEM,
        requests=[
            OpenDispute(payment, "dp_1", 600), OpenDispute(payment, "dp_1", 600), OpenDispute(payment, "dp_2", 500),
        ],
    )  # fmt: skip
    assert (first.fresh, same.fresh, same.dispute) == (True, False, first.dispute)
    assert more.code == "payments.not_a_payment"
    (unknown,) = open_disputes(SYSTEM, requests=[OpenDispute(ids.uuid7(), "dp_3", 1)])
    assert isinstance(unknown, NotFound)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_statements_do_not_grow_with_the_batch(statements, count):
    payment = charged(1_000, "ch_1")
    with statements() as ran:
        take_payouts(
            SYSTEM,
            requests=[a_payout(f"po_{i}", 10, PayoutLine("charge", f"ch_{i}", 10)) for i in range(count)],
        )
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 12, ran.texts
    ((payout,),) = sql.run("SELECT id FROM settlement_payout ORDER BY external_id LIMIT 1")
    with statements() as ran:
        explain(SYSTEM, requests=[Explain(payout, 1, "so")] * count)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 11, ran.texts
    with statements() as ran:
        open_disputes(SYSTEM, requests=[OpenDispute(payment, f"dp_{i}", 1) for i in range(count)])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 11, ran.texts
    disputes = [row[0] for row in sql.run("SELECT id FROM payments_dispute")]
    with statements() as ran:
        close_disputes(SYSTEM, requests=[CloseDispute(one, won=True) for one in disputes])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 12, ran.texts
