"""What can be proven against a dispute, by the bank's reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Said
from entrepot.payments.providers import EVIDENCE, OF_PEOPLE
from entrepot.payments.rules import blocked, is_past
from entrepot.settlement.evidence import OTHERWISE, WANTED, Back, Facts, GivenBack, Item, Sent, compose

DAY = datetime(2026, 11, 2, tzinfo=UTC)
SENT = Sent("SH-1", "Post", "PP1", DAY, DAY + timedelta(days=2), "Delivered, Leeds")
BACK = Back("RMA-1", "closed", "refund", DAY, ("It was blue.",))
REFUND = GivenBack(400, DAY, "re_1")
FACTS = Facts(
    "dp_1", "product not received", 1_000, "GBP", "SO-1", DAY, 2_000, [Item("MUG", "A mug", 2)], [SENT],
    address_match=True, earlier=[DAY - timedelta(days=90)], terms="30 days.",
)  # fmt: skip


def test_what_did_not_arrive_by_our_customer_is_answered_with_its_delivery():
    bundle = compose(FACTS)

    assert [one.name for one in bundle.points][:3] == ["refunded", "delivered", "address"]
    assert bundle.missing == ["Nothing of the payment was refunded."]
    assert bundle.fields["shipping_tracking_number"] == "PP1"
    assert bundle.fields["shipping_date"] == "2026-11-02"
    assert "Post PP1 delivered on 2026-11-04 (Delivered, Leeds)." in bundle.fields["uncategorized_text"]
    assert bundle.fields["product_description"] == "Order SO-1 of 2026-11-02, 20.00 GBP paid: 2 × A mug."
    assert bundle.fields["refund_refusal_explanation"].startswith("The customer asked for no return")


def test_what_was_refunded_is_the_first_answer_whatever_the_reason():
    for reason in (*WANTED, "general", ""):
        bundle = compose(replace(FACTS, reason=reason, given_back=[REFUND]))
        assert bundle.points[0].name == "refunded"
        assert (
            "Refunded: 4.00 GBP on 2026-11-02 (re_1); part of what is disputed."
            in (bundle.fields["uncategorized_text"].splitlines()[0])
        )
        assert "refund_refusal_explanation" not in bundle.fields, "it was not refused"
    whole = compose(replace(FACTS, given_back=[REFUND, GivenBack(600, DAY, "", as_credit=True)]))
    assert "6.00 GBP on 2026-11-02 as store credit; all of what is disputed." in whole.points[0].text


def test_what_is_missing_for_the_reason_is_said():
    bare = replace(FACTS, sent=[], address_match=None, earlier=[], terms="", reason="fraudulent")
    assert compose(bare).missing == [
        "No address is known any more.", "It is the customer's first order that was delivered.", "Nothing was sent.",
    ]  # fmt: skip
    waiting = compose(replace(FACTS, sent=[SENT._replace(delivered_at=None)], address_match=False))
    assert waiting.missing[1:] == [
        "Sent (Post PP1), and no carrier says that it arrived.",
        "Goods went to another address than the customer is billed at.",
    ]


def test_what_the_customer_wrote_with_a_return_is_told():
    bundle = compose(replace(FACTS, reason="product unacceptable", returns=[BACK]))
    assert bundle.points[0].text == "RMA-1: refund asked for on 2026-11-02, now closed."
    assert bundle.fields["uncategorized_text"].endswith("The customer wrote:\nRMA-1: It was blue.")


@given(
    st.sampled_from([*WANTED, "general"]), st.lists(st.just(SENT), max_size=2), st.lists(st.just(REFUND), max_size=2),
    st.sampled_from([True, False, None]), st.lists(st.just(BACK), max_size=1),
)  # fmt: skip
def test_only_what_holds_is_told_and_nothing_of_people(reason, sent, given_back, match, returns):
    facts = replace(
        FACTS, reason=reason, sent=sent, given_back=given_back, address_match=match, returns=returns
    )
    bundle = compose(facts)
    assert set(bundle.fields) <= set(EVIDENCE) - OF_PEOPLE
    assert all(bundle.fields.values())
    assert set(WANTED.get(reason, OTHERWISE)) <= {one.name for one in bundle.points}
    for text in bundle.missing:
        assert text not in bundle.fields["uncategorized_text"]


@given(*[st.integers(0, 50)] * 4)
def test_a_dispute_blocks_just_what_could_be_given_back_without_it(captured, given_back, disputed, wanted):
    is_blocked = blocked(captured, given_back, disputed, wanted)
    assert is_blocked == (
        wanted <= captured - given_back and wanted > max(0, captured - given_back - disputed)
    )
    assert not (is_blocked and disputed == 0)


def test_a_dispute_expires_when_the_bank_stops_to_listen():
    assert is_past("needs_response", DAY, DAY)
    assert not is_past("needs_response", DAY, DAY - timedelta(seconds=1))
    assert not is_past("needs_response", None, DAY)
    assert not is_past("under_review", DAY, DAY)


def test_every_point_is_a_sentence_that_a_page_can_tell_in_its_language():
    """What the provider is sent stays plain text in English."""
    for facts in (
        FACTS,
        replace(FACTS, sent=[], given_back=[REFUND], returns=[BACK], terms="", address_match=None),
    ):
        bundle = compose(facts)
        told = [one.text for one in bundle.points if one.text != facts.terms]
        assert told
        assert {type(one) for one in told} == {Said}
        assert {type(one) for one in bundle.fields.values()} == {str}
