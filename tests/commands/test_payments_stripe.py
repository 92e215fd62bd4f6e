"""payments.take_messages, and attempts that Stripe is asked for, against a local imitation of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from entrepot.kernel import ids, relay, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Unavailable
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.payments import dispute_queries, errors, hold_queries, queries
from entrepot.payments.commands import take
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, Void, capture, void
from entrepot.payments.commands.hold import HoldAmount, hold
from entrepot.payments.commands.move import MovePayment, move
from entrepot.payments.commands.pass_on import PassOn, pass_on
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.commands.retry import Retry, retry
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.commands.take_messages import (
    NOT_SETTLED,
    MessageTaken,
    RetakeMessage,
    TakeMessage,
    retake_messages,
    take_messages,
)
from entrepot.payments.commands.tell_disputes import NOT_TAKEN, DisputeTold, TellDispute, tell_disputes
from entrepot.payments.providers import Asked, Outcome, Told
from entrepot.payments.providers.stripe import parse
from entrepot.payments.providers.stripe.client import Client, client
from entrepot.payments.tasks import DESTINATIONS, poll_disputes
from entrepot.settlement import queries as settlement
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.imitation import Imitation, an_imitation
from tests.sizes import SIZES
from tests.stripe import CAPTURE_BEFORE, answers, dispute, event, example

pytestmark = [pytest.mark.alone("kernel", "ledger", "payments", "work")]


@pytest.fixture
def stripe(settings: Any) -> Iterator[Imitation]:
    with an_imitation(answers) as imitation:
        settings.STRIPE_KEY, settings.STRIPE_URL = "sk_test", imitation.url
        yield imitation


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def paid(intent: str, amount: int = 1000) -> UUID:
    order = ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "stripe", intent, "GBP", amount, NOW)])
    return order


def relayed() -> None:
    """Send what waits, as the relay does."""
    relay.relay_once(DESTINATIONS)


def captured(intent: str, amount: int = 1000) -> UUID:
    order = paid(intent, amount)
    capture(SYSTEM, requests=[Capture(order, amount)])
    relayed()
    return order


def state(order: UUID) -> tuple[int, int, str]:
    ((captured_, refunded, found),) = [
        (one.captured_minor, one.refunded_minor, one.state) for one in queries.of_order(order)
    ]
    return captured_, refunded, found


def say(*payloads: str) -> list[object]:
    return list(take_messages(SYSTEM, requests=[TakeMessage(COMPANY, one) for one in payloads]))


# ---- asked


def paid_dinars(*parts: int) -> UUID:
    """An order of which parts are to be captured, in the house's own currency: Stripe takes steps of ten of it."""
    sql.run("UPDATE parties_company SET currency = 'KWD'")
    order = ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "stripe", "pi_1", "KWD", sum(parts), NOW)])
    for part in parts:
        capture(SYSTEM, requests=[Capture(order, part)])
    return order


def captured_dinars(amount: int) -> UUID:
    order = paid_dinars(amount)
    relayed()
    return order


@dataclass(frozen=True, slots=True)
class _Inside:
    do: Callable[[Cause], None]
    key: str | None = None


@command("test.inside")
def _as_a_room_above(cause: Cause, /, *, requests: Sequence[_Inside]) -> list[str | Refused]:
    for one in requests:
        one.do(cause)
    return ["done" for _ in requests]


def asked_back(stripe: Imitation) -> list[int]:
    return [int(body["amount"]) for path, body in stripe.asked if path == "/v2/refunds"]


def test_parts_of_a_payment_on_several_orders_are_asked_back_as_one(house: None, stripe: Imitation):
    order, other = captured_dinars(1_010), ids.uuid7()
    part = PassOn(order, other, 505, NOW, ids.uuid7())
    _as_a_room_above(SYSTEM, requests=[_Inside(lambda cause: pass_on(cause, [part]))])
    refund(SYSTEM, requests=[Refund(order, 505)])
    refund(SYSTEM, requests=[Refund(other, 505)])
    relayed()
    assert asked_back(stripe) == [510, 500], "as much as was captured"
    assert (state(order), state(other)) == ((505, 505, "refunded"), (505, 505, "refunded"))


