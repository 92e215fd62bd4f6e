"""insight.advise, insight.accept_suggestions and insight.decline_suggestions"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.insight import advice_facts as facts
from entrepot.insight import making, suggestions
from entrepot.insight.advising import DEMAND, KINDS, LABOR, PRIORITY, REASON, Advice, misfit_suggested
from entrepot.insight.commands.advise import Advise, Advised, advise
from entrepot.insight.commands.decide_suggestions import (
    AcceptSuggestion,
    DeclineSuggestion,
    SuggestionAccepted,
    SuggestionDeclined,
    accept_suggestions,
    decline_suggestions,
)
from entrepot.insight.tasks import advise_at
from entrepot.kernel import forget, ids, policies, sql, wire
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, WrongState
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.settlement.commands.erase_people import erase_subjects
from entrepot.settlement.privacy_queries import Subject
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse.commands.put_away import PutAway, put_away
from entrepot.work import queries as work
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests.back import ASKS, came_all, found, lines_of, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

SAID = {
    "too_small": "much too small, does not fit",
    "defective": "the motor is broken, it stopped working",
}


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


@pytest.fixture
def sold_before(sold_house) -> Floor:
    return sold_house


def rule(**facts: Any) -> None:
    kept = policies.SetPolicy(COMPANY, "insight.advice", Advice(**facts), NOW - timedelta(days=200))
    policies.set_policy(SYSTEM, requests=[kept])


def advised(kind: str, at: Any = NOW) -> Advised:
    (answer,) = advise(replace(SYSTEM, at=at), requests=[Advise(COMPANY, kind)])
    assert isinstance(answer, Advised), answer
    return answer


def suggested(kind: str, state: str = "open") -> list[suggestions.Suggestion]:
    told = suggestions.suggestions(COMPANY, kinds=[kind], state=state)
    assert all(not misfit_suggested(one.kind, one.suggested) for one in told)
    return told


def accepted(*which: UUID, cause: Cause = SYSTEM, reason: str = "") -> list[Any]:
    return accept_suggestions(cause, requests=[AcceptSuggestion(one, reason) for one in which])


# ---- reasons of returns


def returned(house: Floor, notes: Sequence[tuple[str, str]]) -> list[Any]:
    """Returns of one unit each, each with a reason and what its customer wrote."""
    orders = sold(house, len(notes), (0, 2))
    requests = [
        Authorize(order, (Item(lines_of(order)[0], 1, reason, note),))
        for order, (reason, note) in zip(orders, notes, strict=True)
    ]
    return authorize(ASKS, requests=requests)


def learned(house: Floor, many: int = 40) -> None:
    """Returns that were inspected, each of another customer, from which the classes of reasons are fitted."""
    found(came_all(returned(house, [list(SAID.items())[n % 2] for n in range(many)])))
    sql.run("UPDATE orders_order SET customer_id = id")


def test_a_reason_is_suggested_by_the_words_of_its_customer(sold_before: Floor):
    rule(examples_min=20)
    learned(sold_before)
    one, _ = returned(
        sold_before, [("not_given", "motor broken"), ("too_small", "they are too small and do not fit")]
    )

    assert advised(REASON) == Advised(COMPANY, REASON, 1, 0)

    (told,) = suggested(REASON)
    assert told.subject == one.lines[0] and told.document == one.return_id
    assert told.suggested == {"reason": "defective", "instead_of": "not_given"}
    assert told.confidence >= 0.9 and told.number.startswith(one.number)
    assert {"motor", "broken"} <= {word for word, _ in told.reasons["words"]}
    assert told.reasons["sum"] == pytest.approx(
        sum(weight for _, weight in told.reasons["words"]) + told.reasons["common"] + told.reasons["others"],
        abs=0.01,
    )
    assert told.measured["accuracy"] > told.measured["baseline"]

    (answer,) = accepted(told.id, cause=someone("ivy"))

    assert answer == SuggestionAccepted(told.id, "returns.correct_reasons", one.lines[0])
    assert sql.run("SELECT reason FROM returns_line WHERE id = %(id)s", {"id": one.lines[0]}) == [
        ("defective",)
    ]
    assert [one.state for one in suggested(REASON, "accepted")] == ["accepted"]
    assert advised(REASON).suggestions == 0, "it has that reason now"


def test_too_few_inspected_returns_suggest_nothing_and_say_so(sold_before: Floor):
    learned(sold_before, 10)
    returned(sold_before, [("not_given", "motor broken")])
    assert advised(REASON).suggestions == 0
    (fitting,) = suggestions.fittings(COMPANY)
    assert fitting.fitted_on["examples"] == 10 and fitting.fitted_on["needed"] == 200
    assert fitting.measured == {}


def test_what_is_erased_of_a_comment_is_not_in_what_is_fitted(sold_before: Floor):
    """The model is fitted anew each time, of what is kept by then, and never stored."""
    rule(examples_min=20)
    learned(sold_before)
    returned(sold_before, [("not_given", "motor broken, says Ada Byron")])
    advised(REASON)
    (told,) = suggested(REASON)
    assert "byron" not in wire.dump(told.reasons).lower()
    forget.notes_about([(0, COMPANY, "broken")])
    advised(REASON)
    assert all("broken" not in wire.dump(one.reasons) for one in suggested(REASON))


def test_what_somebody_was_erased_from_suggests_nothing_and_empties_what_stands(sold_before: Floor):
    rule(examples_min=20)
    learned(sold_before)
    one, other = returned(sold_before, [("not_given", "motor broken")] * 2)
    sql.run("UPDATE returns_line SET note = note || '•••' WHERE id = %(id)s", {"id": other.lines[0]})
    assert advised(REASON).suggestions == 1
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": one.return_id})[0]

    erase_subjects(SYSTEM, [(Subject(COMPANY, orders={order}), set())])

    assert suggested(REASON) == []
    assert [(told.subject, told.reasons) for told in suggested(REASON, "expired")] == [(one.lines[0], {})]


def test_words_of_a_single_customer_are_not_learned(sold_before: Floor):
    """However often somebody returns, what they write names nobody to the model."""
    rule(examples_min=20)
    learned(sold_before)
    assert len({one.customer for one in facts.examples(COMPANY, NOW - making.HISTORY)}) == 40
    sql.run("UPDATE orders_order SET customer_id = %(id)s", {"id": ids.uuid7()})
    assert len({one.customer for one in facts.examples(COMPANY, NOW - making.HISTORY)}) == 1
    sql.run("UPDATE orders_order SET customer_id = NULL")
    examples = facts.examples(COMPANY, NOW - making.HISTORY)
    assert len({one.customer for one in examples}) == 1, "guests of one mail address"


def test_what_advice_said_is_not_what_it_learns_from(sold_before: Floor):
    rule(examples_min=20)
    learned(sold_before)
    (one,) = returned(sold_before, [("not_given", "motor broken")])
    advised(REASON)
    accepted(suggested(REASON)[0].id)
    found(came_all([one]))
    assert str(one.lines[0]) not in {each.key for each in facts.examples(COMPANY, NOW - making.HISTORY)}


@pytest.mark.parametrize(("grade", "outcome"), [("A", "wrong"), ("C", "right")])
@pytest.mark.parametrize("event", ["accept", "decline", "leave"])
def test_a_reason_is_judged_by_what_an_inspector_found(sold_before: Floor, grade, outcome, event):
    """Not by the reason that the line has, which is the suggested one because somebody accepted it."""
    rule(examples_min=20)
    learned(sold_before)
    (one,) = returned(sold_before, [("not_given", "motor broken")])
    advised(REASON)
    (told,) = suggested(REASON)
    if event == "accept":
        accepted(told.id)
    elif event == "decline":
        decline_suggestions(SYSTEM, requests=[DeclineSuggestion(told.id, "no")])
    advised(REASON)
    assert suggestions.suggestion(told.id).outcome == "", "nobody has seen the goods yet"
    found(came_all([one]), grade)
    advised(REASON)
    assert suggestions.suggestion(told.id).outcome == outcome


# ---- demand


def ordered(house: Floor, sku: int, days: Sequence[int], **facts: Any) -> None:
    """So many units of a SKU on each of the days up to yesterday, the last the nearest."""
    for n, units in enumerate(reversed(days), 1):
        if units:
            house.order((sku, units), occurred_at=NOW - timedelta(days=n), **(facts if n == 1 else {}))


def stocked_before(house: Floor, sku: int) -> None:
    bin_ = house.bins[house.nodes[0], "pick"]
    one = Receive(COMPANY, house.skus[sku], house.nodes[0], bin_, 5_000, 500_000, "test receipt", ids.uuid7())
    receive(replace(SYSTEM, at=NOW - timedelta(days=90)), requests=[one])


def test_a_surge_is_told_with_its_campaign_and_accepted_is_looked_at_to_be_ordered(house: Floor):
    stocked_before(house, 0)
    ordered(house, 0, [3] * 56 + [90], campaign="SPRING")

    assert advised(DEMAND) == Advised(COMPANY, DEMAND, 1, 0)

    (told,) = suggested(DEMAND)
    assert told.subject == house.skus[0] and told.number == house.codes[0]
    assert told.suggested == {"anomaly": "surge", "channel": "shop", "day": "2026-11-22", "units": 90}
    assert (told.reasons["seen"], told.reasons["campaigns"]) == (90, {"SPRING": 90})
    assert told.reasons["expected"] == pytest.approx(3, abs=0.2) and told.confidence > 0.95

    supplier = RegisterSupplier(COMPANY, "SUP", "Supplier", "GBP")
    (known,) = register_suppliers(SYSTEM, requests=[supplier])
    offer = RegisterOffer(known.id, house.skus[0], Decimal("1.00"))
    assert not isinstance(register_offers(SYSTEM, requests=[offer])[0], Refused)
    sql.run("DELETE FROM kernel_ready WHERE queue = 'reorder'")
    (answer,) = accepted(told.id)
    assert answer == SuggestionAccepted(told.id, "purchasing.review_reorders", house.skus[0])
    assert queued("reorder") == [house.skus[0]]


def test_a_silence_is_told_but_not_where_there_was_nothing_to_sell(house: Floor):
    stocked_before(house, 0)
    for sku in (0, 1):
        ordered(house, sku, [40] * 56 + [0])
    ordered(house, 2, [5] * 57)

    advised(DEMAND)

    (told,) = suggested(DEMAND)
    assert told.subject == house.skus[0] and told.suggested["anomaly"] == "silence"
    assert (told.reasons["began_with"], told.reasons["ended_with"]) == (5_000, 5_000)
    (fitting,) = suggestions.fittings(COMPANY)
    assert (fitting.measured["found"], fitting.measured["explained_by_stock"]) == (2, 1)
    (answer,) = accepted(told.id)
    (item,) = work.of_subject(house.skus[0])
    assert answer == SuggestionAccepted(told.id, "work.open", item.id)
    assert (item.type, item.role) == ("demand anomaly", "inventory manager")
    assert "0 units of SKU-000 were asked for on 2026-11-22 in shop" in item.reason


def test_a_day_stays_to_be_looked_at_until_its_time_is_over(house: Floor):
    stocked_before(house, 0)
    ordered(house, 0, [3] * 56 + [90])
    advised(DEMAND)
    assert advised(DEMAND, NOW + timedelta(days=1)).expired == 0
    assert len(suggested(DEMAND)) == 1
    assert advised(DEMAND, NOW + timedelta(days=15)).expired == 1
    assert suggested(DEMAND) == [] and len(suggested(DEMAND, "expired")) == 1


@pytest.mark.parametrize("days", [[3] * 56 + [90], [40] * 56 + [0]])
def test_what_was_accepted_is_not_told_again_the_same_day(house: Floor, days):
    stocked_before(house, 0)
    ordered(house, 0, days)
    advised(DEMAND)
    (told,) = suggested(DEMAND)
    accepted(told.id)
    assert advised(DEMAND, NOW + timedelta(minutes=5)).suggestions == 0
    assert suggestions.suggestion(told.id).outcome == "", "that somebody accepted it does not make it right"


# ---- labor


def worked(house: Floor, weeks: int) -> None:
    """Somebody puts away from eight to half past eight, every day but Sundays."""
    house.stock(0, 900)
    for n in range(7 * weeks, 0, -1):
        begins = NOW - timedelta(days=n, hours=1)
        if begins.weekday() != 6:
            for minutes in (0, 25):
                at = begins + timedelta(minutes=minutes)
                move = PutAway(COMPANY, house.skus[0], house.bin(), house.bin(kind="reserve"), 1)
                put_away(replace(someone("pia"), at=at), requests=[move])


def test_people_for_the_shifts_of_the_next_days_are_suggested_with_past_errors(house: Floor):
    worked(house, 10)
    assert advised(LABOR).suggestions == 6
    told = suggested(LABOR)
    assert "2026-11-29" not in {one.suggested["day"] for one in told}, "a Sunday"
    one = min(told, key=lambda each: each.suggested["day"])
    assert one.suggested == {
        "step": "put_away", "day": "2026-11-24", "shift": "early", "people": 1, "low": 1, "high": 1,
    }  # fmt: skip
    assert (one.reasons["hours"], one.reasons["wape"], one.confidence) == (0.42, 0.0, 1.0)
    assert one.measured == {"wape": 0.0, "tried": 14}
    (answer,) = accepted(one.id)
    assert isinstance(answer, SuggestionAccepted)
    (item,) = work.of_subject(house.nodes[0])
    assert (item.type, item.role, item.facts["people"]) == ("staffing", "warehouse supervisor", 1)
    assert advised(LABOR, NOW + timedelta(days=4)).expired == 3
    outcomes = {
        one.suggested["day"]: one.outcome
        for one in suggested(LABOR, "expired") + suggested(LABOR, "accepted")
    }
    assert outcomes["2026-11-24"] == outcomes["2026-11-25"] == "wrong", "nobody worked after all"


# ---- the order of work


def an_item(n: int, **facts: Any) -> OpenItem:
    wanted = {"reason": "Look.", "role": "customer service", "priority": 60, "value_minor": 100} | facts
    return OpenItem(COMPANY, "address hold", "order", ids.uuid7(), dedupe=f"d{n}", **wanted)


def dear_one_behind() -> tuple[UUID, list[UUID]]:
    """Eight cheap items before a dear one."""
    opened = open_items(SYSTEM, requests=[an_item(n) for n in range(8)])
    (dear,) = open_items(SYSTEM, requests=[an_item(9, priority=10, value_minor=9_000_000)])
    return dear.item, [one.item for one in opened]


def test_a_dear_item_is_suggested_before_cheap_ones_and_nothing_moves_by_itself():
    dear, _ = dear_one_behind()
    at = NOW + timedelta(hours=1)
    advised(PRIORITY, at)
    (told,) = suggested(PRIORITY)
    assert told.subject == dear and told.suggested == {"priority": 60, "place": 1, "place_now": 9}
    assert told.reasons["value_minor"] == 9_000_000 and told.reasons["cost_minor"] == 4_500_000
    assert work.item(dear).priority == 10, "advice changes nothing"

    (answer,) = accepted(told.id, cause=replace(SYSTEM, at=at))

    assert answer == SuggestionAccepted(told.id, "work.raise_items", dear)
    found = work.item(dear)
    assert (found.priority, found.state, found.reason) == (60, "open", "Look.")
    assert {one.name: one.value for one in found.terms} == {"urgency": 60, "value": 9_000_000}
    assert advised(PRIORITY, at).suggestions == 0


def test_an_item_that_is_done_meanwhile_is_not_opened_again():
    dear, _ = dear_one_behind()
    advised(PRIORITY)
    (told,) = suggested(PRIORITY)
    resolve(SYSTEM, requests=[ResolveItem(dear, "no fault")])
    (answer,) = accepted(told.id)
    assert isinstance(answer, WrongState) and answer.facts["found"] == "done"
    assert [one.id for one in suggested(PRIORITY)] == [told.id], "it stays open"
    assert advised(PRIORITY).expired == 1


def test_the_queue_in_the_order_that_is_advised():
    dear, cheap = dear_one_behind()
    ranked = making.ranked(COMPANY, Advice(), NOW, {})
    assert ranked[0].item.id == dear and {one.item.id for one in ranked[1:]} == set(cheap)


def test_a_dear_item_is_found_however_far_behind_it_stands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(facts, "RANKED_MAX", 3)
    dear, cheap = dear_one_behind()
    found = facts.waiting(COMPANY, NOW, 5_000)
    assert {one.id for one in found} >= {dear, *cheap[:3]} and len(found) <= 6
    assert [one.place for one in found if one.id == dear] == [9], "of the whole queue"
    advised(PRIORITY)
    (told,) = suggested(PRIORITY)
    assert (told.subject, told.suggested["place_now"]) == (dear, 9)


# ---- deciding


def an_open_one(kind: str = PRIORITY) -> UUID:
    dear_one_behind()
    advised(kind)
    return suggested(kind)[0].id


def test_whoever_may_not_give_the_command_may_not_follow_or_decline():
    which = an_open_one()
    picker = Cause(
        Actor("pat", frozenset({"insight.accept_suggestions", "insight.decline_suggestions"})), NOW
    )
    (refused,) = accepted(which, cause=picker)
    assert refused == NotPermitted(actor="pat", command="work.raise_items")
    (refused,) = decline_suggestions(picker, requests=[DeclineSuggestion(which, "no")])
    assert refused == NotPermitted(actor="pat", command="work.raise_items")
    assert len(suggested(PRIORITY)) == 1


def test_a_suggestion_is_decided_once_and_for_a_reason():
    which, unknown = an_open_one(), ids.uuid7()
    (no_reason, gone) = decline_suggestions(
        SYSTEM, requests=[DeclineSuggestion(which, ""), DeclineSuggestion(unknown, "no")]
    )
    assert isinstance(no_reason, Invalid) and gone == NotFound(what="suggestion", which=str(unknown))

    first, second = decline_suggestions(
        SYSTEM, requests=[DeclineSuggestion(which, "it can wait"), DeclineSuggestion(which, "it can wait")]
    )

    assert first == SuggestionDeclined(which, PRIORITY) and isinstance(second, WrongState)
    (told,) = suggested(PRIORITY, "declined")
    assert (told.decided_by, told.why) == ("system:test", "it can wait")
    assert isinstance(accepted(which)[0], WrongState)
    (gone,) = accepted(unknown)
    assert gone == NotFound(what="suggestion", which=str(unknown))


def test_what_was_declined_is_not_made_again_until_its_days_are_over():
    rule(declined_days=2)
    decline_suggestions(SYSTEM, requests=[DeclineSuggestion(an_open_one(), "it can wait")])
    assert advised(PRIORITY).suggestions == 0
    assert advised(PRIORITY, NOW + timedelta(hours=49)).suggestions == 1


def test_a_kind_that_is_switched_off_or_not_sure_enough_suggests_nothing():
    an_open_one()
    rule(confidence_min={PRIORITY: 0.99})
    assert advised(PRIORITY) == Advised(COMPANY, PRIORITY, 0, 1)
    rule(switched_off=(PRIORITY,))
    assert advised(PRIORITY) == Advised(COMPANY, PRIORITY, 0, 0)
    assert len(suggestions.fittings(COMPANY)) == 1


def test_advice_made_again_renews_what_stands_open():
    which = an_open_one()
    assert advised(PRIORITY, NOW + timedelta(minutes=5)) == Advised(COMPANY, PRIORITY, 1, 0)
    (told,) = suggested(PRIORITY)
    assert told.id == which and told.made_at == NOW + timedelta(minutes=5)


def test_what_says_something_else_by_now_is_another_suggestion():
    """Whoever has the page open accepts what stands on it, or nothing."""
    which = an_open_one()
    open_items(SYSTEM, requests=[an_item(n, priority=90) for n in range(20, 40)])
    assert advised(PRIORITY, NOW + timedelta(minutes=5)) == Advised(COMPANY, PRIORITY, 1, 1)
    (told,) = suggested(PRIORITY)
    assert told.id != which and told.suggested["priority"] == 90
    (refused,) = accepted(which)
    assert isinstance(refused, WrongState) and refused.facts["found"] == "expired"
    assert suggestions.suggestion(which).suggested["priority"] == 60


def test_what_expired_long_ago_is_forgotten_and_what_was_decided_is_not(house: Floor):
    rule(kept_days=90)
    made = open_suggestions(house, 3)
    accepted(made[0])
    advised(LABOR, NOW + timedelta(days=3))
    assert {one.id for one in suggested(LABOR, "expired")} == set(made[1:])
    advised(LABOR, NOW + timedelta(days=89))
    assert len(suggested(LABOR, "expired")) == 2
    advised(LABOR, NOW + timedelta(days=91))
    assert suggested(LABOR, "expired") == [] and len(suggested(LABOR, "accepted")) == 1
    fitted = sql.run("SELECT version, made_at FROM insight_fitting ORDER BY made_at")
    assert ("test 1", NOW) in fitted, "what was decided on comes from it"
    assert [at for _, at in fitted][1:] == [NOW + timedelta(days=days) for days in (3, 89, 91)]


def test_one_kind_that_cant_be_made_keeps_no_other(house: Floor, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: Any) -> making.Made:
        raise ValueError("no such thing")

    monkeypatch.setitem(making.MAKERS, REASON, fails)
    advise_at(NOW)
    assert {one.kind for one in suggestions.fittings(COMPANY)} == {DEMAND, LABOR, PRIORITY}


def test_an_unknown_kind_is_refused_and_a_key_answered_once():
    (refused,) = advise(SYSTEM, requests=[Advise(COMPANY, "weather")])
    assert isinstance(refused, Invalid)
    which = an_open_one()
    one = AcceptSuggestion(which, key="k")
    assert accept_suggestions(SYSTEM, requests=[one]) == accept_suggestions(SYSTEM, requests=[one])
    again = DeclineSuggestion(which, "no", key="d")
    assert isinstance(decline_suggestions(SYSTEM, requests=[again])[0], WrongState)


def test_pages_of_a_list_go_on_behind_the_last(house: Floor):
    made = open_suggestions(house, 7)
    found: list[UUID] = []
    while page := suggestions.suggestions(COMPANY, after=found[-1] if found else None, limit=3):
        found += [one.id for one in page]
    assert sorted(found) == sorted(made)
    assert list(suggestions.of_subjects([house.nodes[0]])) == [house.nodes[0]]
    assert suggestions.suggestion(made[0]).kind == LABOR and suggestions.suggestion(ids.uuid7()) is None


def open_suggestions(house: Floor, many: int) -> list[UUID]:
    """Suggestions of people for shifts."""
    fitting, made = ids.uuid7(), [ids.uuid7() for _ in range(many)]
    sql.write(
        "insight_fitting",
        ("id", "company_id", "kind", "version", "fitted_on", "measured", "suggested", "made_at"),
        [(fitting, COMPANY, LABOR, "test 1", "{}", "{}", many, NOW)],
    )
    told = {"step": "pick", "day": "2026-11-24", "shift": "early", "people": 2, "low": 1, "high": 3}
    names = (
        "id", "company_id", "kind", "subject_kind", "subject_id", "about", "suggested", "confidence", "reasons",
        "fitting_id", "made_at", "expires_at",
    )  # fmt: skip
    rows = [
        (which, COMPANY, LABOR, "node", house.nodes[0], f"{which}", wire.dump(told), 0.5, "{}", fitting, NOW,
         NOW + timedelta(days=2))
        for which in made
    ]  # fmt: skip
    sql.write("insight_suggestion", names, rows)
    return made


@pytest.mark.counts("insight.accept_suggestions")
def test_accepting_takes_as_many_statements_for_many(house: Floor, statements):
    left = open_suggestions(house, sum(SIZES))
    for size in SIZES:
        some, left = left[:size], left[size:]
        with statements():
            assert not any(isinstance(one, Refused) for one in accepted(*some))


@pytest.mark.counts("insight.decline_suggestions")
def test_declining_takes_as_many_statements_for_many(house: Floor, statements):
    left = open_suggestions(house, sum(SIZES))
    for size in SIZES:
        some, left = left[:size], left[size:]
        with statements():
            decline_suggestions(SYSTEM, requests=[DeclineSuggestion(one, "no") for one in some])


@pytest.mark.counts("insight.advise")
def test_advising_takes_as_many_statements_for_many(house: Floor, statements):
    open_items(SYSTEM, requests=[an_item(n, value_minor=100 + n) for n in range(30)])
    for size in SIZES:
        with statements():
            advise(SYSTEM, requests=[Advise(COMPANY, PRIORITY)] * size)


def test_all_kinds_can_be_made_of_an_empty_house(house: Floor):
    answers = advise(SYSTEM, requests=[Advise(COMPANY, kind) for kind in KINDS])
    assert answers == [Advised(COMPANY, kind, 0, 0) for kind in KINDS]
