"""Roles, duties kept apart, and API keys as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.access import keys, rules
from entrepot.access.errors import DutiesApart
from entrepot.access.rules import Duty
from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7

DOCUMENTS = [uuid7(), uuid7()]

duties = st.builds(
    lambda document, pair, side, person: Duty(document, pair, rules.PAIRS[pair][side], person),
    st.sampled_from(DOCUMENTS),
    st.sampled_from(sorted(rules.PAIRS)),
    st.integers(0, 1),
    st.sampled_from(["ada", "ben"]),
)


@given(st.lists(duties, max_size=12))
def test_no_batch_lets_one_person_take_both_sides(wanted):
    taken = [duty for duty, no in zip(wanted, rules.decide_duties(wanted), strict=True) if no is None]
    for duty in taken:
        sides = {
            one.side
            for one in taken
            if (one.document, one.pair, one.person) == (duty.document, duty.pair, duty.person)
        }
        assert sides == {duty.side}


@given(st.lists(duties, max_size=12))
def test_the_earlier_of_two_contrary_duties_stands(wanted):
    refused = [duty for duty, no in zip(wanted, rules.decide_duties(wanted), strict=True) if no is not None]
    for duty in refused:
        first = next(
            one
            for one in wanted
            if (one.document, one.pair, one.person) == (duty.document, duty.pair, duty.person)
        )
        assert first.side != duty.side


@pytest.mark.parametrize(
    ("changes", "field"), [(("nonsense", "order", "ada"), "pair"), (("order×receive×accept", "pay", "ada"), "side"),
                           (("order×receive×accept", "order", ""), "person")],
)  # fmt: skip
def test_a_duty_that_is_none_is_refused(changes, field):
    (refusal,) = rules.decide_duties([Duty(DOCUMENTS[0], *changes)])
    assert isinstance(refusal, Invalid)
    assert refusal.facts["field"] == field


def test_the_refusal_says_who_and_what():
    duty = Duty(DOCUMENTS[0], "order×receive×accept", "receive", "ada")
    assert isinstance(rules.apart(duty), DutiesApart)
    assert "ada did the other part of order×receive×accept" in rules.apart(duty).message


def test_the_auditor_changes_nothing():
    assert rules.ROLES["auditor"] == ()


def test_no_role_is_given_a_command_twice():
    for role, names in rules.ROLES.items():
        assert len(names) == len(set(names)), role


def test_grants_are_the_table_cut_to_what_exists():
    assert rules.grants(["warehouse.pick", "nobody.knows"]) == [
        ("picker", "warehouse.pick"),
        ("warehouse supervisor", "warehouse.pick"),
    ]
    assert "orders.place" in rules.unknown(["warehouse.pick"])
    assert rules.forgotten(["warehouse.pick", "nobody.knows"]) == ["nobody.knows"]


def test_a_role_without_commands_or_unknown_is_nobodys_but_its_members():
    nothing, everything = (lambda _: False), (lambda _: True)
    for role in ("", "nobody", "auditor"):
        assert not rules.stands_for(nothing, role) and rules.stands_for(everything, role)
        assert not rules.stands_for(set(rules.ROLES["picker"]).__contains__, role, {"picker"})
    assert rules.stands_for(nothing, "auditor", {"auditor"}) and not rules.stands_for(nothing, "", {""})
    assert rules.stands_for(nothing, "picker", {"picker"})
    assert rules.stands_for(set(rules.ROLES["picker"]).__contains__, "picker")
    assert "auditor" not in rules.ASKED and "picker" in rules.ASKED


def test_what_is_of_no_role_is_given_to_none():
    assert set(rules.OF_NO_ROLE).isdisjoint(set().union(*rules.ROLES.values()))


def test_a_fresh_key_has_a_prefix_and_a_digest_of_its_own():
    one, other = keys.fresh(), keys.fresh()
    assert keys.prefix(one) != keys.prefix(other)
    assert keys.prefix(one) in one
    assert keys.same(keys.digest(one), keys.digest(one))
    assert not keys.same(keys.digest(one), keys.digest(other))


@given(st.text())
def test_other_text_is_no_key(text):
    assert keys.prefix(text) is None
