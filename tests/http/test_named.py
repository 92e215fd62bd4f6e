"""What programs name by the codes that people know, or by ids as before; what is not known is told by its code."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.kernel import ids, sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from tests.back import lines_of, sold
from tests.floor import COMPANY, SYSTEM, Floor
from tests.http.test_api import is_problem
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("in_november")

API = "/api/v1"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


@pytest.fixture
def call(house: Floor):
    """Programs of people by name; each answer is asked for under a key of its own."""
    from tests.asking import a_program
    from tests.shop import everybody

    people = everybody()

    def ask(name: str, path: str, body: Any) -> Any:
        return a_program(people[name]).post(f"{API}{path}", body, again=str(ids.uuid7()))

    return ask


def code_of(table: str, which: object) -> str:
    ((code,),) = sql.run(f"SELECT code FROM {table} WHERE id = %(id)s", {"id": which})
    return code


def unknown(answer: Any, what: str) -> None:
    is_problem(answer, 404, "kernel.not_found")
    assert answer.json()["detail"] == f"There is no {what} NOWHERE."


def test_stock_is_written_down_by_the_codes_of_its_sku_and_node(house: Floor, call) -> None:
    node = code_of("network_node", house.nodes[0])
    body = {"sku": "SKU-000", "node": node, "unit_minor": "1", "reason": "chipped"}
    written = call("books", "/write-downs", body)
    assert written.json()["written_minor"] > 0, written.content
    by_id = {**body, "sku": str(house.skus[0]), "node": str(house.nodes[0])}
    assert call("books", "/write-downs", by_id).json()["change_minor"] == 0
    unknown(call("books", "/write-downs", {**body, "node": "NOWHERE"}), "node")
    unknown(call("books", "/write-downs", {**body, "sku": "NOWHERE"}), "SKU")


def test_returned_goods_come_to_nodes_and_bins_by_their_codes(house: Floor, call) -> None:
    node = code_of("network_node", house.nodes[0])
    spot, shelf = (code_of("network_bin", house.bin(kind=kind)) for kind in ("quarantine", "reserve"))
    (order,) = sold(house, 1, (0, 2))
    asking = {"order": str(order), "items": [{"line": str(lines_of(order)[0]), "quantity": 2}], "node": node}
    unknown(call("service", "/returns", {**asking, "node": "NOWHERE"}), "node")
    considered = call("service", "/returns/consider", asking).json()
    assert considered["node"] == str(house.nodes[0])
    one = call("service", "/returns", asking).json()
    assert one["node"] == str(house.nodes[0])

    come = {"return_id": one["return_id"], "line": one["lines"][0], "quantity": 2, "bin": spot}
    unknown(call("supervisor", "/returns/receive", {**come, "bin": "NOWHERE"}), "bin")
    receipt = call("supervisor", "/returns/receive", come).json()["receipt"]
    found = call("inspector", "/returns/inspect", {"receipt": receipt, "quantity": 2, "grade": "A"}).json()
    done = {"inspection": found["inspection"], "quantity": 1, "bin": shelf}
    unknown(call("inspector", "/returns/dispose", {**done, "bin": "NOWHERE"}), "bin")
    for where in (shelf, str(house.bin(kind="reserve"))):
        assert call("inspector", "/returns/dispose", {**done, "bin": where}).status_code == 200
    rows = sql.run("SELECT DISTINCT bin_id FROM returns_disposition")
    assert rows == [(house.bin(kind="reserve"),)]


def test_what_is_at_no_document_is_told_of_the_document(house: Floor, call) -> None:
    nothing = str(ids.uuid7())
    order = {"order": nothing, "items": [{"line": nothing, "quantity": 1}], "node": "NOWHERE"}
    for path, body, what in (
        ("/returns", order, "order"),
        ("/returns/receive", {"return_id": nothing, "line": nothing, "quantity": 1, "bin": "A"}, "return"),
        ("/returns/dispose", {"inspection": nothing, "quantity": 1, "bin": "A"}, "inspection"),
        ("/purchase-orders/receive", {"order": nothing, "bin": "A"}, "purchase order"),
        ("/quality-checks/decide", {"check": nothing, "defects": 0, "bin": "A"}, "quality check"),
        (
            "/returns/work-orders/finish",
            {"work_order": nothing, "outcomes": [{"quantity": 1, "grade": "A", "sku": "A"}]},
            "work order",
        ),
    ):
        answer = call("lead", path, body)
        is_problem(answer, 404, "kernel.not_found")
        assert answer.json()["detail"] == f"There is no {what} {nothing}."


def test_parcels_and_pallets_come_to_a_node_by_its_code(house: Floor, call) -> None:
    node, spot = code_of("network_node", house.nodes[0]), code_of("network_bin", house.bin(kind="quarantine"))
    parcel = {"node": node, "bin": spot, "content": [{"said": "a sock", "quantity": 1}]}
    assert len(call("supervisor", "/returns/parcels/receive", parcel).json()["strays"]) == 1
    unknown(call("supervisor", "/returns/parcels/receive", {**parcel, "bin": "NOWHERE"}), "bin")
    pallet = {"node": node, "bin": spot, "number": "LP 7", "packages": 2}
    assert call("inspector", "/returns/pallets", pallet).status_code == 201
    assert sql.run("SELECT node_id, bin_id FROM returns_pallet") == [
        (house.nodes[0], house.bin(kind="quarantine"))
    ]
    unknown(call("inspector", "/returns/pallets", {**pallet, "node": "NOWHERE"}), "node")


def test_goods_go_back_to_a_supplier_by_his_code(house: Floor, call) -> None:
    items = [{"disposition": str(ids.uuid7()), "quantity": 1}]
    wanted = {"kind": "vendor_return", "items": items, "supplier": "NOWHERE"}
    unknown(call("inspector", "/returns/departures", wanted), "supplier")
    (row,) = register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    answers = [
        call("inspector", "/returns/departures", {**wanted, "supplier": name})
        for name in ("mugs", str(row.id))
    ]
    assert answers[0].status_code == answers[1].status_code != 200
    assert "supplier" not in answers[0].json()["detail"]
