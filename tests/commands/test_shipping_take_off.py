"""shipping.take_off"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.shipping import queries
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import LabelVoided, PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.relabel import Relabel, Relabeled, relabel
from entrepot.shipping.commands.take_off import TakenOff, TakeOffManifest, take_off
from tests.floor import COMPANY, SYSTEM, Floor
from tests.sizes import SIZES
from tests.together import at_once
from tests.walk import a_house, placed, shipped


def manifested(house: Floor, count: int = 1) -> list:
    """Labels on a closed manifest."""
    sent = shipped(*placed(house, count, (0, 1)))
    made = print_labels(SYSTEM, requests=[PrintLabels(one) for one in sent])
    (closed,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])
    assert isinstance(closed, ManifestClosed)
    return [one.labels[0].label for one in made]


def a_stocked_house() -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


@pytest.fixture
def house(db: None) -> Floor:
    return a_stocked_house()


def test_what_the_driver_left_goes_on_the_next_manifest_or_with_another(house: Floor):
    first, second, third = manifested(house, 3)
    (before,) = queries.manifests(COMPANY)
    wanted = TakeOffManifest(first, "the van was full", key="k")
    (done,) = take_off(SYSTEM, requests=[wanted])
    assert done == TakenOff(first, before.number)
    assert take_off(SYSTEM, requests=[wanted]) == [done]
    take_off(SYSTEM, requests=[TakeOffManifest(second, "torn"), TakeOffManifest(third, "torn")])
    (after,) = queries.manifests(COMPANY)
    assert (before.labels, after.labels, after.weight_g) == (3, 0, 0)
    assert isinstance(void_labels(SYSTEM, requests=[VoidLabel(second, "torn")])[0], LabelVoided)
    (shipment,) = {one.shipment for one in queries.labels(label=third)}
    assert isinstance(relabel(SYSTEM, requests=[Relabel(shipment, "the van was full")])[0], Relabeled)
    (again,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])
    assert again.labels == 2


def test_what_is_refused(house: Floor):
    first, second = manifested(house, 2)
    (shipment,) = {one.shipment for one in queries.labels(label=second)}
    deliver(SYSTEM, requests=[Delivered(shipment)])
    none, silent, there, done, twice = take_off(SYSTEM, requests=[
        TakeOffManifest(ids.uuid7(), "full"), TakeOffManifest(first, " "), TakeOffManifest(second, "full"),
        TakeOffManifest(first, "full"), TakeOffManifest(first, "full"),
    ])  # fmt: skip
    assert isinstance(none, NotFound)
    assert isinstance(silent, Invalid)
    assert isinstance(there, WrongState)
    assert isinstance(done, TakenOff)
    assert isinstance(twice, WrongState)


@pytest.mark.counts("shipping.take_off")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    for size in SIZES:
        labels = manifested(house, size)
        with statements():
            take_off(SYSTEM, requests=[TakeOffManifest(one, "full", key=str(one)) for one in labels])


def test_of_two_who_take_it_off_at_once_one_does(committed_db: None) -> None:
    (label,) = manifested(a_stocked_house())
    answers = at_once([lambda: take_off(SYSTEM, requests=[TakeOffManifest(label, "full")])[0]] * 4)
    assert sum(isinstance(one, TakenOff) for one in answers) == 1
    assert sum(isinstance(one, WrongState) for one in answers) == 3
    assert sql.run("SELECT labels FROM shipping_manifest") == [(0,)]
