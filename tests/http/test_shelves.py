"""Shelves by the API: slots, put-away, pick faces, replenishments, totes."""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import queries
from tests.http.test_api import is_problem
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_a_program_stores_goods_fills_faces_and_binds_totes(shop, program):
    system, node, pens = the_system(shop.now), shop.nodes[0], shop.skus["PEN-STEEL"]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    came = Receive(COMPANY, pens, node, bins["IN"], 12, 1200, "receipt", ids.uuid7())
    receive(system, requests=[came])
    robot = program("supervisor")
    at = {"node": "LDN", "sku": "PEN-STEEL"}

    kept = robot.post("/api/v1/slots", at | {"bin": "R-01", "volume_ml": 900_000})
    assert kept.status_code == 200, kept.content
    assert is_problem(robot.post("/api/v1/slots", at | {"bin": "nowhere"}), 404, "kernel.not_found")
    assert [one["bin_code"] for one in robot.get("/api/v1/slots?node=LDN").json()] == ["R-01"]
    (waits,) = robot.get("/api/v1/put-away?node=LDN").json()
    assert [(one["code"], one["quantity"], one["rule"]) for one in waits["choices"]] == [
        ("R-01", 12, "fixed")
    ]

    put = at | {"from_bin": "IN", "to_bin": "R-01", "quantity": 12}
    assert is_problem(robot.post("/api/v1/put-away", put | {"scanned": "A-01"}), 409, "warehouse.wrong_bin")
    assert robot.post("/api/v1/put-away", put | {"scanned": "R-01"}).json()["quantity"] == 12
    assert robot.get("/api/v1/put-away?node=LDN").json() == []

    face = at | {"bin": "A-02", "minimum": 2, "maximum": 6, "case_units": 2}
    assert robot.post("/api/v1/pick-faces", face).status_code == 200
    assert robot.post("/api/v1/pick-faces/review", {"node": "LDN"}).json()["made"] == 1
    (task,) = robot.get("/api/v1/replenishments?node=LDN").json()
    assert (task["from_code"], task["to_code"], task["quantity"]) == ("R-01", "A-02", 6)
    robot.post("/api/v1/replenishments", {"replenishment": task["id"]})
    (standing,) = robot.get("/api/v1/pick-faces").json()["items"]
    assert (standing["bin_code"], standing["there"], standing["coming"]) == ("A-02", 6, 0)

    one = queries.of_order(shop.one("released"))[0]
    used = robot.post("/api/v1/totes", {"fulfillment": str(one.id), "tote": "t-7"}).json()
    assert used == {"fulfillment": str(one.id), "tote": "T-7"}
    assert robot.get("/api/v1/totes/t-7?node=LDN").json()["fulfillment"] == str(one.id)
    assert robot.get("/api/v1/totes/t-8?node=LDN").json()["fulfillment"] is None
    task = queries.tasks([one.id])[0]
    sort = {"task": str(task.id), "tote": "T-7"}
    assert is_problem(robot.post("/api/v1/pick-stops/sort", sort), 404, "kernel.not_found"), (
        "it is on no list"
    )
