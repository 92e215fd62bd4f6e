"""Which answer a request to return gets: the rules of the policy, the usual terms under them, and the floor of law."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.network.rules import EUROPEAN_UNION
from entrepot.returns import admission, errors
from entrepot.returns.admission import Admission, Facts, Rule, Terms
from entrepot.returns.law import EXCEPTIONS, LAWS, law_of
from entrepot.returns.rules import ASKED, REASONS, Policy

LINE = UUID(int=1)
USUAL = Policy(window_days=30, fee_percent=10)


def facts(**changed: Any) -> Facts:
    """A line bought nowhere that the table of laws knows, unless told otherwise."""
    given = {
        "line": LINE, "sku": "SKU-1", "category": "shoes", "hazardous": False, "tracked": False, "final_sale": False,
        "unit_minor": 5_000, "line_minor": 10_000, "return_minor": 15_000, "reason": "changed_mind", "condition": "",
        "tier": "", "promotions": frozenset(), "country": "US", "ordered_on": date(2026, 3, 2),
        "asked_on": date(2026, 3, 10), "since_order": 8, "since_delivery": 5, "begun": True, "told": True,
        "named": frozenset(), "left": frozenset(),
    }  # fmt: skip
    return Facts(**(given | changed))


def terms(*rules: Rule, policy: Policy = USUAL, business: tuple[str, ...] = (), **changed: Any) -> Terms:
    return admission.terms(policy, Admission(rules, business), facts(**changed))


def decided(
    *rules: Rule, asked: str = "refund", insist: str = "", policy: Policy = USUAL, **changed: Any
) -> Any:
    lines = [(facts(**changed), terms(*rules, policy=policy, **changed))]
    return admission.decide("O-1", lines, asked, insist=insist)


def test_without_rules_the_usual_terms_hold():
    found = terms()
    assert (found.answer, found.outcomes) == ("yes", ("refund", "exchange", "store_credit"))
    assert (found.window_days, found.counted_from, found.fee_percent, found.label) == (
        30,
        "delivery",
        10,
        False,
    )
    assert found.reasons == ("5 of 30 days",)
    assert terms(reason="defective")[5:8] == (0, 0, True), (
        "the house is at fault: no fee, and it sends the label"
    )


def test_the_last_day_is_told_while_there_is_one():
    today = date(2026, 3, 10)
    assert admission.until(terms(), today) == date(2026, 4, 4)
    assert admission.until(terms(since_delivery=30), today) == today
    assert admission.until(terms(since_delivery=31), today) is None
    assert admission.until(terms(policy=Policy(window_days=10**6)), today) == date(2126, 2, 14)


def test_the_window_is_counted_from_the_order_where_a_rule_says_so():
    rule = Rule("from the order", counted_from="order", window_days=7)
    assert terms(rule, since_order=7).reasons == ("7 of 7 days from the order", "from the order")
    assert terms(rule, since_order=8).answer == "ask"
    assert terms(rule, since_order=8, policy=Policy(late="decline")).objections == ("8 days, beyond 7",)


def test_what_is_too_late_says_since_when_it_is_counted():
    rule, late = Rule("from the order", counted_from="order", window_days=7), Policy(late="decline")
    placed = decided(rule, since_order=8, policy=late)
    assert isinstance(placed, errors.TooLate)
    assert "O-1: it was placed 8 days ago; returns are taken for 7 days" in str(placed)
    assert "it arrived 31 days ago" in str(decided(since_delivery=31, policy=late))


@pytest.mark.parametrize(
    ("rule", "fitting", "other"),
    [
        (Rule("", categories=("shoes", "hats")), {}, {"category": "toys"}),
        (Rule("", skus=("SKU-1",)), {}, {"sku": "SKU-2"}),
        (Rule("", reasons=("remorse",)), {}, {"reason": "defective"}),
        (Rule("", reasons=("changed_mind",)), {}, {"reason": "ordered_by_mistake"}),
        (Rule("", conditions=("opened", "used")), {"condition": "used"}, {"condition": "unopened"}),
        (Rule("", tiers=("gold",)), {"tier": "gold"}, {"tier": ""}),
        (Rule("", promotions=("SALE",)), {"promotions": frozenset({"SALE", "X"})}, {}),
        (Rule("", countries=("US",)), {}, {"country": "CA"}),
        (Rule("", hazardous=True), {"hazardous": True}, {}),
        (Rule("", hazardous=False), {}, {"hazardous": True}),
        (Rule("", tracked=True), {"tracked": True}, {}),
        (Rule("", final_sale=True), {"final_sale": True}, {}),
        (Rule("", final_sale=False), {}, {"final_sale": True}),
        (Rule("", value_from_minor=5_000), {}, {"unit_minor": 4_999}),
        (Rule("", value_below_minor=5_001), {}, {"unit_minor": 5_001}),
    ],
)
def test_a_rule_fits_what_it_names(rule: Rule, fitting: dict[str, Any], other: dict[str, Any]):
    assert admission.fits(rule, facts(**fitting))
    assert not admission.fits(rule, facts(**other))


def test_the_first_rule_that_speaks_of_a_term_is_heard():
    rules = (
        Rule("gold", tiers=("gold",), window_days=90, fee_percent=0),
        Rule("shoes", categories=("shoes",), window_days=14, bonus_percent=5, node="SHOES"),
    )
    found = terms(*rules, tier="gold")
    assert (found.window_days, found.fee_percent, found.bonus_percent, found.node) == (90, 0, 5, "SHOES")
    assert found.reasons == ("5 of 90 days", "gold", "shoes")
    assert terms(*rules).window_days == 14


def test_a_final_sale_is_refused_and_dangerous_goods_are_asked_about():
    final = Rule("final sale", promotions=("CLEARANCE",), answer="no")
    assert decided(final, promotions=frozenset({"CLEARANCE"})) == errors.NotAllowed(
        order="O-1", sku="SKU-1", why="final sale"
    )
    danger = Rule("dangerous goods", hazardous=True, answer="ask", label=False)
    assert decided(danger, hazardous=True, reason="defective") == (
        "requested", ("5 of 30 days", "dangerous goods", "dangerous goods: a person decides"), ""
    )  # fmt: skip


def test_what_is_asked_for_must_be_offered():
    credit = Rule("sale", promotions=("SALE",), outcomes=("exchange", "store_credit"), bonus_percent=10)
    on_sale = {"promotions": frozenset({"SALE"})}
    assert decided(credit, **on_sale) == errors.NotOffered(
        sku="SKU-1", asked="refund", offered="exchange, store credit"
    )
    assert decided(credit, asked="store_credit", **on_sale).state == "authorized"
    insisted = decided(credit, insist="a good customer", **on_sale)
    assert (insisted.state, insisted.reasons[-1]) == (
        "authorized", "refund is not offered: a good customer"
    )  # fmt: skip
    assert isinstance(decided(asked="keep"), errors.NotOffered), "that the customer keeps it needs a rule"
    cheap = Rule("not worth its way back", value_below_minor=1_000, outcomes=("keep", "refund"))
    assert decided(cheap, asked="keep", unit_minor=999).state == "authorized"


def test_of_regulated_goods_lot_or_serial_must_match_whoever_asks():
    rule = Rule("regulated", tracked=True, must_match=True)
    left = {"tracked": True, "left": frozenset({"S-1", "L-1"}), "country": "DE"}
    assert terms(rule, **left, named=frozenset({"S-1", "L-1"})).answer == "yes"
    assert terms(rule, **left).objections == ("name the lot or serial number that stands on it",)
    other = terms(rule, **left, named=frozenset({"S-1", "S-9"}))
    assert (other.answer, other.objections) == ("no", ("S-9 did not leave with this order",))
    assert terms(rule).answer == "yes", "it has no numbers"


def test_lines_that_go_to_several_nodes_are_not_one_return():
    shoes = Rule("shoes", categories=("shoes",), node="SHOES")
    lines = [(facts(category=one), terms(shoes, category=one)) for one in ("shoes", "toys")]
    assert admission.decide("O-1", lines, "refund") == errors.SeveralNodes(
        order="O-1", nodes="SHOES, the usual one"
    )
    assert admission.decide("O-1", lines, "refund", goes_to=True).state == "authorized"


# ---- the floor of law


def test_eu_consumers_may_withdraw_for_14_days_whatever_the_policy_says():
    strict = Rule("final sale", answer="no", outcomes=("store_credit",), window_days=0)
    found = terms(strict, country="DE", since_delivery=14)
    assert (found.answer, found.fee_percent) == ("yes", 0)
    assert "refund" in found.outcomes
    assert "EU consumer law (2011/83, 2019/771): 14 of 14 days" in found.reasons
    assert terms(strict, country="DE", since_delivery=15).answer == "no"
    assert terms(strict, country="DE", tier="trade", business=("trade",)).answer == "no", "no consumer"
    assert terms(strict, country="US").answer == "no"


def test_a_broken_hygiene_seal_is_an_exception_of_the_law_a_defect_is_not():
    hygiene = Rule("the seal is broken", conditions=("opened", "used"), answer="no", exception="hygiene_seal")
    assert terms(hygiene, country="FR", condition="opened").answer == "no"
    assert terms(hygiene, country="FR", condition="unopened").answer == "yes"
    broken = terms(hygiene, country="FR", condition="opened", reason="defective", since_delivery=700)
    assert (broken.answer, broken.outcomes, broken.label) == ("yes", ("exchange",), True)


def test_in_the_united_kingdom_what_fails_is_rejected_for_30_days_and_replaced_for_half_a_year():
    hygiene = Rule("the seal is broken", conditions=("opened",), answer="no", exception="hygiene_seal")
    told = {"country": "GB", "condition": "opened", "reason": "defective"}
    at_once = terms(hygiene, **told, since_delivery=30)
    assert (at_once.answer, at_once.outcomes, at_once.by_law) == (
        "yes",
        ("refund", "exchange"),
        True,
    )
    assert at_once.reasons == ("UK Consumer Rights Act 2015: 30 of 30 days to reject it",)
    later = terms(hygiene, **told, since_delivery=31)
    assert (later.answer, later.outcomes, later.label) == ("yes", ("exchange",), True)
    assert later.reasons == ("UK Consumer Rights Act 2015: it must conform for 182 days",)
    assert terms(hygiene, **told, since_delivery=183).answer == "ask", (
        "it is his to show, until six years are over"
    )
    assert terms(hygiene, **told | {"reason": "changed_mind"}, since_delivery=3).answer == "no"
    swaps = Rule("only others", outcomes=("exchange",), window_days=60)
    assert "refund" in terms(swaps, country="GB", reason="defective", since_delivery=20).outcomes
    assert terms(swaps, country="GB", reason="defective", since_delivery=40).outcomes == ("exchange",)


def test_what_does_not_conform_is_replaced_whatever_else_the_policy_offers():
    rule = Rule("credit only", outcomes=("store_credit",), window_days=90, label=False)
    told = {"country": "DE", "reason": "defective", "since_delivery": 60}
    found = terms(rule, **told)
    assert (found.outcomes, found.label, found.by_law) == (("exchange", "store_credit"), True, True)
    assert found.reasons[-1] == "EU consumer law (2011/83, 2019/771): it must conform for 730 days"
    for asked in ("exchange", "store_credit"):
        assert decided(rule, asked=asked, **told).state == "authorized"
    assert isinstance(decided(rule, **told), errors.NotOffered), "the money back is no right any more"
    early = terms(rule, **told | {"since_delivery": 5})
    assert early.outcomes == ("exchange", "refund", "store_credit")


def test_a_right_of_no_days_is_none_on_the_day_of_delivery_either():
    hygiene = Rule("the seal is broken", answer="no", exception="hygiene_seal")
    today = {"reason": "defective", "since_delivery": 0}
    found = terms(hygiene, country="DE", **today)
    assert found.outcomes == ("exchange",), "nobody rejects at once by the law of the EU"
    assert "to reject it" not in "".join(found.reasons)
    assert terms(hygiene, country="BR", **today).answer == "no", "its law knows withdrawal alone"


def test_the_reason_decides_which_right_stands():
    told = {"country": "DE", "since_delivery": 5}
    rights = {
        reason: terms(reason=reason, **told)[-3:-1]
        for reason in ("changed_mind", "too_small", "defective", "wrong_item", "missing_parts")
    }
    assert rights == {
        "changed_mind": (True, False),
        "too_small": (True, False),
        "defective": (True, True),
        "wrong_item": (True, True),
        "missing_parts": (True, True),
    }
    assert terms(reason="defective", country="DE", since_delivery=15)[-3:-1] == (False, True)
    assert terms(reason="too_small", country="DE", since_delivery=15)[-3:-1] == (False, False)
    assert terms(reason="defective", country="US")[-3:-1] == (False, False), "no law of the table"
    sealed = Rule("the seal is broken", exception="hygiene_seal")
    assert terms(sealed, reason="defective", **told)[-3:-1] == (False, True)
    assert terms(reason="defective", tier="trade", business=("trade",), **told)[-3:-1] == (False, False)


def test_a_claim_that_its_customer_has_to_prove_is_read_by_a_person():
    told = {"country": "GB", "reason": "defective", "policy": Policy(late="decline")}
    found = terms(since_delivery=2_190, **told)
    assert (found.answer, found.by_law, found.conforms, found.claims) == ("ask", False, False, True)
    assert (
        found.objections[-1]
        == "UK Consumer Rights Act 2015: 2190 of 2190 days to show that it never conformed"
    )
    assert decided(asked="exchange", since_delivery=2_190, **told).state == "requested"
    assert terms(since_delivery=2_191, **told).answer == "no"
    assert terms(since_delivery=400, **told | {"reason": "changed_mind"}).answer == "no"
    kind = terms(Rule("ten years", window_days=3_650), since_delivery=400, **told)
    assert (kind.answer, kind.conforms, kind.claims) == ("yes", False, True), "a policy may give more"


rules_drawn = st.builds(
    Rule,
    name=st.just("a rule"),
    answer=st.sampled_from(["", "yes", "ask", "no"]),
    window_days=st.none() | st.integers(0, 60),
    counted_from=st.sampled_from(["", "delivery", "order"]),
    outcomes=st.lists(st.sampled_from(ASKED), max_size=3).map(tuple),
    fee_percent=st.none() | st.integers(0, 100),
    conditions=st.lists(st.sampled_from(admission.CONDITIONS), max_size=2).map(tuple),
    exception=st.sampled_from(EXCEPTIONS),
)
asked_for = {
    "reason": st.sampled_from(sorted(REASONS)),
    "condition": st.sampled_from(["", *admission.CONDITIONS]),
    "country": st.sampled_from([*sorted(LAWS), "NZ"]),
    "since_order": st.integers(0, 100),
    "since_delivery": st.integers(0, 100),
}


@given(
    st.lists(rules_drawn, max_size=4),
    st.sampled_from(["review", "decline"]),
    st.fixed_dictionaries(asked_for),
)
def test_no_policy_undercuts_the_law(rules: list[Rule], late: str, given: dict[str, Any]):
    found = terms(*rules, policy=Policy(late=late, fee_percent=20), **given)
    law = law_of(given["country"], facts().ordered_on)
    exempt = any(rule.exception for rule in rules if admission.fits(rule, facts(**given)))
    if law and not exempt and law.withdraw_days and given["since_delivery"] <= law.withdraw_days:
        assert (found.answer, found.fee_percent) == ("yes", 0)
        assert "refund" in found.outcomes
    fails = given["reason"] in admission.CLAIMS
    assert found.withdraws == bool(
        law and not exempt and law.withdraw_days and given["since_delivery"] <= law.withdraw_days
    )
    if found.conforms:
        assert law and fails and found.answer != "no"
    if law and fails and law.conform_days and given["since_delivery"] <= law.conform_days:
        assert found.answer == "yes", "no exception takes the right to a good that conforms"
        assert "exchange" in found.outcomes
        assert (found.label, found.fee_percent) == (True, 0)
        if law.reject_days and given["since_delivery"] <= law.reject_days:
            assert "refund" in found.outcomes


@given(
    st.lists(rules_drawn, max_size=4),
    st.fixed_dictionaries(asked_for),
    st.sampled_from(ASKED),
    st.text(max_size=3),
)
def test_every_answer_has_its_words(rules: list[Rule], given: dict[str, Any], asked: str, insist: str):
    found = terms(*rules, **given)
    assert (found.answer == "yes") == (not found.objections)
    assert found.outcomes
    decision = admission.decide("O-1", [(facts(**given), found)], asked, insist=insist)
    if isinstance(decision, admission.Decision):
        assert decision.reasons
        assert insist or (found.answer != "no" and asked in found.outcomes)
        assert (decision.state == "requested") == (found.answer == "ask" and not insist)
    else:
        assert not insist
        assert "{" not in decision.message


@pytest.mark.parametrize(
    "wrong",
    [{"outcomes": ("gold",)}, {"conditions": ("wet",)}, {"reasons": ("bored",)}, {"fee_percent": 101},
     {"bonus_percent": -1}, {"window_days": 9_999}],
)  # fmt: skip
def test_a_rule_that_can_not_be(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="expected"):
        Rule("wrong", **wrong)


# ---- dates, values and milestones


@pytest.mark.parametrize(
    ("rule", "fitting", "other"),
    [
        (Rule("", ordered_from=date(2026, 3, 2)), {}, {"ordered_on": date(2026, 3, 1)}),
        (Rule("", ordered_until=date(2026, 3, 2)), {}, {"ordered_on": date(2026, 3, 3)}),
        (Rule("", value_from_minor=10_000, value_of="line"), {}, {"line_minor": 9_999}),
        (Rule("", value_below_minor=15_001, value_of="return"), {}, {"return_minor": 15_001}),
    ],
)
def test_a_rule_fits_days_of_orders_and_values_of_lines_and_returns(
    rule: Rule, fitting: dict[str, Any], other: dict[str, Any]
):
    assert admission.fits(rule, facts(**fitting))
    assert not admission.fits(rule, facts(**other))


def test_presents_bought_before_the_holiday_come_back_until_a_day_after_it():
    gifts = Rule(
        "gifts",
        ordered_from=date(2026, 11, 1),
        ordered_until=date(2026, 12, 24),
        returned_until=date(2027, 1, 31),
    )
    told = {"ordered_on": date(2026, 11, 1), "since_delivery": 90}
    found = terms(gifts, **told, asked_on=date(2027, 1, 31))
    assert (found.answer, found.reasons) == ("yes", ("returns are taken until 2027-01-31", "gifts"))
    assert terms(gifts, **told, asked_on=date(2027, 2, 1)).answer == "ask", "the window is over, too"
    within = terms(gifts, **told | {"since_delivery": 20}, asked_on=date(2027, 2, 1))
    assert within.reasons[0] == "20 of 30 days", "the window stands beside the day"
    assert (
        terms(gifts, ordered_on=date(2026, 10, 31), since_delivery=90, asked_on=date(2027, 1, 2)).answer
        == "ask"
    )


def test_a_rule_says_from_where_a_line_is_refunded_and_replaced():
    rule = Rule("gold at once", tiers=("gold",), refund_at="authorized", send_at="secured")
    policy = Policy(refund_at="inspected")
    assert terms(rule, policy=policy, tier="gold")[9:11] == ("authorized", "secured")
    assert terms(rule, policy=policy)[9:11] == ("inspected", "received")
    assert terms(rule, tier="gold").reasons == ("5 of 30 days", "gold at once")


def test_the_days_to_withdraw_begin_when_the_last_part_came():
    strict = Rule("final sale", answer="no")
    late = {"country": "DE", "since_delivery": 60}
    assert terms(strict, **late).answer == "no"
    part = terms(strict, **late, begun=False)
    assert (part.answer, part.withdraws) == ("yes", True)
    assert part.reasons[-1] == "EU consumer law (2011/83, 2019/771): 0 of 14 days"


def test_where_no_carrier_tells_the_right_stands_as_the_policy_says():
    rules = (Rule("final sale", answer="no"),)
    untold = facts(country="DE", since_delivery=60, told=False)
    assert admission.terms(USUAL, Admission(rules), untold).answer == "no", "it is reckoned to have come"
    stands = Admission(rules, untold="stands")
    assert admission.terms(USUAL, stands, untold).withdraws
    assert not admission.terms(USUAL, stands, untold._replace(told=True)).withdraws
    defective = untold._replace(reason="defective", since_delivery=800)
    assert not admission.terms(USUAL, stands, defective).conforms, (
        "two years run from when it is reckoned to have come"
    )


@pytest.mark.parametrize(
    ("country", "day", "says"),
    [
        ("DE", date(2001, 12, 31), None),
        ("DE", date(2014, 6, 12), "EU consumer law (97/7, 1999/44)"),
        ("DE", date(2014, 6, 13), "EU consumer law (2011/83, 1999/44)"),
        ("DE", date(2022, 1, 1), "EU consumer law (2011/83, 2019/771)"),
        ("US", date(1999, 1, 1), "no general right in United States law"),
        ("NZ", date(2026, 1, 1), None),
    ],
)
def test_an_order_falls_under_the_law_of_its_day(country: str, day: date, says: str | None):
    found = law_of(country, day)
    assert (found.says if found else None) == says


@pytest.mark.parametrize("country", ["US", "CA"])
def test_a_country_without_a_general_right_leaves_the_policy_alone(country: str):
    found = terms(Rule("final sale", answer="no"), country=country, since_delivery=0, reason="defective")
    assert (found.answer, found.withdraws, found.conforms, found.claims) == ("no", False, False, False)


def test_laws_of_a_country_follow_each_other():
    for laws in LAWS.values():
        days = [one.since for one in laws]
        assert days == sorted(set(days))


def test_abroad_what_does_not_conform_is_paid_replaced_or_read():
    no, told = Rule("final sale", answer="no"), {"reason": "defective", "since_delivery": 20}
    mexico = terms(no, country="MX", **told)
    assert (mexico.answer, mexico.outcomes, mexico.label) == ("yes", ("refund", "exchange"), True)
    assert terms(no, country="IN", **told).conforms
    for country in ("AU", "CH", "JP"):
        found = terms(no, country=country, **told)
        assert (found.answer, found.claims, found.withdraws) == ("ask", True, False)
        assert terms(no, country=country, since_delivery=0).answer == "no", "nobody may only think otherwise"


@given(
    st.lists(rules_drawn, max_size=3), st.lists(rules_drawn, max_size=3), st.fixed_dictionaries(asked_for),
    st.sampled_from(ASKED),
)  # fmt: skip
def test_the_better_of_two_answers_is_worse_than_neither(
    now: list[Rule], then: list[Rule], given: dict[str, Any], asked: str
):
    one, other = terms(*now, **given), terms(*then, **given)
    found = admission.better(asked, one, other)
    assert found in (one, other)
    gravity = ("yes", "ask", "no").index
    assert gravity(found.answer) == min(gravity(one.answer), gravity(other.answer))
    if one.answer == other.answer:
        assert (asked in found.outcomes) == (asked in one.outcomes or asked in other.outcomes)
    assert admission.better(asked, one, one._replace(window_days=one.window_days)) is one, (
        "of equals that of now"
    )


def test_a_rule_for_no_day_at_all_can_not_be():
    with pytest.raises(ValueError, match="ordered_until: expected 2026-03-02 or later, found 2026-03-01"):
        Rule("none", ordered_from=date(2026, 3, 2), ordered_until=date(2026, 3, 1))


def test_what_was_sold_as_final_comes_back_by_the_law_by_a_fault_of_ours_or_by_a_rule():
    told = {"final_sale": True, "country": "US"}
    assert terms(**told).objections == ("it was sold as not to come back",)
    assert decided(**told) == errors.NotAllowed(
        order="O-1", sku="SKU-1", why="it was sold as not to come back"
    )
    assert terms(**told, reason="wrong_item").answer == "yes", "it is not what was sold"
    assert terms(**told | {"country": "DE"}).withdraws
    assert terms(Rule("gold", tiers=("gold",), answer="yes"), **told, tier="gold").answer == "yes"
    credit = Rule("final for credit", final_sale=True, answer="yes", outcomes=("store_credit",))
    assert terms(credit, **told).outcomes == ("store_credit",)
    assert "refund" in terms(credit, country="US").outcomes


def test_every_law_is_told_where_returns_are_explained():
    """By its code, but for the countries that are named together."""
    told = (Path(__file__).parents[2] / "docs/how-to/decide-about-returns.md").read_text()
    together = {*EUROPEAN_UNION, "IS", "LI", "NO", "GB", "TR", "BR", "CN", "KR", "TW"}
    assert [code for code in LAWS if code not in together and f"({code})" not in told] == []
