"""Companies, nodes, channels and carriers' services set up on pages: from an empty house to one that takes orders."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from entrepot.carriage import queries as carriage
from entrepot.kernel import sql
from entrepot.network import queries as network
from entrepot.parties import queries as parties
from tests.asking import a_browser
from tests.http.test_console import said
from tests.shop import COMPANY, everybody

pytestmark = pytest.mark.django_db

FIRST = {"name": "Hearth & Home Ltd", "code": "hearth", "currency": "gbp", "country": "gb", "next": "/"}


@pytest.fixture
def empty(db) -> None:
    everybody()


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_first_company_of_a_house_is_set_up_where_it_is_missing(empty):
    browser = a_browser("root")
    page = text(browser.get("/orders/"))
    assert "An empty house" in page and reverse("company-add") in page
    answer = browser.post(reverse("company-add"), FIRST)
    assert answer["Location"] == reverse("companies")
    page = text(browser.get(answer["Location"]))
    assert "The company is set up, and its books are open." in page
    assert page.count("missing") == 7 and page.count(">set up<") == 1  # no channel is without a node
    assert [(one.code, one.currency, one.country) for one in parties.companies()] == [("hearth", "GBP", "GB")]
    assert browser.get("/").status_code == 200 and browser.get("/books/").status_code == 200


def test_what_was_refused_in_an_empty_house_is_told_there_and_stays_typed(empty):
    browser = a_browser("root")
    page = text(browser.post(reverse("company-add"), FIRST | {"currency": "QQQ"}, follow=True))
    assert "ISO 4217" in page and 'value="Hearth &amp; Home Ltd"' in page
    assert parties.companies() == []


@pytest.mark.parametrize("person", ["lead", "books", "auditor"])
def test_in_an_empty_house_an_administrator_is_asked_for(empty, person):
    browser = a_browser(person)
    page = text(browser.get("/"))
    assert "An administrator does that" in page and reverse("company-add") not in page
    browser.post(reverse("company-add"), FIRST)
    assert parties.companies() == []


def test_whoever_must_have_a_second_factor_sets_it_up_first_also_in_an_empty_house(empty, settings):
    settings.SECOND_FACTOR = "administrators"
    browser = a_browser("root")
    assert browser.get("/", follow=True).redirect_chain[-1][0] == reverse("own")
    assert browser.post(reverse("company-add"), FIRST)["Location"] == reverse("own")
    assert parties.companies() == []


def test_a_further_company_is_open_at_once_and_another_name_is_given(console, shop):
    browser = console("root")
    told = {"name": "Herd GmbH", "code": "herd", "currency": "EUR", "country": "DE"}
    page = text(browser.post(reverse("company-add"), told, follow=True))
    assert "What Herd GmbH has" in page and "open now" in page
    assert "herd is there already" in said(browser.post(reverse("company-add"), told))[-1]
    two = next(one for one in parties.companies() if one.code == "herd")
    changed = {"name": "Herd und Heim GmbH", "country": "AT"}
    assert "The company is changed." in said(browser.post(reverse("company-change", args=[two.id]), changed))
    assert browser.post(reverse("company-change", args=[99]), changed).status_code == 404
    two = next(one for one in parties.companies() if one.code == "herd")
    assert (two.name, two.country, two.currency) == ("Herd und Heim GmbH", "AT", "EUR")
    assert "may not do" in said(console("lead").post(reverse("company-add"), told | {"code": "x"}))[0]


def test_what_a_company_has_and_lacks_is_told_to_everybody(console, shop):
    page = text(console("auditor").get(reverse("companies")))
    assert "What Hearth &amp; Home Ltd has" in page and "An administrator sets up companies." in page


NODE = {
    "code": "GLA", "name": "Glasgow", "kind": "store", "country": "gb", "postal_code": "G51 4BP", "latitude": "55.86",
    "longitude": "-4.33", "time_zone": "Europe/London", "priority": "0",
}  # fmt: skip


def node(code: str) -> network.Node:
    return next(one for one in network.nodes(company=COMPANY) if one.code == code)


def test_a_node_is_set_up_and_changed(console, shop):
    browser = console("lead")
    assert "The node is set up." in said(browser.post(reverse("node-add"), NODE))[0]
    made = node("GLA")
    assert (made.name, made.kind, made.country, made.latitude, made.priority) == (
        "Glasgow",
        "store",
        "GB",
        55.86,
        0,
    )
    assert "GLA is there already" in said(browser.post(reverse("node-add"), NODE | {"name": "Other"}))[-1]
    for wrong in ({"latitude": "north"}, {"longitude": ""}, {"time_zone": "Mars/One"}, {"name": " "}):
        answer = browser.post(reverse("node-add"), NODE | {"code": "NEW"} | wrong)
        assert 'value="NEW"' in text(browser.get(answer["Location"])), "what was typed stands there again"
    assert not [one for one in network.nodes(company=COMPANY) if one.code == "NEW"]
    moved = NODE | {"name": "Glasgow West", "postal_code": "G52", "priority": "3", "active": "on"}
    assert said(browser.post(reverse("node-set", args=[made.id]), moved))[-1] == "The node is changed."
    found = node("GLA")
    assert (found.name, found.postal_code, found.priority, found.active) == ("Glasgow West", "G52", 3, True)
    assert "may not do" in said(console("service").post(reverse("node-add"), NODE | {"code": "X"}))[0]


def test_the_kind_that_was_chosen_stays_chosen_where_it_was_refused(console, shop):
    browser = console("lead")
    for form, wrong, kind in (
        ("node-add", NODE | {"name": " "}, "store"),
        ("channel-add", {"code": "pop", "kind": "social", "currency": "QQQ"}, "social"),
    ):
        answer = browser.post(reverse(form), wrong)
        assert (
            f'<option value="{kind}" selected>'
            in text(browser.get(answer["Location"])).split("Set up a ")[1 if form == "channel-add" else 2]
        )


def test_a_place_is_changed_by_who_writes_commas(console, shop):
    browser, german = console("lead"), {"Accept-Language": "de"}
    exact = NODE | {"latitude": "55,8612345678", "longitude": "-0,00001"}
    browser.post(reverse("node-add"), exact, headers=german)
    made = node("GLA")
    page = text(browser.get(reverse("channels"), headers=german))
    said_of = dict(re.findall(r'id="(latitude|longitude)-GLA".*?value="([^"]*)"', page))
    assert said_of == {name: exact[name] for name in said_of}
    told = NODE | said_of | {"name": "Glasgow West", "active": "on"}
    browser.post(reverse("node-set", args=[made.id]), told, headers=german)
    found = node("GLA")
    assert (found.name, found.latitude, found.longitude) == ("Glasgow West", 55.8612345678, -0.00001)


def test_a_channel_is_set_up_and_served_by_the_nodes_that_are_ticked(console, program, shop):
    browser = console("lead")
    told = {"code": "pop", "name": "Pop-up", "kind": "social", "currency": "gbp", "priority": "7"}
    assert "The channel is set up." in said(browser.post(reverse("channel-add"), told))[0]
    assert "pop is there already" in said(browser.post(reverse("channel-add"), told))[-1]
    made = network.channels(company=COMPANY)["pop"]
    assert (made.kind, made.currency, made.priority, made.active) == ("social", "GBP", 7, True)
    assert "nobody" in text(browser.get(reverse("channels")))

    def served() -> list[str]:
        return {one.code: codes for one, codes in network.served(company=COMPANY)}["pop"]

    at, ldn, man = reverse("channel-nodes", args=[made.id]), node("LDN").id, node("MAN").id
    assert said(browser.post(at, {"node": [ldn, man]}))[-1] == "Pop-up is served by other nodes from now on."
    assert served() == ["LDN", "MAN"]
    assert f'name="shown" value="{ldn}"' in text(browser.get(reverse("channels")))
    behind = {"shown": [ldn], "node": [ldn]}
    assert "Nothing was selected" in said(browser.post(at, behind))[-1]
    assert served() == ["LDN", "MAN"], "what somebody else linked meanwhile stands"
    browser.post(at, {"shown": [ldn, man], "node": [man]})
    assert served() == ["MAN"]
    assert "Nothing was selected" in said(browser.post(at, {"shown": [man], "node": [man]}))[-1]
    assert "may not do" in said(console("service").post(at, {"node": [ldn]}))[0]
    ends = {"channel": "pop", "node": "MAN", "serves": False}
    assert program("lead").post("/api/v1/channels/nodes", ends).status_code == 200
    assert served() == []
    assert sql.run("SELECT count(*) FROM kernel_ready WHERE queue = 'republish' AND subject = %(c)s",
                   {"c": made.id}) == [(1,)]  # fmt: skip


def test_a_service_is_set_up_with_one_price_to_everywhere(console, shop):
    browser = console("lead")
    told = {
        "carrier": "Parcel Post", "code": "PP-72", "name": "Slow", "transit_days": "3", "max_weight_g": "20000",
        "currency": "gbp", "price": "3.95",
    }  # fmt: skip
    answer = browser.post(reverse("service-add"), told)
    (found,) = [one for one in carriage.known(COMPANY) if one.stands.code == "PP-72"]
    assert answer["Location"] == reverse("service", args=[found.id])
    assert found.stands.rates == (("all", 20_000, 395),) and [row[:3] for row in found.stands.zones] == [
        ("*", "*", "all")
    ]
    assert browser.get(answer["Location"]).status_code == 200
    assert "PP-72 is there already" in said(browser.post(reverse("service-add"), told))[-1]
    answer = browser.post(reverse("service-add"), told | {"code": "PP-96", "price": "cheap"})
    assert 'value="PP-96"' in text(browser.get(answer["Location"]))
    bare = browser.post(reverse("service-add"), told | {"code": "PP-1", "price": ""})
    assert browser.get(bare["Location"]).status_code == 200
    assert "may not do" in said(console("service").post(reverse("service-add"), told | {"code": "X"}))[0]


def test_companies_are_read_and_set_up_by_programs(program, shop):
    one = {"code": "herd", "name": "Herd GmbH", "currency": "EUR", "country": "DE"}
    assert program("lead").post("/api/v1/companies", one).status_code == 403
    root = program("root")
    assert root.post("/api/v1/companies", one).json() == {"id": 2}
    assert [each["code"] for each in root.get("/api/v1/companies").json()] == ["hearth", "herd"]
    assert Client().get("/api/v1/companies").status_code == 401
