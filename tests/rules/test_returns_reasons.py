"""Codes of reasons: stable, known to others, and offered by category."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns import handles, reasons
from entrepot.returns.reasons import ABROAD, Named, Own, Reasons
from entrepot.returns.rules import REASONS

# Segment RDR02 of X12, and the values of Shopify's ReturnReason.
X12 = {
    "BC", "CO", "CV", "DA", "DI", "DM", "DP", "DR", "DT", "EI", "EO", "EW", "LP", "MD", "NA", "OP", "PE", "PF", "PR",
    "PS", "PW", "RE", "SD", "SM", "SP", "SR", "ST", "TE", "WG",
}  # fmt: skip
SHOPIFY = {
    "COLOR", "DEFECTIVE", "NOT_AS_DESCRIBED", "OTHER", "SIZE_TOO_LARGE", "SIZE_TOO_SMALL", "STYLE", "UNKNOWN",
    "UNWANTED", "WRONG_ITEM",
}  # fmt: skip
GENERAL = {("amazon", "APPAREL_STYLE"), ("shopify", "OTHER")}
"""Names that stand for what the house tells apart, and lead to something plainer."""
GROUPS = {"quality", "fulfillment", "content", "fit", "carrier", "remorse", "unknown"}


def test_every_reason_has_its_root_cause_and_its_names_abroad():
    assert set(ABROAD) == set(REASONS)
    assert {one.group for one in REASONS.values()} == GROUPS
    assert {one.x12 for one in REASONS.values()} - {""} <= X12
    assert {one.shopify for one in ABROAD.values()} <= SHOPIFY
    assert reasons.codes("color_differs") == {"x12": "CV", "shopify": "COLOR", "amazon": "NOT_AS_DESCRIBED"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("defective", "defective"), ("amazon:DEFECTIVE", "defective"), ("amazon:apparel_too_small", "too_small"),
        ("shopify:UNWANTED", "changed_mind"), ("shopify:OTHER", "not_given"), ("x12:WG", "wrong_item"),
        ("x12:PF", "poor_fit"),
    ],
)  # fmt: skip
def test_a_reason_is_known_by_the_names_of_others(text: str, code: str):
    assert reasons.named(Reasons(), text) == Named(code)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("shopify:too-tight", Named("too_small", "shopify:too-tight")), ("shopify:arrived-late", Named("arrived_late")),
        ("shopify:color-too-bright", Named("color_differs", "shopify:color-too-bright")),
        ("shopify:quality", Named("poor_quality")), ("shopify:comfort", Named("poor_fit", "shopify:comfort")),
        ("shopify:WAIST-TOO-LOOSE", Named("too_large", "shopify:waist-too-loose")),
        ("shopify:style", Named("style")), ("shopify:STYLE", Named("style")),
        ("shopify:size_too_small", Named("too_small")), ("shopify:other-reason", Named("not_given")),
        ("shopify:type-too-small", Named("not_given", "shopify:type-too-small")),
        ("shopify:battery-life", Named("not_given", "shopify:battery-life")),
    ],
)  # fmt: skip
def test_shopifys_handles_are_known_beside_its_values_of_old(text: str, found: Named):
    assert reasons.named(Reasons(), text) == found


def test_each_reason_has_a_handle_that_leads_to_one_of_its_root_cause_or_a_plainer_one():
    assert set(handles.HANDLE_OF) == set(REASONS)
    assert set(handles.EXACT.values()) | set(handles.COARSE.values()) <= set(REASONS)
    assert not set(handles.EXACT) & set(handles.COARSE)
    for handle in handles.HANDLE_OF.values():
        found = reasons.named(Reasons(), f"shopify:{handle}")
        assert found is not None
        assert found.code == "not_given" or handles.HANDLE_OF[found.code] == handle


def test_a_retired_reason_is_none_for_a_handle_either_and_the_handle_is_kept():
    found = reasons.named(Reasons(retired=("arrived_late",)), "shopify:arrived-late")
    assert found == Named("not_given", "shopify:arrived-late")


def test_every_code_of_x12_means_something_and_what_was_said_is_kept_beside_a_plainer_word():
    for code in X12:
        found = reasons.named(Reasons(), f"x12:{code}")
        assert found is not None
        assert found.own == ("" if REASONS[found.code].x12 == code else f"x12:{code}")
        assert found.code != reasons.GENERAL, code
    assert reasons.named(Reasons(), "x12:da") == Named("damaged_in_transit", "x12:DA")
    assert reasons.named(Reasons(), "amazon:CR-DEFECTIVE") == Named("defective")
    assert reasons.named(Reasons(), "amazon:CR-EXTRA_ITEM") == Named("wrong_item", "amazon:CR-EXTRA_ITEM")
    assert set(reasons.COARSE.values()) <= set(REASONS)


def test_what_another_system_says_and_nobody_knows_is_a_general_reason():
    assert reasons.named(Reasons(), "amazon:BORED") == Named("not_given", "amazon:BORED")
    assert reasons.named(Reasons(retired=("expired",)), "x12:BC") == Named("not_given", "x12:BC")
    assert reasons.told(Reasons(), "not_given", "amazon:BORED") == "no reason given (amazon:BORED)"
    own = Reasons(own={"heel_loose": Own("poor_quality", "has a loose heel")})
    assert reasons.told(own, "poor_quality", "heel_loose") == "has a loose heel"
    assert reasons.told(own, "poor_quality", "") == "is badly made"


@pytest.mark.parametrize("text", ["", "bored", "amazon:", "amazon:not a code", "ebay:DEFECTIVE", ":"])
def test_what_nobody_knows_is_no_reason(text: str):
    assert reasons.named(Reasons(), text) is None


@given(st.sampled_from(sorted(REASONS)), st.sampled_from(reasons.SYSTEMS))
def test_every_name_abroad_leads_to_a_reason_of_that_name(code: str, system: str):
    theirs = reasons.codes(code)[system]
    if theirs:
        found = reasons.named(Reasons(), f"{system}:{theirs}")
        assert found is not None
        assert reasons.codes(found.code)[system] == theirs or (system, theirs) in GENERAL


def test_a_category_is_offered_its_own_and_others_what_is_left():
    policy = Reasons(
        by_category={"shoes": ("too_small", "heel_loose", "changed_mind"), "": ("defective", "changed_mind")},
        own={"heel_loose": Own("poor_quality", "has a loose heel")},
        retired=("changed_mind",),
    )
    assert reasons.offered(policy, ["shoes"]) == {
        "too_small": "is too small",
        "heel_loose": "has a loose heel",
    }
    assert list(reasons.offered(policy, ["toys", "shoes"])) == ["defective", "too_small", "heel_loose"]
    assert list(reasons.offered(policy, [])) == ["defective"]
    assert reasons.named(policy, "heel_loose") == Named("poor_quality", "heel_loose")
    assert reasons.named(policy, "changed_mind") is None, "it was retired"
    assert set(reasons.offered(Reasons(), ["toys"])) == set(REASONS)


def test_a_category_of_a_family_is_offered_what_is_usual_for_it_unless_the_company_says_more():
    policy = Reasons(by_category={"boots": ("too_small",)}, families={"boots": "shoes", "coats": "apparel"})
    assert list(reasons.offered(policy, ["boots"])) == ["too_small"]
    assert tuple(reasons.offered(policy, ["coats"])) == reasons.FAMILIES["apparel"]
    assert set(reasons.offered(policy, ["toys"])) == set(REASONS)
    assert reasons.chosen(policy, "coats")
    assert not reasons.chosen(policy, "toys")


def test_every_family_knows_reasons_of_the_house_each_once_and_lets_nobody_without_one():
    for codes in reasons.FAMILIES.values():
        assert set(codes) <= set(REASONS)
        assert len(set(codes)) == len(codes)
        assert codes[-1] == reasons.GENERAL


@pytest.mark.parametrize(
    "wrong",
    [
        {"own": {"heel": Own("bored", "x")}},
        {"own": {"defective": Own("defective", "x")}},
        {"own": {"a b": Own("defective", "x")}},
        {"retired": ("bored",)},
        {"by_category": {"": ("bored",)}},
    ],
)
def test_a_policy_names_only_what_there_is(wrong: dict):
    with pytest.raises(ValueError, match="expected"):
        Reasons(**wrong)
