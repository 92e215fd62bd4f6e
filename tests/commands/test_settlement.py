"""settlement.take_payouts"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import AllOrNothing, NotPermitted, RequestReused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.providers import Asked, Outcome, fake
from entrepot.settlement import errors, queries
from entrepot.settlement.commands.explain import Explain, explain
from entrepot.settlement.commands.take_payouts import _RESERVES, PayoutTaken, TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine, Providers, gross
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.plans import rows_read
from tests.sizes import SIZES
from tests.together import at_once

ROOMS = ("kernel", "ledger", "payments", "work", "settlement")
pytestmark = pytest.mark.alone(*ROOMS)


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def charged(amount: int, reference: str, given_back: int = 0, currency: str = "GBP") -> UUID:
    """A payment captured under a reference, and refunded in part under `re_…`; the payment."""
    order = ids.uuid7()
    (paid,) = authorize(
        SYSTEM, requests=[Authorize(COMPANY, order, "fake", reference, currency, amount, NOW)]
    )
    capture(SYSTEM, requests=[Capture(order, amount)])
    answered(paid.payment, reference)
    if given_back:
        refund(SYSTEM, requests=[Refund(order, given_back)])
        answered(paid.payment, f"re_{reference}")
    return paid.payment


def answered(payment: UUID, reference: str) -> None:
    ((attempt,),) = sql.run(
        "SELECT id FROM payments_attempt WHERE payment_id = %(id)s AND state = 'waiting'", {"id": payment}
    )
    settle(SYSTEM, requests=[Settle(attempt, ok=True, provider_reference=reference)])


def a_payout(external_id: str, *lines: PayoutLine, **facts: object) -> TakePayout:
    """A payout over just what its lines make."""
    net = gross(lines) - sum(line.fee_minor for line in lines)
    facts = {"currency": "GBP", "net_minor": net, "provider": "fake", "company": COMPANY} | facts
    return TakePayout(external_id=external_id, lines=lines, **facts)  # type: ignore[arg-type]


def taken(*requests: TakePayout) -> list[PayoutTaken]:
    answers = take_payouts(SYSTEM, requests=requests)
    assert all(isinstance(one, PayoutTaken) for one in answers), answers
    return answers  # type: ignore[return-value]


def entries() -> list[tuple[str, str, int]]:
    """What account 1100 holds, one by one; and that it is all it holds."""
    found = queries.open_entries(COMPANY, "GBP")
    assert sum(one.amount_minor for one in found) == balance(1100)
    return [(one.kind, one.reference, one.amount_minor) for one in found]


def test_what_a_provider_holds_back_comes_with_a_later_payout(house: None):
    """Of 100.00 and 50.00 a marketplace holds 30.00 back, and brings 25.00 of them and 10.00 that nobody knew of."""
    charged(10_000, "ch_1")
    charged(5_000, "ch_2")
    (first,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000, 100), PayoutLine("reserve_held", "", 3_000))
    )
    assert (first.state, balance(1000), balance(1120), balance(1100)) == ("matched", 6_900, 3_000, 5_000)
    assert [(one.provider, one.currency, one.reserve_minor) for one in queries.reserves(COMPANY)] == [
        ("fake", "GBP", 3_000)
    ]

    lines = [PayoutLine("reserve_released", "", amount) for amount in (2_500, 1_500)]
    (second,) = taken(a_payout("po_2", PayoutLine("charge", "ch_2", 5_000), *lines))
    assert (second.state, second.open_lines, balance(1120), balance(1100)) == ("open", 1, 0, -1_000)
    assert queries.reserves(COMPANY) == []
    explain(SYSTEM, requests=[Explain(second.payout, 3, "a reserve of before these books")])
    assert (balance(1100), balance(1120), balance(1000)) == (0, 0, 6_900 + 9_000)


def test_what_a_marketplace_keeps_is_what_selling_there_costs(house: None):
    """By the policy, as it was when the payout was taken: also the difference that a person explains later."""
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.payouts", Providers(("fake",)), NOW)])
    charged(10_000, "ch_1")
    charged(5_000, "ch_2")
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000, 1_500), PayoutLine("charge", "ch_2", 4_900),
                 PayoutLine("fee", "subscription", 0, 39))
    )  # fmt: skip
    assert (balance(5200), balance(5210), balance(1100)) == (1_539, 0, 100)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.payouts", Providers(), NOW)])
    explain(SYSTEM, requests=[Explain(payout.payout, 2, "they keep it for advertising")])
    assert (balance(5200), balance(5210), balance(1100)) == (1_639, 0, 0)

    charged(700, "ch_3")
    taken(a_payout("po_2", PayoutLine("charge", "ch_3", 700, 20)))
    assert (balance(5200), balance(5210)) == (1_639, 20), "of any other provider they are bank charges"


def test_the_fee_of_a_marketplaces_chargeback_moves_to_chargebacks_from_its_fees(house: None):
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.payouts", Providers(("fake",)), NOW)])
    payment = charged(10_000, "ch_1")
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 1_000, fee_minor=1_500)])
    (payout,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), PayoutLine("chargeback", "cb_1", 1_000, 1_500))
    )
    assert (balance(5220), balance(5200)) == (1_500, 1_500), "whose the second is nobody knows yet"
    explain(SYSTEM, requests=[Explain(payout.payout, 2, known=opened.dispute)])
    assert (balance(5220), balance(5200), balance(5210), balance(1100)) == (1_500, 0, 0, 0)


def test_a_reserve_that_is_released_before_it_is_held_is_taken_out_by_a_payout_of_ones_own(house: None):
    """Payouts out of order: what was explained is put back, and nothing stays held for ever."""
    (later,) = taken(a_payout("po_2", PayoutLine("reserve_released", "", 3_000)))
    explain(SYSTEM, requests=[Explain(later.payout, 1, "held by po_1, which comes late")])
    charged(10_000, "ch_1")
    taken(a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), PayoutLine("reserve_held", "", 3_000)))
    assert (balance(1120), balance(5210)) == (3_000, -3_000)

    own = a_payout(
        "po_1 released", PayoutLine("reserve_released", "", 3_000), PayoutLine("fee", "", 0, 3_000)
    )
    assert (own.net_minor, taken(own)[0].state) == (0, "matched")
    assert (balance(1120), balance(5210), balance(1100), balance(1000)) == (0, 0, 0, 10_000)
    assert (queries.reserves(COMPANY), queries.discrepancies()) == ([], [])


def test_what_others_hold_back_is_not_read_for_a_payout(house: None):
    """However long the history of others is: only lines of the provider's own payouts are read."""
    sql.run(_HISTORY, {"ids": [ids.uuid7() for _ in range(2_000)], "company": COMPANY})
    taken(a_payout("po_1", PayoutLine("charge", "", 100), PayoutLine("reserve_held", "", 100)))
    sql.run("ANALYZE settlement_payout")
    sql.run("ANALYZE settlement_payoutline")
    params = {"companies": [COMPANY], "providers": ["fake"]}
    assert [row[1:] for row in sql.run(_RESERVES, params)] == [("fake", "GBP", 100)]
    assert rows_read(_RESERVES, params) < 20


