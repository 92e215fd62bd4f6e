"""Rates of tax and exemptions: on their page, and for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from entrepot.kernel import sql
from entrepot.tax import queries
from tests.shop import COMPANY

RATE = {"country": "gb", "region": "", "category": "", "percent": "20", "valid_from": "2020-01-01"}
SCHOOL = {"customer": "C-0001", "certificate": "EX-1", "country": "GB", "valid_from": "2020-01-01"}


def said(response):
    return [str(one) for one in get_messages(response.wsgi_request)][-1:]


def test_a_controller_sets_rates_and_the_page_says_which_is_in_force(shop, console):
    books = console("books")
    coming = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    before, after = {"percent": "17.5", "valid_from": "2010-01-01"}, {"percent": "22", "valid_from": coming}
    for one in (RATE | before, RATE, RATE | after):
        assert said(books.post(reverse("tax-rate"), one)) == ["The rate is set."]

    found = [
        (str(one.rate), percent, state)
        for one, percent, state in books.get(reverse("taxes")).context["rates"]
    ]

    assert [(str(percent.normalize()), state) for _, percent, state in found] == [
        ("17.5", "over"), ("2E+1", "in force"), ("22", "coming"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "part"),
    [({"percent": "much"}, "number of per cent"), ({"percent": "NaN"}, "number of per cent"),
     ({"percent": "Infinity"}, "number of per cent"), ({"valid_from": "soon"}, "first day"),
     ({"percent": "100"}, "below 1"), ({"country": "Albion"}, "country"), ({"percent": "-1"}, "0 or more")],
)  # fmt: skip
def test_a_rate_that_is_none_is_refused_and_the_form_comes_back(shop, console, change, part):
    books = console("books")
    response = books.post(reverse("tax-rate"), RATE | change)
    assert part in said(response)[0]
    assert queries.rates(company=COMPANY) == []
    page = books.get(reverse("taxes"))
    assert page.context["kept"]["form"] == "tax-rate"


@pytest.mark.parametrize(("name", "text"), [("percent", "much"), ("valid_from", "soon")])
def test_whoever_wrote_no_rate_is_led_to_the_field_that_can_not_be_read(console, name, text):
    books = console("books")
    books.post(reverse("tax-rate"), RATE | {name: text})
    assert books.get(reverse("taxes")).context["was_refused"]["field"] == name


def test_an_exemption_is_noted_found_and_ended(shop, console):
    books = console("books")
    assert said(books.post(reverse("tax-exemption"), SCHOOL)) == ["The exemption is kept."]
    assert b"EX-1" in books.get(reverse("taxes") + "?q=C-0001").content
    assert b"EX-1" not in books.get(reverse("taxes") + "?q=C-0002").content

    books.post(reverse("tax-exemption"), SCHOOL | {"valid_until": "2021-12-31"})

    (one,) = queries.exemptions(company=COMPANY)
    assert (one.customer, one.country, str(one.valid_until)) == ("C-0001", "GB", "2021-12-31")
    assert b"over" in books.get(reverse("taxes")).content
    assert "customer" in said(books.post(reverse("tax-exemption"), SCHOOL | {"customer": "C-9999"}))[0]
    assert "days" in said(books.post(reverse("tax-exemption"), SCHOOL | {"valid_until": "later"}))[0]


def test_only_a_controller_changes_taxes(shop, console):
    service = console("service")
    assert b'action="/books/taxes/rate/"' not in service.get(reverse("taxes")).content
    for url, body in ((reverse("tax-rate"), RATE), (reverse("tax-exemption"), SCHOOL)):
        service.post(url, body)
    assert sql.run("SELECT count(*) FROM tax_rate") + sql.run("SELECT count(*) FROM tax_exemption") == [
        (0,),
        (0,),
    ]


def test_programs_register_and_list_them(shop, program):
    books = program("books")
    food = {"region": "CA", "category": "food", "valid_from": "2020-01-01"}
    rates = [
        {"country": "GB", "rate": "0.2", "valid_from": "2020-01-01"},
        {"country": "US", "rate": "0.0725", **food},
    ]
    done = books.post("/api/v1/tax/rates", rates)
    assert (done.status_code, done.json()) == (200, [{"jurisdiction": "GB"}, {"jurisdiction": "US-CA"}])
    assert books.post("/api/v1/tax/rates", rates).json() == done.json()
    assert books.get("/api/v1/tax/rates").json()[1] == {
        "country": "US", "region": "CA", "category": "food", "rate": "0.0725", "valid_from": "2020-01-01",
    }  # fmt: skip

    given = [
        {"customer": f"C-000{i}", "certificate": f"EX-{i}", "valid_from": "2020-01-01"} for i in range(3)
    ]
    assert books.post("/api/v1/tax/exemptions", given, again="e").status_code == 200
    first = books.get("/api/v1/tax/exemptions?limit=2").json()
    rest = books.get(f"/api/v1/tax/exemptions?limit=2&after={first['next']}").json()
    assert [one["customer"] for one in first["items"] + rest["items"]] == ["C-0002", "C-0001", "C-0000"]
    assert rest["next"] is None
    ended = {**given[0], "valid_until": "2021-01-01"}
    books.post("/api/v1/tax/exemptions", ended, again="end")
    (one,) = books.get("/api/v1/tax/exemptions?customer=C-0000").json()["items"]
    assert one["valid_until"] == "2021-01-01"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("rates", {"country": "GB", "rate": 0.2, "valid_from": "2020-01-01"}, 422),
     ("rates", {"country": "GB", "rate": "0.2", "valid_from": 3}, 422),
     ("rates", {"country": "GB", "rate": "1.2", "valid_from": "2020-01-01"}, 422),
     ("exemptions", {"customer": "C-9", "certificate": "X", "valid_from": "2020-01-01"}, 404),
     ("exemptions", SCHOOL | {"valid_until": "2019-01-01"}, 422)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(shop, program, path, body, status):
    assert program("books").post(f"/api/v1/tax/{path}", body).status_code == status
    assert program("service").post(f"/api/v1/tax/{path}", body).status_code in (403, 422)
