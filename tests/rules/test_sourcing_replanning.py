"""Whether promises move: examples and properties."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.sourcing import replanning
from entrepot.sourcing.replanning import barred, saves, verdict, without, yields
from entrepot.sourcing.rules import Line, Node, Plan, Profile, Share, SortedOut, plan

LINE, SKU = UUID(int=1), UUID(int=2)
NODES = tuple(Node(UUID(int=10 + n), f"N{n}", "GB", n) for n in range(4))
SORTED = SortedOut(NODES, (), {}, {})


def at(**units: int) -> tuple[Share, ...]:
    """Shares by the number of a node, as n0=2."""
    return tuple(Share(LINE, SKU, NODES[int(name[1])].id, many) for name, many in units.items())


def a_plan(*shares: Share, short: int = 0) -> Plan:
    left = (Line(LINE, SKU, short),) if short else ()
    return Plan(shares, left, "allocated", "", ())


def judged(
    old: tuple[Share, ...], new: Plan, profile: Profile | None = None, **facts: object
) -> tuple[bool, str]:
    told = {"forbidden": ()} | facts
    return verdict(old, new, SORTED, profile or Profile(), **told)[:2]  # type: ignore[arg-type]


def test_fewer_shipments_and_preferred_nodes_are_better():
    assert judged(at(n0=1, n1=1), a_plan(*at(n1=2))) == (True, "better")
    assert judged(at(n1=2), a_plan(*at(n0=2))) == (True, "better")
    assert judged(at(n0=2), a_plan(*at(n1=2))) == (False, "not better")
    assert judged(at(n0=2), a_plan(*at(n0=2))) == (False, "same")


def test_what_is_forbidden_moves_to_anything_that_serves_it_whole():
    forbidden = {NODES[0].id}
    assert judged(at(n0=2), a_plan(*at(n1=1, n2=1)), forbidden=forbidden) == (True, "barred")
    assert judged(at(n0=2), a_plan(*at(n1=1), short=1), forbidden=forbidden) == (False, "nobody else")


def test_of_itself_the_house_goes_as_far_as_the_profile_says():
    better = at(n0=1, n1=1), a_plan(*at(n1=2))
    assert judged(*better, Profile(), by_itself=True) == (False, "not wanted")
    assert judged(*better, Profile(replan="better"), by_itself=True) == (True, "better")
    forbidden = {NODES[0].id}
    assert judged(*better, Profile(replan="off"), by_itself=True, forbidden=forbidden) == (
        False,
        "not wanted",
    )
    assert judged(*better, Profile(), by_itself=True, forbidden=forbidden) == (True, "barred")


def test_who_may_not_serve_any_more():
    nodes = SortedOut(NODES[:1], (), {"N1": "excluded", "N2": "busy"}, {}, NODES[1:3])
    all_of_them = {node.id for node in NODES}
    assert barred(nodes, all_of_them, ()) == {NODES[1].id: "excluded", NODES[3].id: "inactive"}
    assert barred(nodes, {NODES[0].id}, {NODES[0].id}) == {NODES[0].id: "left"}
    assert barred(nodes, {NODES[0].id}, (), {NODES[0].id}) == {NODES[0].id: "no service"}
    assert without(SORTED, {NODES[0].id}).first == NODES[1:]
    assert without(SORTED, ()) is SORTED


def test_it_yields_to_the_more_urgent_who_wait_for_what_it_would_take():
    mine, other = UUID(int=7), UUID(int=8)
    waits = {SKU: [replanning.Waits((-9,), other)]}
    assert yields(mine, (-5,), at(n0=2), at(n1=2), waits)
    assert not yields(mine, (-5,), at(n0=2), at(n0=2), waits), "it has them already"
    assert not yields(mine, (-9, 1), at(n0=2), at(n1=2), {SKU: [replanning.Waits((-9, 2), other)]})
    assert not yields(other, (-5,), at(n0=2), at(n1=2), waits), "nobody waits for itself"


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 100))
def test_a_margin_is_met_by_what_is_cheaper_and_never_both_ways(before: int, after: int, percent: int):
    profile = Profile(replan_margin_percent=percent)
    assert not (saves(before, after, profile) and saves(after, before, profile))
    if saves(before, after, profile):
        assert after < before and before - after >= percent * before / 100 - 1e-6


units_free = st.lists(st.integers(0, 6), min_size=4, max_size=4)


@given(units_free, units_free, st.integers(1, 6))
def test_planned_again_with_nothing_changed_it_stays_and_no_two_plans_are_better_than_each_other(
    first: list[int], second: list[int], wanted: int
):
    line = [Line(LINE, SKU, wanted)]
    plans = [
        plan(
            line,
            SORTED,
            {(SKU, node.id): n for node, n in zip(NODES, free, strict=True)},
            "partial_backorder",
            3,
        )
        for free in (first, second)
    ]
    one, other = plans
    if one.short or other.short:
        return
    assert not judged(one.shares, one)[0]
    assert not (judged(one.shares, other)[0] and judged(other.shares, one)[0])
