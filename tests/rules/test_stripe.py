"""What Stripe is asked, what its answers mean, and which of its messages are believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kernel import money
from entrepot.payments.providers import Asked, Outcome
from entrepot.payments.providers.stripe import amounts, build, parse
from entrepot.payments.providers.stripe.client import Client
from tests.stripe import answers, dispute, event, example, signature

ATTEMPT = UUID(int=7)
NAMED = {"metadata[attempt]": str(ATTEMPT)}
NOW = datetime.fromtimestamp(1_767_225_600, UTC)


def asked(kind: str, reference: str = "pi_1") -> Asked:
    return Asked(ATTEMPT, kind, reference, "GBP", 1250)


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("capture", ("/payment_intents/pi_1/capture", {"amount_to_capture": "1250", **NAMED})),
        ("refund", ("/refunds", {"payment_intent": "pi_1", "amount": "1250", **NAMED})),
        ("void", ("/payment_intents/pi_1/cancel", {})),
    ],
)  # fmt: skip
def test_what_is_asked_names_the_amount_and_the_attempt(kind: str, call: tuple[str, dict[str, str]]):
    assert build.call(asked(kind)) == call


def test_a_reference_can_not_lead_elsewhere():
    assert build.call(asked("void", "../x?y")).path == "/payment_intents/..%2Fx%3Fy/cancel"


@pytest.mark.parametrize(
    ("kind", "reference", "outcome"),
    [
        ("capture", "pi_1", Outcome(True, "ch_pi_1")),
        ("refund", "pi_1", Outcome(True, "re_pi_1")),
        ("void", "pi_1", Outcome(True, "pi_1")),
        ("refund", "slow_1", None),
    ],
)
def test_what_answers_mean(kind: str, reference: str, outcome: Outcome | None):
    call = build.call(asked(kind, reference))
    status, told = answers("/v1" + call.path if kind != "refund" else call.path, call.fields)
    assert (status, parse.outcome(asked(kind, reference), json.dumps(told))) == (200, outcome)


def test_a_refund_that_failed_says_why():
    told = json.dumps(example("refund", id="re_1", status="failed", failure_reason="lost_or_stolen_card"))
    assert parse.outcome(asked("refund"), told) == Outcome(False, "re_1", "lost_or_stolen_card")
    told = json.dumps(example("payment_intent", id="pi_1", status="requires_payment_method"))
    assert parse.outcome(asked("capture"), told) == Outcome(
        False, "pi_1", "Stripe says: requires payment method"
    )


def test_errors_are_told_and_a_void_of_what_a_capture_let_go_is_none():
    declined = json.dumps(
        {"error": {"message": "No.", "decline_code": "insufficient_funds", "code": "card_declined"}}
    )
    assert parse.refused(asked("capture"), declined) == Outcome(False, "", "No. insufficient_funds")
    assert parse.refused(asked("capture"), "<html>") == Outcome(False, "", "Stripe refused it")
    state = json.dumps({"error": {"message": "No.", "payment_intent": {"status": "succeeded"}}})
    assert parse.refused(asked("void"), state) == Outcome(True, "pi_1")
    assert not parse.refused(asked("capture"), state).ok


def test_messages_about_disputes_and_refunds():
    told = parse.message(event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 500)))
    due = datetime.fromtimestamp(1_768_000_000, UTC)
    assert told == parse.Message(
        "evt_1", "charge.dispute.created", NOW,
        parse.Dispute("dp_1", "pi_1", 500, "GBP", "product not received", "needs_response", due),
    )  # fmt: skip
    lost = parse.message(event("evt_2", "charge.dispute.closed", dispute("dp_1", "pi_1", 500, "lost")))
    assert lost.dispute is not None
    assert lost.dispute.state == "lost"
    refund = example(
        "refund", object="refund", id="re_1", status="failed", metadata={"attempt": str(ATTEMPT)}
    )
    failed = parse.message(event("evt_3", "refund.failed", refund))
    assert (failed.attempt, failed.outcome) == (ATTEMPT, Outcome(False, "re_1", "Stripe says: failed"))
    stranger = parse.message(event("evt_4", "refund.failed", refund | {"metadata": {"attempt": "x"}}))
    assert stranger.attempt is None
    other = parse.message(event("evt_5", "payout.paid", {"object": "payout"}))
    assert (other.dispute, other.attempt) == (None, None)


NAMES = st.sampled_from(
    ("id", "object", "type", "created", "data", "amount", "status", "metadata", "attempt", "error")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab0", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        NAMES, inner, max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.sampled_from(["refund", "dispute", "event"]))
def test_whatever_comes_is_read_or_refused(body: object, kind: str):
    texts = [
        json.dumps(body),
        json.dumps({"object": "event", "id": "e", "type": "t", "created": 1, "data": {"object": body}}),
    ]
    if isinstance(body, dict):
        texts.append(json.dumps(body | {"object": kind}))
        wrapped = {
            "object": "event",
            "id": "e",
            "type": "t",
            "created": 1,
            "data": {"object": body | {"object": kind}},
        }
        texts.append(json.dumps(wrapped))
    for text in texts:
        for read in (parse.message, lambda one: parse.outcome(asked("refund"), one)):
            try:
                read(text)
            except parse.UnreadableError:
                continue
        assert parse.refused(asked("capture"), text).ok is False


def test_only_fresh_messages_with_the_right_signature_are_believed():
    at = int(NOW.timestamp())
    header = signature("{}", "secret", at)
    assert parse.is_signed(header, b"{}", "secret", NOW)
    late = datetime.fromtimestamp(at + 301, UTC)
    for said, payload, secret, now in (
        (header, b"{ }", "secret", NOW),
        (header, b"{}", "other", NOW),
        (header, b"{}", "", NOW),
        (header, b"{}", "secret", late),
        ("", b"{}", "secret", NOW),
        (f"t=x,{header}", b"{}", "secret", NOW),
        (header.replace("v1=", "v2="), b"{}", "secret", NOW),
    ):
        assert not parse.is_signed(said, payload, secret, now)


# ---- amounts


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (1250, "GBP", 1250), (1250, "JPY", 1250), (1250, "XOF", 1250), (12_340, "KWD", 12_340), (5, "UGX", 500),
        (5, "ISK", 500), (500, "MGA", 5),
    ],
)  # fmt: skip
def test_amounts_are_those_that_stripe_counts(minor: int, currency: str, amount: int):
    assert amounts.misfit(minor, currency) == ""
    assert amounts.to_stripe(minor, currency) == amount
    assert amounts.from_stripe(amount, currency) == minor
    told = build.call(Asked(ATTEMPT, "refund", "pi_1", currency, minor))
    assert told.fields["amount"] == str(amount)
    lost = dispute("dp_1", "pi_1", amount, currency=currency.lower(), balance_transactions=[
        {"amount": -amount, "fee": amount, "currency": currency.lower()},
    ])  # fmt: skip
    said = parse.dispute(lost)
    assert (said.amount_minor, said.fee_minor, said.currency) == (minor, minor, currency)


@given(st.integers(0, 10**12), st.sampled_from(sorted(money.CURRENCIES)))
def test_what_stripe_takes_comes_back_as_it_went(minor: int, currency: str):
    if not amounts.misfit(minor, currency):
        assert amounts.from_stripe(amounts.to_stripe(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "step", "found"),
    [(12_345, "KWD", "0.010", "12.345"), (5_50, "MGA", "1.00", "5.50"), (0, "KWD", "0.010", "0.000")],
)
def test_an_amount_that_stripe_has_no_unit_for_is_not_asked_for(
    minor: int, currency: str, step: str, found: str
):
    asked_ = Asked(ATTEMPT, "refund", "pi_1", currency, minor)
    told = Client("sk", "http://127.0.0.1:1").ask(asked_)
    assert told == Outcome(False, "", f"Stripe takes {currency} in steps of {step}, found {found}")


def test_an_amount_that_its_currency_has_no_unit_for_can_not_be_read():
    with pytest.raises(parse.UnreadableError, match="550 is no amount of UGX"):
        parse.dispute(dispute("dp_1", "pi_1", 550, currency="ugx"))
