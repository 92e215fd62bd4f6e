"""Bins, as they are kept on their page and by the API."""

from __future__ import annotations

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.insight import bins as shelf
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
HOME = "/stock/bins/"


def page_of(browser, address: str = HOME, **asked) -> str:
    return html.unescape(browser.get(address, asked).content.decode())


def of(code: str, **asked) -> shelf.BinRow:
    return next(one for one in shelf.bins(company=COMPANY, text=code, limit=100, **asked) if one.code == code)


def test_bins_are_found_by_node_kind_state_and_code(console, shop):
    auditor = console("auditor")
    assert "A-01" in page_of(auditor) and "PACK" in page_of(auditor)
    assert "PACK" not in page_of(auditor, kind="pick").partition("<tbody>")[2]
    only = page_of(auditor, q="r-", node=shop.nodes[0]).partition("<tbody>")[2].partition("</table>")[0]
    assert "R-01" in only and "A-01" not in only
    assert "No bin fits" in page_of(auditor, state="retired")
    assert "An inventory manager sets up bins." in page_of(auditor)
    assert "An inventory manager" in page_of(auditor) and "bins-act" not in page_of(auditor)
    few = shelf.bins(company=COMPANY, limit=3)
    assert [one.id for one in shelf.bins(company=COMPANY, limit=30)][3:6] == [
        one.id for one in shelf.bins(company=COMPANY, after=few[-1].id, limit=3)
    ]
    assert shelf.bins(company=COMPANY + 1) == []


def test_many_are_set_up_by_a_pattern_that_is_looked_at_first(console, shop):
    manager = console("inventory")
    assert "expected a pattern such as" in page_of(manager, pattern="Z-{")
    assert "40 bins, from Z-01-A to Z-20-B." in page_of(manager, pattern="Z-{01..20}-{A..B}")
    fields = {"pattern": "Z-{01..20}-{A..B}", "node": shop.nodes[0], "kind": "reserve", "first": "100"}
    assert said(manager.post(f"{HOME}add/", fields))[-1] == "40 bins are changed."
    assert (of("Z-01-B").kind, of("Z-01-B").pick_sequence, of("Z-20-B").pick_sequence) == (
        "reserve",
        101,
        139,
    )
    assert "expected one of" in html.unescape(
        said(manager.post(f"{HOME}add/", fields | {"kind": "sofa"}))[-1]
    )
    assert said(manager.post(f"{HOME}add/", fields | {"node": "x"}))[-1] == "Choose the node."
    refused = said(console("service").post(f"{HOME}add/", fields | {"pattern": "Y-{1..2}"}))
    assert "may not do network.register_bins" in refused[0]


def test_a_file_is_taken_whole_or_not_at_all(console, shop):
    manager = console("inventory")

    def brought(text: str, **more) -> list[str]:
        file = SimpleUploadedFile("bins.csv", text.encode() if isinstance(text, str) else text)
        return said(manager.post(f"{HOME}upload/", {"node": shop.nodes[1], "file": file} | more))

    wrong = brought("code,kind\nQ-1,pick\nQ-2,sofa\n")
    assert "Row 3: kind: expected one of pick" in wrong[0] and "Nothing was done." in wrong[-1]
    assert not shelf.bins(company=COMPANY, text="Q-")
    assert (
        brought("code,kind,zone,pick_sequence\nQ-1,pick,COLD,7\nQ-2,reserve,COLD,8\n")[-1]
        == "2 bins are changed."
    )
    assert (of("Q-1").zone_code, of("Q-1").node_code, of("Q-2").pick_sequence) == ("COLD", "MAN", 8)
    assert "Choose the node" in brought("code,kind\n", node="x")[-1]


def test_bins_are_blocked_opened_retired_and_get_another_kind(console, shop):
    supervisor, manager = console("supervisor"), console("inventory")
    bin_, full = of("R-01", node=shop.nodes[1]), of("A-01", node=shop.nodes[0])
    assert full.units > 0
    supervisor.post(f"{HOME}act/", {"bin": [bin_.id], "do": "block", "why": "bent"})
    assert (
        of("R-01", node=shop.nodes[1]).state == "blocked" and of("R-01", node=shop.nodes[1]).kind == "reserve"
    )
    assert "blocked" in page_of(supervisor, state="blocked")
    refused = said(manager.post(f"{HOME}act/", {"bin": [bin_.id], "do": "kind", "kind": "pick"}))
    assert "Bin R-01 is blocked" in refused[-1]
    manager.post(f"{HOME}act/", {"bin": [bin_.id], "do": "open"})
    manager.post(f"{HOME}act/", {"bin": [bin_.id], "do": "kind", "kind": "pick"})
    assert of("R-01", node=shop.nodes[1]).kind == "pick"
    answers = said(supervisor.post(f"{HOME}act/", {"bin": [bin_.id, full.id], "do": "retire"}))
    assert any("A-01 can't be retired: there is goods" in html.unescape(one) for one in answers)
    assert (
        of("R-01", node=shop.nodes[1]).state == "retired" and of("A-01", node=shop.nodes[0]).state == "in use"
    )
    assert "may not do" in said(console("service").post(f"{HOME}act/", {"bin": [full.id], "do": "block"}))[0]


def test_who_blocks_a_bin_is_told_what_that_touches(console, shop):
    supervisor, full = console("supervisor"), of("A-01", node=shop.nodes[0])
    told = said(supervisor.post(f"{HOME}act/", {"bin": [full.id], "do": "block", "why": "bent"}))
    assert any(one.startswith("A-01: ") and "not sold until the bin is opened" in one for one in told), told
    again = said(supervisor.post(f"{HOME}act/", {"bin": [full.id], "do": "open"}))
    assert any("sold again." in one for one in again), again


def test_a_program_keeps_bins(program, shop):
    manager = program("inventory")
    wanted = [{"node": "LDN", "code": "V-1", "kind": "pick"}, {"node": "LDN", "code": "V-2", "kind": "pick"}]
    made = manager.post("/api/v1/bins", wanted).json()
    assert [one["code"] for one in made] == ["V-1", "V-2"]
    page = manager.get("/api/v1/bins?node=LDN&text=v-&limit=1").json()
    assert (page["items"][0]["code"], page["next"]) == ("V-1", made[0]["id"])
    assert (
        manager.post("/api/v1/bins/switch", {"bin": made[0]["id"], "step": "block"}).json()["state"]
        == "blocked"
    )
    assert manager.post("/api/v1/bins/retire", {"bin": made[0]["id"]}).json()["state"] == "retired"
    assert is_problem(manager.post("/api/v1/bins", wanted[0], again="2"), 409, "network.bin_out")
    assert is_problem(manager.get("/api/v1/bins?node=X"), 404, "kernel.not_found")
    assert is_problem(
        manager.post("/api/v1/bins", wanted[0] | {"node": "X"}, again="3"), 404, "kernel.not_found"
    )
    assert is_problem(
        program("books").post("/api/v1/bins/retire", {"bin": made[1]["id"]}), 403, "kernel.not_permitted"
    )
