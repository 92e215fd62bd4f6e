"""Carriers' services on their page: compared with a file before they change, and as they stood."""

from __future__ import annotations

import html

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.carriage import queries
from tests.http.test_returns_pages import said
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def first() -> queries.Known:
    return queries.known(COMPANY)[0]


def page_of(browser, address: str) -> str:
    return html.unescape(browser.get(address).content.decode())


def file_of(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("rates.csv", text.encode())


def dearer(one: queries.Known) -> str:
    rows = [f"{zone},{grams},{(price + 100) / 100:.2f}" for zone, grams, price in one.stands.rates]
    return "\n".join(["zone,max_weight_g,price", *rows])


def test_rates_of_a_file_are_compared_first_and_then_stand(console, shop):
    lead, one = console("lead"), first()
    home = f"/services/{one.id}/"
    assert one.stands.code in page_of(lead, "/services/")
    shown = html.unescape(lead.post(f"{home}compare/", {"file": file_of(dearer(one))}).content.decode())
    assert "What the file changes" in shown and "Change the rates" in shown
    assert first() == one, "nothing is changed by looking"
    assert said(lead.post(f"{home}rates/", {"rates": dearer(one)}))[-1] == "The rates are changed."
    assert [price for *_, price in first().stands.rates] == [price + 100 for *_, price in one.stands.rates]

    wrong = said(lead.post(f"{home}compare/", {"file": file_of("zone,max_weight_g,price\nUK,x,1\n")}))
    assert "Row 2: max_weight_g" in wrong[-2] and "Nothing was done." in wrong[-1]
    rest = said(lead.post(f"{home}rates/", {"rates": "zone,max_weight_g,price\nnowhere,1,1\n"}))
    assert "expected a price for each zone" in html.unescape(rest[-1])
    csv = lead.get(f"{home}?format=csv").content.decode()
    assert csv.splitlines()[0].endswith("zone,max_weight_g,price")


def test_zones_and_surcharges_of_a_file_are_compared_first_too(console, shop):
    lead, one = console("lead"), first()
    home = f"/services/{one.id}/"
    zones = lead.get(f"{home}?format=zones").content.decode("utf-8-sig")
    assert zones.splitlines()[0].startswith("origin,destination,zone,origin_postal_code")
    wider = (
        f"{zones.strip()}\r\nGB,IS,{one.stands.zones[0][2]},,,\r\nGB,GB,{one.stands.zones[0][2]},LS,IV,6\r\n"
    )
    shown = lead.post(f"{home}compare/", {"table": "zones", "file": file_of(wider)}).content.decode()
    assert "Change the zones" in shown and "GB · IS" in shown and "GB LS · GB IV" in shown and first() == one
    assert (
        said(lead.post(f"{home}rates/", {"table": "zones", "rates": wider}))[-1] == "The zones are changed."
    )
    assert {("GB", "IS"), ("GB", "GB")} <= {row[:2] for row in first().stands.zones}
    assert first().stands.zones[-1][3:] == ("LS", "IV", 6)
    assert "GB IV" in page_of(lead, home)
    assert "GB,GB" in page_of(lead, f"{home}?format=zones") and "LS,IV,6" in page_of(
        lead, f"{home}?format=zones"
    )
    narrow = "origin,destination,zone\n" + "\n".join(",".join(row[:3]) for row in one.stands.zones)
    lead.post(f"{home}rates/", {"table": "zones", "rates": narrow})
    assert first() == one, "a file of countries alone is read on"

    added = "kind,zone,above,postal_code,amount,per_10k\nremote,*,0,IV,4.50,0\nfuel,*,0,,0,150\n"
    shown = lead.post(f"{home}compare/", {"table": "surcharges", "file": file_of(added)}).content.decode()
    assert "Change the surcharges" in shown and "4.50" in shown
    assert (
        said(lead.post(f"{home}rates/", {"table": "surcharges", "rates": added}))[-1]
        == "The surcharges are changed."
    )
    assert {(x.kind, x.amount_minor, x.per_10k) for x in first().stands.surcharges} == {
        ("remote", 450, 0), ("fuel", 0, 150),
    }  # fmt: skip
    back = lead.get(f"{home}?format=surcharges").content.decode("utf-8-sig")
    assert "remote,*,0,IV,4.50,0" in back
    wrong = said(
        lead.post(
            f"{home}compare/", {"table": "zones", "file": file_of("origin,destination,zone\ngb,GB,UK\n")}
        )
    )
    assert "Row 2: origin" in wrong[-2]


def test_a_service_is_changed_and_can_stand_as_it_did(console, shop):
    lead, one = console("lead"), first()
    home = f"/services/{one.id}/"
    fields = dict.fromkeys(("divisor", "max_length_mm"), "0")
    fields |= {"name": "Slower", "transit_days": "9", "max_weight_g": "500"}
    lead.post(f"{home}change/", fields)
    changed = first().stands
    assert (changed.name, changed.transit_days, changed.active) == ("Slower", 9, False)
    assert "discontinued" in page_of(lead, home)
    assert [kept.version for kept in queries.versions(COMPANY, one.id)] == [2, 1]
    shown = page_of(lead, f"{home}?version=1")
    assert "Version 1, and what stands now" in shown and "Slower" in shown
    lead.post(f"{home}restore/", {"version": "1"})
    assert first() == one and [kept.version for kept in queries.versions(COMPANY, one.id)] == [3, 2, 1]
    assert queries.versions(COMPANY + 1, one.id) == []
    assert lead.post(f"{home}restore/", {"version": "77"}).status_code == 404
    assert said(lead.post(f"{home}change/", fields | {"divisor": "x"}))[-1] == "Write whole numbers."


def test_who_may_not_reads_and_is_refused(console, shop):
    auditor, one = console("auditor"), first()
    assert "An operations lead changes services." in page_of(auditor, f"/services/{one.id}/")
    refused = said(auditor.post(f"/services/{one.id}/rates/", {"rates": dearer(one)}))
    assert "may not do carriage.register_services" in refused[0] and first() == one
    assert auditor.get("/services/01234567-89ab-7def-8123-456789abcdef/").status_code == 404