def test_parts_of_an_authorization_on_several_orders_are_asked_for_as_one(house: None, stripe: Imitation):
    sql.run("UPDATE parties_company SET currency = 'KWD'")
    order, other = ids.uuid7(), ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "stripe", "pi_1", "KWD", 1_010, NOW)])
    part = MovePayment(order, other, 505)
    _as_a_room_above(SYSTEM, requests=[
        _Inside(lambda cause: move(cause, [part], take.lock_of_orders([order])))
    ])  # fmt: skip
    capture(SYSTEM, requests=[Capture(order, 505), Capture(other, 505)])
    relayed()
    assert [int(body["amount_to_capture"]) for _, body in stripe.asked] == [510, 500]


def test_what_bounced_is_asked_for_again_with_what_was_really_asked(house: None, stripe: Imitation):
    order = captured_dinars(1_008)
    for amount in (504, 504):
        refund(SYSTEM, requests=[Refund(order, amount)])
        relayed()
    assert asked_back(stripe) == [500, 510]
    ((first,),) = sql.run("SELECT id FROM payments_attempt WHERE kind = 'refund' AND asked_minor = 500")
    settle(SYSTEM, requests=[Settle(first, ok=False, bounced=True, error="account closed")])
    retry(SYSTEM, requests=[Retry(first)])
    relayed()
    assert asked_back(stripe)[2:] == [500], "with 0.510 it is all that was captured"
    assert state(order) == (1_008, 1_008, "refunded")


def test_no_more_is_asked_back_than_was_captured_once_a_capture_failed(house: None, stripe: Imitation):
    order = paid_dinars(505, 508)
    (first, asked), (second, less) = sql.run("SELECT id, asked_minor FROM payments_attempt ORDER BY id")
    assert (asked, less) == (510, 500)
    settle(SYSTEM, requests=[Settle(first, ok=False, error="declined"), Settle(second, ok=True)])
    refund(SYSTEM, requests=[Refund(order, 508)])
    relayed()
    assert asked_back(stripe) == [500]


def test_a_share_that_nothing_can_be_asked_for_waits_for_a_person(house: None, stripe: Imitation):
    order = captured_dinars(1_010)
    refund(SYSTEM, requests=[Refund(order, 4)])
    relayed()
    assert asked_back(stripe) == []
    (item,) = work.items(COMPANY, kind="payment refund failed")
    assert "Stripe takes KWD in steps of 0.010" in item.reason


def test_a_bank_takes_all_of_what_was_rounded_up(house: None, stripe: Imitation):
    order = captured_dinars(1_005)
    lost = dispute("dp_1", "pi_1", 1_010, currency="kwd")
    for number in (1, 2):
        say(event(f"evt_{number}", "charge.dispute.created", lost))
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    (found,) = dispute_queries.of_order(order)
    assert (found.amount_minor, balance(1160), balance(1100)) == (1_005, 1_005, 0)
    assert isinstance(
        say(event("evt_4", "charge.dispute.created", dispute("dp_1", "pi_1", 1_000, currency="kwd")))[0],
        Refused,
    )
    # Those of before what was told was kept are told by what the books have, within a step.
    sql.run("UPDATE payments_dispute SET asked_minor = NULL RETURNING 1")
    (again,) = say(event("evt_5", "charge.dispute.created", lost))
    assert not isinstance(again, Refused)
    far = dispute("dp_1", "pi_1", 1_020, currency="kwd")
    assert isinstance(say(event("evt_6", "charge.dispute.created", far))[0], Refused)
    more = dispute("dp_2", "pi_1", 1_020, currency="kwd")
    assert isinstance(say(event("evt_3", "charge.dispute.created", more))[0], Refused)


def test_a_chargeback_is_booked_on_the_part_of_its_intent_that_has_so_much_left(
    house: None, stripe: Imitation
):
    """What was exchanged whole pays for another order by now: the first has nothing that a bank could take."""
    order, other = captured("pi_1"), ids.uuid7()
    part = PassOn(order, other, 1_000, NOW, ids.uuid7())
    _as_a_room_above(SYSTEM, requests=[_Inside(lambda cause: pass_on(cause, [part]))])
    for number, name, amount in ((1, "dp_1", 600), (2, "dp_1", 600), (3, "dp_2", 400)):
        say(event(f"evt_{number}", "charge.dispute.created", dispute(name, "pi_1", amount)))
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    assert dispute_queries.of_order(order) == []
    assert [one.amount_minor for one in dispute_queries.of_order(other)] == [600, 400]
    say(event("evt_4", "charge.dispute.closed", dispute("dp_1", "pi_1", 600, "won")))
    assert [one.state for one in dispute_queries.of_order(other)] == ["won", "needs_response"]