_HISTORY = """
WITH made AS (
    INSERT INTO settlement_payout (id, number, company_id, provider, external_id, currency, gross_minor, fee_minor,
                                   net_minor, state, arrived_at)
    SELECT id, id::text, %(company)s::int, 'other', id::text, 'GBP', 0, 0, 0, 'matched', now()
    FROM unnest(%(ids)s::uuid[]) AS d(id))
INSERT INTO settlement_payoutline (payout_id, number, kind, reference, amount_minor, fee_minor, state)
SELECT id, n, CASE n WHEN 1 THEN 'reserve_held' ELSE 'reserve_released' END, '', 5, 0, 'matched'
FROM unnest(%(ids)s::uuid[]) AS d(id) CROSS JOIN generate_series(1, 2) AS n
"""


def test_a_payout_settles_charges_and_refunds_and_goes_to_the_bank(house: None):
    charged(10_000, "ch_1", given_back=2_500)
    charged(700, "ch_2")
    assert [(one.charges, one.refunds, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [
        (2, 1, 8_200)
    ]
    assert sorted(entries()) == [
        ("charge", "ch_1", 10_000),
        ("charge", "ch_2", 700),
        ("refund", "re_ch_1", -2_500),
    ]

    charge, back = PayoutLine("charge", "ch_1", 10_000, 160), PayoutLine("refund", "re_ch_1", 2_500)
    (one,) = taken(a_payout("po_1", charge, back, net_minor=7_340))

    assert (one.state, one.open_lines, one.fresh) == ("matched", 0, True)
    assert (balance(1000), balance(5210), balance(1100)) == (7_340, 160, 700)
    assert [(one.charges, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [(1, 700)]
    assert entries() == [("charge", "ch_2", 700)]
    assert work.of_subject(one.payout) == []
    (row,) = queries.payouts(COMPANY)
    assert (row.gross_minor, row.fee_minor, row.net_minor, row.lines, row.open_lines) == (
        7_500,
        160,
        7_340,
        2,
        0,
    )
    assert [(line.kind, line.state) for line in queries.lines(one.payout)] == [
        ("charge", "matched"), ("refund", "matched"),
    ]  # fmt: skip


def test_what_differs_is_unknown_or_was_paid_out_before_waits_for_the_controller(house: None):
    charged(10_000, "ch_1")
    charged(500, "ch_2")
    taken(a_payout("po_1", PayoutLine("charge", "ch_2", 500)))

    (one,) = taken(
        a_payout(
            "po_2", PayoutLine("charge", "ch_1", 9_900), PayoutLine("charge", "ch_9", 60),
            PayoutLine("charge", "ch_2", 500), PayoutLine("charge", "", 7), PayoutLine("fee", "monthly", 0, 10),
        )
    )  # fmt: skip

    assert (one.state, one.open_lines) == ("open", 4)
    (item,) = work.of_subject(one.payout)
    assert (item.type, item.role) == ("payout to explain", "controller")
    assert "lines that do not match: 4." in item.reason
    assert [line.reason for line in queries.lines(one.payout)] == [
        "we know 100.00 GBP, the payout says 99.00 GBP", "no charge is known under ch_9", "ch_2 was paid out before",
        "no charge is known under no reference", "",
    ]  # fmt: skip
    assert [line.number for line in queries.lines(one.payout, after=2, limit=2)] == [3, 4]
    assert sorted(entries()) == [
        ("line", "", -7),
        ("line", "ch_1", 100),
        ("line", "ch_2", -500),
        ("line", "ch_9", -60),
    ]
    assert balance(1000) == 500 + 9_900 + 60 + 500 + 7 - 10, "but the bank has it"


def test_a_payout_is_taken_once(house: None):
    charged(10_000, "ch_1")
    request = a_payout("po_1", PayoutLine("charge", "ch_1", 10_000), key="k")
    (first,) = taken(request)

    assert take_payouts(SYSTEM, requests=[request]) == [first]
    again = a_payout("po_1", PayoutLine("charge", "ch_1", 10_000))
    same, twice = taken(again, again)

    assert same == twice == PayoutTaken(first.payout, first.number, "matched", 0, fresh=False)
    assert balance(1000) == 10_000
    other = a_payout("po_1", PayoutLine("charge", "ch_1", 9_000))
    assert take_payouts(SYSTEM, requests=[other]) == [
        errors.TakenOtherwise(
            external_id="po_1", number=first.number, expected="100.00 GBP", found="90.00 GBP"
        )
    ]
    reused = a_payout("po_2", PayoutLine("charge", "ch_1", 10_000), key="k")
    assert take_payouts(SYSTEM, requests=[reused]) == [
        RequestReused(key="k", command="settlement.take_payouts")
    ]


def test_two_payouts_in_one_batch_see_each_other(house: None):
    charged(10_000, "ch_1")
    line = PayoutLine("charge", "ch_1", 10_000)

    first, second, first_again = taken(a_payout("po_1", line), a_payout("po_2", line), a_payout("po_1", line))

    assert (first.state, second.state) == ("matched", "open")
    assert (first_again.payout, first_again.fresh) == (first.payout, False)
    assert balance(1000) == 20_000
    statement = "UPDATE settlement_payoutline SET known_id = (SELECT known_id FROM settlement_payoutline WHERE known_id"
    with pytest.raises(psycopg.errors.UniqueViolation), transaction.atomic():
        sql.run(f"{statement} IS NOT NULL)")


def test_another_currency_or_provider_is_another_account(house: None):
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), Decimal("0.85"))])
    charged(1_000, "ch_1", currency="EUR")

    (pounds,) = taken(a_payout("po_1", PayoutLine("charge", "ch_1", 1_000)))
    (elsewhere,) = taken(
        a_payout("po_1", PayoutLine("charge", "ch_1", 1_000), provider="account", currency="EUR")
    )
    assert (pounds.state, elsewhere.state) == ("open", "open")
    (euros,) = taken(a_payout("po_2", PayoutLine("charge", "ch_1", 1_000), currency="EUR"))

    assert euros.state == "matched"
    assert [(one.kind, one.amount_minor) for one in queries.open_entries(COMPANY, "EUR")] == [
        ("line", -1_000)
    ]


