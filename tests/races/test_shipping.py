"""Two who close a manifest at once while labels are printed, and carriers that tell the same thing at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.errors import WrongState
from entrepot.shipping import queries
from entrepot.shipping.commands.claim import ClaimOpened, OpenClaim, open_claims
from entrepot.shipping.commands.collect import WatchCollections, watch_collections
from entrepot.shipping.commands.label import (
    LabelsPrinted,
    LabelVoided,
    PrintLabels,
    VoidLabel,
    print_labels,
    void_labels,
)
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.relabel import Relabel, relabel
from entrepot.shipping.commands.take_tracking import TakeTracking, TrackingTaken, take_tracking
from tests.floor import COMPANY, SYSTEM, Floor
from tests.rules.test_easypost import a_message, detail
from tests.together import at_once
from tests.walk import placed, shipped

pytestmark = pytest.mark.usefixtures("committed_db")


def test_claims_of_parts_are_together_not_above_the_whole(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1)))

    def claim() -> list:
        return open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost", 700)])

    answers = [one for got in at_once([claim] * 4) for one in got]
    assert sum(isinstance(one, ClaimOpened) for one in answers) == 1, answers


def test_each_label_is_on_one_manifest(house: Floor):
    first, late = shipped(*placed(house, 10, (0, 1))), shipped(*placed(house, 10, (1, 1)))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in first])

    def close() -> list:
        return close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])

    def make() -> list:
        return print_labels(SYSTEM, requests=[PrintLabels(one) for one in late])

    answers = at_once([close, make, close, make, close])
    printed = [one for got in (answers[1], answers[3]) for one in got if isinstance(one, LabelsPrinted)]
    assert len(printed) == 10
    close()
    closed = queries.manifests(COMPANY)
    assert sum(one.labels for one in closed) == 20
    assert sql.run("SELECT count(*)::int FROM shipping_label WHERE state = 'manifested'") == [(20,)]
    assert verify.discrepancies() == []


def test_a_label_is_voided_or_on_a_manifest_and_never_both(house: Floor):
    printed = print_labels(SYSTEM, requests=[PrintLabels(one) for one in shipped(*placed(house, 12, (0, 1)))])
    labels = [label.label for one in printed for label in one.labels]

    def close() -> list:
        return close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])

    def void(step: int) -> list:
        """The first half, in either order."""
        return void_labels(SYSTEM, requests=[VoidLabel(one, "torn") for one in labels[:6][::step]])

    answers = at_once([lambda: void(1), close, lambda: void(-1), close])

    voided = {one.label for got in (answers[0], answers[2]) for one in got if isinstance(one, LabelVoided)}
    refused = [one for got in (answers[0], answers[2]) for one in got if isinstance(one, WrongState)]
    (closed,) = [one for got in (answers[1], answers[3]) for one in got if isinstance(one, ManifestClosed)]
    assert len(voided) + len(refused) == 12
    assert len(voided) in (0, 6)
    assert closed.labels == 12 - len(voided)
    assert dict(
        sql.run("SELECT state, count(*)::int FROM shipping_label WHERE state <> 'voided' GROUP BY 1")
    ) == {"manifested": closed.labels}
    assert verify.discrepancies() == []


def test_a_delivery_that_is_told_many_times_at_once_happens_once(house: Floor):
    numbers = [queries.shipment(one).tracking for one in shipped(*placed(house, 8, (0, 1)))]

    def tell(i: int) -> list:
        """Every thread tells of every parcel, in its own order, half of them under other ids."""
        told = [a_message(one, detail("delivered"), name=f"{one}-{i % 2}") for one in numbers]
        requests = [TakeTracking(COMPANY, "easypost", one) for one in (told if i % 3 else told[::-1])]
        return take_tracking(SYSTEM, requests=requests)

    answers = [one for got in at_once([lambda i=i: tell(i) for i in range(6)]) for one in got]

    assert all(isinstance(one, TrackingTaken) for one in answers)
    assert sum(one.fresh for one in answers) == sum(one.delivered for one in answers) == 8
    assert sql.run("SELECT count(*)::int FROM shipping_shipment WHERE state = 'delivered'") == [(8,)]
    assert verify.discrepancies() == []


def test_what_is_labeled_anew_by_many_at_once_has_one_label_and_one_price(house: Floor):
    found = shipped(*placed(house, 8, (0, 1)))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in found])

    def anew(service: str) -> list:
        return relabel(SYSTEM, requests=[Relabel(one, "late", service) for one in found])

    def close() -> list:
        return close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])

    at_once([lambda: anew("fast"), lambda: anew("slow"), close, lambda: anew("fast")])

    in_force = sql.run(
        "SELECT count(*)::int, count(DISTINCT package_id)::int FROM shipping_label WHERE state <> 'voided'"
    )
    assert in_force == [(8, 8)]
    assert verify.discrepancies() == []


def test_what_was_left_behind_is_told_once_whoever_looks(house: Floor):
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in shipped(*placed(house, 6, (0, 1)))])
    later = replace(SYSTEM, at=SYSTEM.at + timedelta(days=2))

    def look() -> list:
        return watch_collections(later, requests=[WatchCollections(COMPANY)])

    at_once([look] * 4)
    (answer,) = look()
    assert answer.missed == 6
    (told,) = sql.run(
        "SELECT count(*)::int, count(DISTINCT subject_id)::int FROM work_item WHERE type = 'packages not collected'"
    )
    assert told[0] == told[1] > 0
    assert verify.discrepancies() == []