@pytest.mark.parametrize("won", [True, False])
def test_a_chargeback_that_no_part_of_its_intent_bears_alone_is_claimed_of_several(
    house: None, stripe: Imitation, won: bool
):
    """8.00 of a card that paid 6.00 for one order and 4.00 for another."""
    order, other = captured("pi_1"), ids.uuid7()
    part = PassOn(order, other, 400, NOW, ids.uuid7())
    _as_a_room_above(SYSTEM, requests=[_Inside(lambda cause: pass_on(cause, [part]))])
    before = balance(1100)
    for number in (1, 2):
        say(event(f"evt_{number}", "charge.dispute.created", dispute("dp_1", "pi_1", 800)))
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    assert [claim(one) for one in (order, other)] == [600, 200]
    (of_one,), (of_other,) = (dispute_queries.of_order(one) for one in (order, other))
    assert of_one == of_other and of_one.amount_minor == 800
    assert dispute_queries.claimed([order, other]) == {order: 600, other: 200}
    assert (balance(1160), balance(1100)) == (800, before - 800)
    (refused,) = refund(SYSTEM, requests=[Refund(other, 201)])
    assert isinstance(refused, errors.UnderDispute)

    say(event("evt_3", "charge.dispute.closed", dispute("dp_1", "pi_1", 800, "won" if won else "lost")))
    assert [claim(one) for one in (order, other)] == ([0, 0] if won else [600, 200])
    assert (balance(1160), balance(1100)) == (0, before if won else before - 800)

    # More than all of them took stays what nobody can book.
    say(event("evt_4", "charge.dispute.created", dispute("dp_2", "pi_1", 1_001 if won else 201)))
    assert len(work.items(COMPANY, kind=NOT_TAKEN)) == 1


def test_a_chargeback_is_claimed_of_what_was_given_back_last(house: None, stripe: Imitation):
    """6.00 for one order were given back: 8.00 that a bank takes leave nothing of the other's 4.00."""
    order, other = captured("pi_1"), ids.uuid7()
    part = PassOn(order, other, 400, NOW, ids.uuid7())
    _as_a_room_above(SYSTEM, requests=[_Inside(lambda cause: pass_on(cause, [part]))])
    refund(SYSTEM, requests=[Refund(order, 600)])
    relayed()
    say(event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 300)))
    assert [claim(one) for one in (order, other)] == [0, 300], "what alone bears it is the other as well"
    say(event("evt_2", "charge.dispute.created", dispute("dp_2", "pi_1", 500)))
    assert [claim(one) for one in (order, other)] == [400, 400]
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    (refused,) = refund(SYSTEM, requests=[Refund(other, 1)])
    assert isinstance(refused, errors.UnderDispute)


def claim(order: UUID) -> int:
    (tender,) = queries.of_order(order)
    return tender.disputed_minor


def test_chargebacks_that_are_told_together_are_booked_on_what_is_left_of_each_part(
    house: None, stripe: Imitation
):
    order, other = captured("pi_1"), ids.uuid7()
    part = PassOn(order, other, 500, NOW, ids.uuid7())
    _as_a_room_above(SYSTEM, requests=[_Inside(lambda cause: pass_on(cause, [part]))])
    told = [
        event(f"evt_{at}", "charge.dispute.created", dispute(name, "pi_1", 400))
        for at, name in enumerate(("dp_1", "dp_1", "dp_2"))
    ]
    say(*told)
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    assert sorted(len(dispute_queries.of_order(one)) for one in (order, other)) == [1, 1]


def test_a_bank_takes_all_of_what_several_captures_were_rounded_up_by(house: None, stripe: Imitation):
    """One that failed between leaves more than a step asked for beyond what was captured."""
    order = paid_dinars(505, 1_409, 601)
    rows = sql.run("SELECT id, asked_minor FROM payments_attempt ORDER BY id")
    assert [asked for _, asked in rows] == [510, 1_400, 610]
    ok = [True, False, True]
    settle(SYSTEM, requests=[Settle(which, ok=good) for (which, _), good in zip(rows, ok, strict=True)])
    assert state(order)[0] == 1_106, "and Stripe took 1.120"
    lost = dispute("dp_1", "pi_1", 1_120, currency="kwd")
    for number in (1, 2):
        say(event(f"evt_{number}", "charge.dispute.created", lost))
    assert work.items(COMPANY, kind=NOT_TAKEN) == []
    (found,) = dispute_queries.of_order(order)
    assert (found.amount_minor, balance(1160), balance(1100)) == (1_106, 1_106, 0)
    ((known,),) = sql.run(
        f"SELECT asked FROM ({settlement.KNOWN}) AS k WHERE kind = 'chargeback' AND reference = 'dp_1'"
    )
    assert known == 1_120, "by which its payout is explained"