def test_charges_that_share_a_reference_are_paid_out_each(house: None):
    """An order is captured in two shipments, and its provider names both alike."""
    order = ids.uuid7()
    (paid,) = authorize(SYSTEM, requests=[Authorize(COMPANY, order, "fake", "pi_1", "GBP", 1_000, NOW)])
    for amount in (300, 700):
        capture(SYSTEM, requests=[Capture(order, amount)])
        answered(paid.payment, "pi_1")

    (one,) = taken(a_payout("po_1", PayoutLine("charge", "pi_1", 700), PayoutLine("charge", "pi_1", 300)))

    assert one.state == "matched"
    assert entries() == []


@pytest.mark.parametrize(
    ("report", "refused"),
    [
        (
            a_payout("po_1", PayoutLine("charge", "ch_1", 100, 3), net_minor=98),
            errors.DoesNotAddUp(external_id="po_1", expected="0.98 GBP", found="0.97 GBP"),
        ),
        (
            a_payout("po_1"),
            errors.NotALine(external_id="po_1", field="lines", expected="at least one", found="none"),
        ),
        (
            a_payout("po_1", PayoutLine("fee", "", 5)),
            errors.NotALine(
                external_id="po_1", field="amount", expected="0 for a fee, else not below 0", found="0.05 GBP"
            ),
        ),
    ],
)
def test_a_report_that_can_not_be_one_is_refused_with_figures_and_leaves_nothing(
    house: None, report, refused
):
    good = a_payout("po_2", PayoutLine("fee", "monthly", 0, 30))

    answers = take_payouts(SYSTEM, requests=[report, good])

    assert answers[0] == refused
    assert isinstance(answers[1], PayoutTaken), "its neighbor is taken"
    assert (balance(1000), balance(5210)) == (-30, 30)
    assert len(queries.payouts(COMPANY)) == 1


