"""The matrix of duties: who has both sides of a pair."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.access.duties import BOTH, CONFLICTS, FIRST, NONE, SECOND, matrix, sides, would_violate
from entrepot.access.rules import PAIRS, ROLES

NAMES = sorted({name for one in CONFLICTS for name in (*one.first_by, *one.second_by)})


def test_every_command_and_every_pair_that_the_table_names_exists():
    assert set(NAMES) <= {name for names in ROLES.values() for name in names}
    assert {one.kept for one in CONFLICTS if one.kept} <= set(PAIRS)
    # A rule proposes, and nobody else.
    assert set(PAIRS) - {one.kept for one in CONFLICTS} == {"propose×approve"}
    assert {one.risk for one in CONFLICTS} == {"high", "medium", "low"}
    assert len({one.name for one in CONFLICTS}) == len(CONFLICTS)


def test_a_credit_of_no_known_sale_is_not_said_to_be_kept_from_whoever_sold():
    """Of a refund its order is known, and the database asks who sold it; of a credit there is none to ask about."""
    assert {one.name for one in CONFLICTS if one.kept == "sell×credit"} == {"sale × credit"}
    for name in ("customer × credit", "price × credit"):
        (one,) = (one for one in CONFLICTS if one.name == name)
        (row,) = (row for row in matrix({"cleo": {*one.first_by, *one.second_by}}) if row.conflict is one)
        assert row.violated


def test_sides_by_what_somebody_may():
    one = next(one for one in CONFLICTS if one.name == "credit × approval")
    both = {"orders.credit", "orders.approve_credits"}
    assert [sides(one, has) for has in (set(), {"orders.credit"}, {"orders.approve_credits"}, both)] == [
        NONE, FIRST, SECOND, BOTH,
    ]  # fmt: skip


def test_of_roles_as_delivered_those_with_both_sides_are_kept_apart_on_the_document_or_told():
    rows = {one.conflict.name: one for one in matrix({"cleo": ROLES["controller"]})}
    assert rows["credit × approval"].roles["controller"] == BOTH
    assert rows["credit × approval"].people == ["cleo"]
    assert not rows["credit × approval"].violated
    assert rows["bill × payment"].people == ["cleo"] and not rows["bill × payment"].violated
    assert rows["matching × closing"].violated
    assert ("inventory manager", "controller") in rows["supplier × payment"].together


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
@settings(max_examples=50)
def test_what_more_would_bring_together_was_not_together_before(has, more):
    would = would_violate(has, more)
    assert all(sides(one, has) != BOTH and sides(one, has | more) == BOTH for one in would)
    assert would_violate(has | more, more) == []
