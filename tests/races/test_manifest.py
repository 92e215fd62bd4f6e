"""Two who close a manifest at once, and labels that are printed meanwhile: each label is on one manifest."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.shipping import queries
from entrepot.shipping.commands.label import LabelsPrinted, PrintLabels, print_labels
from entrepot.shipping.commands.manifest import CloseManifest, close_manifests
from tests.floor import COMPANY, SYSTEM, Floor
from tests.together import at_once
from tests.walk import placed, shipped

pytestmark = pytest.mark.usefixtures("committed_db")


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