def test_whoever_may_not_is_told_so(house: None):
    nobody = Cause(Actor("nobody"), NOW, "a test")
    (refused,) = take_payouts(nobody, requests=[a_payout("po_1", PayoutLine("fee", "", 0, 1))])
    assert isinstance(refused, NotPermitted)


def test_what_arrived_in_a_closed_month_is_posted_now(house: None):
    before = NOW.replace(month=10)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, before.date().replace(day=1))])

    taken(a_payout("po_1", PayoutLine("fee", "", 0, 1), arrived_at=before))
    assert [one.arrived_at for one in queries.payouts(COMPANY)] == [before]
    assert sql.run("SELECT DISTINCT occurred_at FROM ledger_line") == [(NOW,)]


def test_a_payout_without_a_rate_refuses_the_batch_in_words(house: None):
    with pytest.raises(AllOrNothing, match="EUR"), transaction.atomic():
        taken(a_payout("po_1", PayoutLine("fee", "", 0, 1), currency="EUR"))
    assert queries.payouts(COMPANY) == []


def test_a_dispute_is_charged_back_and_comes_back_when_it_is_won(house: None):
    payment = charged(10_000, "ch_1")
    taken(a_payout("po_1", PayoutLine("charge", "ch_1", 10_000)))
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 4_000, "fraudulent")])
    assert [(one.disputes, one.amount_minor) for one in queries.open_clearing(COMPANY)] == [(1, -4_000)]
    assert entries() == [("dispute", "dp_1", -4_000)]
    (back,) = taken(a_payout("po_2", PayoutLine("chargeback", "dp_1", 4_000, 1_500)))
    assert back.state == "matched"
    assert queries.open_clearing(COMPANY) == entries() == []

    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=True)])
    assert entries() == [("dispute", "dp_1", 4_000)]
    taken(a_payout("po_3", PayoutLine("chargeback_reversal", "dp_1", 4_000)))

    assert (balance(1100), balance(1160), balance(5310), balance(1000)) == (0, 0, 0, 8_500)
    assert balance(5210) == 1_500
    assert [one.external_id for one in queries.payouts(COMPANY)] == ["po_3", "po_2", "po_1"]
    second = queries.payouts(COMPANY)[1]
    assert [one.external_id for one in queries.payouts(COMPANY, after=second.id, limit=1)] == ["po_1"]