def test_a_bank_takes_no_more_than_its_provider_was_asked_for(house: None, stripe: Imitation):
    """Where nothing was rounded up, a step more is what nobody knows."""
    order = captured_dinars(1_014)
    ((asked,),) = sql.run("SELECT asked_minor FROM payments_attempt")
    assert asked == 1_010
    (told,) = say(event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 1_020, currency="kwd")))
    assert isinstance(told, Refused)
    assert dispute_queries.of_order(order) == []


def test_a_capture_and_a_refund_are_asked_once_each_under_the_attempts_id(house: None, stripe: Imitation):
    order = captured("pi_1")
    refund(SYSTEM, requests=[Refund(order, 300)])
    relayed()
    assert state(order) == (1000, 300, "part_refunded")
    assert [path for path, _ in stripe.asked] == ["/v2/payment_intents/pi_1/capture", "/v2/refunds"]
    attempts = dict(sql.run("SELECT id, provider_reference FROM payments_attempt"))
    assert {UUID(key) for key in stripe.keys} == set(attempts)
    assert sorted(attempts.values()) == ["ch_pi_1", "re_pi_1"], "payouts name the charge and the refund"
    assert balance(1100) == 700


def test_what_is_declined_is_a_work_item_and_what_a_capture_let_go_is_none(house: None, stripe: Imitation):
    declined = captured("declined_1")
    assert state(declined) == (0, 0, "authorized")
    (item,) = work.items(COMPANY, kind="payment capture failed")
    assert item.reason == "stripe refused the capture: It was declined. card_declined"
    rest = paid("captured_1")
    void(SYSTEM, requests=[Void(rest)])
    relayed()
    assert state(rest) == (0, 0, "voided")
    assert work.items(COMPANY, kind="payment void failed") == []


def test_an_amount_is_held_on_the_card_of_the_order_and_taken_in_part(house: None, stripe: Imitation):
    order, document = captured("pi_1"), ids.uuid7()
    hold(SYSTEM, requests=[HoldAmount(order, document, 400, "GBP")])
    relayed()
    assert stripe.asked[-1] == (
        "/v2/payment_intents",
        {
            "amount": "400", "currency": "gbp", "customer": "cus_1", "payment_method": "pm_pi_1",
            "capture_method": "manual", "confirm": "true", "off_session": "true", "metadata[attempt]": stripe.keys[-1],
            "expand[]": "latest_charge",
        },
    )  # fmt: skip
    (held,) = queries.of_order(document)
    assert (held.state, held.reference, held.authorized_minor) == ("authorized", "pi_held_pm_pi_1", 400)
    assert held.expires_at == datetime.fromtimestamp(CAPTURE_BEFORE, UTC), "as the card's bank says"
    capture(SYSTEM, requests=[Capture(document, 150)])
    relayed()
    void(SYSTEM, requests=[Void(document)])
    relayed()
    assert state(document) == (150, 0, "captured")
    assert stripe.asked[-2][0] == "/v2/payment_intents/pi_held_pm_pi_1/capture"
    assert balance(1100) == 1150


def test_a_hold_whose_end_nobody_tells_stands_as_card_schemes_have_it(house: None, stripe: Imitation):
    order, document = captured("pi_untold"), ids.uuid7()
    hold(SYSTEM, requests=[HoldAmount(order, document, 400, "GBP")])
    relayed()
    (held,) = queries.of_order(document)
    assert held.expires_at == held.authorized_at + timedelta(days=7)


@pytest.mark.parametrize(
    ("intent", "why"),
    [
        ("owner_1", "The owner has to agree. authentication_required"),
        ("nocard_1", "Stripe keeps no card of the payment that an amount could be held on"),
    ],
)
def test_what_stripe_does_not_hold_is_no_work_item(house: None, stripe: Imitation, intent: str, why: str):
    order, document = captured(intent), ids.uuid7()
    hold(SYSTEM, requests=[HoldAmount(order, document, 400, "GBP")])
    relayed()
    assert state(document) == (0, 0, "failed")
    assert hold_queries.held([document])[document][0].error == why
    assert work.items(COMPANY) == []
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt WHERE state = 'failed'")
    assert isinstance(retry(SYSTEM, requests=[Retry(attempt)])[0], errors.NotAPayment)


