"""The layout of a node and the cartons of a retailer: their pages and what programs are told."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.insight import bins as shelf
from entrepot.network import queries as network
from entrepot.warehouse import carton_queries, packing
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def said(response) -> list[str]:
    return [str(one) for one in get_messages(response.wsgi_request)]


FORM = {
    "node": "LDN",
    "aisles": "0, 5 10",
    "cross_aisles": "0,20",
    "depot_x": "0",
    "depot_y": "-2",
    "unit_mm": "500",
}


def test_a_layout_is_set_drawn_and_read(shop, console, program):
    browser, page = console("supervisor"), "/floor/layout/?node=LDN"
    (node,) = [one.id for one in network.nodes(company=COMPANY) if one.code == "LDN"]
    done = browser.post("/floor/layout/set/", FORM)
    assert done.url == page and "is kept" in said(done)[0]
    found = network.layouts(nodes=[node])[node]
    assert (found.aisles, found.cross_aisles, found.depot, found.unit_mm) == (
        (0, 5, 10),
        (0, 20),
        (0, -2),
        500,
    )
    shown = browser.get(page).content.decode()
    assert 'class="way"' in shown and 'value="0, 5, 10"' in shown
    assert "Keep it" not in console("auditor").get(page).content.decode()
    told = {one["node_code"]: one for one in program("auditor").get("/api/v1/layouts").json()}
    assert told["LDN"] == {
        "node": str(node), "node_code": "LDN", "aisles": [0, 5, 10], "cross_aisles": [0, 20], "depot_x": 0,
        "depot_y": -2, "unit_mm": 500,
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"aisles": "a"}, {"cross_aisles": ""}, {"depot_x": "1 2"}, {"unit_mm": "0"}]
)
def test_what_is_no_layout_stays_typed(shop, console, wrong):
    browser = console("supervisor")
    assert "whole numbers" in said(browser.post("/floor/layout/set/", FORM | wrong))[-1]
    assert browser.get("/floor/layout/?node=LDN").status_code == 200


def test_aisles_that_do_not_ascend_are_refused(shop, console):
    assert "ascend" in said(console("supervisor").post("/floor/layout/set/", FORM | {"aisles": "5, 0"}))[-1]


def test_bins_are_placed_and_keep_all_else(shop, console):
    (node,) = [one.id for one in network.nodes(company=COMPANY) if one.code == "LDN"]
    before = {one.code: one for one in shelf.bins(company=COMPANY, node=node, limit=500)}
    code = next(one for one in before if one.startswith("A-"))
    form = {"node": "LDN", "bins": f"{code}, 3, 999"}
    browser = console("inventory")
    assert said(browser.post("/floor/layout/bins/", form)) == ["1 bin is placed."]
    after = {one.code: one for one in shelf.bins(company=COMPANY, node=node, limit=500)}[code]
    assert (after.x, after.y) == (3, 999)
    assert (after.kind, after.pick_sequence, after.zone) == (
        before[code].kind, before[code].pick_sequence, before[code].zone,
    )  # fmt: skip
    assert "is not a bin" in said(browser.post("/floor/layout/bins/", form | {"bins": "Z-99 1 2"}))[-1]
    assert "is not a bin" in said(browser.post("/floor/layout/bins/", form | {"bins": f"{code} 1"}))[-1]
    assert "one bin a line" in said(browser.post("/floor/layout/bins/", form | {"bins": " "}))[-1]
    console("supervisor").post("/floor/layout/set/", FORM)
    shown = browser.get("/floor/layout/?node=LDN").content.decode()
    assert "No way leads to these bins" in shown and code in shown


CARTON = {
    "code": "FLAT", "length_mm": "300", "width_mm": "200", "height_mm": "20", "max_weight_g": "2000", "cost": "0.35",
}  # fmt: skip


def test_cartons_are_registered_changed_and_taken_out_of_use(shop, console):
    browser = console("supervisor")
    done = browser.post("/floor/cartons/keep/", CARTON)
    assert said(done) == ["The carton is kept."]
    since = timezone.now()

    def flat():
        return next(
            one for one in carton_queries.registered(company=COMPANY, since=since) if one.code == "FLAT"
        )

    assert (flat().length_mm, flat().cost_minor, flat().active, flat().packed) == (300, 35, True, 0)
    browser.post("/floor/cartons/keep/", CARTON | {"tare_g": "40"})
    assert flat().tare_g == 40
    assert "FLAT" in browser.get("/floor/cartons/").content.decode()
    chosen = {"carton": str(flat().id), "do": "retire"}
    assert said(browser.post("/floor/cartons/switch/", chosen)) == ["1 carton is changed."]
    assert (flat().active, flat().tare_g) == (False, 40)
    assert "FLAT" not in {one.code for one in packing.cartons([COMPANY])[COMPANY].registered}
    assert "out of use" in browser.get("/floor/cartons/").content.decode()
    browser.post("/floor/cartons/switch/", chosen | {"do": "use"})
    assert flat().active


def test_what_is_no_carton_is_refused(shop, console):
    browser = console("supervisor")
    assert "whole millimeters" in said(browser.post("/floor/cartons/keep/", CARTON | {"width_mm": "x"}))[-1]
    assert "5000" in said(browser.post("/floor/cartons/keep/", CARTON | {"width_mm": "6000"}))[-1]
    assert "may not do" in said(console("service").post("/floor/cartons/keep/", CARTON))[-1]
    assert "Set up a carton" not in console("auditor").get("/floor/cartons/").content.decode()