def test_a_dispute_won_before_it_was_charged_back_is_even(house: None):
    payment = charged(10_000, "ch_1")
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 4_000)])
    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=True)])

    (one,) = taken(a_payout("po_1", PayoutLine("charge", "ch_1", 10_000)))

    assert one.state == "matched"
    assert entries() == []


def test_a_lost_dispute_is_not_reversed(house: None):
    payment = charged(10_000, "ch_1")
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 4_000)])
    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won=False)])

    (one,) = taken(
        a_payout(
            "po_1", PayoutLine("chargeback", "dp_1", 4_000), PayoutLine("chargeback_reversal", "dp_1", 4_000)
        )
    )

    assert (one.state, one.open_lines) == ("open", 1)
    assert sorted(entries()) == [("charge", "ch_1", 10_000), ("line", "dp_1", -4_000)]


def test_the_recorded_provider_pays_out_what_it_was_asked_less_its_fees(house: None):
    asked = [
        (Asked(ids.uuid7(), "capture", "card", "GBP", 10_050), Outcome(True, "ch_1")),
        (Asked(ids.uuid7(), "capture", "card", "GBP", 999), Outcome(False, "ch_2", "card declined")),
        (Asked(ids.uuid7(), "refund", "card", "GBP", 2_000), Outcome(True, "re_1")),
        (Asked(ids.uuid7(), "void", "card", "GBP", 5), Outcome(True, "vo_1")),
    ]

    assert fake.payout(asked) == [("charge", "ch_1", 10_050, 160), ("refund", "re_1", 2_000, 0)]
    charged(10_050, "ch_1", given_back=2_000)
    lines = [PayoutLine(*line) for line in fake.payout(asked)]
    (one,) = taken(a_payout("po_1", lines[0], lines[1]._replace(reference="re_ch_1")))
    assert one.state == "matched"
    assert balance(1000) == 10_050 - 2_000 - 160


def test_sixteen_at_once_take_a_payout_once_and_settle_a_charge_once(committed_db: None):
    a_floor(skus=0, channels=())
    charged(10_000, "ch_1")
    line = PayoutLine("charge", "ch_1", 10_000)

    answers = at_once([
        lambda name=name: take_payouts(SYSTEM, requests=[a_payout(name, line)])[0] for name in ("po_1", "po_2") * 8
    ])  # fmt: skip

    assert sum(one.fresh for one in answers) == 2
    assert {one.state for one in answers if one.number == answers[0].number} == {answers[0].state}
    assert sorted(one.state for one in answers if one.fresh) == ["matched", "open"]
    assert balance(1000) == 20_000


@pytest.mark.counts("settlement.take_payouts")
def test_statements_do_not_grow_with_payouts_or_lines(house: None, statements):
    counts = []
    for size in SIZES:
        for lines in (1, 3):
            with statements() as ran:
                answers = taken(*[
                    a_payout(f"po_{size}_{lines}_{i}", *[PayoutLine("charge", f"ch_{i}", 10)] * lines,
                             key=f"{size} {lines} {i}")
                    for i in range(size)
                ])  # fmt: skip
            assert all(one.state == "open" for one in answers)
            counts.append(len(ran))
    assert len(set(counts)) == 1, counts
    charges = [PayoutLine("charge", f"xx_{i}", 10) for i in range(1000)]
    with statements() as ran:
        taken(a_payout("po_long", *charges, key="long"))
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 17, ran.texts


def test_the_latest_payouts_come_first_whenever_they_arrived(house: None):
    for n in range(3):
        arrived = NOW - timedelta(days=n)
        taken(a_payout(f"po_{n}", PayoutLine("fee", "", 0, 1), arrived_at=arrived))
    assert [one.external_id for one in queries.payouts(COMPANY, limit=2)] == ["po_2", "po_1"]
