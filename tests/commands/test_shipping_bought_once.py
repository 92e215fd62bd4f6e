"""A label is bought once, whatever becomes of whoever asks for it: shipping.watch_purchases, and the relay, killed in
the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.insight import pages
from entrepot.kernel import delivery, sql, worker
from entrepot.kernel.relay import relay_once
from entrepot.shipping import adapters, errors, queries, tasks
from entrepot.shipping.commands.buy import (
    BuyLabels,
    LabelsAsked,
    RecordPurchase,
    buy_labels,
    record_purchases,
)
from entrepot.shipping.commands.label import LabelsPrinted, PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.relabel import Relabel, Relabeled, relabel
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.shipping.commands.watch_purchases import PurchasesWatched, WatchPurchases, watch_purchases
from entrepot.shipping.live import Asked, Bought, InDoubtError
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.work import queries as work
from tests.commands.test_shipping_live import HOME, a_label
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.imitation import Imitation, an_imitation, easypost
from tests.live import a_live_house, an_account
from tests.sizes import SIZES
from tests.walk import packed, placed, shipped


@pytest.fixture
def house(db: None) -> Floor:
    return a_live_house()


@pytest.fixture
def other(settings) -> Iterator[Imitation]:
    with an_account(settings) as imitation:
        yield imitation


def relayed(minutes: float = 0) -> int:
    return relay_once({"carriers": tasks.send}, at=NOW + timedelta(minutes=minutes))


def states() -> list[str]:
    return [state for (state,) in sql.run("SELECT state FROM shipping_purchase ORDER BY label_id")]


def two_labels(house: Floor) -> tuple[UUID, UUID, UUID]:
    """A shipment of two packages, and their labels."""
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    (shipment,) = shipped(*placed(house, 1, (0, 2)))
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    first, second = printed.labels
    return shipment, first.label, second.label


_LAST_EVENT = """
SELECT state_before, state_after, reason FROM kernel_event WHERE subject_id = %(label)s::uuid ORDER BY seq DESC LIMIT 1
"""


def items(shipment: UUID) -> list[tuple[str, str]]:
    return [(one.type, one.state) for one in work.of_subject(shipment)]


class Killed(BaseException):
    """As nobody catches it, so nobody catches a kill."""


class Unnamed:
    """An adapter that has no name for what it has not sold yet, as karrio is one."""

    def __init__(self) -> None:
        self.sold = 0
        self.then: BaseException | None = None

    def buy(self, asked: Asked, name: str) -> Bought:  # noqa: ARG002
        self.sold += 1
        if self.then:
            raise self.then
        return Bought(f"u{self.sold}", f"U{self.sold}", 250, "GBP", "")

    def void(self, reference: str) -> None:
        pass


@pytest.fixture
def unnamed(monkeypatch) -> Unnamed:
    one = Unnamed()
    monkeypatch.setattr(adapters, "adapter", lambda _: one)
    return one


def kills_its_relay(bought: list[str]) -> tuple[Any, Any]:
    """As EasyPost, which sells a label, and whoever asked for it is gone before he hears of it; and whoever asks."""

    def answer(path: str, body: Any) -> tuple[int, Any]:
        status, told = easypost(path, body)
        if path.endswith("/buy"):
            if bought:
                return 422, {"error": {"message": "the postage is bought already"}}
            bought.append(path)
            os.kill(relay.pid, signal.SIGKILL)
        elif path.endswith("/shipments/shp_1") and bought:
            return easypost(f"{path}/buy", {"rate": {"id": "rate_Slow"}})
        return status, told

    relay: subprocess.Popen[bytes]

    def begin(url: str) -> subprocess.Popen[bytes]:
        nonlocal relay
        environment = os.environ | {"ENTREPOT_EASYPOST_KEY": "key", "ENTREPOT_EASYPOST_URL": url}
        relay = subprocess.Popen(
            [sys.executable, "-m", "entrepot", "relay"], env=environment, cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return relay

    return answer, begin


def test_a_relay_that_is_killed_after_the_label_was_sold_buys_no_second_one(committed_db: None, settings):
    shipment, _ = a_label(a_live_house())
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    sql.run("UPDATE kernel_delivery SET next_try_at = %(at)s::timestamptz", {"at": timezone.now()})
    bought: list[str] = []
    answer, begin = kills_its_relay(bought)
    with an_imitation(answer) as other:
        relay = begin(other.url)
        assert relay.wait(60) == -signal.SIGKILL
        assert states() == ["asked"]
        settings.EASYPOST_KEY, settings.EASYPOST_URL = "key", other.url
        now = timezone.now()
        assert relay_once({"carriers": tasks.send}, at=now) == 0, "whoever is gone may be at it still"
        assert relay_once({"carriers": tasks.send}, at=now + delivery.LEASE) == 1
        assert len(bought) == 1
        assert [path for path, _ in other.asked].count("/v2/shipments") == 1
    assert states() == ["bought"]
    assert queries.shipment(shipment).tracking == "PP100200300GB"


def test_what_waits_for_a_label_whose_relay_was_killed_leaves_with_that_label(committed_db: None, settings):
    house = a_live_house()
    (which,) = packed(*placed(house, 1, (0, 1), address=HOME))
    (told,) = ship(SYSTEM, requests=[ShipFulfillment(which)])
    sql.run("UPDATE kernel_delivery SET next_try_at = %(at)s::timestamptz", {"at": timezone.now()})
    bought: list[str] = []
    answer, begin = kills_its_relay(bought)
    with an_imitation(answer) as other:
        relay = begin(other.url)
        assert relay.wait(60) == -signal.SIGKILL
        assert (states(), queries.shipment(told.shipment)) == (["asked"], None)
        settings.EASYPOST_KEY, settings.EASYPOST_URL = "key", other.url
        assert relay_once({"carriers": tasks.send}, at=timezone.now() + delivery.LEASE) == 1
        assert len(bought) == 1
    worker.serve_once({"labeled": worker.queues()["labeled"]})
    assert queries.shipment(told.shipment).tracking == "PP100200300GB"


@pytest.mark.django_db
def test_where_nobody_can_be_asked_a_person_looks_before_it_is_bought_again(house: Floor, unnamed: Unnamed):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    unnamed.then = Killed()
    with pytest.raises(Killed):
        relayed()
    assert (unnamed.sold, states()) == (1, ["asked"])
    assert relayed(1) == 0, "whoever is gone may be at it still"
    unnamed.then = None
    assert relayed(5) == 1
    assert (unnamed.sold, states()) == (1, ["in doubt"])
    assert items(shipment) == [("label not bought", "open")]
    assert "may have been bought" in work.of_subject(shipment)[0].reason
    assert [(one.purchase, bool(one.problem)) for one in queries.labels(label=label)] == [("in doubt", True)]

    (refused,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert isinstance(refused, errors.LabelInDoubt)
    (asked,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))])
    assert asked == LabelsAsked(shipment, (label,))
    assert relayed(6) == 1
    assert (unnamed.sold, states()) == (2, ["bought"])
    assert items(shipment) == [("label not bought", "done")]


@pytest.mark.django_db
def test_one_that_was_bought_after_all_is_voided_and_printed_with_its_number(house: Floor, unnamed: Unnamed):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    unnamed.then = InDoubtError("a label without its number")
    assert relayed() == 1
    assert (states(), items(shipment)) == (["in doubt"], [("label not bought", "open")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "it is in the account")])
    assert items(shipment) == [("label not bought", "open")], "it may be paid for: only a person ends that"
    print_labels(SYSTEM, requests=[PrintLabels(shipment, ("U1",))])
    assert queries.shipment(shipment).tracking == "U1"
    assert (states(), items(shipment)) == (["failed"], [("label not bought", "done")]), (
        "its number ends the doubt"
    )
    (asked,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert isinstance(asked, LabelsAsked)


@pytest.mark.django_db
def test_the_number_of_another_carrier_ends_no_doubt(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    sql.run("UPDATE shipping_shipment SET carrier = 'another'")
    (made,) = print_labels(SYSTEM, requests=[PrintLabels(shipment, ("U1",))])
    assert isinstance(made, LabelsPrinted)
    assert (states(), items(shipment)) == (["in doubt"], [("label not bought", "open")])


def a_void_one_in_doubt(house: Floor) -> tuple[UUID, UUID]:
    """A shipment of which a label may have been bought, voided since, with another in its place; and that label."""
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    return shipment, label


@pytest.mark.django_db
def test_another_is_not_bought_for_a_package_whose_void_label_may_have_been(house: Floor, unnamed: Unnamed):
    shipment, label = a_void_one_in_doubt(house)
    number = queries.shipment(shipment).number
    assert (
        buy_labels(SYSTEM, requests=[BuyLabels(shipment), BuyLabels(shipment, not_bought=(shipment,))])
        == [errors.LabelInDoubt(shipment=number, source="easypost")] * 2
    )
    assert (states(), items(shipment)) == (["in doubt"], [("label not bought", "open")])
    assert (relayed(9), unnamed.sold) == (1, 0), (
        "only the message about the first, which nobody wants any more"
    )

    (asked,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))])
    assert isinstance(asked, LabelsAsked)
    assert label not in asked.labels
    assert (states(), items(shipment)) == (["failed", "asked"], [("label not bought", "done")])
    assert sql.run(_LAST_EVENT, {"label": label}) == [("in doubt", "failed", "it was not bought")]
    assert (relayed(10), unnamed.sold, states()) == (1, 1, ["failed", "bought"])


@pytest.mark.django_db
def test_another_is_not_bought_before_it_is_known_what_became_of_the_void_one(house: Floor, unnamed: Unnamed):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    number = queries.shipment(shipment).number
    assert buy_labels(SYSTEM, requests=[BuyLabels(shipment)]) == [
        errors.LabelNotAnswered(shipment=number, source="easypost")
    ]
    assert (relayed(), states()) == (1, ["failed"])
    assert isinstance(buy_labels(SYSTEM, requests=[BuyLabels(shipment)])[0], LabelsAsked)
    assert (relayed(1), unnamed.sold) == (1, 1)


@pytest.mark.django_db
def test_the_page_of_the_order_lists_no_numbers_of_our_own_for_its_packages(house: Floor):
    shipment, label, _ = two_labels(house)
    (order,) = [one for (one,) in sql.run("SELECT order_id FROM shipping_shipment")]
    own = queries.shipment(shipment).tracking
    assert [one.numbers for one in pages.shipments(order=order)] == [(own,)]
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "buy", Bought("s1", "S1", 250, "GBP", ""))])
    assert [one.numbers for one in pages.shipments(order=order)] == [("S1",)]


@pytest.mark.django_db
def test_the_doubt_about_one_package_holds_up_no_other(house: Floor):
    shipment, label, other = two_labels(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[
        RecordPurchase(label, "doubt", problem="too late"), RecordPurchase(other, "fail", problem="no street"),
    ])  # fmt: skip
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    assert buy_labels(SYSTEM, requests=[BuyLabels(shipment)]) == [LabelsAsked(shipment, (other,))]
    (asked,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))])
    assert isinstance(asked, LabelsAsked)
    assert len(asked.labels) == 1


@pytest.mark.django_db
def test_a_shipment_that_was_labeled_anew_asks_about_the_doubt_before_it_buys(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    (made,) = relabel(SYSTEM, requests=[Relabel(shipment, "left behind", "slow")])
    assert isinstance(made, Relabeled)
    assert isinstance(buy_labels(SYSTEM, requests=[BuyLabels(shipment)])[0], errors.LabelInDoubt)
    (asked,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))])
    assert asked == LabelsAsked(shipment, tuple(one.label for one in made.labels))


@pytest.mark.django_db
def test_a_fault_of_ours_over_the_answer_buys_no_second_label(house: Floor, unnamed: Unnamed, monkeypatch):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])

    def fails(*_: Any, **__: Any) -> None:
        raise KeyError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr(tasks, "record_purchases", fails)
        assert relayed() == 0
    assert relayed(1) == 1
    assert (unnamed.sold, states()) == (1, ["in doubt"])


@pytest.mark.django_db
def test_a_label_that_was_sold_and_voided_while_nobody_heard_is_given_back(house: Floor, other: Imitation):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    is_sold = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/buy"):
            is_sold.append(path)
            return 504, "too late"
        if path.endswith("/shp_1") and is_sold:
            return easypost(f"{path}/buy", {"rate": {"id": "rate_Slow"}})
        return easypost(path, body)

    other.answer = answer
    assert relayed() == 1, "it is offered"
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert relayed(1) == 2, "it was bought, and is given back"
    assert (len(is_sold), states()) == (1, ["voided"])


class Slow:
    """As EasyPost, which sells a label after whoever asked for it has stopped waiting."""

    def __init__(self, sells_after: int) -> None:
        self.waits, self.asked = sells_after, 0

    def __call__(self, path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/buy"):
            self.asked += 1
            return (
                (504, "too late") if self.asked == 1 else (422, {"error": {"message": "it is being bought"}})
            )
        if path.endswith("/shp_1") and self.asked:
            self.waits -= 1
            if self.waits < 0:
                return easypost(f"{path}/buy", {"rate": {"id": "rate_Slow"}})
        return easypost(path, body)


@pytest.mark.django_db
@pytest.mark.parametrize("voided", [False, True])
def test_that_nothing_was_sold_is_believed_minutes_after_it_was_asked_for(
    house: Floor, other: Imitation, voided: bool
):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    other.answer = slow = Slow(2)
    assert relayed() == 1, "it is offered"
    if voided:
        void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert (relayed(0.2), relayed(1)) == (0, 0)
    assert (slow.asked, states()) == (1, ["asked"])
    assert relayed(5) == (2 if voided else 1)
    assert (slow.asked, states()) == (1, ["voided" if voided else "bought"])


@pytest.mark.django_db
def test_what_was_not_sold_minutes_later_is_bought_by_the_same_offer(house: Floor, other: Imitation):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    other.answer = slow = Slow(100)
    assert [relayed(minutes) for minutes in (0, 0.2, 1, 4)] == [1, 0, 0, 0]
    assert slow.asked == 1
    assert relayed(10) == 1
    assert (slow.asked, states()) == (2, ["failed"]), "it is certain by now"


@pytest.mark.django_db
@pytest.mark.parametrize(("attempts", "state"), [(0, "bought"), (1, "in doubt")])
def test_what_was_asked_for_before_messages_went_once_is_not_bought_twice(
    house: Floor, other: Imitation, attempts: int, state: str
):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    sql.run("UPDATE kernel_delivery SET once = false, attempts = %(n)s::int", {"n": attempts})
    sql.run(import_module("entrepot.kernel.migrations.0016_sent_once").ONCE)
    relayed()
    assert states() == [state]


@pytest.mark.django_db
def test_only_labels_that_somebody_has_looked_at_are_asked_for_again(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    (refused,) = buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(shipment,))])
    assert isinstance(refused, errors.LabelInDoubt)
    assert [state for _, state in items(shipment)] == ["open"]
    assert buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))]) == [
        LabelsAsked(shipment, (label,))
    ]


@pytest.mark.django_db
def test_a_label_in_doubt_goes_on_no_manifest(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    row = queries.shipment(shipment)
    wanted = CloseManifest(COMPANY, house.nodes[0], row.carrier)
    assert close_manifests(SYSTEM, requests=[wanted]) == [
        errors.LabelInDoubt(shipment=row.number, source="easypost")
    ]
    other, _ = a_label(house)
    (closed,) = close_manifests(SYSTEM, requests=[wanted])
    assert isinstance(closed, ManifestClosed)
    assert (closed.labels, closed.left_out) == (1, (row.number,))
    assert queries.labels(shipment=other)[0].manifest == closed.manifest

    buy_labels(SYSTEM, requests=[BuyLabels(shipment, not_bought=(label,))])
    assert isinstance(close_manifests(SYSTEM, requests=[wanted])[0], errors.LabelNotAnswered)
    bought = Bought("shp_1", "PP1", 250, "GBP", "")
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "buy", bought)])
    (closed,) = close_manifests(SYSTEM, requests=[wanted])
    assert isinstance(closed, ManifestClosed)
    assert (closed.labels, closed.left_out) == (1, ())


@pytest.mark.django_db
def test_what_can_not_be_found_out_is_in_doubt_and_keeps_its_name(house: Floor, other: Imitation):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/buy"):
            other.answer = lambda *_: (401, {"error": {"message": "no key"}})
            return 504, "too late"
        return easypost(path, body)

    other.answer = answer
    assert (relayed(), relayed(1)) == (1, 1)
    assert sql.run("SELECT state, reference FROM shipping_purchase") == [("in doubt", "shp_1")]
    assert isinstance(buy_labels(SYSTEM, requests=[BuyLabels(shipment)])[0], errors.LabelInDoubt)


@pytest.mark.django_db
@pytest.mark.parametrize(("stalls", "state"), [("/shipments", "failed"), ("/buy", "in doubt")])
def test_a_label_is_not_waited_for_when_its_message_is_given_up(
    house: Floor, other: Imitation, stalls: str, state: str
):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    other.answer = lambda path, body: (503, "busy") if path.endswith(stalls) else easypost(path, body)
    relayed()
    for days in range(1, 20):
        relayed(days * 24 * 60)
    assert states() == [state]
    assert items(shipment) == [("label not bought", "open")]
    assert sql.run("SELECT DISTINCT state FROM kernel_delivery WHERE topic = 'carrier.buy'") == [
        ("delivered",)
    ]


@pytest.mark.django_db
def test_a_message_that_is_sent_again_after_its_answer_buys_nothing(house: Floor, unnamed: Unnamed):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert relayed() == 1
    sql.run("UPDATE kernel_delivery SET state = 'waiting', begun_at = NULL WHERE topic = 'carrier.buy'")
    assert relayed(9) == 1
    assert (unnamed.sold, states()) == (1, ["bought"])


@pytest.mark.django_db
def test_a_label_that_nobody_answers_for_is_work_until_it_is_bought(house: Floor, other: Imitation):
    shipment, _ = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    other.answer = lambda *_: (503, "busy")
    relayed()

    def watched(minutes: int) -> int:
        cause = replace(SYSTEM, at=NOW + timedelta(minutes=minutes))
        (told,) = watch_purchases(cause, requests=[WatchPurchases(COMPANY)])
        assert isinstance(told, PurchasesWatched)
        return told.labels

    assert (watched(30), items(shipment)) == (0, [])
    assert watched(31 * 24 * 60) == 0, "what was asked for long ago is nobody's work of today"
    assert (watched(31), watched(41)) == (1, 1)
    assert items(shipment) == [("label not answered", "open")]
    assert "HTTP 503" in work.of_subject(shipment)[0].reason
    other.answer = easypost
    assert relayed(60) == 2
    assert (watched(61), items(shipment)) == (0, [("label not answered", "done")])


@pytest.mark.django_db
def test_what_is_not_sold_after_it_was_waited_for_is_told_and_a_voided_label_is_not_waited_for(
    house: Floor, other: Imitation
):
    later = replace(SYSTEM, at=NOW + timedelta(hours=1))
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    watch_purchases(later, requests=[WatchPurchases(COMPANY)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "fail", problem="no street")])
    assert sorted(items(shipment)) == [("label not answered", "done"), ("label not bought", "open")]
    assert any("no street" in one.reason for one in work.of_subject(shipment))

    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    watch_purchases(later, requests=[WatchPurchases(COMPANY, key="2")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert sorted({(kind, state) for kind, state in items(shipment) if state != "done"}) == [
        ("label not answered", "open")
    ]
    assert watch_purchases(later, requests=[WatchPurchases(COMPANY, key="3")]) == [
        PurchasesWatched(COMPANY, 1)
    ], "it may be sold still, and holds up its package"
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "fail")])
    assert {state for _, state in items(shipment)} == {"done"}


@pytest.mark.django_db
def test_a_void_label_that_nobody_asks_about_any_more_is_settled_by_whoever_looks(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    looked = BuyLabels(shipment, not_bought=(label,))
    assert isinstance(buy_labels(SYSTEM, requests=[looked])[0], errors.LabelNotAnswered)
    assert [one.may_settle for one in queries.labels(label=label)] == [False]
    later = replace(SYSTEM, at=NOW + timedelta(days=9))
    watch_purchases(later, requests=[WatchPurchases(COMPANY)])
    assert items(shipment) == [("label not answered", "open")]

    sql.run("UPDATE kernel_delivery SET state = 'dead' WHERE topic = 'carrier.buy'")
    assert [one.may_settle for one in queries.labels(label=label)] == [True]
    assert isinstance(buy_labels(later, requests=[BuyLabels(shipment)])[0], errors.LabelNotAnswered)
    (asked,) = buy_labels(later, requests=[looked])
    assert isinstance(asked, LabelsAsked)
    assert label not in asked.labels
    assert (len(asked.labels), states()) == (1, ["failed", "asked"])
    assert items(shipment) == [("label not answered", "done")]
    assert sql.run(_LAST_EVENT, {"label": label}) == [("asked", "failed", "it was not bought")]


@pytest.mark.django_db
@pytest.mark.parametrize("live", [True, False])
def test_a_doubt_is_settled_where_nothing_is_left_to_buy(house: Floor, live: bool):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    if not live:
        sql.run("UPDATE carriage_service SET live = ''")
    looked = BuyLabels(shipment, not_bought=(label,))
    nothing = errors.NoLabelToBuy if live else errors.NotQuoted
    told, again = buy_labels(SYSTEM, requests=[looked, looked])
    assert told == LabelsAsked(shipment, ())
    assert isinstance(again, nothing)
    assert (states(), items(shipment)) == (["failed"], [("label not bought", "done")])


@pytest.mark.django_db
def test_a_label_in_doubt_is_work_whatever_becomes_of_others_of_its_shipment(house: Floor):
    shipment, label, new = two_labels(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="too late")])
    record_purchases(SYSTEM, requests=[RecordPurchase(new, "fail", problem="no street")])
    void_labels(SYSTEM, requests=[VoidLabel(label, "torn")])
    assert [state for _, state in items(shipment)] == ["open", "open"]
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    assert [state for _, state in items(shipment)] == ["open", "open"], "it is not bought yet"
    bought = Bought("s1", "S1", 250, "GBP", "")
    record_purchases(SYSTEM, requests=[RecordPurchase(new, "buy", bought)])
    (left,) = [one for one in work.of_subject(shipment) if one.state != "done"]
    assert "may have been bought" in left.reason


@pytest.mark.django_db
def test_answers_that_can_not_be_are_refused(house: Floor):
    shipment, label = a_label(house)
    buy_labels(SYSTEM, requests=[BuyLabels(shipment)])
    for outcome, state in (("offer", "asked"), ("doubt", "in doubt")):
        (told,) = record_purchases(SYSTEM, requests=[RecordPurchase(label, outcome, offer="o1", problem="?")])
        assert told.state == state
    (late,) = record_purchases(SYSTEM, requests=[RecordPurchase(label, "doubt", problem="?")])
    assert isinstance(late, errors.Refused)


@pytest.mark.django_db
@pytest.mark.counts("shipping.watch_purchases")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    later = replace(SYSTEM, at=NOW + timedelta(hours=1))
    for size in SIZES:
        sent = shipped(*placed(house, size, (0, 1)))
        print_labels(SYSTEM, requests=[PrintLabels(one) for one in sent])
        buy_labels(SYSTEM, requests=[BuyLabels(one) for one in sent])
        with statements():
            watch_purchases(later, requests=[WatchPurchases(COMPANY, key=f"{size}-{i}") for i in range(size)])
