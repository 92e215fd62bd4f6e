"""Blocking and trusting buyers: on the page of the list, of an order and of a work item, and by a program."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import listing_queries
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.validation import Validation
from entrepot.parties import fingerprints
from entrepot.work import queries as work
from tests.http.test_api import an_order, is_problem
from tests.http.test_holds import said
from tests.shop import COMPANY, Shop

pytestmark = pytest.mark.django_db

LISTED, END = "/api/v1/buyers/listed", "/api/v1/buyers/listed/end"


def of(shop: Shop) -> tuple[str, list[listing_queries.Listable]]:
    """The page of an order, and what it offers."""
    order = shop.one("ready")
    return reverse("order", args=[order]), listing_queries.listable(order)


def test_who_reviews_an_order_blocks_who_placed_it_and_undoes_it(shop, console):
    at, offered = of(shop)
    assert {"customer", "address"} <= {one.kind for one in offered}
    lead = console("lead")
    page = lead.get(at).content.decode()
    assert "Block or trust who ordered" in page
    assert "Block or trust who ordered" not in console("service").get(at).content.decode()

    form = {
        "entry": [one.entry for one in offered],
        "reason": "three chargebacks",
        "side": "blocked",
        "next": at,
    }
    done = lead.post(f"{at}listed/", form, follow=True)
    told = done.content.decode()
    assert f"{len(offered)} entries are blocked." in told and "three chargebacks" in told
    assert [one.listed.order_number for one in of(shop)[1]] == [
        one.listed.order_number for one in of(shop)[1]
    ]
    assert all(one.listed and one.listed.side == "blocked" for one in of(shop)[1])

    again = lead.post(f"{at}listed/", form | {"side": "trusted"}, follow=True).content.decode()
    assert "is blocked since" in again
    nothing = lead.post(f"{at}listed/", {"reason": "x", "side": "blocked", "next": at}, follow=True)
    assert "Nothing was selected" in nothing.content.decode()

    listed = reverse("listed-buyers")
    rows = listing_queries.listings(COMPANY)
    page = lead.get(listed).content.decode()
    assert all(one.name in page for one in rows)
    assert '<label for="side">' in page and '<label for="q">' in page
    end = {"listing": rows[0].id, "reason": "it was her brother", "next": listed}
    assert "1 entry is taken back." in lead.post(f"{listed}end/", end, follow=True).content.decode()
    past = lead.get(f"{listed}?ended=1").content.decode()
    assert "it was her brother" in past and rows[0].name in past
    assert console("service").get(listed).status_code == 200


def test_an_undo_takes_it_back(shop, console):
    at, offered = of(shop)
    lead = console("lead")
    form = {"entry": offered[0].entry, "reason": "a slip", "side": "trusted", "next": at}
    page = lead.post(f"{at}listed/", form, follow=True).content.decode()
    undo = re.search(r'<form[^>]*action="/orders/listed/end/".*?</form>', page, re.DOTALL).group(0)
    fields = dict(re.findall(r'name="(listing|reason)" value="([^"]*)"', undo))
    lead.post("/orders/listed/end/", fields)
    assert listing_queries.listings(COMPANY) == []


def test_the_work_item_of_a_review_offers_it_too(shop, console):
    order = shop.one("ready")
    cause = Cause(Actor("root", everything=True), timezone.now())
    place_hold(cause, requests=[PlaceHold(order, "fraud review", "A caller asked for another card.")])
    item = next(one for one in work.of_subject(order) if one.type == "fraud review")
    page = console("lead").get(reverse("work-item", args=[item.id])).content.decode()
    assert "Block or trust who ordered" in page
    assert (
        "Block or trust who ordered"
        not in console("service").get(reverse("work-item", args=[item.id])).content.decode()
    )


def test_a_mail_address_typed_by_hand_is_kept_as_a_fingerprint_alone(shop, console):
    lead = console("lead")
    add = reverse("listed-buyers-add")
    form = {"kind": "email", "value": "Ada+x@example.com", "reason": "asked by the bank", "side": "blocked"}
    assert "1 entry is blocked." in said(lead.post(add, form))
    (one,) = listing_queries.listings(COMPANY)
    assert one.entry == fingerprints.of_email("ada@example.com")
    for kind, value in (("email", "ada"), ("address", "1 High Street")):
        told = lead.post(add, form | {"kind": kind, "value": value}, follow=True).content.decode()
        assert "32 hexadecimal digits" in told and f'value="{value}"' in told, "what was typed is not lost"
    assert len(listing_queries.listings(COMPANY)) == 1
    lead.post(add, form | {"kind": "customer", "value": "C-1"})
    assert {each.entry for each in listing_queries.listings(COMPANY, text="c-1")} == {"customer:C-1"}


def test_the_page_says_which_channels_do_not_ask(shop, console):
    lead, at = console("lead"), reverse("listed-buyers")
    cause = Cause(Actor("root", everything=True), timezone.now())
    assert "Not every channel asks this list" not in lead.get(at).content.decode()
    set_policy(
        cause, requests=[SetPolicy(COMPANY, "orders.validation", Validation(blocked="off"), cause.at, "web")]
    )
    assert "Not every channel asks this list" in lead.get(at).content.decode()


def test_only_who_may_does_it(shop, console):
    at, offered = of(shop)
    form = {"entry": offered[0].entry, "reason": "no", "side": "blocked"}
    service: Client = console("service")
    service.post(f"{at}listed/", form)
    service.post(
        reverse("listed-buyers-add"), {"kind": "customer", "value": "C", "reason": "no", "side": "blocked"}
    )
    assert listing_queries.listings(COMPANY) == []


def test_a_program_blocks_looks_and_takes_back(shop, program):
    api = program("lead")
    asked = {"side": "blocked", "customer": "C-77", "reason": "chargebacks"}
    made = api.post(LISTED, asked, again="b1")
    assert (made.status_code, made.json()["entry"]) == (201, "customer:C-77")
    assert api.post(LISTED, asked, again="b1").json() == made.json()
    assert is_problem(api.post(LISTED, asked, again="b2"), 409, "orders.already_listed")
    assert api.post(LISTED, asked | {"email": "a@b.c"}, again="b3").status_code == 422
    assert program("service").post(LISTED, asked, again="b4").status_code == 403

    held = api.post("/api/v1/orders", an_order("LB-1", customer="C-77"), again="o1").json()
    assert "fraud review" in held["holds"]
    (one,) = api.get(f"{LISTED}?side=blocked&entry=c-77").json()["items"]
    assert (one["id"], one["listed_by"]) == (made.json()["listing"], "lead")
    ended = api.post(END, {"listing": one["id"], "reason": "a mistake"}, again="e1")
    assert ended.json()["listing"] == one["id"]
    assert api.get(LISTED).json() == {"items": [], "next": None}
    assert api.get(f"{LISTED}?ended=true").json()["items"][0]["ended_because"] == "a mistake"
