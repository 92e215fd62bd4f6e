"""Transfers between nodes: the page with its forms, and the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import ids, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.network import queries as network
from entrepot.network.commands.register import RegisterBin, register_bins
from entrepot.sourcing import queries
from entrepot.sourcing.commands.rebalance import ProposeTransfers, propose_transfers
from entrepot.sourcing.rebalancing import Rebalancing
from entrepot.stock import plate_queries, transfer_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.set_floor import SetSafety, set_safety
from entrepot.stock.commands.transfer import ShipTransfer, TransferUnits, ship_transfer
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateLine, build_plates
from tests.http.test_api import is_problem
from tests.plates import NUMBER, OTHER
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
PAGE, API = "/stock/transfers/", "/api/v1/transfer-proposals"


@pytest.fixture
def asked(shop) -> list[queries.ProposalRow]:
    """Two SKUs of which the second node lacks safety stock."""
    now = timezone.now()
    steer = SetPolicy(
        COMPANY, "sourcing.rebalancing", Rebalancing(cost_max_percent=100), now - timedelta(days=1)
    )
    set_policy(the_system(now), requests=[steer])
    skus = [
        sku
        for (sku,) in sql.run(
            "SELECT sku_id FROM stock_position WHERE node_id = %(node)s AND sellable - reserved - allocated > 9"
            " ORDER BY sku_id LIMIT 2",
            {"node": shop.nodes[0]},
        )
    ]
    lacking = {
        sku: lack + 5
        for sku, lack in sql.run(
            "SELECT sku_id, sellable - reserved - allocated FROM stock_position"
            " WHERE node_id = %(node)s AND sku_id = ANY(%(skus)s)",
            {"node": shop.nodes[1], "skus": skus},
        )
    }
    set_safety(
        the_system(now),
        requests=[SetSafety(COMPANY, sku, shop.nodes[1], lacking.get(sku, 5)) for sku in skus],
    )
    propose_transfers(the_system(now), requests=[ProposeTransfers(sku) for sku in skus])
    found = queries.proposals(company=COMPANY)
    assert len(found) == 2
    return found


def said(response) -> list[str]:
    """What the last form of this visit said; what earlier ones did is still to be shown."""
    return [str(message) for message in get_messages(response.wsgi_request)][-1:]


def states() -> dict[str, int]:
    return dict(sql.run("SELECT state, count(*)::int FROM sourcing_transferproposal GROUP BY 1"))


def test_the_page_shows_each_proposal_with_its_sum(console, asked):
    shown = console("auditor").get(PAGE).content.decode()

    for one in asked:
        assert one.number in shown
        assert one.sku_code in shown
        assert f"= {one.terms['to']['need']} needed" in re.sub(r"\s+", " ", shown)
    assert "An inventory manager decides" in shown


def test_from_proposal_to_shelf(console, asked):
    page = console("inventory")
    keys = [str(one.id) for one in asked]
    assert said(page.post(f"{PAGE}act/", {"proposal": keys, "action": "accept"})) == [
        "2 proposals are accepted."
    ]
    assert said(page.post(f"{PAGE}act/", {"proposal": keys, "action": "send"})) == [
        "2 proposals are on their way."
    ]
    (transfer,) = transfer_queries.transfers_under_way(company=COMPANY)
    assert transfer.number in page.get(PAGE).content.decode()

    form = {"transfer": [str(transfer.id)], "action": "receive"}
    assert said(page.post(f"{PAGE}receive/", form)) == ["1 transfer has come."]
    assert transfer_queries.transfers_under_way(company=COMPANY) == []
    assert "expected units that TR-" in said(page.post(f"{PAGE}receive/", form | {"action": "lose"}))[0]
    assert states() == {"sent": 2}


def test_a_part_of_what_is_accepted_leaves_and_the_rest_stays(console, asked):
    page, (first, second) = console("inventory"), asked
    page.post(f"{PAGE}act/", {"proposal": [str(first.id), str(second.id)], "action": "accept"})
    assert f'name="units-{first.id}"' in page.get(PAGE).content.decode()
    form = {"proposal": [str(first.id)], "action": "send", f"units-{first.id}": "x"}
    assert said(page.post(f"{PAGE}act/", form)) == ["Write whole numbers of units."]
    form[f"units-{first.id}"] = str(first.quantity + 1)
    assert f"expected 1 to {first.quantity}" in said(page.post(f"{PAGE}act/", form))[0]
    form[f"units-{first.id}"] = "2"
    assert said(page.post(f"{PAGE}act/", form)) == [f"{first.quantity - 2} units stay to be sent."]
    rest = next(
        one for one in queries.proposals(company=COMPANY, state="accepted") if one.sku_code == first.sku_code
    )
    assert rest.quantity == first.quantity - 2
    (transfer,) = transfer_queries.transfers_under_way(company=COMPANY)
    assert transfer.units == 2


def test_a_transfer_is_asked_for_by_hand_and_by_programs(console, program, shop, asked):
    page, (first, _) = console("inventory"), asked
    form = {
        "from": str(shop.nodes[0]),
        "to": str(shop.nodes[1]),
        "sku": first.sku_code,
        "units": "2",
        "reason": "fair",
    }
    for wrong in ({"sku": "NONE"}, {"units": "x"}, {"reason": ""}, {"to": str(shop.nodes[0])}):
        assert "asked for" not in said(page.post(f"{PAGE}ask/", form | wrong))[0]
    assert said(page.post(f"{PAGE}ask/", form | {"to": "x"})) == ["Choose a node of the list."]
    other = {"from": str(shop.nodes[1]), "to": str(shop.nodes[0]), "units": "x"}
    page.post(f"{PAGE}ask/", form | other)
    shown = page.get(PAGE).content.decode()
    selected = re.findall(r'<option value="([^"]+)" selected', shown[shown.index('id="ask-from"') :])
    assert selected[:2] == [other["from"], other["to"]], "what was chosen stands there again"
    (form["key"],) = re.findall(r'name="key" value="([^"]+)"', shown)
    for _ in range(2):
        assert said(page.post(f"{PAGE}ask/", form)) == ["It is asked for, and work for the node that sends."]
    assert states()["accepted"] == 1, "sent twice, asked once"
    shown = page.get(PAGE).content.decode()
    assert "asked for by inventory" in shown and "fair" in shown
    refused = console("auditor").post(f"{PAGE}ask/", form)
    assert "may not do sourcing.ask_transfers" in said(refused)[0]

    call = program("inventory")
    body = {
        "sku": first.sku_code,
        "origin": first.to_code,
        "target": first.from_code,
        "quantity": 1,
        "reason": "r",
    }
    answer = call.post(API, body, "ask").json()
    accepted = call.get(f"{API}?state=accepted").json()["items"]
    assert answer["number"] in {one["number"] for one in accepted} and len(accepted) == 2


def test_a_proposal_is_rejected_with_a_reason_only(console, asked):
    page, (first, _) = console("inventory"), asked
    without = page.post(f"{PAGE}act/", {"proposal": [str(first.id)], "action": "reject"})
    assert "expected why it is not carried out" in said(without)[0]

    page.post(f"{PAGE}act/", {"proposal": [str(first.id)], "action": "reject", "reason": "no room"})
    assert states() == {"proposed": 1, "rejected": 1}


def test_everything_is_looked_at_when_asked_for(console, shop):
    done = console("inventory").post(f"{PAGE}review/")

    assert "All SKUs are being looked at" in said(done)[0]
    assert sql.run("SELECT count(*) > 0 FROM kernel_ready WHERE queue = 'rebalance'") == [(True,)]


def test_who_may_not_is_told(console, asked):
    refused = console("auditor").post(f"{PAGE}act/", {"proposal": [str(asked[0].id)], "action": "accept"})

    assert "may not do sourcing.accept_transfers" in said(refused)[0]
    assert states() == {"proposed": 2}


def test_programs_list_accept_send_and_reject(program, asked):
    call = program("inventory")
    first = call.get(f"{API}?limit=1").json()
    rest = call.get(f"{API}?limit=1&after={first['next']}").json()
    keys = [one["id"] for page in (first, rest) for one in page["items"]]
    assert keys == [str(one.id) for one in asked]
    assert rest["next"] is None

    accepted = call.post(f"{API}/accept", [{"proposal": key} for key in keys]).json()
    assert [one["state"] for one in accepted] == ["accepted", "accepted"]
    part = call.post(f"{API}/send", {"proposal": keys[0], "quantity": 2}, again="part").json()
    assert (part["sent"], part["left"], part["missing"]) == (2, 3, 0)
    first, keys[0] = keys[0], part["rest"]
    sent = call.post(f"{API}/send", {"proposal": keys[0]}).json()
    assert (sent["proposal"], sent["sent"]) == (keys[0], 3)
    again = call.post(f"{API}/send", {"proposal": keys[0]}).json()
    assert again == sent
    rejected = call.post(f"{API}/reject", {"proposal": keys[1], "reason": "no room"})
    assert rejected.json()["state"] == "rejected"
    assert [one["id"] for one in call.get(f"{API}?state=sent").json()["items"]] == [first, keys[0]]


def test_programs_say_what_came_and_what_is_lost(program, asked):
    call, key = program("inventory"), {"proposal": str(asked[0].id)}
    call.post(f"{API}/accept", key)
    call.post(f"{API}/send", key)
    (one,) = call.get("/api/v1/transfers").json()["items"]
    assert (one["units"], one["count"], one["skus"]) == (5, 1, [asked[0].sku_code])

    body = {"transfer": one["id"], "lines": [{"sku": asked[0].sku_code, "received": 2, "damaged": 1}]}
    is_problem(call.post("/api/v1/transfers/receive", body), 422, "stock.not_placeable")
    part = call.post("/api/v1/transfers/receive", body | {"reason": "wet"}, "wet").json()
    assert (part["state"], part["received"], part["lost"], part["damaged"]) == ("in_transit", 2, 0, 1)
    rest = call.post(
        "/api/v1/transfers/receive", {"transfer": one["id"], "rest": "lost", "reason": "gone"}, "two"
    ).json()
    assert (rest["state"], rest["received"], rest["lost"]) == ("received", 0, 2)
    unknown = {"transfer": one["id"], "lines": [{"sku": "NONE", "received": 1}]}
    is_problem(call.post("/api/v1/transfers/receive", unknown, "three"), 404, "kernel.not_found")


def test_what_programs_get_wrong_is_a_problem(program, asked):
    call = program("inventory")

    is_problem(call.post(f"{API}/accept", {"proposal": str(ids.uuid7())}), 404, "kernel.not_found")
    is_problem(call.post(f"{API}/send", {"proposal": str(asked[0].id)}, "two"), 409, "kernel.wrong_state")
    is_problem(call.get(f"{API}?state=lost"), 422, "http.422")


def test_a_person_sends_goods_and_takes_part_of_them_in(shop, console):
    page, nodes = console("inventory"), [str(one) for one in shop.nodes]
    form = {"from": nodes[0], "to": nodes[1], "bin": "a-01", "sku": "MUG-BLUE", "units": "5"}
    assert said(page.post(f"{PAGE}send/", form)) == ["It is on its way."]
    assert said(page.post(f"{PAGE}send/", form | {"sku": "NONE"}))[0].startswith("a-01 NONE 5: say a bin")
    assert said(page.post(f"{PAGE}send/", {"from": nodes[0], "to": nodes[1]}))[0].startswith(
        "Say from which bin"
    )
    assert transfer_queries.transfers_under_way(company=COMPANY)[1:] == []
    (one,) = transfer_queries.transfers_under_way(company=COMPANY)
    assert f'href="/stock/transfers/{one.id}/"' in page.get(PAGE).content.decode()
    assert page.get(f"/documents/{one.id}/")["Location"] == f"/stock/transfers/{one.id}/"

    where = f"/stock/transfers/{one.id}/"
    shown = page.get(where).content.decode()
    assert "Take in what came" in shown and "MUG-BLUE" in shown
    of = f"{shop.skus['MUG-BLUE']}///"
    part = {"action": "part", f"came:{of}": "2", f"lost:{of}": "1", f"damaged:{of}": "1"}
    assert "expected why units are lost" in said(page.post(f"{where}receive/", part))[0]
    assert said(page.post(f"{where}receive/", part | {f"came:{of}": "x"})) == [
        "MUG-BLUE: write whole numbers of units."
    ]
    assert said(page.post(f"{where}receive/", part | {"reason": "fell off"})) == ["Noted."]
    assert transfer_queries.transfers_under_way(company=COMPANY)[0].units == 1
    assert said(page.post(f"{where}receive/", {"action": "part"}))[0].startswith("lines: expected units")
    gone = part | {f"came:{of}L1": "1"}
    assert said(page.post(f"{where}receive/", gone))[0].startswith("Meanwhile somebody else")
    assert said(page.post(f"{where}receive/", {"action": "rest"})) == ["Noted."]
    assert [(one.status, one.units) for one in transfer_queries.transfer_arrivals(one.id)] == [
        ("sellable", 1), ("lost", 1), ("damaged", 1), ("sellable", 2),
    ]  # fmt: skip
    shown = page.get(where).content.decode()
    assert "Take in what came" not in shown and "damaged" in shown
    assert page.get(f"/stock/transfers/{ids.uuid7()}/").status_code == 404


def test_the_page_of_a_transfer_takes_plates_whole_and_tells_of_lots_that_expired(shop, console):
    page, now = console("inventory"), timezone.now()
    sku, node = shop.skus["MUG-BLUE"], shop.nodes[0]
    bin_ = network.bins(nodes=[node])[0].id
    old = Receive(
        COMPANY, sku, node, bin_, 3, 300, "test receipt", ids.uuid7(), lot="OLD",
        expires_on=now.date() - timedelta(days=9),
    )  # fmt: skip
    receive(the_system(now), requests=[old])
    (built,) = build_plates(
        the_system(now), requests=[BuildPlate(COMPANY, bin_, (PlateLine(sku, 2, "OLD"),), NUMBER)]
    )
    out = ShipTransfer(
        COMPANY, node, shop.nodes[1], (TransferUnits(sku, bin_, 1, "OLD"),), plates=(built.plate,)
    )
    (sent,) = ship_transfer(the_system(now), requests=[out])

    where = f"/stock/transfers/{sent.transfer}/"
    shown = page.get(where).content.decode()
    assert NUMBER in shown and "came whole" in shown
    come = {"action": "plate", "one": str(sent.transfer), "plate": NUMBER, "next": where}
    assert said(page.post(f"{PAGE}receive/", come)) == ["The plate has come, with all that was sent on it."]
    told = said(page.post(f"{where}receive/", {"action": "rest"}))
    assert told == ["1 unit has expired on the way and is not for sale."]
    assert {one.status for one in transfer_queries.transfer_arrivals(sent.transfer)} == {"non_sellable"}


def test_a_person_sends_several_lines_at_once_or_nothing(shop, console):
    page, nodes = console("inventory"), [str(one) for one in shop.nodes]
    form = {"from": nodes[0], "to": nodes[1], "pasted": "A-01; MUG-BLUE; 2\nA-01\tMUG-BLUE\tmany\n"}
    assert said(page.post(f"{PAGE}send/", form))[0].startswith("A-01 MUG-BLUE many: say a bin")
    assert "A-01; MUG-BLUE; 2" in page.get(PAGE).content.decode(), "what was pasted stands there again"
    assert transfer_queries.transfers_under_way(company=COMPANY) == []
    form["pasted"] = "A-01; MUG-BLUE; 2\n\na-01 MUG-BLUE 3"
    assert said(page.post(f"{PAGE}send/", form)) == ["It is on its way."]
    (one,) = transfer_queries.transfers_under_way(company=COMPANY)
    assert (one.units, one.skus) == (5, ["MUG-BLUE"])


def test_programs_send_goods_without_a_proposal(shop, program):
    call = program("inventory")
    body = {"origin": "LDN", "target": "MAN", "lines": [{"sku": "MUG-BLUE", "bin": "A-01", "quantity": 2}]}
    sent = call.post("/api/v1/transfers", body, "one").json()
    assert call.get("/api/v1/transfers").json()["items"][0]["number"] == sent["number"]
    body["lines"][0]["bin"] = "NOWHERE"
    is_problem(call.post("/api/v1/transfers", body, "two"), 404, "kernel.not_found")


def test_a_plate_goes_to_another_node_and_comes_whole_by_page_and_by_program(shop, console, program):
    call, page = program("inventory"), console("inventory")
    lines = [{"sku": "MUG-BLUE", "quantity": 3}]
    built = call.post(
        "/api/v1/plates", {"node": "LDN", "bin": "A-01", "lines": lines, "number": NUMBER}, "b"
    ).json()
    body = {"origin": "LDN", "target": "MAN", "plates": [f"00{NUMBER}"]}
    sent = call.post("/api/v1/transfers", body, "one").json()
    assert (
        call.get(f"/api/v1/plates/{NUMBER}").json() | {"bin_code": ""}
        == call.get(f"/api/v1/plates/{NUMBER}").json()
    )
    goods = call.get(f"/api/v1/transfers/{sent['transfer']}").json()["goods"]
    assert [(one["sku_code"], one["plate"], one["to_come"]) for one in goods] == [("MUG-BLUE", NUMBER, 3)]
    is_problem(call.get(f"/api/v1/transfers/{ids.uuid7()}"), 404, "kernel.not_found")
    is_problem(call.post("/api/v1/transfers", body, "two"), 409, "stock.plate_not_here")
    part = {"sku": "MUG-BLUE", "received": 1, "damaged": 1, "plate": NUMBER}
    came = {"transfer": sent["transfer"], "lines": [part], "reason": "wet", "rest": "received"}
    assert call.post("/api/v1/transfers/receive", came, "three").json()["state"] == "received"
    assert call.get(f"/api/v1/plates/{NUMBER}").json()["units"] == 2, "what came later came loose"

    where = f"/stock/plates/{built['plate']}/"
    nodes = [str(one) for one in shop.nodes]
    assert said(page.post(f"{where}send/", {"to": nodes[0]}))[0].startswith("On plate")
    call.post("/api/v1/plates", {"node": "LDN", "bin": "A-01", "lines": lines, "number": OTHER}, "c")
    form = {"from": nodes[0], "to": nodes[1], "plate": OTHER}
    assert (
        said(page.post(f"{PAGE}send/", form | {"plate": "1"}))[0] == "There is no plate with this code here."
    )
    assert said(page.post(f"{PAGE}send/", form)) == ["It is on its way."]
    (one,) = transfer_queries.transfers_under_way(company=COMPANY)
    which = plate_queries.plate_named(company=COMPANY, text=OTHER).id
    shown = page.get(f"/stock/plates/{which}/").content.decode()
    assert "On its way to" in shown and one.number in shown and "Move it whole" not in shown
    assert "On its way to" in page.get("/stock/plates/").content.decode()
    come = {"action": "plate", "one": str(one.id), "plate": OTHER}
    assert said(page.post(f"{PAGE}receive/", come | {"plate": ""}))[0].startswith("Choose a transfer")
    assert said(page.post(f"{PAGE}receive/", come)) == ["The plate has come, with all that was sent on it."]
    assert plate_queries.plate(company=COMPANY, which=which).node_code == "MAN"
    assert said(page.post(f"/stock/plates/{which}/send/", {"to": nodes[0]})) == ["The plate is on its way."]


def test_of_bins_whose_codes_differ_in_case_alone_the_one_that_was_said_is_meant(shop, console):
    system, nodes = the_system(shop.now), [str(one) for one in shop.nodes]
    (small,) = register_bins(system, requests=[RegisterBin(COMPANY, shop.nodes[0], "a-01", "pick")])
    mugs = Receive(COMPANY, shop.skus["MUG-BLUE"], shop.nodes[0], small.id, 5, 500, "receipt", ids.uuid7())
    receive(system, requests=[mugs])
    form = {"from": nodes[0], "to": nodes[1], "bin": "a-01", "sku": "MUG-BLUE", "units": "5"}
    assert said(console("supervisor").post(f"{PAGE}send/", form)) == ["It is on its way."]
    assert "a-01" not in {row.bin_code for row in stock.buckets(sku=shop.skus["MUG-BLUE"]) if row.quantity}


def test_a_review_is_asked_for_by_programs_as_by_the_page(program, shop):
    call = program("inventory")
    told = call.post(f"{API}/review", {}, "now")
    assert told.status_code == 200
    assert told.json()["skus"] > 0
    assert call.post(f"{API}/review", {}, "now").json() == told.json()
    assert program("service").post(f"{API}/review", {}, "other").status_code == 403


def sent(call, times: int) -> list[str]:
    """Transfers of a unit each, in the order in which they are expected; their ids."""
    made = []
    for i in range(times):
        body = {
            "origin": "LDN", "target": "MAN", "expected_at": f"2030-01-0{i + 1}T09:00:00Z",
            "lines": [{"sku": "MUG-BLUE", "bin": "A-01", "quantity": 1}],
        }  # fmt: skip
        made.append(call.post("/api/v1/transfers", body, f"send-{i}").json()["transfer"])
    return made


def paged(call, url: str) -> list[str]:
    """The ids of a list that is read two at a time."""
    found, after = [], ""
    while True:
        page = call.get(f"{url}{'&' if '?' in url else '?'}limit=2{after}").json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_transfers_on_their_way_and_finished_are_read_to_the_end(program, console, shop, monkeypatch):
    call, page = program("inventory"), console("inventory")
    made = sent(call, 5)
    assert paged(call, "/api/v1/transfers") == made
    monkeypatch.setattr("entrepot.web.views.transfers.PAGE", 2)
    text = page.get(PAGE).content.decode()
    assert f"coming={made[1]}#under-way" in text
    rest = page.get(f"{PAGE}?coming={made[3]}").content.decode()
    assert made[4] in rest
    assert made[0] not in rest
    assert "#under-way" not in rest

    for i, which in enumerate(made[:3]):
        rest_is = {"rest": "lost", "reason": "gone"} if i == 1 else {"rest": "received"}
        call.post("/api/v1/transfers/receive", {"transfer": which, **rest_is}, f"came-{i}")
    assert paged(call, "/api/v1/transfers") == made[3:]
    assert paged(call, "/api/v1/transfers/finished") == made[2::-1]
    (lost,) = call.get("/api/v1/transfers/finished?lost=true").json()["items"]
    assert (lost["id"], lost["sent"], lost["received"], lost["lost"]) == (made[1], 1, 0, 1)
    assert lost["skus"] == ["MUG-BLUE"]

    numbers = {one["id"]: one["number"] for one in call.get("/api/v1/transfers/finished").json()["items"]}
    text = page.get(f"{PAGE}finished/").content.decode()
    assert all(number in text for number in numbers.values())
    only = page.get(f"{PAGE}finished/?lost=on").content.decode()
    assert numbers[made[1]] in only
    assert numbers[made[0]] not in only
    assert "Nothing here" not in only


def test_accepted_proposals_are_shown_to_the_end(program, console, asked, monkeypatch):
    call, page = program("inventory"), console("inventory")
    keys = sorted(str(one.id) for one in asked)
    call.post(f"{API}/accept", [{"proposal": key} for key in keys])
    monkeypatch.setattr("entrepot.web.views.transfers.PAGE", 1)
    first = page.get(PAGE).content.decode()
    assert f"to_send={keys[0]}#accepted" in first
    last = page.get(f"{PAGE}?to_send={keys[-2]}").content.decode()
    assert f'name="proposal" value="{keys[-1]}"' in last
    assert "#accepted" not in last