@pytest.mark.parametrize("intent", ["busy_1", "slow_1"])
def test_what_stripe_does_not_know_is_asked_again_under_the_same_key(intent: str):
    asked = Asked(ids.uuid7(), "refund", intent, "GBP", 100)
    with an_imitation(answers) as imitation:
        for _ in range(2):
            with pytest.raises(Unavailable):
                Client("sk_test", imitation.url).ask(asked)
        assert imitation.keys == [str(asked.attempt)] * 2
    with pytest.raises(Unavailable, match="does not answer"):
        Client("sk_test", imitation.url).ask(asked)


def test_an_answer_that_can_not_be_read_decides_nothing():
    with an_imitation(lambda _path, _body: (200, "<html>")) as imitation, pytest.raises(Unavailable):
        Client("sk_test", imitation.url).ask(Asked(ids.uuid7(), "refund", "pi_1", "GBP", 100))
    wrong = {
        "error": {"message": "Keys can only be used with the same parameters.", "type": "idempotency_error"}
    }
    with an_imitation(lambda _path, _body: (400, wrong)) as imitation:
        told = Client("sk_test", imitation.url).ask(Asked(ids.uuid7(), "refund", "pi_1", "GBP", 100))
    assert told == Outcome(False, "", "Keys can only be used with the same parameters.")


def test_without_a_key_nothing_is_decided(settings: Any):
    settings.STRIPE_KEY = ""
    with pytest.raises(Unavailable, match="ENTREPOT_STRIPE_KEY"):
        client()


# ---- answers to disputes


def told(kind: str, name: str = "dp_1", paper: bytes = b"%PDF-1") -> Told:
    fields = {"uncategorized_text": "It arrived.", "customer_name": "Ada", "unknown": "x"}
    return Told(
        ids.uuid7(), kind, name, fields if kind == "submit" else {}, paper if kind == "submit" else b""
    )


def test_evidence_is_sent_with_its_paper_and_again_under_the_same_keys():
    with an_imitation(answers) as imitation:
        one = told("submit")
        for _ in range(2):
            assert Client("sk", imitation.url).answer(one) == Outcome(True, "dp_1")
    (files, form), (path, fields) = imitation.asked[:2]
    assert (files, path) == ("/v2/files", "/v2/disputes/dp_1")
    assert b'name="purpose"\r\n\r\ndispute_evidence' in form
    assert b"%PDF-1\r\n--" in form
    assert fields == {
        "evidence[customer_name]": "Ada", "evidence[uncategorized_text]": "It arrived.",
        "evidence[uncategorized_file]": "file_1", "submit": "true", "metadata[answer]": str(one.answer),
    }  # fmt: skip
    assert imitation.keys == [f"{one.answer}.file", str(one.answer)] * 2


def test_an_acceptance_closes_the_dispute_and_what_is_too_late_is_refused():
    with an_imitation(answers) as imitation:
        assert Client("sk", imitation.url).answer(told("accept")) == Outcome(True, "dp_1")
        assert imitation.asked == [("/v2/disputes/dp_1/close", {})]
        late = Client("sk", imitation.url).answer(told("submit", "late_1", b""))
    assert late == Outcome(False, "", "Evidence can't be submitted any more.")


def test_disputes_that_no_message_told_of_are_found_by_asking(house: None, stripe: Imitation):
    order = captured("pi_9")
    assert [one.done for one in poll_disputes(SYSTEM, client())] == ["opened", "nothing"]  # type: ignore[union-attr]
    assert [one.done for one in poll_disputes(SYSTEM, client())] == ["nothing", "nothing"]  # type: ignore[union-attr]
    assert [path.split("?")[0] for path, _ in stripe.asked[-2:]] == ["/v2/disputes"] * 2
    assert (queries.of_order(order)[0].disputed_minor, balance(1160), balance(5220)) == (400, 400, 1_500)


def a_list(*pages: list[dict[str, Any]]) -> Any:
    """Stripe's list of disputes in pages."""

    def says(path: str, _body: Any) -> tuple[int, Any]:
        behind = path.partition("starting_after=")[2]
        at = next((i + 1 for i, page in enumerate(pages) if behind and page[-1]["id"] == behind), 0)
        return 200, {"object": "list", "data": pages[at], "has_more": at + 1 < len(pages)}

    return says


