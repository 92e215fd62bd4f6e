"""returns.refuse_units and returns.accept_units"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.returns import errors, portal_queries, queries, verdict_queries
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.verdicts import (
    AcceptUnits,
    RefuseUnits,
    UnitsDecided,
    accept_units,
    refuse_units,
)
from entrepot.returns.refusing import Refusals
from entrepot.returns.tasks import serve_decide_refund
from entrepot.work import queries as work
from tests.back import (
    APPROVES,
    INSPECTS,
    RECEIVES,
    asked,
    asked_all,
    came,
    came_all,
    found,
    policy,
    put,
    sold,
)
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone, units
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

SERVES, LEADS = someone("sue"), someone("lea")
TOLD = "It is not the one that we sent you."


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    policy(refund_at="inspected", approve_above_minor=None)
    return house


def may(name: str, *permissions: str) -> Cause:
    return Cause(Actor(name, frozenset(permissions)), NOW, "test")


def looked_at(house: Floor, *codes: str, of: int = 1, more: int = 0) -> tuple[Any, UUID]:
    """A return of which so many units were found with codes, and `more` as new."""
    one = asked(sold(house, 1, (0, of + more))[0], of + more)
    (receipt,) = came(one)
    wanted = [Inspect(receipt.receipt, of, "B", codes)]
    wanted += [Inspect(receipt.receipt, more, "A")] if more else []
    return one, whole(inspect(INSPECTS, requests=wanted))[0].inspection


def refused(inspection: UUID, cause: Cause = SERVES, **facts: Any) -> UnitsDecided:
    facts = {"reason": "swapped", "told": TOLD} | facts
    (answer,) = refuse_units(cause, requests=[RefuseUnits(inspection, **facts)])
    assert isinstance(answer, UnitsDecided), answer
    return answer


def test_refused_units_are_not_refunded_and_go_back_to_their_customer(house: Floor):
    sold_cost, stock = balance(5000), balance(1200)
    one, inspection = looked_at(house, more=1)
    sold_cost, stock = balance(5000), balance(1200)

    assert refused(inspection) == UnitsDecided(inspection, "refused", "back")

    (made,) = refund(SERVES, requests=[Refund(one.return_id)])
    assert isinstance(made, Refunded)
    (line,) = queries.whole(one.return_id).lines
    assert (line.refused, line.refunded, line.quantity) == (1, 1, 2)
    (none,) = refund(SERVES, requests=[Refund(one.return_id, ((line.id, 1),))])
    assert none == errors.NotThatMuch(number=one.number, what="units", wanted=1, left=0)
    proposals = {row.id: (row.proposed, row.verdict) for row in queries.whole(one.return_id).inspections}
    assert proposals[inspection] == ("send_back", "refused")
    put([(row_, 1) for row_ in inspections(one.return_id)])
    assert queries.return_(one.return_id).state == "closed"
    assert (balance(5000) - sold_cost, balance(1200) - stock) == (100, -100), "it is the customer's again"
    assert units(house.skus[0], "pending_inspection") == 0
    (seen,) = verdict_queries.refusals_of(one.return_id)
    assert (seen.units, seen.reason, seen.goods, seen.told, seen.gone) == (1, "swapped", "back", TOLD, True)


def inspections(return_id: UUID) -> list[Any]:
    from entrepot.returns.commands.inspect import Inspected

    return [Inspected(row.id, row.proposed, "") for row in queries.whole(return_id).inspections]


def test_a_return_of_which_nothing_is_taken_back_ends_and_says_so(house: Floor):
    one, inspection = looked_at(house)
    refused(inspection, reason="empty")
    dispose(LEADS, requests=[Dispose(inspection, 1, "dispose", reason="an empty box")])
    assert queries.return_(one.return_id).state == "closed"
    (order,) = sql.run("SELECT order_id FROM returns_return WHERE id = %(id)s", {"id": one.return_id})[0]
    (seen,) = portal_queries.returns_of(order)
    assert (seen.step, seen.refunded_minor) == ("refused", 0)
    (told,) = verdict_queries.refusals_of(one.return_id)
    assert (told.goods, told.gone) == ("keep", False)


def test_a_finding_lets_the_refund_wait_until_somebody_decides(house: Floor):
    one, inspection = looked_at(house, "serial_swap", "scratched", more=1)
    (item,) = work.items(COMPANY, kind="swapped serial number") or work.items(
        COMPANY, kind="finding to decide"
    )
    assert item.subject == one.return_id
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [1], "the other one"
    (waits,) = refund(SERVES, requests=[Refund(one.return_id)])
    assert waits == errors.InDoubt(number=one.number, units=1)
    inspector = may("ivy", "returns.dispose")
    assert dispose(inspector, requests=[Dispose(inspection, 1)]) == [
        errors.InDoubt(number=one.number, units=1)
    ]

    (answer,) = accept_units(APPROVES, requests=[AcceptUnits(inspection, "our own list was wrong")])

    assert answer == UnitsDecided(inspection, "accepted")
    assert one.return_id in queued("decide_refund")
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [2]
    assert not [each for each in work.items(COMPANY) if each.subject == one.return_id]


def test_what_makes_a_person_decide_is_the_policy(house: Floor):
    kept = policies.SetPolicy(
        COMPANY, "returns.refusals", Refusals(doubts=("scratched",)), NOW - timedelta(days=1)
    )
    policies.set_policy(SYSTEM, requests=[kept])
    one, _ = looked_at(house, "serial_swap")
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [1]
    other, _ = looked_at(house, "scratched")
    serve_decide_refund(SYSTEM, [other.return_id])
    assert [line.refunded for line in queries.whole(other.return_id).lines] == [0]


def test_an_exchange_waits_as_well(house: Floor):
    one, inspection = looked_at(house, "serial_swap")
    (no,) = exchange(SERVES, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-000")])
    assert isinstance(no, errors.NotThatMuch)
    whole(accept_units(APPROVES, requests=[AcceptUnits(inspection, "it is right")]))
    (yes,) = exchange(SERVES, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-000")])
    assert isinstance(yes, Exchanged)


def test_a_refusal_is_taken_back_by_another_person_who_may(house: Floor):
    one, inspection = looked_at(house)
    refused(inspection)
    wanted = [AcceptUnits(inspection, "the customer showed us")]
    (same,) = accept_units(SERVES, requests=wanted)
    assert isinstance(same, DutiesApart)
    (no,) = accept_units(may("otto", "returns.accept_units"), requests=wanted)
    assert no == NotPermitted(actor="otto", command="returns.override_dispositions")
    assert whole(accept_units(LEADS, requests=wanted)) == [UnitsDecided(inspection, "accepted")]
    (row,) = queries.whole(one.return_id).inspections
    assert (row.proposed, row.verdict) == ("second_grade", "accepted"), "as it was before"
    assert [v.outcome for v in verdict_queries.verdicts(one.return_id)] == ["refused", "accepted"]
    assert isinstance(refund(SERVES, requests=[Refund(one.return_id)])[0], Refunded)


def test_a_return_that_ended_with_a_refusal_owes_again_when_it_is_taken_back(house: Floor):
    one, inspection = looked_at(house)
    refused(inspection, goods="keep")
    whole(dispose(INSPECTS, requests=[Dispose(inspection, 1)]))
    assert queries.return_(one.return_id).state == "closed"
    whole(accept_units(LEADS, requests=[AcceptUnits(inspection, "the customer showed us")]))
    assert queries.return_(one.return_id).state == "disposed"
    serve_decide_refund(SYSTEM, [one.return_id])
    assert queries.return_(one.return_id).state == "closed"


def test_refusals_of_refusing(house: Floor):
    unknown = ids.uuid7()
    paid, first = looked_at(house)
    whole(refund(SERVES, requests=[Refund(paid.return_id)]))
    _, gone = looked_at(house)
    whole(dispose(INSPECTS, requests=[Dispose(gone, 1)]))
    _, second = looked_at(house)
    answers = refuse_units(SERVES, requests=[
        RefuseUnits(unknown, "used", TOLD), RefuseUnits(second, "ugly", TOLD), RefuseUnits(second, "used", " "),
        RefuseUnits(second, "used", TOLD, "burn"), RefuseUnits(first, "used", TOLD), RefuseUnits(gone, "used", TOLD),
        RefuseUnits(second, "used", TOLD), RefuseUnits(second, "used", TOLD),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [
        NotFound, Invalid, errors.ReasonNeeded, Invalid, errors.NotThatMuch, WrongState, UnitsDecided, WrongState,
    ]  # fmt: skip


def test_refusals_of_accepting(house: Floor):
    _, plain = looked_at(house)
    _, doubted = looked_at(house, "empty_box")
    _, sent = looked_at(house)
    refused(sent)
    whole(dispose(INSPECTS, requests=[Dispose(sent, 1)]))
    answers = accept_units(LEADS, requests=[
        AcceptUnits(ids.uuid7(), "so"), AcceptUnits(plain, "so"), AcceptUnits(sent, "so"), AcceptUnits(doubted, " "),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, WrongState, WrongState, errors.ReasonNeeded]
    (receiver,) = accept_units(RECEIVES, requests=[AcceptUnits(doubted, "it is fine")])
    assert isinstance(receiver, DutiesApart), "whoever received it lets no money go for it"


def test_sending_back_is_for_refused_units_alone(house: Floor):
    _, plain = looked_at(house)
    (no,) = dispose(SYSTEM, requests=[Dispose(plain, 1, "send_back", reason="so")])
    assert isinstance(no, Invalid)
    refused(plain)
    (yes,) = dispose(SYSTEM, requests=[Dispose(plain, 1)])
    assert isinstance(yes, Disposed) and yes.disposition == "send_back"


def test_a_key_gets_its_answer_again(house: Floor):
    _, inspection = looked_at(house)
    wanted = RefuseUnits(inspection, "used", TOLD, key="k")
    first = refuse_units(SERVES, requests=[wanted])
    assert refuse_units(SERVES, requests=[wanted]) == first
    other = RefuseUnits(inspection, "empty", TOLD, key="k")
    assert refuse_units(SERVES, requests=[other]) == [RequestReused(key="k", command="returns.refuse_units")]
    back = AcceptUnits(inspection, "so", key="a")
    assert accept_units(LEADS, requests=[back]) == accept_units(LEADS, requests=[back])


@pytest.mark.counts("returns.refuse_units", "returns.accept_units")
def test_statements_are_equal_at_1_10_and_many(house: Floor, statements):
    counts = []
    for size in SIZES:
        receipts = came_all(asked_all(sold(house, size, (0, 1)), 1))
        made = [one.inspection for one, _ in found(receipts)]
        with statements() as ran:
            whole(refuse_units(SERVES, requests=[RefuseUnits(one, "used", TOLD) for one in made]))
            whole(accept_units(LEADS, requests=[AcceptUnits(one, "so") for one in made]))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
