"""returns.refuse_units and returns.accept_units"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.insight import past as insight_past
from entrepot.insight import profit, profit_facts
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.purchasing.commands import reorder
from entrepot.returns import errors, exchange_queries, portal_queries, queries, verdict_queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.override import OverrideDisposition, override_dispositions
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle_exchanges import ExchangeSettled, SettleExchange, settle_exchanges
from entrepot.returns.commands.verdicts import (
    AcceptUnits,
    RefuseUnits,
    UnitsDecided,
    accept_units,
    refuse_units,
)
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.returns.refusing import REASONS, Refusals
from entrepot.returns.tasks import serve_decide_refund
from entrepot.simulation import under_way
from entrepot.sourcing.commands import rebalance
from entrepot.work import queries as work
from tests.back import (
    APPROVES,
    ASKS,
    INSPECTS,
    RECEIVES,
    asked,
    asked_all,
    came,
    came_all,
    found,
    no_consumers,
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
    no_consumers()
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
    refused(inspection, goods="keep", note="he does not want it")
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


def test_by_law_nobody_loses_all_for_what_the_goods_have_lost(house: Floor):
    """A consumer who withdraws bears the lost value; what is not from us, or another one, he may still be refused."""
    policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, "returns.authorization", Admission(), NOW - timedelta(hours=1))
    ])  # fmt: skip
    one, inspection = looked_at(house)
    for reason in ("used", "damaged", "incomplete", "not_taken_back"):
        (no,) = refuse_units(SERVES, requests=[RefuseUnits(inspection, reason, TOLD)])
        assert no == errors.LessWorth(number=one.number, reason=REASONS[reason])
    assert queries.whole(one.return_id).lines[0].refused == 0
    assert refused(inspection, reason="not_ours").goods == "back"


def test_a_claim_that_goods_do_not_conform_is_answered_about_that(house: Floor):
    """He may not withdraw any more. That he used it says nothing of its fault; that he broke it does."""
    sealed = Admission((Rule("sealed", exception="hygiene_seal"),))
    policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, "returns.authorization", sealed, NOW - timedelta(hours=1))
    ])  # fmt: skip
    one = asked(sold(house, 1, (0, 1))[0], 1, reason="defective")
    assert (one.terms[0].withdraws, one.terms[0].conforms) == (False, True)
    (receipt,) = came(one)
    inspection = whole(inspect(INSPECTS, requests=[Inspect(receipt.receipt, 1, "C")]))[0].inspection
    for reason in ("used", "incomplete", "not_taken_back"):
        (no,) = refuse_units(SERVES, requests=[RefuseUnits(inspection, reason, TOLD)])
        assert no == errors.MustConform(number=one.number, reason=REASONS[reason])
    assert refused(inspection, reason="damaged").outcome == "refused"


def test_goods_are_kept_without_money_by_somebody_who_may_and_says_why(house: Floor):
    _, inspection = looked_at(house)
    clerk = may("otto", "returns.refuse_units")
    (silent,) = refuse_units(SERVES, requests=[RefuseUnits(inspection, "swapped", TOLD, "keep")])
    assert isinstance(silent, errors.ReasonNeeded)
    wanted = RefuseUnits(inspection, "swapped", TOLD, "keep", "he does not want it back")
    assert refuse_units(clerk, requests=[wanted]) == [
        NotPermitted(actor="otto", command="returns.override_dispositions")
    ]
    assert refuse_units(SERVES, requests=[wanted]) == [UnitsDecided(inspection, "refused", "keep")]
    _, other = looked_at(house)
    assert refused(other, clerk, reason="empty").goods == "keep", "nothing came that is anybody's"


def test_units_that_are_to_be_exchanged_are_refused_when_the_exchange_is_withdrawn(house: Floor):
    one = asked(sold(house, 1, (0, 1))[0], 1, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-000")])
    assert isinstance(new, Exchanged)
    ((swapped, _),) = found(came(one))
    (no,) = refuse_units(SERVES, requests=[RefuseUnits(swapped.inspection, "swapped", TOLD)])
    assert no == errors.ExchangeAgreed(number=one.number, units=1)
    whole(withdraw_exchanges(SERVES, requests=[WithdrawExchange(new.refund, "another one came")]))
    assert refused(swapped.inspection).goods == "back"


def test_a_refused_unit_is_not_what_a_replacement_is_sent_for(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-000")])
    assert isinstance(new, Exchanged)
    ((empty, _),) = found(came(one, 1))
    refused(empty.inspection, reason="empty")
    assert one.return_id not in exchange_queries.reached()
    (no,) = settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert no == errors.NotDueYet(number=new.number, units=1, milestone="received", reached=0)
    assert new.refund in exchange_queries.overdue(NOW + timedelta(days=99)), "nothing came that it is for"
    found(came(one, 1))
    assert exchange_queries.overdue(NOW + timedelta(days=99)) == []
    assert isinstance(settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])[0], ExchangeSettled)


def test_accepted_units_are_refunded_while_others_wait_for_their_verdict(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    receipts = [*came(one, 1), *came(one, 1)]
    wanted = [Inspect(each.receipt, 1, "B", ("serial_swap",)) for each in receipts]
    first, _ = (each.inspection for each in whole(inspect(INSPECTS, requests=wanted)))
    queued("decide_refund")
    whole(accept_units(APPROVES, requests=[AcceptUnits(first, "it is ours")]))
    assert one.return_id in queued("decide_refund")
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [1]
    assert [each for each in work.items(COMPANY) if each.subject == one.return_id], "one is to be decided"


def test_what_its_customer_was_told_he_gets_is_not_put_on_the_shelf(house: Floor):
    _, inspection = looked_at(house)
    refused(inspection)
    (no,) = dispose(SYSTEM, requests=[Dispose(inspection, 1, "restock", reason="it is as new")])
    assert isinstance(no, Invalid)
    (nor,) = override_dispositions(LEADS, requests=[OverrideDisposition(inspection, "restock", "as new")])
    assert isinstance(nor, WrongState)
    (sent,) = dispose(SYSTEM, requests=[Dispose(inspection, 1)])
    assert isinstance(sent, Disposed)


def test_what_was_sent_back_may_be_returned_again_at_what_it_is_worth(house: Floor):
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)
    ((first, _),) = found(came(one))
    refused(first.inspection)
    whole(dispose(INSPECTS, requests=[Dispose(first.inspection, 1)]))
    assert queries.discrepancies() == []

    again = asked(order, 1)
    put(found(came(again)))
    assert isinstance(refund(SERVES, requests=[Refund(again.return_id)])[0], Refunded)

    assert queries.return_(again.return_id).state == "closed"
    assert queries.discrepancies() == []
    costs = sql.run(
        "SELECT cost_minor FROM returns_receipt WHERE return_id = %(id)s", {"id": again.return_id}
    )
    assert costs == [(100,)]


def test_what_is_sent_back_was_not_sold(house: Floor):
    _, inspection = looked_at(house)
    asks = {
        "skus": [house.skus[0]], "since": [(NOW - timedelta(days=9)).date()],
        "times": [NOW - timedelta(days=9)], "first": (NOW - timedelta(days=9)).date(),
        "until": (NOW + timedelta(days=9)).date(), "company": COMPANY, "at": NOW + timedelta(hours=1),
        "by_decision": [row[0] for row in sql.run("SELECT id FROM orders_order")],
    }  # fmt: skip
    statements = (reorder._SOLD, rebalance._SOLD, insight_past._GONE, under_way._SENT_BEFORE)

    def told() -> list[Any]:
        found = [sql.run(statement, asks) for statement in statements[:3]]
        return [*found, sql.run(statements[3], asks | {"since": NOW + timedelta(days=9)})]

    before = told()
    assert before[0] and before[1] and before[3]
    refused(inspection)
    whole(dispose(INSPECTS, requests=[Dispose(inspection, 1, occurred_at=NOW + timedelta(hours=2))]))
    assert told() == before


def test_a_return_closed_without_money_for_others_is_not_opened_by_accepting(house: Floor):
    one, inspection = looked_at(house, more=1)
    refused(inspection, goods="keep", note="he does not want it")
    put([(each, 1) for each in inspections(one.return_id)])
    whole(close(SERVES, requests=[Close(one.return_id, "a rogue", without_refund=True)]))
    wanted = [AcceptUnits(inspection, "we were wrong")]
    assert isinstance(accept_units(LEADS, requests=wanted)[0], WrongState)
    whole(refund(APPROVES, requests=[Refund(one.return_id)]))
    whole(accept_units(LEADS, requests=wanted))
    assert queries.return_(one.return_id).state == "disposed"
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [2]


def test_nobody_has_to_decide_when_the_return_has_ended(house: Floor):
    one, inspection = looked_at(house, "serial_swap")
    assert [each for each in work.items(COMPANY) if each.subject == one.return_id]
    whole(dispose(LEADS, requests=[Dispose(inspection, 1, "dispose", reason="it smells")]))
    whole(close(SERVES, requests=[Close(one.return_id, "the customer agrees", without_refund=True)]))
    assert not [each for each in work.items(COMPANY) if each.subject == one.return_id]


def test_the_cost_of_what_is_sent_back_is_that_of_its_sku(house: Floor):
    house.stock(1, 10)
    one = asked(sold(house, 1, (0, 1), (1, 1))[0], 1, 1)
    looked = found(came(one, 1, 1))
    (mine,) = sql.run(
        "SELECT i.id FROM returns_inspection AS i JOIN returns_line AS l ON l.id = i.return_line_id"
        " WHERE l.return_id = %(id)s AND l.sku_id = %(sku)s",
        {"id": one.return_id, "sku": house.skus[0]},
    )[0]
    refused(mine)
    put(looked)
    asks = profit.Asked(NOW.date().replace(day=1), (NOW + timedelta(days=40)).date().replace(day=1))
    statement = profit_facts.FACTS + profit_facts.SUMS.format(name="f.sku_id", asked="TRUE")
    rows = sql.run(statement, profit._params(COMPANY, asks, NOW))
    assert {row[0] for row in rows if row[2] == "stock.sent_back" and row[4]} == {house.skus[0]}