def test_a_dispute_that_can_not_be_taken_is_seen_and_stops_no_other(house: None, stripe: Imitation):
    """One of a status that is not known, one of more than was captured, and good ones behind both."""
    captured("pi_1")
    order, made = captured("pi_2"), {"created": 1_767_225_600}
    pages = (
        [dispute("dp_odd", "pi_1", 100, "odd", **made)],
        [dispute("dp_big", "pi_1", 5_000, **made), dispute("dp_good", "pi_2", 400, **made)],
    )
    with an_imitation(a_list(*pages)) as imitation, capture_logs() as logs:
        first, second = poll_disputes(SYSTEM, Client("sk", imitation.url))
    assert isinstance(first, errors.NotAPayment)
    assert second == DisputeTold("opened")
    assert queries.of_order(order)[0].disputed_minor == 400
    assert [(one["log_level"], one["dispute"]) for one in logs] == [
        ("error", "dp_odd"),
        ("warning", "dp_big"),
    ]
    (item,) = work.items(COMPANY, kind=NOT_TAKEN)
    assert (item.subject_kind, item.role) == ("payment", "controller")
    assert (
        "dp_big is needs response, which the books can't follow: amount: expected above 0, at most 10.00 GBP,"
        " found 50.00 GBP." in (item.reason)
    )

    mended = ([dispute("dp_big", "pi_1", 500, **made)],)
    with an_imitation(a_list(*mended)) as imitation:
        assert poll_disputes(SYSTEM, Client("sk", imitation.url)) == [DisputeTold("opened")]
    assert work.items(COMPANY, kind=NOT_TAKEN) == []


def close_this_month() -> None:
    later = replace(SYSTEM, at=NOW + timedelta(days=40))
    (answer,) = close_month(later, requests=[CloseMonth(COMPANY, NOW.date().replace(day=1))])
    assert not isinstance(answer, Refused), answer


def test_what_the_books_refuse_together_is_told_one_by_one(house: None, stripe: Imitation):
    """The month is closed, so that nothing can be booked today; what needs no entry is told nonetheless."""
    captured("pi_1")
    close_this_month()
    later = replace(SYSTEM, at=NOW + timedelta(days=40))
    rows = [
        dispute(name, intent, 5, created=1_767_225_600)
        for name, intent in (("dp_1", "pi_1"), ("dp_2", "pi_x"))
    ]
    with an_imitation(a_list(rows)) as imitation:
        refused, other = poll_disputes(SYSTEM, Client("sk", imitation.url))
    assert isinstance(refused, Refused)
    assert other == DisputeTold("nothing")
    (item,) = work.items(COMPANY, kind=NOT_TAKEN)
    assert item.subject_kind == "payment" and refused.message in item.reason

    with an_imitation(a_list(rows)) as imitation:
        poll_disputes(SYSTEM, Client("sk", imitation.url))
        assert len(work.items(COMPANY, kind=NOT_TAKEN)) == 1, "the next hour asks again, of the same item"
        taken = poll_disputes(later, Client("sk", imitation.url))
    assert taken[0] == DisputeTold("opened")
    assert work.items(COMPANY, kind=NOT_TAKEN) == []


