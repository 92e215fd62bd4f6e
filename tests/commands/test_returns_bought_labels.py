"""Labels of returns that are bought of an adapter: returns.record_label_purchases, by the relay, against a local
imitation; and what becomes of the money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.carriage.commands.register import register_services
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.relay import relay_once
from entrepot.returns import errors, label_queries, parcel_queries, tasks
from entrepot.returns.commands.bought_labels import (
    LabelPurchaseRecorded,
    RecordLabelPurchase,
    record_label_purchases,
)
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.labels import LabelMade, MakeLabel, VoidLabel, make_labels, void_labels
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.poll_labels import LabelsPolled, PollLabels, poll_labels
from entrepot.settlement import carrier_queries, clearing_queries
from entrepot.settlement import tasks as settlement
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.clear_accounts import ClearAccounts, clear_accounts
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from entrepot.settlement.commands.question_voided import (
    QuestionVoided,
    VoidedQuestioned,
    question_voided,
)
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.shipping import tasks as shipping_tasks
from entrepot.shipping.live import Bought, InDoubtError
from entrepot.work import queries as work
from tests.back import ASKS, HOME, asked, asked_all, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.imitation import Imitation, easypost
from tests.live import LIVE, a_live_house, an_account
from tests.sizes import SIZES
from tests.walk import queued

pytestmark = pytest.mark.django_db
NUMBER = "PP100200300GB"


@pytest.fixture
def house(db: None) -> Floor:
    return a_live_house()


@pytest.fixture
def other(settings) -> Iterator[Imitation]:
    with an_account(settings) as imitation:
        yield imitation


def wrong(house: Floor):
    """A return of what was not as described: the house pays for its way back."""
    return asked(sold(house, 1, (0, 2), address=HOME)[0], 2, reason="damaged_in_transit")


def a_label(house: Floor):
    one = wrong(house)
    (label,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert isinstance(label, LabelMade)
    return one, label


def relayed() -> int:
    return relay_once({"return-labels": tasks.send}, at=NOW)


def owed() -> int:
    """What is accrued for carriage of returns."""
    (row,) = sql.run(
        "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM ledger_line"
        " WHERE document_kind = 'return_label' AND account = 2150"
    )
    return -row[0]


def items(one) -> set[str]:
    return {item.type for item in work.of_subject(one.return_id) if item.state != "done"}


def a_bill(tracking: str, minor: int, name: str = "INV-1") -> TakeCarrierInvoice:
    at = NOW + timedelta(days=1)
    return TakeCarrierInvoice(COMPANY, "Post", name, "GBP", minor, (Billed(tracking, minor),), at)


def test_it_is_bought_as_a_return_bears_the_carriers_number_and_costs_what_he_asks(
    house: Floor, other: Imitation
):
    one, label = a_label(house)
    assert (label.bought, label.tracking, owed()) == ("asked", one.number, 300)
    told = label_queries.of_return(one.return_id)
    assert told
    assert not told.is_ready
    assert relayed() == 2

    asked_for = other.asked[0][1]["shipment"]
    assert asked_for["is_return"] is True
    assert asked_for["to_address"]["name"] == HOME.name, "the places stand as on the way out"
    assert asked_for["reference"] == one.number
    told = label_queries.of_return(one.return_id)
    assert told
    assert (told.bought, told.tracking, told.cost_minor) == ("bought", NUMBER, 250)
    assert told.picture == "https://labels.example/1.png"
    assert told.is_ready
    assert owed() == 250
    # By the carrier's number and by our own, whoever opens the parcel finds the return.
    for number in (NUMBER, one.number):
        assert [row.number for row in parcel_queries.expected(COMPANY, number)] == [one.number]
    assert HOME.name not in sql.run("SELECT string_agg(body::text, '') FROM kernel_delivery")[0][0]

    (taken,) = take_carrier_invoices(SYSTEM, requests=[a_bill(NUMBER, 250)])
    assert (taken.state, taken.in_question) == ("settled", 0)


def test_it_is_given_back_when_it_is_voided_or_nothing_comes(house: Floor, other: Imitation):
    one, _ = a_label(house)
    assert relayed() == 2
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])
    assert relayed() == 1
    assert other.asked[-1][0] == "/v2/shipments/shp_1/refund"
    assert sql.run("SELECT state, bought FROM returns_label") == [("voided", "voided")]
    assert owed() == 0

    (again,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert again.tracking == f"{one.number}-2"
    close(ASKS, requests=[Close(one.return_id, "he keeps it")])
    assert relayed() == 1, "it was voided before it was bought: nothing is asked"
    assert [path for path, _ in other.asked].count("/v2/shipments") == 1
    assert (owed(), items(one)) == (0, set())


def test_what_a_carrier_does_not_take_back_is_a_work_item(house: Floor, other: Imitation):
    one, _ = a_label(house)
    assert relayed() == 2
    other.answer = lambda *_: (200, {"refund_status": "rejected"})
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])
    assert relayed() == 1
    assert items(one) == {"return label not given back"}


def test_one_that_is_not_sold_is_a_work_item_and_made_anew(house: Floor, other: Imitation):
    one, label = a_label(house)
    other.answer = lambda *_: (422, {"error": {"message": "no street"}})
    assert relayed() == 1
    told = label_queries.of_return(one.return_id)
    assert told
    assert (told.bought, "no street" in told.problem, told.is_ready) == ("failed", True, False)
    assert items(one) == {"return label not bought"}

    other.answer = easypost
    (again,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert (again.fresh, again.bought, again.tracking) == (True, "asked", f"{one.number}-2")
    assert again.label != label.label
    assert relayed() == 2
    assert items(one) == set()
    assert owed() == 250
    (same,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert (same.label, same.fresh, same.bought) == (again.label, False, "bought")


def test_one_that_was_bought_by_hand_is_not_asked_for(house: Floor, other: Imitation):
    one, _ = a_label(house)
    other.answer = lambda *_: (422, {"error": {"message": "no street"}})
    assert relayed() == 1
    (mine,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, tracking="AB 1234")])
    assert (mine.bought, mine.tracking) == ("", "AB1234")
    assert relayed() == 0


def test_without_an_account_a_person_is_told(house: Floor):
    one, _ = a_label(house)
    assert relayed() == 1
    assert items(one) == {"return label not bought"}
    (item,) = work.of_subject(one.return_id)
    assert "no account" in item.reason


def test_an_outage_is_tried_again(house: Floor, other: Imitation):
    a_label(house)
    other.answer = lambda *_: (503, "busy")
    assert relayed() == 0
    other.answer = easypost
    assert relay_once({"return-labels": tasks.send}, at=NOW + timedelta(minutes=1)) == 2
    assert sql.run("SELECT bought FROM returns_label") == [("bought",)]


class Unnamed:
    """An adapter that has no name for a label before it is paid; whether it sold one is not heard."""

    def __init__(self) -> None:
        self.asked = 0

    def buy(self, *_: object) -> Bought:
        self.asked += 1
        raise InDoubtError("too late")


@pytest.fixture
def unnamed(monkeypatch) -> Unnamed:
    one = Unnamed()
    monkeypatch.setattr(tasks.adapters, "adapter", lambda _: one)
    return one


def test_where_nobody_heard_the_answer_a_person_looks_before_it_is_asked_for_again(
    house: Floor, unnamed: Unnamed
):
    one, label = a_label(house)
    assert relayed() == 1
    assert (relayed(), unnamed.asked) == (0, 1)
    told = label_queries.of_return(one.return_id)
    assert told
    assert (told.bought, told.is_ready) == ("in doubt", False)
    assert items(one) == {"return label not bought"}
    assert "may have been bought of easypost: too late" in work.of_subject(one.return_id)[0].reason
    assert owed() == 300, "it is to be paid, perhaps"

    (refused,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert isinstance(refused, errors.LabelInDoubt)
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "we look into it")])
    (refused,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert isinstance(refused, errors.LabelInDoubt), "voided or not, another one is paid for as well"
    assert items(one) == {"return label not bought"}

    (again,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, not_bought=True)])
    assert (again.fresh, again.bought, again.label != label.label) == (True, "asked", True)
    assert (items(one), owed()) == (set(), 300)


def test_one_that_was_bought_after_all_is_made_with_its_number_and_in_doubt_no_more(
    house: Floor, unnamed: Unnamed
):
    one, _ = a_label(house)
    assert relayed() == 1
    (mine,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, tracking="AB 1234")])
    assert (mine.bought, mine.tracking) == ("", "AB1234")
    assert (relayed(), unnamed.asked, items(one)) == (0, 1, set())
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "torn")])
    (again,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert again.bought == "asked"


def test_a_label_in_doubt_is_work_of_its_own(house: Floor):
    """Beside that of a label that was not sold, and whatever another one does."""
    one, label = a_label(house)
    record_label_purchases(SYSTEM, requests=[RecordLabelPurchase(label.label, "fail", problem="no street")])
    (torn,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "torn")])
    (other,) = make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    record_label_purchases(SYSTEM, requests=[RecordLabelPurchase(torn.label, "doubt", problem="too late")])
    reasons = [item.reason for item in work.of_subject(one.return_id) if item.state != "done"]
    assert len(reasons) == 2
    assert sum("may have been bought" in reason for reason in reasons) == 1
    bought = Bought("s9", "T9", 300, "GBP", "")
    record_label_purchases(SYSTEM, requests=[RecordLabelPurchase(other.label, "buy", bought)])
    (left,) = [item.reason for item in work.of_subject(one.return_id) if item.state != "done"]
    assert "may have been bought" in left


def test_what_can_not_be_used_goes_back(house: Floor, other: Imitation):
    """A number that another label bears, another currency: nobody sticks it on a parcel, and it is not paid for."""
    first, _ = a_label(house)
    second, _ = a_label(house)
    assert relayed() == 5, "two are offered and bought, and one is given back"
    kept = label_queries.of_return(first.return_id)
    sent_back = label_queries.of_return(second.return_id)
    assert kept
    assert sent_back
    assert (kept.bought, sent_back.bought) == ("bought", "failed")
    assert sent_back.problem == f"its number {NUMBER} is that of another label in force"
    assert other.asked[-1][0].endswith("/refund")

    third, label = a_label(house)
    dear = Bought("shp_9", "T9", 250, "USD", "")
    record_label_purchases(SYSTEM, requests=[RecordLabelPurchase(label.label, "buy", dear)])
    found = label_queries.of_return(third.return_id)
    assert found
    assert (found.bought, found.problem) == ("failed", "it was sold in USD, expected GBP")
    assert owed() == 250, "what can not be used is not owed"


def test_what_is_recorded_is_what_was_asked(house: Floor):
    one, label = a_label(house)
    bought = RecordLabelPurchase(label.label, "buy", Bought("shp_9", "t 9", 300, "GBP", ""), key="r")
    (done,) = record_label_purchases(SYSTEM, requests=[bought])
    assert done == record_label_purchases(SYSTEM, requests=[bought])[0]
    assert done == LabelPurchaseRecorded(label.label, "bought")
    late, none, odd, unknown = record_label_purchases(SYSTEM, requests=[
        replace(bought, key=None), RecordLabelPurchase(ids.uuid7(), "void"), RecordLabelPurchase(label.label, "buy"),
        RecordLabelPurchase(label.label, "lose"),
    ])  # fmt: skip
    assert isinstance(late, WrongState)
    assert isinstance(none, NotFound)
    assert isinstance(odd, Invalid)
    assert isinstance(unknown, Invalid)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, "T9")])
    (refused,) = void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])
    assert isinstance(refused, WrongState), "the carrier has it"


def test_one_that_was_voided_while_it_was_bought_goes_back(house: Floor):
    one, label = a_label(house)
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])
    bought = RecordLabelPurchase(label.label, "buy", Bought("shp_9", "T9", 250, "GBP", ""))
    assert record_label_purchases(SYSTEM, requests=[bought]) == [
        LabelPurchaseRecorded(label.label, "void asked")
    ]
    sent = sql.run(
        "SELECT topic FROM kernel_delivery WHERE destination = 'return-labels:easypost' ORDER BY id"
    )
    assert sent == [("return.buy",), ("return.void",)]
    assert owed() == 0


def test_a_carrier_that_does_not_tell_is_asked_and_its_first_scan_is_known(house: Floor, other: Imitation):
    one, _ = a_label(house)
    assert relayed() == 2
    later = replace(SYSTEM, at=NOW + timedelta(hours=5))
    wanted = PollLabels(COMPANY, ("easypost",))
    assert poll_labels(SYSTEM, requests=[wanted]) == [LabelsPolled(COMPANY, 0)], "it was bought just now"
    assert poll_labels(later, requests=[replace(wanted, key="p")]) == [LabelsPolled(COMPANY, 1)]
    assert poll_labels(later, requests=[replace(wanted, key="p")]) == [LabelsPolled(COMPANY, 1)]
    assert poll_labels(later, requests=[wanted]) == [LabelsPolled(COMPANY, 0)]
    assert relay_once({"carriers": shipping_tasks.send}, at=later.at) == 1
    tasks.serve_scanned(later, queued("scanned"))
    assert parcel_queries.is_scanned(one.return_id)
    much_later = replace(SYSTEM, at=NOW + timedelta(days=2))
    assert poll_labels(much_later, requests=[wanted]) == [LabelsPolled(COMPANY, 0)], "it is known"


def test_where_nobody_takes_it_back_a_person_is_told_until_there_is_a_label(house: Floor):
    one = wrong(house)
    change = (
        "UPDATE orders_order SET country = %(country)s"
        " WHERE id = (SELECT order_id FROM returns_return WHERE id = %(id)s)"
    )
    sql.change(change, {"id": one.return_id, "country": "SE"})
    for _ in range(2):
        (refused,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, key="k")])
        assert isinstance(refused, errors.NotCarriedBack)
    (item,) = work.of_subject(one.return_id)
    assert (item.type, item.role) == ("return without label", "customer service")
    assert "does not go from SE to GB" in item.reason
    sql.change(change, {"id": one.return_id, "country": "GB"})
    make_labels(ASKS, requests=[MakeLabel(one.return_id)])
    assert items(one) == set()


@pytest.mark.parametrize("cleared", [False, True], ids=["before it is cleared", "after it is cleared"])
def test_what_was_billed_for_a_voided_label_is_to_come_back(house: Floor, other: Imitation, cleared: bool):
    """2150 reaches zero, and what the carrier has to credit stands where the controller decides."""
    one, label = a_label(house)
    assert relayed() == 2
    (taken,) = take_carrier_invoices(SYSTEM, requests=[a_bill(NUMBER, 260)])
    assert taken.state == "settled"
    before = balance(2150), balance(5510), balance(2000)
    if cleared:
        clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "he sends it himself")])
    assert balance(2150) == before[0] + 250

    settlement.serve_voided(SYSTEM, [label.label])
    settlement.serve_voided(SYSTEM, [label.label])
    assert (balance(2150), balance(1170)) == (before[0], 250)
    (charge,) = carrier_queries.charges(COMPANY, in_question=True)
    assert (charge.tracking, charge.amount_minor, charge.difference_minor) == (NUMBER, 0, 250)
    assert "voided after it was billed" in charge.why
    (item,) = work.of_subject(taken.invoice)
    assert (item.role, "2.50 GBP" in item.reason) == ("controller", True)

    while clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])[0].matches:  # type: ignore[union-attr]
        pass
    still = clearing_queries.items(COMPANY, clearing_queries.Wanted(2150), NOW)
    assert not {row.document for row in still} & {label.label, taken.invoice}
    (credited,) = decide_charges(SYSTEM, requests=[DecideCharge(taken.invoice, charge.number, "credit")])
    assert credited.invoice_state == "settled"  # type: ignore[union-attr]
    assert (balance(1170), balance(2000), balance(5510)) == (0, before[2] + 250, before[1])


def test_of_a_label_that_stands_or_was_not_billed_nothing_comes_back(house: Floor, other: Imitation):
    one, label = a_label(house)
    assert relayed() == 2
    take_carrier_invoices(SYSTEM, requests=[a_bill(NUMBER, 250)])
    assert question_voided(SYSTEM, requests=[QuestionVoided(label.label)]) == [
        VoidedQuestioned(label.label, 0)
    ]
    two = wrong(house)
    (unbilled,) = make_labels(ASKS, requests=[MakeLabel(two.return_id, tracking="X1")])
    void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost"), VoidLabel(two.return_id, "lost")])
    assert carrier_queries.voided_and_billed() == [label.label]
    wanted = [QuestionVoided(label.label, key="q"), QuestionVoided(unbilled.label)]
    told = question_voided(SYSTEM, requests=wanted)
    assert told == [VoidedQuestioned(label.label, 250), VoidedQuestioned(unbilled.label, 0)]
    assert question_voided(SYSTEM, requests=wanted)[0] == told[0]
    assert carrier_queries.voided_and_billed() == []


@pytest.mark.counts("returns.record_label_purchases", "returns.poll_labels", "settlement.question_voided")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    register_services(SYSTEM, requests=[LIVE])
    for size in SIZES:
        returns = asked_all(sold(sold_house, size, (0, 2)), 2, reason="damaged_in_transit")
        labels = make_labels(ASKS, requests=[MakeLabel(one.return_id) for one in returns])
        with statements():
            record_label_purchases(SYSTEM, requests=[
                RecordLabelPurchase(one.label, "buy", Bought(str(one.label), str(one.label), 250, "GBP", ""),
                                    key=str(one.label))
                for one in labels
            ])  # fmt: skip
        with statements():
            poll_labels(
                replace(SYSTEM, at=NOW + timedelta(days=1)),
                requests=[PollLabels(COMPANY, ("easypost",), key=f"{size}-{n}") for n in range(size)],
            )
        lines = tuple(Billed(str(one.label).upper(), 250) for one in labels)
        take_carrier_invoices(SYSTEM, requests=[
            TakeCarrierInvoice(COMPANY, "Post", f"I-{size}", "GBP", 250 * size, lines, NOW)
        ])  # fmt: skip
        void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost") for one in returns])
        with statements():
            told = question_voided(
                SYSTEM, requests=[QuestionVoided(one.label, key=str(one.label)) for one in labels]
            )
        assert all(one.question_minor == 250 for one in told)
