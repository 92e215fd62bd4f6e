"""Each state of an order, a hold, a draft, a credit and a unit, and each event given to it by its command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Refused, WrongState
from entrepot.orders import queries, rules, states
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.orders.commands.draft import (
    DiscardDraft,
    PlaceDraft,
    RestoreDraft,
    SaveDraft,
    discard_draft,
    draft,
    place_draft,
    restore_draft,
)
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.merge import MergeOrders, merge
from entrepot.orders.commands.progress import STEPS, Progress
from entrepot.orders.holding import Holding
from entrepot.sourcing.commands.expire_holds import ExpireHolds, expire_holds
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, move_on, moved, placed

pytestmark = [pytest.mark.django_db, pytest.mark.alone("orders", "work", "payments", "ledger")]

LATER = replace(CAUSE, at=NOW + timedelta(hours=2))
SECOND = replace(CAUSE, actor=Actor("a second person", everything=True))


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def tells(machine: Any, state: str, event: str, answer: object, after: str) -> None:
    """A command did what the machine says: the transition, or its refusal and nothing else."""
    expected = machine.step(state, event)
    if isinstance(expected, Refused):
        assert after == state
        assert isinstance(answer, WrongState)
        assert (answer.facts["found"], answer.facts["event"]) == (state, event)
    else:
        assert not isinstance(answer, Refused), answer
        assert after == expected


# ---- orders


def _order_in(state: str) -> UUID:
    (order,) = placed(an_order(customer="C-1"))
    match state:
        case "placed":
            place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "why")])
        case "cancelled":
            cancel(CAUSE, requests=[CancelOrder(order.order, "why")])
        case "closed":  # no command closes orders yet
            sql.run("UPDATE orders_order SET commercial = 'closed', status = 'closed'")
    return order.order


EVENTS_OF_ORDERS: dict[str, Callable[[UUID], object]] = {
    "hold": lambda order: place_hold(CAUSE, requests=[PlaceHold(order, "fraud review", "why")])[0],
    "cancel": lambda order: cancel(CAUSE, requests=[CancelOrder(order, "why")])[0],
    "merge": lambda order: merge(CAUSE, requests=[MergeOrders(_another(), (order,), "why")])[0],
}


def _another() -> UUID:
    """An order like that of `_order_in`, that it may become part of."""
    (order,) = placed(an_order("E2", customer="C-1"))
    return order.order


@pytest.mark.parametrize("event", EVENTS_OF_ORDERS)
@pytest.mark.parametrize("state", [one for one in states.COMMERCIAL.states if one != "draft"])
def test_orders(state, event):
    order = _order_in(state)
    answer = EVENTS_OF_ORDERS[event](order)
    after = queries.order(order).commercial
    if (state, event) == ("placed", "hold"):  # one hold more: it stays held
        assert not isinstance(answer, Refused)
        assert after == "placed"
    else:
        tells(states.COMMERCIAL, state, event, answer, after)


# ---- holds


def _hold_in(state: str) -> queries.HoldRow:
    (order,) = placed()
    terms = policies.SetPolicy(COMPANY, "orders.holds", Holding(expires_hours=1), NOW)
    policies.set_policy(CAUSE, requests=[terms])
    (hold,) = place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "why")])
    if state == "released":
        release_holds(CAUSE, requests=[ReleaseHold(hold.hold)])
    if state == "rejected":
        cancel(CAUSE, requests=[CancelOrder(order.order, "why")])
    return _hold(order.order)


def _hold(order: UUID) -> queries.HoldRow:
    (hold,) = queries.holds_of(order)
    return hold


@pytest.mark.parametrize("state", states.HOLD.states)
def test_holds_are_released(state):
    hold = _hold_in(state)
    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    tells(states.HOLD, state, "release", answer, _hold(hold.order).state)


@pytest.mark.parametrize("state", states.HOLD.states)
@pytest.mark.parametrize("event", ["reject", "escalate"])
def test_holds_are_rejected_with_their_order_and_escalated_when_they_expire(state, event):
    """Both commands look for open holds, so that there is no other to refuse."""
    hold = _hold_in(state)
    if event == "reject":
        cancel(CAUSE, requests=[CancelOrder(hold.order, "why")])
    else:
        expire_holds(LATER, requests=[ExpireHolds(COMPANY)])
    after = states.HOLD.step(state, event)
    now = _hold(hold.order)
    assert now.state == (state if isinstance(after, Refused) else after)
    assert (now.owner_role == rules.ESCALATED_TO) == (event == "escalate" and state == "open")


# ---- drafts and credits


@pytest.mark.parametrize("event", states.DRAFT.events)
@pytest.mark.parametrize("state", states.DRAFT.states)
def test_drafts(state, event):
    (saved,) = draft(CAUSE, requests=[SaveDraft(an_order(""))])
    give: dict[str, Callable[[], object]] = {
        "place": lambda: place_draft(CAUSE, requests=[PlaceDraft(saved.draft)])[0],
        "discard": lambda: discard_draft(CAUSE, requests=[DiscardDraft(saved.draft, "why")])[0],
        "restore": lambda: restore_draft(CAUSE, requests=[RestoreDraft(saved.draft)])[0],
    }
    if state != "draft":
        give["place" if state == "placed" else "discard"]()
    answer = give[event]()
    tells(states.DRAFT, state, event, answer, queries.draft(saved.draft).state)


@pytest.mark.parametrize("event", ["approve", "reject"])
@pytest.mark.parametrize("state", states.CREDIT.states)
def test_credits(state, event):
    item = CreditItem("goods", "MUG", 1, a_line().unit_price)
    (given,) = credit(CAUSE, requests=[CreditWithoutSale(COMPANY, "shop", "C1", (item,), "GBP")])

    def decide(agree: bool) -> object:
        return approve_credits(SECOND, requests=[ApproveCredit(given.credit, agree, "why")])[0]

    if state != "waiting":
        decide(state != "rejected")
    if state == "matched":  # no command matches credits yet
        sql.run("UPDATE orders_credit SET state = 'matched'")
    answer = decide(event == "approve")
    ((after,),) = sql.run("SELECT state FROM orders_credit")
    tells(states.CREDIT, state, event, answer, after)


# ---- units


@pytest.mark.parametrize("source", rules.PLACES)
def test_units_go_by_their_steps_and_no_others(source):
    (order,) = placed(an_order("E1", a_line("MUG", 1)))
    if source != "open":
        moved(order, "open", source)
    (line,) = queries.order(order.order).lines
    for target in rules.PLACES:
        step = Progress(line.id, order.order, source, target, 1)
        if (source, target) in STEPS:
            with transaction.atomic():
                move_on(step)
                assert queries.order(order.order).lines[0].places == {target: 1}
                transaction.set_rollback(True)
        else:
            with pytest.raises(AssertionError, match=f"no unit goes from {source} to {target}"):
                move_on(step)
    assert queries.order(order.order).lines[0].places == {source: 1}


def test_every_event_of_orders_is_given_here():
    given = {
        "order": set(EVENTS_OF_ORDERS),
        "hold": set(states.HOLD.events),
        "draft": set(states.DRAFT.events),
    }
    given["credit"] = {"approve", "reject"}
    machines = {one.subject: one for one in (states.COMMERCIAL, states.HOLD, states.DRAFT, states.CREDIT)}
    left = {name: set(one.events) - given[name] for name, one in machines.items()}
    # Orders are placed once, and confirmed by the last hold that goes; nothing closes orders or matches credits yet.
    assert left == {
        "order": {"place", "confirm", "close"},
        "hold": set(),
        "draft": set(),
        "credit": {"match"},
    }