def test_what_the_books_refuse_of_a_message_is_a_work_item_at_once_and_can_be_replayed(
    house: None, stripe: Imitation
):
    """Both messages of a batch are refused whole, a third one is not; what one wrote before it was refused is gone."""
    order = captured("pi_1")
    refund(SYSTEM, requests=[Refund(order, 300)])
    relayed()
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt WHERE kind = 'refund'")
    bounced = example(
        "refund", object="refund", id="re_1", status="failed", metadata={"attempt": str(attempt)}
    )
    close_this_month()
    events = sql.run("SELECT count(*) FROM kernel_event")
    created = int(NOW.timestamp())
    disputed, failed, strange = told = (
        event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 400), created),
        event("evt_2", "refund.failed", bounced, created),
        event("evt_3", "charge.dispute.created", dispute("dp_2", "pi_of_another", 400), created),
    )
    first, second, third = say(*told)
    assert isinstance(first, Refused) and isinstance(second, Refused), (first, second)
    assert "is closed" in first.message and "is closed" in second.message
    assert third == MessageTaken("nothing")
    assert state(order) == (1000, 300, "part_refunded")
    (lost,), (unsettled,) = (work.items(COMPANY, kind=kind) for kind in (NOT_TAKEN, NOT_SETTLED))
    assert first.message in lost.reason
    assert "refund re_1 was not done, which the books can't follow: " in unsettled.reason
    opened = sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'work_item'")
    assert sql.run("SELECT count(*) FROM kernel_event") == [(events[0][0] + opened[0][0],)], (
        "only of the items"
    )
    kept = dict(sql.run("SELECT external_id, state FROM kernel_inbox"))
    assert kept == {"evt_1": "set_aside", "evt_2": "set_aside", "evt_3": "done"}
    assert say(disputed, failed, strange) == [MessageTaken("known")] * 3, (
        "Stripe sends again what was not taken"
    )

    sql.run("UPDATE kernel_inbox SET state = 'received'")
    ((waits,),) = sql.run("SELECT id FROM kernel_inbox WHERE external_id = 'evt_2'")
    assert retake_messages(SYSTEM, requests=[RetakeMessage(waits)]) == [second]
    assert len(work.items(COMPANY, kind=NOT_SETTLED)) == 1
    sql.run("UPDATE kernel_inbox SET state = 'received'")
    later = replace(SYSTEM, at=NOW + timedelta(days=40))
    assert retake_messages(later, requests=[RetakeMessage(waits)]) == [MessageTaken("settled")]
    assert state(order) == (1000, 0, "captured")
    assert work.items(COMPANY, kind=NOT_SETTLED) == []


def test_what_is_settled_after_its_month_was_closed_is_in_the_books_of_the_next(
    house: None, stripe: Imitation
):
    order = captured("slow_3")
    refund(SYSTEM, requests=[Refund(order, 300)])
    relayed()
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt WHERE kind = 'refund'")
    close_this_month()
    later = replace(SYSTEM, at=NOW + timedelta(days=40))
    settle(later, requests=[Settle(attempt, ok=True, provider_reference="re_3")])
    assert (state(order), balance(1100)) == ((1000, 300, "part_refunded"), 700)
    ((month,),) = sql.run("SELECT DISTINCT month FROM ledger_line WHERE event = 'payment.refunded'")
    assert month == later.at.date().replace(day=1)


# ---- told


def test_a_refund_that_took_its_time_is_settled_by_its_message(house: None, stripe: Imitation):
    order = captured("slow_2")
    refund(SYSTEM, requests=[Refund(order, 300)])
    relayed()
    assert state(order) == (1000, 0, "captured")
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt WHERE kind = 'refund'")
    done = example(
        "refund", object="refund", id="re_2", status="succeeded", metadata={"attempt": str(attempt)}
    )
    assert say(event("evt_1", "refund.updated", done)) == [MessageTaken("settled")]
    assert state(order) == (1000, 300, "part_refunded")
    failed = event("evt_2", "refund.failed", done | {"status": "failed"})
    assert say(failed) == [MessageTaken("settled")]
    assert state(order) == (1000, 0, "captured"), "the bank of the customer sent it back"
    (item,) = work.items(COMPANY, kind="payment refund failed")
    assert item.reason == "stripe took back the refund: Stripe says: failed"
    assert say(failed.replace("evt_2", "evt_3")) == [MessageTaken("settled")]
    assert (state(order), balance(1100)) == ((1000, 0, "captured"), 1000), "once"
    late = event("evt_4", "refund.updated", done)
    assert say(late) == [MessageTaken("settled")]
    assert state(order) == (1000, 0, "captured"), "an older message"


def test_disputes_are_opened_and_decided_and_a_message_is_done_once(house: None, stripe: Imitation):
    order = captured("pi_3")
    opened = event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_3", 400))
    assert say(opened, opened) == [MessageTaken("opened"), MessageTaken("known")]
    assert say(opened) == [MessageTaken("known")]
    (payment,) = queries.of_order(order)
    assert (payment.disputed_minor, balance(1160)) == (400, 400)
    lost = event("evt_2", "charge.dispute.closed", dispute("dp_1", "pi_3", 400, "lost"))
    assert say(lost) == [MessageTaken("closed")]
    assert (balance(1160), balance(5310)) == (0, 400)
    at_once = event("evt_3", "charge.dispute.closed", dispute("dp_2", "pi_3", 100, "won"))
    assert say(at_once) == [MessageTaken("closed")], "the message of its opening was lost, or comes later"
    assert queries.of_order(order)[0].disputed_minor == 400


