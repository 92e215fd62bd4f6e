"""Every machine of the house: each pair of a state and an event is a transition or a refusal with a name."""

from __future__ import annotations

from itertools import product

import pytest

from docs import diagram, generate
from entrepot.kernel.errors import WrongState
from entrepot.kernel.states import Machine
from entrepot.orders import rules, states
from entrepot.orders.commands.progress import STEPS

MACHINES = {f"{module.__name__}.{name}": machine for module, name, machine in generate._machines()}
PAIRS = [(name, *pair) for name, one in MACHINES.items() for pair in product(one.states, one.events)]


def test_the_machines_of_all_rooms_are_found():
    rooms = {name.split(".")[1] for name in MACHINES}
    assert {
        "kernel",
        "orders",
        "payments",
        "purchasing",
        "returns",
        "settlement",
        "shipping",
        "warehouse",
        "work",
    } <= rooms


@pytest.mark.parametrize(("name", "state", "event"), PAIRS)
def test_every_pair_is_a_transition_or_a_named_refusal(name, state, event):
    machine = MACHINES[name]
    declared = {one.target for one in machine.transitions if one.event == event and state in one.sources}
    after = machine.step(state, event)
    if declared:
        assert {after} == declared, "one event leads from one state to one other"
    else:
        assert isinstance(after, WrongState)
        assert (after.code, after.facts["found"], after.facts["event"]) == (
            "kernel.wrong_state",
            state,
            event,
        )
        assert after.facts["subject"] == machine.subject


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_every_state_can_be_reached(machine: Machine):
    reached = [machine.initial]
    for state in reached:
        found = (one.target for one in machine.transitions if state in one.sources)
        reached += [one for one in found if one not in reached]
    assert set(reached) == set(machine.states)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_drawing_has_every_state_and_every_transition(machine: Machine):
    drawn = diagram.of_text(machine.mermaid())
    assert [one for one in machine.states if f">{one}</text>" not in drawn] == []
    told = drawn.split('aria-label="')[1].split('"')[0]
    for one in machine.transitions:
        for source in one.sources:
            assert any(
                sentence.startswith(f"{source} to {one.target} by ") and one.event in sentence
                for sentence in told.split("; ")
            )


# ---- orders: units, and the status that follows from them


def test_units_stand_in_the_places_of_lines_and_go_by_the_steps_of_their_machine():
    assert set(states.UNIT.states) == set(rules.PLACES)
    for source, target in product(rules.PLACES, repeat=2):
        events = [event for event in states.UNIT.events if states.UNIT.step(source, event) == target]
        assert len(events) == ((source, target) in STEPS)


def test_what_has_left_or_was_cancelled_does_not_come_back():
    for event, place in product(states.UNIT.events, ("shipped", "delivered", "cancelled")):
        after = states.UNIT.step(place, event)
        assert isinstance(after, WrongState) or (place, after) == ("shipped", "delivered")


def test_every_status_is_a_hold_or_follows_from_units_or_ends_the_order():
    derived = [status for status, _ in rules.DERIVED]
    assert set(rules.STATUSES) == {*derived, *rules.HOLDS, "cancelled", "closed"}


def test_every_row_of_the_table_of_statuses_is_the_answer_for_some_order():
    found = {
        rules.derive_status("confirmed", "", rules.Totals(*units))
        for units in product((0, 1), repeat=len(rules.PLACES))
    }
    assert found == {status for status, _ in rules.DERIVED} | {"cancelled"}


def test_the_drawn_life_of_a_status_follows_both_tables():
    drawn = generate.status_life()
    for line in (
        "ready --> warehouse release: release", "warehouse release --> picking: pick", "picked --> packed: pack",
        "packed --> partly shipped: ship", "partly shipped --> shipped: ship", "shipped --> delivered: deliver",
        "ready --> inventory hold: backorder", "inventory hold --> ready: allocate",
    ):  # fmt: skip
        assert f"    {line}\n" in drawn
    for status, _ in rules.DERIVED:
        assert f"> {status}: " in drawn
