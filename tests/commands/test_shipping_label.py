"""shipping.print_labels, shipping.void_labels, shipping.close_manifests"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.shipping import errors, queries
from entrepot.shipping.commands.label import (
    LabelsPrinted,
    LabelVoided,
    PrintLabels,
    VoidLabel,
    print_labels,
    void_labels,
)
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from tests.back import sent
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.sizes import MANY, SIZES
from tests.told import numbers_told
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def a_shipment(house: Floor, *lines: tuple[int, int]) -> UUID:
    return shipped(house.order(*(lines or ((0, 1),))).order)[0]


def printed(*shipments: UUID, cause: Cause = SYSTEM) -> list[UUID]:
    answers = print_labels(cause, requests=[PrintLabels(one) for one in shipments])
    assert all(isinstance(one, LabelsPrinted) for one in answers), answers
    return [label.label for one in answers for label in one.labels]


def close(house: Floor, node: int = 0, carrier: str = "Post", key: str | None = None):
    (answer,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[node], carrier, key)])
    return answer


def test_a_package_gets_a_label_with_the_number_of_its_shipment(house: Floor):
    shipment = a_shipment(house)
    (label,) = printed(shipment)
    (row,) = queries.labels(shipment=shipment)
    assert (row.id, row.tracking, row.carrier, row.state) == (
        label,
        queries.shipment(shipment).tracking,
        "Post",
        "printed",
    )
    assert row.weight_g == 250 + 40


def test_each_of_several_packages_gets_its_own_number(house: Floor):
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    first, second = a_shipment(house, (0, 2)), a_shipment(house, (0, 2))
    printed(first)
    number = queries.shipment(first).number
    assert [one.tracking for one in queries.labels(shipment=first)] == [number, f"{number}-2"]

    said = (("A1",), ("A1", " a 1"), ("A", ""))
    wrong = print_labels(SYSTEM, requests=[PrintLabels(second, numbers) for numbers in said])
    told = queries.shipment(second).number
    assert wrong == [errors.NumbersAndPackages(shipment=told, packages=2, found=found) for found in (1, 2, 2)]
    print_labels(SYSTEM, requests=[PrintLabels(second, ("A1", "A2"))])
    assert [one.tracking for one in queries.labels(shipment=second)] == ["A1", "A2"]
    assert queries.shipment(second).tracking == "A1"
    (body,) = numbers_told()
    assert body["order"] == f"T-{house.placed}"
    assert (body["shipment"], body["carrier"], body["tracking"]) == (told, "Post", "A1")
    assert body["numbers"] == ["A1", "A2"], "what bears our own numbers is no news to anybody"

    one, two = queries.labels(shipment=second)
    void_labels(SYSTEM, requests=[VoidLabel(two.id, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(second)])
    void_labels(SYSTEM, requests=[VoidLabel(one.id, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(second, ("B1",))])
    in_force = {label.tracking for label in queries.labels(shipment=second) if label.state == "printed"}
    assert in_force == {"B1", f"{told}-2"}
    assert numbers_told()[-1]["numbers"] == ["B1"], "and none of them is told"

    _, beside = queries.labels(shipment=first)
    void_labels(SYSTEM, requests=[VoidLabel(beside.id, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(first, ("C2",))])
    assert numbers_told()[-1]["numbers"] == ["C2"], "nor is the shipment's own on the first"


def test_two_packages_of_a_shipment_never_bear_one_number(house: Floor):
    """Else the shipment would arrive with the first of them."""
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    shipment = a_shipment(house, (0, 2))
    (answer,) = print_labels(SYSTEM, requests=[PrintLabels(shipment, ("A1", "A2"))])
    void_labels(SYSTEM, requests=[VoidLabel(answer.labels[1].label, "torn")])

    (refused,) = print_labels(SYSTEM, requests=[PrintLabels(shipment, ("A1",))])

    assert refused == errors.NumbersAndPackages(
        shipment=queries.shipment(shipment).number, packages=1, found=1
    )
    (answer,) = print_labels(SYSTEM, requests=[PrintLabels(shipment, ("A2",))])
    assert isinstance(answer, LabelsPrinted), "what was voided is free again"


def test_a_shipment_is_labeled_once(house: Floor):
    shipment = a_shipment(house)
    unknown = ids.uuid7()
    first, again, nothing = print_labels(
        SYSTEM, requests=[PrintLabels(shipment), PrintLabels(shipment), PrintLabels(unknown)]
    )
    assert isinstance(first, LabelsPrinted)
    assert again == errors.Labeled(shipment=queries.shipment(shipment).number)
    assert nothing == NotFound(what="shipment", which=str(unknown))
    assert len(queries.labels(shipment=shipment)) == 1


def test_a_voided_label_makes_room_for_another_with_its_number(house: Floor):
    shipment = a_shipment(house)
    (label,) = printed(shipment)

    assert void_labels(SYSTEM, requests=[VoidLabel(label, " ")]) == [
        Invalid(field="reason", expected="why it is not used", found="nothing")
    ]
    answers = void_labels(
        SYSTEM, requests=[VoidLabel(label, "torn"), VoidLabel(label, "torn"), VoidLabel(shipment, "x")]
    )
    assert answers[0] == LabelVoided(label)
    assert answers[1] == WrongState(
        subject="label", found="voided", event="void", expected="awaited or printed"
    )
    assert answers[2] == NotFound(what="label", which=str(shipment))

    print_labels(SYSTEM, requests=[PrintLabels(shipment, ("NEW-1",))])
    assert [(one.tracking, one.state) for one in queries.labels(shipment=shipment)][1] == ("NEW-1", "printed")
    assert queries.shipment(shipment).tracking == "NEW-1"


def test_a_manifest_lists_what_waits_and_later_labels_go_on_the_next(house: Floor):
    labels = printed(a_shipment(house), a_shipment(house))
    torn = printed(a_shipment(house))
    void_labels(SYSTEM, requests=[VoidLabel(torn[0], "torn")])
    assert [(one.carrier, one.labels) for one in queries.waiting(COMPANY)] == [("Post", 2)]

    first = close(house)

    assert isinstance(first, ManifestClosed)
    assert (first.labels, first.weight_g) == (2, 2 * 290)
    assert {one.id for one in queries.labels(manifest=first.manifest)} == set(labels)
    assert close(house) == errors.NothingToManifest(carrier="Post")
    assert void_labels(SYSTEM, requests=[VoidLabel(labels[0], "too late")]) == [
        WrongState(subject="label", found="manifested", event="void", expected="awaited or printed")
    ]

    (late,) = printed(a_shipment(house))
    second = close(house)
    assert [one.id for one in queries.labels(manifest=second.manifest)] == [late]
    assert [one.number for one in queries.manifests(COMPANY)] == [second.number, first.number]


def test_a_manifest_is_of_one_carrier_at_one_node(house: Floor):
    printed(a_shipment(house))
    assert close(house, node=1) == errors.NothingToManifest(carrier="Post")
    assert close(house, carrier="Other") == errors.NothingToManifest(carrier="Other")
    assert isinstance(close(house), ManifestClosed)


def test_keys_get_their_answers_again(house: Floor):
    shipment = a_shipment(house)
    first = print_labels(SYSTEM, requests=[PrintLabels(shipment, key="k")])
    assert print_labels(SYSTEM, requests=[PrintLabels(shipment, key="k")]) == first
    closed = close(house, key="m")
    assert close(house, key="m") == closed
    assert len(queries.manifests(COMPANY)) == 1


def test_the_time_and_the_person_are_those_of_the_cause(house: Floor):
    ruth = someone("ruth")
    printed(a_shipment(house), cause=ruth)
    (answer,) = close_manifests(ruth, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])
    (row,) = queries.manifests(COMPANY)
    assert (row.number, row.closed_by, row.closed_at) == (answer.number, "ruth", NOW)
    assert row.closed_at < NOW + timedelta(1)


@pytest.mark.counts("shipping.close_manifests", "shipping.print_labels", "shipping.void_labels")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        shipments = sent(sold_house, size)
        with statements() as ran:
            labels = printed(*shipments)
            void_labels(SYSTEM, requests=[VoidLabel(one, "torn") for one in labels])
            printed(*shipments)
            carriers = [
                "Post",
                *(f"carrier {i}" for i in range(1, size)),
            ]  # the others have nothing to hand over
            close_manifests(
                SYSTEM, requests=[CloseManifest(COMPANY, sold_house.nodes[0], one) for one in carriers]
            )
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[0] == counts[1] == counts[2], counts
    assert sql.run("SELECT count(*)::int FROM shipping_label WHERE state = 'manifested'") == [(MANY + 11,)]