def test_what_is_not_ours_changes_nothing_and_what_can_not_be_is_refused(house: None, stripe: Imitation):
    captured("pi_4")
    strange = example(
        "refund", object="refund", id="re_9", status="failed", metadata={"attempt": str(ids.uuid7())}
    )
    told = say(
        event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_of_another", 400)),
        event("evt_2", "refund.failed", strange),
        event("evt_3", "payout.paid", {"object": "payout"}),
        event("evt_4", "charge.dispute.created", dispute("dp_2", "pi_4", 5_000)),
        "{}",
    )
    assert told[:3] == [MessageTaken("nothing")] * 3
    assert [one.code for one in told[3:]] == ["payments.not_a_payment", "payments.not_a_message"]  # type: ignore[attr-defined]
    states = sorted(sql.run("SELECT external_id, state FROM kernel_inbox"))
    assert states == [("evt_1", "done"), ("evt_2", "done"), ("evt_3", "done"), ("evt_4", "set_aside")]


def test_a_dispute_is_followed_from_an_inquiry_to_the_money_coming_back(house: None, stripe: Imitation):
    order = captured("pi_5")
    taken = {"amount": -400, "fee": 1_500, "currency": "gbp"}
    back = {"amount": 400, "fee": -1_500, "currency": "gbp"}

    def of(number: int, kind: str, status: str, *funds: dict[str, Any], **facts: Any) -> object:
        thing = dispute("dp_1", "pi_5", 400, status, balance_transactions=list(funds), **facts)
        return say(event(f"evt_{number}", f"charge.dispute.{kind}", thing))[0]

    assert of(1, "created", "warning_needs_response") == MessageTaken("opened")
    assert (queries.of_order(order)[0].disputed_minor, balance(1160)) == (0, 0)
    assert of(2, "funds_withdrawn", "needs_response", taken) == MessageTaken("followed")
    assert (queries.of_order(order)[0].disputed_minor, balance(1160), balance(5220)) == (400, 400, 1_500)
    assert of(3, "updated", "under_review", taken) == MessageTaken("followed")
    assert of(4, "updated", "needs_response", taken) == MessageTaken("nothing"), "an older message"
    assert of(5, "closed", "won", taken, back) == MessageTaken("closed")
    assert of(6, "funds_reinstated", "won", taken, back) == MessageTaken("closed")
    assert (balance(1160), balance(5220), balance(1100)) == (0, 0, 1_000)
    (one,) = dispute_queries.of_order(order)
    assert (one.state, one.fee_minor, one.fee_returned_minor) == ("won", 1_500, 1_500)
    strange = event("evt_7", "charge.dispute.updated", dispute("dp_2", "pi_5", 1, "odd"))
    assert isinstance(say(strange)[0], errors.NotAMessage)


def test_a_dispute_without_an_intent_is_found_by_its_charge(house: None, stripe: Imitation):
    captured("pi_6")
    thing = dispute("dp_1", "", 400, charge="ch_pi_6", payment_intent=None)
    assert say(event("evt_1", "charge.dispute.created", thing)) == [MessageTaken("opened")]


@pytest.mark.counts("payments.take_messages", "payments.tell_disputes")
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts = []
    for size in SIZES:
        orders = [ids.uuid7() for _ in range(size)]
        authorize(SYSTEM, requests=[
            Authorize(COMPANY, order, "stripe", f"pi_{order}", "GBP", 1000, NOW) for order in orders
        ])  # fmt: skip
        capture(SYSTEM, requests=[Capture(order, 1000) for order in orders])
        waiting = sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting'")
        settle(SYSTEM, requests=[Settle(attempt, ok=True, provider_reference="ch") for (attempt,) in waiting])
        messages = [
            TakeMessage(
                COMPANY, event(f"evt_{order}", "x", dispute(f"dp_{order}", f"pi_{order}", 10, "lost"))
            )
            for order in orders
        ]
        with statements() as ran:
            told = take_messages(SYSTEM, requests=messages)
        assert set(told) == {MessageTaken("closed")}
        taken = len([text for text in ran.texts if "SAVEPOINT" not in text])
        tells = [
            TellDispute(parse.dispute(dispute(f"dp2_{order}", f"pi_{order}", 10, "won")), NOW, key=f"{order}")
            for order in orders
        ]
        with statements() as ran:
            assert set(tell_disputes(SYSTEM, requests=tells)) == {DisputeTold("closed")}
        counts.append((taken, len([text for text in ran.texts if "SAVEPOINT" not in text])))
    assert len(set(counts)) == 1, counts
