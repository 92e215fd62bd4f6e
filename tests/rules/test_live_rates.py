"""What EasyPost and karrio are asked and answer: built, parsed, and tried against a local imitation."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import urllib.error
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Unavailable, Unheard
from entrepot.shipping.easypost import build, parse
from entrepot.shipping.easypost.client import Client
from entrepot.shipping.karrio import client as karrio_client
from entrepot.shipping.karrio import parse as karrio
from entrepot.shipping.live import (
    Asked,
    Bought,
    Box,
    Declared,
    Form,
    Good,
    InDoubtError,
    OnPaperError,
    Place,
    Rate,
    RefusedByCarrierError,
    together,
)
from entrepot.shipping.rules import UnreadableError, goes_unfiled
from tests.imitation import an_imitation, easypost
from tests.rules.test_easypost import PAYLOADS

HOME = Place("Ada Byron", "1 High Street", "", "Leeds", "", "LS1 4AP", "GB", residential=True)
HOUSE = Place("Hearth", "Dock Road", "", "London", "", "E16 1AA", "GB")
ASKED = Asked("FL-1", HOUSE, HOME, (Box(437, 254, 203, 102),))
RATES = [Rate("Post Slow", 250, "GBP", 4, "rate_Slow"), Rate("Post Fast", 910, "GBP", 1, "rate_Fast")]

BY_KARRIO = pytest.mark.skipif(
    "CARRIERS" not in os.environ
    and (
        importlib.util.find_spec("karrio") is None
        or importlib.util.find_spec("karrio.mappers.easypost") is None
    ),
    reason="karrio is not installed: `make carriers`",
)


def recorded(suffix: str) -> Iterator[dict[str, Any]]:
    """Answers that EasyPost gave to posts whose address ends so."""
    for path in sorted(PAYLOADS.glob("*.json")):
        for one in json.loads(path.read_text()):
            if one["method"] == "POST" and one["uri"].endswith(suffix):
                yield one


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the recorded payloads of EasyPost are not here")
def test_recorded_rates_labels_and_errors_of_easypost_are_understood():
    rated = [one for one in recorded("/v2/shipments") if one["status"] < 300]
    assert len(rated) > 10
    for one in rated:
        rates = parse.rates(json.dumps(one["response"]))
        told = {f"{rate['carrier']} {rate['service']}": rate for rate in one["response"]["rates"]}
        assert {rate.name for rate in rates} == set(told)
        assert all(f"{rate.amount_minor / 100:.2f}" == told[rate.name]["rate"] for rate in rates)
        assert all(rate.currency == "USD" and rate.days == told[rate.name]["delivery_days"] for rate in rates)
    labels = [parse.bought(json.dumps(one["response"])) for one in recorded("/buy")
              if "/shipments/" in one["uri"] and one["status"] < 300]  # fmt: skip
    assert len(labels) >= 3
    assert all(one.tracking and one.label_url and one.amount_minor > 0 for one in labels)
    wrong = [
        one
        for path in PAYLOADS.glob("*.json")
        for one in json.loads(path.read_text())
        if one["status"] >= 400
    ]
    assert wrong
    assert all(parse.error(json.dumps(one["response"])) for one in wrong)


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the recorded payloads of EasyPost are not here")
def test_a_shipment_is_asked_for_as_easypost_was_asked():
    recorded_one = json.loads((PAYLOADS / "shipment_create.json").read_text())[0]["request"]["shipment"]
    built = build.shipment(ASKED, ASKED.boxes[0])["shipment"]
    assert set(built["parcel"]) == set(recorded_one["parcel"])
    assert set(built["from_address"]) <= set(recorded_one["from_address"])
    assert built["parcel"] == {"weight": 15.4, "length": 10.0, "width": 8.0, "height": 4.0}
    assert build.shipment(ASKED, Box(1, 0, 0, 0))["shipment"]["parcel"] == {"weight": 0.1}


def test_what_customs_are_told_goes_with_what_is_asked():
    """Values are of all units of a kind with EasyPost, and of one with karrio."""
    mugs = Good("MUG", "Mug", "6912.00", "PT", 3, 900, 3_000)
    box = Box(1_000, 0, 0, 0, (mugs, Good("TIN", "", "", "GB", 1, 10, 55)))
    told = Declared("FL-1", "GBP", "DAP", "Hearth", "GB123")
    asked = ASKED._replace(boxes=(box,), declared=told)
    built = build.shipment(asked, box)["shipment"]
    info = built["customs_info"]
    assert (info["customs_signer"], info["contents_type"], "eel_pfc" in info) == (
        "Hearth",
        "merchandise",
        False,
    )
    assert info["customs_items"] == [
        {"description": "Mug", "quantity": 3, "weight": 31.7, "value": 30.0, "currency": "GBP", "origin_country": "PT",
         "code": "MUG", "hs_tariff_number": "6912.00"},
        {"description": "TIN", "quantity": 1, "weight": 0.4, "value": 0.55, "currency": "GBP", "origin_country": "GB",
         "code": "TIN"},
    ]  # fmt: skip
    assert built["options"]["incoterm"] == "DAP"
    assert built["tax_identifiers"][0]["tax_id"] == "GB123"
    american = asked._replace(origin=HOUSE._replace(country="US"), declared=told._replace(eori=""))
    assert "eel_pfc" not in build.shipment(american, box)["shipment"]["customs_info"]
    american = american._replace(declared=told._replace(eori="", is_unfiled=True))
    built = build.shipment(american, box)["shipment"]
    assert built["customs_info"]["eel_pfc"] == "NOEEI 30.37(a)"
    assert "tax_identifiers" not in built
    assert "customs_info" not in build.shipment(ASKED, ASKED.boxes[0])["shipment"]

    customs = karrio_client._customs(asked)["customs"]
    assert [one["value_amount"] for one in customs["commodities"]] == [10.0, 0.55]
    assert [one["weight"] for one in customs["commodities"]] == [0.3, 0.01]
    assert customs["duty"] == {"paid_by": "recipient", "currency": "GBP", "declared_value": 30.55}
    assert karrio_client._customs(ASKED) == {}


@pytest.mark.parametrize(
    ("goods", "cents", "is_unfiled"),
    [
        ([("6912.00", 250_000), ("4202.21", 250_000)], Decimal(1), True),
        ([("6912.00", 250_001)], Decimal(1), False),
        ([("6912.00", 150_000), ("4202.21", 10), ("6912.00", 100_001)], Decimal(1), False),
        ([("", 150_000), ("", 150_000)], Decimal(1), False),
        ([("6912.00", 200_000)], Decimal("1.25"), True),
        ([("6912.00", 200_001)], Decimal("1.25"), False),
        ([("6912.00", 1)], None, False),
    ],
)
def test_an_export_is_filed_where_goods_of_a_kind_are_worth_much(goods, cents, is_unfiled):
    assert goes_unfiled(goods, cents) is is_unfiled


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the recorded payloads of EasyPost are not here")
def test_recorded_forms_of_what_carriers_collect_are_understood():
    whole = json.loads((PAYLOADS / "scanform_all.json").read_text())[0]["response"]["scan_forms"]
    answered = [one["response"] for one in recorded("/v2/scan_forms")]
    found = [parse.scan_form(json.dumps(one)) for one in (*whole, *answered)]
    assert {one.status for one in found} == {"created", "failed"}
    for one in found:
        assert one.reference.startswith("sf_")
        assert (one.status == "created") == bool(one.url and one.numbers) == (not one.message)
    with pytest.raises(UnreadableError, match="without its paper"):
        parse.scan_form(json.dumps(whole[0] | {"form_url": None}))


NAMES = (
    "rates", "id", "rate", "currency", "carrier", "service", "error", "message", "errors", "selected_rate",
    "postage_label", "tracking_code", "refund_status", "trackers", "scan_form", "status", "form_url", "tracking_codes",
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(NAMES), some, max_size=6),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_comes_is_read_or_said_to_be_unreadable(found):
    payload = json.dumps(found)
    for read in (
        parse.rates, parse.bought, parse.refund_state, parse.trackers, parse.scan_form, parse.scan_form_of,
        karrio.events,
    ):  # fmt: skip
        try:
            read(payload)
        except UnreadableError:
            continue
    assert isinstance(parse.error(payload), str)


def test_a_label_for_the_way_back_has_the_places_of_the_way_out():
    """EasyPost turns them round by itself, where it is told that they come back."""
    out = build.shipment(ASKED, ASKED.boxes[0])["shipment"]
    back = build.shipment(ASKED._replace(is_return=True), ASKED.boxes[0])["shipment"]
    assert "is_return" not in out
    assert back == out | {"is_return": True}


def test_packages_that_go_together_cost_their_sum_and_take_the_longest():
    other = [RATES[0]._replace(amount_minor=100, days=5)]
    assert together([RATES, other]) == [Rate("Post Slow", 350, "GBP", 5, "rate_Slow")]
    assert together([RATES, [RATES[0]._replace(currency="EUR")]]) == []
    assert together([]) == []


def test_rates_labels_and_refunds_of_an_imitation_of_easypost():
    with an_imitation(easypost) as other:
        client = Client("key", other.url)
        assert client.rates(ASKED._replace(boxes=ASKED.boxes * 2)) == [
            RATES[0]._replace(amount_minor=500), RATES[1]._replace(amount_minor=1_820),
        ]  # fmt: skip
        bought = client.buy(ASKED, "Post Fast")
        assert (bought.reference, bought.tracking, bought.amount_minor) == ("shp_1", "PP100200300GB", 910)
        assert other.asked[-1] == ("/v2/shipments/shp_1/buy", {"rate": {"id": "rate_Fast"}})
        client.void("shp_1")
        with pytest.raises(RefusedByCarrierError, match="does not take"):
            client.buy(ASKED, "Post Gone")
        other.answer = lambda *_: (
            422,
            {"error": {"code": "X", "message": "no such zip", "errors": []}},
        )
        with pytest.raises(RefusedByCarrierError, match="HTTP 422 no such zip"):
            client.rates(ASKED)
        other.answer = lambda *_: (503, "busy")
        with pytest.raises(Unavailable, match="503"):
            client.rates(ASKED)
        other.answer = lambda *_: (200, "{}")
        with pytest.raises(RefusedByCarrierError, match="can't be read"):
            client.rates(ASKED)
        other.answer = lambda *_: (200, {"refund_status": "rejected"})
        with pytest.raises(RefusedByCarrierError, match="rejected"):
            client.void("shp_1")
    with pytest.raises(Unavailable, match="does not answer"):
        client.rates(ASKED)


def test_karrio_is_not_needed_to_say_that_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "karrio.sdk", None)
    with pytest.raises(RefusedByCarrierError, match="entrepot\\[carriers\\]"):
        karrio_client.Client({"easypost": {"api_key": "k"}}).rates(ASKED)


@pytest.mark.carriers
@BY_KARRIO
def test_rates_and_tracking_by_karrio_of_an_imitation(monkeypatch):
    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    settings = type(client.gateways["easypost"].settings)
    with an_imitation(easypost) as other:
        monkeypatch.setattr(settings, "server_url", property(lambda _: other.url))
        rates = client.rates(ASKED)
        assert [(rate.amount_minor, rate.currency, rate.days) for rate in rates] == [
            (250, "GBP", 4),
            (910, "GBP", 1),
        ]
        assert other.asked[0][1]["shipment"]["to_address"]["zip"] == "LS1 4AP"
        other.answer = lambda *_: (
            422,
            {"error": {"code": "X", "message": "no such zip", "errors": []}},
        )
        with pytest.raises(RefusedByCarrierError):
            client.rates(ASKED)


@pytest.mark.carriers
@BY_KARRIO
def test_a_label_is_bought_and_given_back_by_karrio(monkeypatch):
    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    settings = type(client.gateways["easypost"].settings)
    with an_imitation(easypost) as other:
        monkeypatch.setattr(settings, "server_url", property(lambda _: other.url))

        def answers(path: str, body: Any) -> tuple[int, Any]:
            if path.endswith("/label"):
                return 200, file["body"]
            status, told = easypost(path, body)
            if path.endswith("/buy"):
                told["postage_label"] = {
                    "label_url": f"{other.url}/label",
                    "label_file_type": file["type"],
                }
            return status, told

        file = {"body": "%PDF-1.4 a label", "type": "application/pdf"}
        other.answer = answers
        name = client.rates(ASKED)[1].name
        one = client.buy(ASKED, name)
        assert (one.reference, one.tracking, one.amount_minor, one.currency) == (
            "easypost:shp_1", "PP100200300GB", 910, "GBP",
        )  # fmt: skip
        kind, _, body = one.label_url.partition(";base64,")
        assert (kind, base64.b64decode(body)) == ("data:application/pdf", b"%PDF-1.4 a label")
        assert other.asked[-2] == ("/v2/shipments/shp_1/buy", {"rate": {"id": "rate_Fast"}})

        file.update(body="^XA^XZ", type="application/zpl")
        printed = client.buy(ASKED._replace(label_format="zpl"), name)
        kind, _, body = printed.label_url.partition(";base64,")
        assert (kind, base64.b64decode(body)) == ("data:application/zpl", b"^XA^XZ")
        options = [body["shipment"]["options"] for path, body in other.asked if path.endswith("/shipments")]
        assert [each["label_format"] for each in options if "label_format" in each][-2:] == ["PDF", "ZPL"]

        client.void(one.reference)
        assert other.asked[-1][0] == "/v2/shipments/shp_1/refund"
        with pytest.raises(RefusedByCarrierError, match="does not take"):
            client.buy(ASKED, "easypost Gone")
        with pytest.raises(RefusedByCarrierError, match="no account"):
            client.void("ups:shp_1")
        other.answer = lambda *_: (422, {"error": {"code": "X", "message": "too late", "errors": []}})
        with pytest.raises(RefusedByCarrierError, match="not given back"):
            client.void(one.reference)


@pytest.mark.carriers
@BY_KARRIO
def test_a_label_for_the_way_back_by_karrio(monkeypatch):
    """A plugin sells them or says that it does not; one that does gets both places turned round."""
    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    gateway = client.gateways["easypost"]
    back = ASKED._replace(is_return=True)
    with an_imitation(easypost) as other:
        monkeypatch.setattr(type(gateway.settings), "server_url", property(lambda _: other.url))
        (slow, _) = client.rates(back)
        assert other.asked[0][1]["shipment"]["from_address"]["zip"] == "LS1 4AP", (
            "the rate is for the way back"
        )
        with pytest.raises(
            RefusedByCarrierError, match="easypost for the way back: this operation is not supported"
        ):
            client.buy(back, slow.name)

        monkeypatch.setattr(type(gateway), "check", lambda *_, **__: [])
        told: list[Any] = []

        def parse_answer(_answer: Any) -> Any:
            import karrio.core.models as models

            return models.ShipmentDetails(
                carrier_name="easypost", carrier_id="easypost", tracking_number="R1", shipment_identifier="s1",
                docs=models.Documents(label="JVBE"), label_type="PDF",
            ), []  # fmt: skip

        monkeypatch.setattr(gateway.mapper, "create_return_shipment_request", told.append, raising=False)
        monkeypatch.setattr(gateway.proxy, "create_return_shipment", lambda _: None, raising=False)
        monkeypatch.setattr(gateway.mapper, "parse_return_shipment_response", parse_answer, raising=False)
        bought = client.buy(back, slow.name)
        assert (bought.reference, bought.tracking, bought.amount_minor) == ("easypost:s1", "R1", 250)
        assert (told[0].shipper.postal_code, told[0].recipient.postal_code) == ("LS1 4AP", "E16 1AA")


@pytest.mark.carriers
@BY_KARRIO
def test_a_carrier_is_told_of_a_manifest_by_karrio_where_its_plugin_can(monkeypatch):
    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    gateway = client.gateways["easypost"]
    with pytest.raises(OnPaperError, match="karrio tells easypost of no manifests"):
        client.manifest({"easypost:s1": "P1"}, "", HOUSE)
    with pytest.raises(RefusedByCarrierError, match="no account ups"):
        client.manifest({"ups:s1": "P1"}, "", HOUSE)
    with pytest.raises(RefusedByCarrierError, match="several accounts"):
        client.manifest({"easypost:s1": "P1", "ups:s1": "P2"}, "", HOUSE)

    told: list[Any] = []
    answers: list[Any] = []
    monkeypatch.setattr(type(gateway), "check", lambda *_, **__: [])
    monkeypatch.setattr(gateway.mapper, "create_manifest_request", told.append, raising=False)
    monkeypatch.setattr(gateway.proxy, "create_manifest", lambda _: None, raising=False)
    monkeypatch.setattr(gateway.mapper, "parse_manifest_response", lambda _: answers.pop(), raising=False)
    import karrio.core.models as models

    paper = models.ManifestDetails(
        carrier_name="easypost",
        carrier_id="easypost",
        id="m1",
        doc=models.ManifestDocument(manifest="JVBERi0="),
    )
    answers.append((paper, []))
    form = client.manifest({"easypost:s1": "P1", "easypost:s2": "P2"}, "", HOUSE)
    assert form == Form("easypost:m1", "data:application/pdf;base64,JVBERi0=")
    assert (told[0].shipment_identifiers, told[0].address.postal_code) == (["s1", "s2"], "E16 1AA")
    refusal = models.Message(carrier_name="easypost", carrier_id="easypost", message="of another day")
    answers.append((None, [refusal]))
    with pytest.raises(RefusedByCarrierError, match="of another day"):
        client.manifest({"easypost:s1": "P1"}, "", HOUSE)
    for text in ("timed out", "Connection refused"):  # words of others prove nothing
        lost = models.Message(
            carrier_name="easypost", carrier_id="easypost", code=karrio_client.LOST, message=text
        )
        answers.append((None, [lost]))
        with pytest.raises(InDoubtError, match=text):
            client.manifest({"easypost:s1": "P1"}, "", HOUSE)
    answers.append((None, []))
    with pytest.raises(InDoubtError, match="no answer that can be read"):
        client.manifest({"easypost:s1": "P1"}, "", HOUSE)


@pytest.mark.carriers
@BY_KARRIO
def test_whether_a_label_was_bought_by_karrio_is_in_doubt_where_the_answer_is_lost(monkeypatch):
    import karrio.core.models as models

    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    gateway = client.gateways["easypost"]
    monkeypatch.setattr(client, "_quoted", lambda *_: ("easypost", RATES[0]))
    away = ConnectionRefusedError(111, "Connection refused")
    raised: list[Exception] = [
        away, urllib.error.URLError(away), TimeoutError("too late"), ConnectionResetError("gone"), KeyError("shipment"),
    ]  # fmt: skip

    def fails(_: Any) -> Any:
        raise raised.pop(0)

    monkeypatch.setattr(gateway.proxy, "create_shipment", fails)
    raised.append(Exception("HTTP 502: upstream: Connection refused"))
    while raised:
        with pytest.raises(InDoubtError):
            client.buy(ASKED, "easypost Slow")
    monkeypatch.setattr(gateway.proxy, "create_shipment", lambda _: None)
    told: list[Any] = []
    monkeypatch.setattr(gateway.mapper, "parse_shipment_response", lambda _: (None, told))
    for facts in ({"code": "500"}, {"code": "X", "details": {"http_status": 504}}):
        told[:] = [models.Message(carrier_name="easypost", carrier_id="easypost", **facts)]
        with pytest.raises(InDoubtError):
            client.buy(ASKED, "easypost Slow")
    told[:] = [
        models.Message(
            carrier_name="easypost", carrier_id="easypost", code="422", message="500 g is too much"
        )
    ]
    with pytest.raises(RefusedByCarrierError, match="too much"):
        client.buy(ASKED, "easypost Slow")
    told.clear()
    with pytest.raises(InDoubtError, match="can be read"):
        client.buy(ASKED, "easypost Slow")


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        *((facts, InDoubtError) for facts in (
            {"code": "500"}, {"code": "HTTP 503"}, {"code": "408"}, {"code": "REQUEST_TIMEOUT"},
            {"details": {"http_status": 504}}, {"details": {"status_code": "502"}},
            {"details": {"errors": [{"response": {"status": "503 Busy"}}]}}, {"details": {"statusCode": 500}},
            {"message": "The request timed out"}, {"message": "504 Gateway Time-out"}, {"message": "ReadTimeout()"},
            {"message": "HTTP 502: Bad Gateway"}, {"message": "Internal Server Error"},
            {"message": "Service Unavailable"}, {"code": "SERVICE.UNAVAILABLE.ERROR"},
            {"message": "We are temporarily unavailable."}, {"message": "The system is currently unavailable."},
            {"details": {"fault": "service_unavailable"}},
        )),
        *((facts, RefusedByCarrierError) for facts in (
            {"message": "The requested service is unavailable between the selected locations"},
            {"message": "Pickup time outside window"}, {"message": "Delivery time out of range"},
            {"details": {"phone": "512-555-0100"}}, {"details": {"parcel": {"weight": 500}, "status": "rejected"}},
            {"details": [{"errors": [{"postal_code": "500 03", "status": 422}]}]}, {"details": "500"},
            {"message": "See https://ups.com/500"}, {"code": "422", "message": "500 g is too much"},
        )),
    ],
)  # fmt: skip
def test_a_carrier_that_failed_may_have_sold_a_label_and_one_that_refused_has_not(facts, error):
    message = SimpleNamespace(**{"code": "X", "message": "", "details": None} | facts)
    assert type(karrio_client._nothing_made([message])) is error


@pytest.mark.carriers
@BY_KARRIO
def test_a_carrier_that_karrio_does_not_reach_is_asked_again(monkeypatch):
    client = karrio_client.Client({"easypost": {"api_key": "k", "test_mode": True}})
    settings = type(client.gateways["easypost"].settings)
    with an_imitation(easypost) as other:
        gone = other.url
    monkeypatch.setattr(settings, "server_url", property(lambda _: gone))
    for ask in (
        lambda: client.buy(ASKED, "easypost Slow"),
        lambda: client.void("easypost:shp_1"),
        lambda: client.tracking("P1", "easypost"),
    ):
        with pytest.raises(Unavailable, match="does not get an answer"):
            ask()
    with pytest.raises(RefusedByCarrierError, match="refused"):
        client.rates(ASKED)


def test_a_form_of_karrio_has_its_paper():
    assert karrio.form("usps", None, "JVBE\nRg==") == Form("usps:", "data:application/pdf;base64,JVBERg==")
    with pytest.raises(RefusedByCarrierError, match="without its paper"):
        karrio.form("usps", "m1", None)


def test_what_is_bought_already_is_found_and_not_bought_again():
    bought: list[str] = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/buy"):
            bought.append(path)
            return (504, "too late") if len(bought) == 1 else (422, {"error": {"message": "bought already"}})
        if path.endswith("/shp_1") and bought:
            return easypost(f"{path}/buy", {"rate": {"id": "rate_Slow"}})
        return easypost(path, body)

    with an_imitation(answer) as other:
        client = Client("key", other.url)
        offer = client.offer(ASKED)
        assert client.bought(offer) is None
        with pytest.raises(Unavailable, match="504"):
            client.buy_offer(offer, "Post Slow")
        assert client.buy_offer(offer, "Post Slow").tracking == "PP100200300GB"
        assert client.bought(offer) == client.buy_offer(offer, "Post Slow")
        assert len(bought) == 1


def test_only_a_shipment_that_tells_that_it_was_not_bought_was_not_bought():
    """Whatever else EasyPost answers after it was asked for a label leaves that in doubt."""
    sold = easypost("/shp_1/buy", {"rate": {"id": "rate_Slow"}})[1]
    not_sold = easypost("/shipments/shp_1", None)[1]
    refused = (422, {"error": {"message": "no postage"}})
    to_buy: tuple[int, Any] = refused
    after: list[tuple[int, Any]] = []

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/buy"):
            return to_buy
        return after.pop(0) if after else easypost(path, body)

    with an_imitation(answer) as other:
        client = Client("key", other.url)
        with pytest.raises(RefusedByCarrierError, match="no postage"):
            client.buy_offer("shp_1", "Post Slow")
        for unknown in (
            (401, {"error": {"message": "no key"}}), (403, "no"), (404, {"error": {"message": "no shipment"}}),
            (200, "<html>"), (200, {}), (200, {**not_sold, "id": "shp_2"}), (200, {**not_sold, "tracking_code": "P1"}),
            (200, {**sold, "selected_rate": None}),
        ):  # fmt: skip
            after[:] = [unknown]
            with pytest.raises(InDoubtError):
                client.bought("shp_1")
            after[:] = [(200, not_sold), unknown]
            with pytest.raises(InDoubtError):
                client.buy_offer("shp_1", "Post Slow")
        to_buy = (200, {**sold, "selected_rate": None})
        with pytest.raises(InDoubtError, match="can't be read"):
            client.buy_offer("shp_1", "Post Slow")
        after[:] = [(200, not_sold), (200, sold)]
        assert client.buy_offer("shp_1", "Post Slow").tracking == "PP100200300GB"
        after[:] = [(200, not_sold), (503, "busy")]
        with pytest.raises(Unheard):
            client.buy_offer("shp_1", "Post Slow")


def test_a_label_of_karrio_is_charged_as_told_or_as_quoted():
    rate = Rate("ups ups_ground", 740, "USD", 3, "")
    told = {"id": "s1", "tracking": "1Z9", "label": "JVBE\nRg==", "type": "PDF"}
    assert karrio.bought("ups", told, rate) == Bought(
        "ups:s1", "1Z9", 740, "USD", "data:application/pdf;base64,JVBERg=="
    )
    charged = karrio.bought("ups", told | {"total_charge": 7.9, "currency": "USD", "type": "ZPL"}, rate)
    assert (charged.amount_minor, charged.label_url[:16]) == (790, "data:application")
    for kind, picture, expected in (
        ("ZPL", "AAAA", "application/zpl"), (None, "XlhBXlha", "application/zpl"), ("PNG", "iVBO", "image/png"),
        (None, "JVBERg==", "application/pdf"),
    ):  # fmt: skip
        found = karrio.bought("ups", told | {"type": kind, "label": picture}, rate)
        assert found.label_url == f"data:{expected};base64,{picture}"
    with pytest.raises(InDoubtError, match="without its number"):
        karrio.bought("ups", told | {"tracking": None}, rate)


def test_a_label_for_a_label_printer_is_asked_for_fetched_and_kept_with_its_type():
    """Where it can't be had the label is bought all the same, and its address stands."""
    zpl, kind, elsewhere = "^XA^FO40,40^FDAda^FS^XZ", "application/zpl", ""

    def answers(path: str, body: Any) -> tuple[int, Any]:
        if path.endswith("/label.zpl"):
            return (200, zpl) if zpl else (404, "gone")
        status, told = easypost(path, body)
        if path.endswith("/shipments"):
            chosen.append(body["shipment"]["options"]["label_format"])
        if path.endswith("/buy"):
            told["options"] = {"label_format": chosen[-1]}
            url = elsewhere or f"{other.url}/label.zpl"
            told["postage_label"] = {"label_url": url, "label_pdf_url": None, "label_file_type": kind}
        return status, told

    chosen: list[str] = []
    with an_imitation(answers) as other:
        client, wanted = Client("key", other.url), ASKED._replace(label_format="zpl")
        address = f"{other.url}/label.zpl"
        assert client.buy(ASKED, "Post Fast").label_url == address, "a PDF is where it is"
        kept = client.buy(wanted, "Post Fast")
        head, _, body = kept.label_url.partition(";base64,")
        assert (head, base64.b64decode(body).decode()) == ("data:application/zpl", zpl)
        assert (chosen, kept.tracking, kept.amount_minor) == (["PDF", "ZPL"], "PP100200300GB", 910)
        zpl = ""
        assert client.buy(wanted, "Post Fast").label_url == address
        zpl = "<html>be patient</html>"
        assert client.buy(wanted, "Post Fast").label_url == address, "no label of a label printer"
        zpl, kind = "^XA^XZ", "application/pdf"
        assert client.buy(wanted, "Post Fast").label_url == address, "the carrier sold another form"
        kind, elsewhere = "application/zpl", "file:///etc/hostname"
        assert client.buy(wanted, "Post Fast").label_url == elsewhere
        elsewhere = "http://127.0.0.1:1/label.zpl"
        assert client.buy(wanted, "Post Fast").label_url == elsewhere


def test_tracking_by_karrio_is_told_in_our_words():
    payload = json.dumps({
        "tracking_number": "1Z9", "carrier_name": "ups", "status": "delivered",
        "events": [
            {"date": "2026-11-24", "time": "10:15", "description": "Left", "location": "York"},
            {"date": "2026-11-25", "time": "09:30 AM", "description": "Delivered", "location": "Leeds"},
            {"date": "2026-11-23", "time": "18:00", "description": "Label", "location": "", "status": "pending"},
        ],
    })  # fmt: skip
    assert [(one.kind, one.place) for one in karrio.events(payload)] == [
        ("announced", ""), ("in transit", "York"), ("delivered", "Leeds"),
    ]  # fmt: skip
    assert karrio.rates([{"carrier_name": "ups", "service": "ups_ground", "total_charge": 7.4, "currency": "USD",
                          "transit_days": 3}]) == [Rate("ups ups_ground", 740, "USD", 3, "")]  # fmt: skip
    for wrong in ("[]", "{}", '{"tracking_number": "1", "events": [{"date": "soon"}]}'):
        with pytest.raises(UnreadableError):
            karrio.events(wrong)
