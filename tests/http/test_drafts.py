"""Drafts and quotes on the console."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import date, timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse

from entrepot.catalog import queries as catalog
from entrepot.kernel import queries as kernel
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.tax import queries as taxes
from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
from entrepot.tax.commands.register import RegisterRate, register_rates
from tests.shop import COMPANY, the_system

FORM = {
    "channel": "web", "sku": ["NOTE-A5", ""], "quantity": ["2", ""], "price": ["9.95", ""], "line_discount": ["", ""],
    "shipping": "3.00", "country": "gb", "postal_code": "LS1 4AP", "customer": "C-1",
}  # fmt: skip


def test_a_draft_is_made_shown_and_placed(shop, console):
    client = console("service")
    assert client.get(reverse("draft-new")).status_code == 200

    live = client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).content.decode()
    assert "22.90" in live
    assert not orders.drafts(COMPANY)

    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 22_90
    assert draft.number in client.get(reverse("drafts")).content.decode()

    address = {"name": "Ada Byron", "line1": "1 High Street", "city": "Leeds"}
    gift = {"gift_message": "For you,\r\nfrom Bea "}
    expensive = FORM | address | gift | {"do": "place", "discount": "999"}
    again = client.post(reverse("draft", args=[draft.id]), expensive).content.decode()
    assert "For you,\nfrom Bea</textarea>" in again, "what was typed is not lost"
    assert orders.draft(draft.id).state == "draft"

    client.post(reverse("draft", args=[draft.id]), FORM | address | gift | {"do": "place"})
    order = orders.order(orders.draft(draft.id).order_id)
    assert (order.total_minor, order.customer, order.external_id) == (22_90, "C-1", draft.number)
    assert orders.gift_message(order.id) == "For you,\nfrom Bea"
    assert client.get(reverse("draft", args=[draft.id])).status_code == 200
    page = client.get(reverse("order", args=[order.id])).content.decode()
    assert f'<a href="{reverse("draft", args=[draft.id])}">{draft.number}</a>' in page


def test_a_draft_is_discarded(shop, console):
    client = console("service")
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    client.post(reverse("draft", args=[draft.id]), FORM | {"do": "discard", "why": "too dear"})
    assert orders.draft(draft.id).state == "discarded"
    assert [one.reason for one in kernel.timeline(subjects=[draft.id])][-1] == "too dear"


WHOLE = {
    "channel": "web", "currency": "GBP", "customer": "C-1", "country": "GB", "postal_code": "LS1 4AP",
    "discount_minor": 1_00, "promotions": [{"code": "SPRING", "amount_minor": 60}], "shipping_minor": 3_00,
    "lines": [
        {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95", "description": "signed", "discount_minor": 50,
         "promotions": [{"code": "TWO", "amount_minor": 50}]},
        {"sku": "", "quantity": 1, "unit_price": "4.505", "kind": "fee.bank", "description": "By bill"},
        {"sku": "NOTE-A5", "quantity": 1, "unit_price": "1", "kind": "packaging"},
        {"sku": "", "quantity": 1, "unit_price": "-2", "kind": "discount", "description": "Old friend"},
    ],
    "service": "express", "policy": "ship_complete", "priority": 7, "substitutes": "refused",
    "promise_at": "2099-03-01T11:30:00Z", "valid_until": "2099-01-31T12:00:00Z",
}  # fmt: skip
PARTS = (
    "lines",
    "promotions",
    "service",
    "policy",
    "priority",
    "promise_at",
    "substitutes",
    "total_minor",
    "currency",
)


def _form_of(page: str) -> dict[str, list[str]]:
    """What a browser sends of the form of a draft that nobody touched."""
    form: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>|<select.*?</select>", page, re.DOTALL):
        name = re.search(r' name="([^"]*)"', tag)
        if not name or name[1] == "csrfmiddlewaretoken":
            continue
        if tag.startswith("<select"):
            chosen = re.search(r'<option value="([^"]*)" selected', tag) or re.search(
                r'<option value="([^"]*)"', tag
            )
            said = chosen[1]
        else:
            value = re.search(r' value="([^"]*)"', tag)
            said = value[1] if value else ""
        form.setdefault(name[1], []).append(said)
    return form


def test_what_a_program_wrote_into_a_draft_stays_where_the_page_saves_and_places_it(shop, console, program):
    api, client = program("root"), console("service")
    made = api.post("/api/v1/drafts", WHOLE, again="w1")
    assert made.status_code == 201, made.content
    one = made.json()["draft"]
    before = api.get(f"/api/v1/drafts/{one}").json()
    assert [line["kind"] for line in before["lines"]] == ["goods", "fee.bank", "packaging", "discount"]
    page = reverse("draft", args=[one])
    form = _form_of(client.get(page).content.decode())
    form = {name: values for name, values in form.items() if name not in ("q", "next")}

    assert client.post(page, form | {"do": "save"}).status_code == 302
    after = api.get(f"/api/v1/drafts/{one}").json()
    assert {part: after[part] for part in PARTS} == {part: before[part] for part in PARTS}
    assert after["valid_until"] == before["valid_until"]

    less = form | {"discount": ["0.50"]}
    client.post(page, less | {"do": "save"})
    assert api.get(f"/api/v1/drafts/{one}").json()["promotions"] == [], "no part is more than the whole"

    client.post(page, form | {"do": "place"})
    order = orders.order(orders.draft(one).order_id)
    assert order.total_minor == before["total_minor"]
    assert [(line.kind, line.description) for line in order.lines] == [
        ("goods", "signed"), ("fee.bank", "By bill"), ("packaging", ""), ("discount", "Old friend"),
    ]  # fmt: skip
    assert (order.service, order.priority) == ("express", 7)


def test_a_charge_without_a_price_is_told_by_its_description(shop, console):
    form = FORM | {
        "sku": ["NOTE-A5", ""], "kind": ["goods", "fee.bank"], "description": ["", "By bill"], "quantity": ["2", "1"],
        "do": "save",
    }  # fmt: skip
    answer = console("service").post(reverse("draft-new"), form).content.decode()
    assert "price of By bill: expected a number, found nothing." in answer
    assert not orders.drafts(COMPANY)
    console("service").post(reverse("draft-new"), form | {"price": ["9.95", "-1.50"], "promise_at": "soon"})
    assert not orders.drafts(COMPANY)
    console("service").post(reverse("draft-new"), form | {"price": ["9.95", "-1.50"]})
    assert [one.total_minor for one in orders.drafts(COMPANY)] == [21_40]


def test_a_program_takes_a_discarded_draft_back(shop, program):
    api = program("root")
    line = {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}
    one = api.post(
        "/api/v1/drafts", {"channel": "web", "currency": "GBP", "lines": [line]}, again="r1"
    ).json()
    draft = {"draft": one["draft"]}
    assert api.post("/api/v1/drafts/restore", draft, again="r2").json()["code"] == "kernel.wrong_state"
    api.post("/api/v1/drafts/discard", draft, again="r3")
    assert api.post("/api/v1/drafts/restore", draft, again="r4").json() == one
    assert api.get(f"/api/v1/drafts/{one['draft']}").json()["state"] == "draft"


def test_a_form_that_cannot_be_is_shown_again(shop, console):
    answer = console("service").post(reverse("draft-new"), FORM | {"price": ["none", ""], "do": "save"})
    assert answer.status_code == 200
    assert not orders.drafts(COMPANY)


def test_what_is_no_number_costs_and_takes_off_nothing(shop, console):
    client = console("service")
    for text in ("NaN", "-Infinity", "9e999999999"):
        live = client.post(reverse("draft-new"), FORM | {"discount": text}, headers={"HX-Request": "true"})
        assert live.status_code == 200 and "22.90" in live.content.decode(), text
        answer = client.post(reverse("draft-new"), FORM | {"price": [text, ""], "do": "save"})
        told = f"price of NOTE-A5: expected a number from 0 on, found {text}."
        assert answer.status_code == 200 and told in answer.content.decode(), text
    assert not orders.drafts(COMPANY)


def test_a_refusal_names_the_draft(shop, console, program):
    def told(answer) -> str:
        return answer.content.decode().replace("&#x27;", "'")

    page, api = console("service"), program("root")
    nothing = FORM | {"quantity": ["0", ""], "do": "save"}
    assert "The draft can't be saved: quantity must be " in told(page.post(reverse("draft-new"), nothing))
    page.post(reverse("draft-new"), FORM | {"do": "save"})
    (one,) = orders.drafts(COMPANY)
    again = page.post(reverse("draft", args=[one.id]), nothing, follow=True)
    assert f"{one.number} can't be saved: quantity must be " in told(again)

    line = {"sku": "NOTE-A5", "quantity": 1, "unit_price": "-1"}
    said = {"channel": "web", "currency": "GBP", "lines": [line]}
    for draft, name in (({}, "The draft"), ({"draft": str(one.id)}, one.number)):
        answer = api.post("/api/v1/drafts", said | draft, again=f"n{len(draft)}")
        told_of = answer.json()["detail"]
        assert told_of.startswith(f"{name} can't be saved: unit_price must be "), answer.content


def test_an_auditor_only_reads(shop, console):
    client = console("auditor")
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    assert not orders.drafts(COMPANY)


def test_a_program_makes_changes_places_and_discards_drafts(shop, program):
    api = program("root")
    line = {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}
    said = {"channel": "web", "currency": "GBP", "lines": [line], "shipping_minor": 300}
    made = api.post("/api/v1/drafts", said, again="d1")
    assert (made.status_code, made.json()["total_minor"]) == (201, 22_90)
    one = made.json()["draft"]
    changed = api.post("/api/v1/drafts", said | {"draft": one, "shipping_minor": 0}, again="d2").json()
    assert (changed["draft"], changed["total_minor"]) == (one, 19_90)

    whole = api.get(f"/api/v1/drafts/{one}").json()
    assert whole["lines"] == [
        line | {"kind": "goods", "description": "", "discount_minor": 0, "promotions": []}
    ]
    assert (whole["shipping_minor"], whole["total_minor"], whole["demand"]) == (0, 19_90, "sale")

    address = {"name": "Ada Byron", "line1": "1 High Street", "city": "Leeds"}
    placed = api.post(
        "/api/v1/drafts/place", {"draft": one, "address": address, "gift_message": "For you"}, again="p1"
    )
    assert placed.status_code == 201
    assert orders.gift_message(orders.draft(one).order_id) == "For you"
    assert "For you" not in placed.content.decode()
    assert api.get(f"/api/v1/drafts/{one}").json()["state"] == "placed"
    assert (
        api.post("/api/v1/drafts/discard", {"draft": one}, again="x1").json()["code"] == "kernel.wrong_state"
    )

    other = api.post("/api/v1/drafts", said, again="d3").json()["draft"]
    assert [row["id"] for row in api.get("/api/v1/drafts").json()] == [other]
    assert (
        api.post("/api/v1/drafts/discard", {"draft": other, "reason": "too dear"}, again="x2").status_code
        == 200
    )
    assert api.get("/api/v1/drafts").json() == []


def test_a_price_left_out_is_the_catalogs_and_goods_without_one_are_not_given_away(shop, console):
    client = console("service")
    form = FORM | {"price": ["", ""], "do": "save"}
    unknown = form | {"sku": ["NOPE", ""]}
    live = client.post(reverse("draft-new"), unknown, headers={"HX-Request": "true"}).content.decode()
    assert "no price" in live
    assert "<b>–</b>" in live, "what has no price comes to nothing that could be told"
    answer = client.post(reverse("draft-new"), unknown).content.decode()
    assert "price of NOPE: expected one in GBP: the catalog has none, found nothing." in answer
    assert not orders.drafts(COMPANY)

    client.post(reverse("draft-new"), form)
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 2 * 9_95 + 3_00
    client.post(reverse("draft", args=[draft.id]), FORM | {"price": ["0", ""], "do": "save"})
    assert orders.drafts(COMPANY)[0].total_minor == 3_00, "a gift is one where somebody says so"


def test_a_change_asks_for_channels_goods_and_rates_once(shop, console, statements):
    client = console("service")
    with statements() as ran:
        assert client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).status_code == 200
    for ask in (network.channels, catalog.skus, taxes.rates):
        with statements() as alone:
            ask(company=COMPANY)
        assert ran.texts.count(*alone.texts) == 1, ask


def test_a_tax_left_out_is_that_of_the_rates_and_follows_the_lines(shop, console):
    rate = RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1))
    register_rates(the_system(shop.now), requests=[rate])
    client = console("service")
    live = client.post(reverse("draft-new"), FORM, headers={"HX-Request": "true"}).content.decode()
    assert "Tax by the rates in force:" in live
    assert "20 % in GB" in live
    client.post(reverse("draft-new"), FORM | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 22_90 + 4_58, "goods and shipping bear it"
    page = client.get(reverse("draft", args=[draft.id])).content.decode()
    assert 'id="tax" name="tax" value=""' in page, "it is worked out anew when the lines change"

    client.post(reverse("draft", args=[draft.id]), FORM | {"tax": "1.00", "do": "save"})
    page = client.get(reverse("draft", args=[draft.id])).content.decode()
    assert orders.drafts(COMPANY)[0].total_minor == 23_90
    assert 'id="tax" name="tax" value="1.00"' in page
    assert "By the rates in force the tax is £4.58:" in page


WHO = {
    "name": "Greta Ohm", "line1": "Lindenweg 3", "city": "Köln", "email": "greta@example.de", "country": "DE",
    "postal_code": "50667", "region": "",
}  # fmt: skip


def test_whom_it_is_for_is_kept_with_the_draft_and_goes_into_the_order(shop, console):
    client = console("service")
    client.post(reverse("draft-new"), FORM | WHO | {"do": "save", "tax_number": "DE129273398"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.address_id and "Lindenweg" not in draft.body and "DE129273398" not in draft.body
    page = client.get(reverse("draft", args=[draft.id])).content.decode()
    for told in ("Greta Ohm", "Lindenweg 3", "greta@example.de", "DE129273398", "VAT number of DE"):
        assert told in page
    hidden = console("auditor").get(reverse("draft", args=[draft.id])).content.decode()
    assert "Lindenweg" not in hidden and "DE129273398" not in hidden
    assert "Name and street are kept from your roles." in hidden

    before = draft.address_id
    client.post(
        reverse("draft", args=[draft.id]), FORM | WHO | {"do": "save", "tax_number": "DE 129 273 398"}
    )
    assert orders.draft(draft.id).address_id == before, "what did not change is not kept twice"
    lacking = FORM | WHO | {"do": "place", "line1": ""}
    answer = client.post(reverse("draft", args=[draft.id]), lacking).content.decode()
    assert "The address lacks: Street." in answer and "Greta Ohm" in answer
    client.post(reverse("draft", args=[draft.id]), FORM | WHO | {"do": "place", "tax_number": "DE129273398"})
    order = orders.order(orders.draft(draft.id).order_id)
    assert parties.address(order.address_id).line1 == "Lindenweg 3"
    assert parties.address(order.billing_id).tax_number == "DE129273398"


def test_the_tax_goes_by_region_exemption_and_tax_number(shop, console):
    system = the_system(shop.now)
    register_rates(system, requests=[
        RegisterRate(COMPANY, "US", Decimal("0.0725"), date(2020, 1, 1), "CA"),
        RegisterRate(COMPANY, "DE", Decimal("0.19"), date(2020, 1, 1)),
    ])  # fmt: skip
    client = console("service")

    def live(**form: str) -> str:
        asked = client.post(reverse("draft-new"), FORM | form, headers={"HX-Request": "true"})
        return asked.content.decode()

    assert "no rate is in force in US" in live(country="US")
    assert "7.25 % in US-CA" in live(country="US", region="California")
    in_germany = {"country": "DE", "tax_number": "ATU66889218"}
    assert "19 % in DE" in live(**in_germany)
    assert "its form or check digits are wrong" in live(country="DE", tax_number="DE1")
    client.post(reverse("draft-new"), FORM | {"country": "US", "region": "CA", "do": "save"})
    (draft,) = orders.drafts(COMPANY)
    assert draft.total_minor == 22_90 + 166
    assert 'value="CA"' in client.get(reverse("draft", args=[draft.id])).content.decode()

    register_customers(system, requests=[RegisterCustomer(COMPANY, "C-EX")])
    register_exemptions(system, requests=[RegisterExemption(COMPANY, "C-EX", "EX-7", date(2020, 1, 1))])
    assert "the customer is exempt by EX-7" in live(country="DE", customer="C-EX")


def test_more_lines_are_had_without_saving(shop, console):
    shown = console("service").post(reverse("draft-new"), FORM | {"do": "more"}).content.decode()
    assert shown.count('name="sku"') == 1 + 12 and 'value="NOTE-A5"' in shown
    assert not orders.drafts(COMPANY)


def test_a_quote_is_a_paper_and_has_a_link_for_the_customer_until_its_day_is_over(shop, console):
    client = console("service")
    client.post(reverse("draft-new"), FORM | WHO | {"do": "save"})
    (draft,) = orders.drafts(COMPANY)
    at, link = reverse("draft-paper", args=[draft.id]), reverse("draft-link", args=[draft.id])
    paper = client.get(at)
    assert (paper["Content-Type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
    assert "Only a quote has a link" in client.post(link, follow=True).content.decode()

    until = (shop.now.date() + timedelta(days=30)).isoformat()
    client.post(reverse("draft", args=[draft.id]), FORM | WHO | {"do": "save", "valid_until": until})
    told = client.post(link, follow=True).content.decode()
    address = re.search(r"http://testserver(/portal/quote/[^<\s]+)", told).group(1)
    outside = Client()
    assert outside.get(address).content[:5] == b"%PDF-"
    assert outside.get(address[:-3] + "x/").status_code == 403
    assert console("auditor").get(at).status_code == 200
    client.post(reverse("draft", args=[draft.id]), FORM | {"do": "discard"})
    ended = outside.get(address)
    assert ended.status_code == 403 and "This quote is no longer open" in ended.content.decode()
    assert console("auditor").post(link).status_code == 403


def test_a_link_to_a_quote_shows_no_later_buyer(shop, console):
    client, outside = console("service"), Client()
    quote = FORM | WHO | {"do": "save", "valid_until": (shop.now.date() + timedelta(days=30)).isoformat()}
    client.post(reverse("draft-new"), quote)
    (draft,) = orders.drafts(COMPANY)

    def link() -> str:
        told = client.post(reverse("draft-link", args=[draft.id]), follow=True).content.decode()
        return re.search(r"http://testserver(/portal/quote/[^<\s]+)", told).group(1)

    first = link()
    client.post(reverse("draft", args=[draft.id]), quote | {"quantity": ["3", ""]})
    assert outside.get(first).status_code == 200, "it tells the quote as it stands now"
    for another in ({"customer": "C-2"}, {"customer": "C-2", "name": "Bea Kay", "line1": "9 New Street"}):
        client.post(reverse("draft", args=[draft.id]), quote | another)
        assert outside.get(first).status_code == 403
        first = link()
        assert outside.get(first).status_code == 200


def test_who_may_not_see_buyers_reads_the_tax_that_the_address_makes(shop, console, program):
    rate = RegisterRate(COMPANY, "US", Decimal("0.0725"), date(2020, 1, 1), "CA")
    register_rates(the_system(shop.now), requests=[rate])
    home = {"name": "Ada", "line1": "1 Main St", "city": "Fresno", "region": "CA"}
    line = {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}
    said = {"channel": "web", "currency": "GBP", "lines": [line], "country": "US", "address": home}
    made = program("service").post("/api/v1/drafts", said, again="q1").json()
    for role in ("service", "auditor"):
        page = console(role).get(reverse("draft", args=[made["draft"]])).content.decode()
        assert "7.25 % in US-CA" in page, role
        assert ("Fresno" in page) == (role == "service")


def test_a_program_gets_tax_and_paper_of_a_draft(shop, program):
    api = program("service")
    rate = RegisterRate(COMPANY, "US", Decimal("0.0725"), date(2020, 1, 1), "CA")
    register_rates(the_system(shop.now), requests=[rate])
    line = {"sku": "NOTE-A5", "quantity": 2, "unit_price": "9.95"}
    said = {"channel": "web", "currency": "GBP", "lines": [line], "country": "US", "region": "CA"}
    who = {"address": {"name": "Ada", "line1": "1 Main St", "city": "Fresno"}, "tax_number": "12-3456789"}
    made = api.post("/api/v1/drafts", said | who, again="q1").json()
    whole = api.get(f"/api/v1/drafts/{made['draft']}").json()
    assert (whole["region"], whole["has_address"], whole["due_minor"]) == ("CA", True, 144)
    assert whole["due_because"] == "7.25 % in US-CA"
    assert "Fresno" not in str(whole)
    paper = api.get(f"/api/v1/drafts/{made['draft']}/paper").json()
    assert b64decode(paper["pdf"])[:5] == b"%PDF-" and paper["number"] == made["number"]


def test_when_a_draft_may_leave_goes_into_its_order(shop, program):
    caller = program("service")
    day = str((shop.now + timedelta(days=9)).date())
    line = {"sku": "MUG-BLUE", "quantity": 1, "unit_price": "9.00"}
    wanted = {
        "channel": "web",
        "currency": "GBP",
        "country": "GB",
        "lines": [line],
        "ship_by": day,
        "cancel_after": day,
    }
    saved = caller.post("/api/v1/drafts", wanted | {"min_fill_percent": 50}, again="d-1").json()

    kept = caller.get(f"/api/v1/drafts/{saved['draft']}").json()
    assert (kept["ship_by"], kept["cancel_after"], kept["min_fill_percent"]) == (day, day, 50)
    placed = caller.post("/api/v1/drafts/place", {"draft": saved["draft"]}, again="d-2")

    assert placed.status_code == 201, placed.content
    found = caller.get(f"/api/v1/orders/{placed.json()['order']}").json()
    assert (found["ship_by"], found["cancel_after"], found["min_fill_percent"]) == (day, day, 50)


def test_the_form_of_a_draft_keeps_its_days_and_tells_what_is_none(shop, console):
    client = console("service")
    day = str((shop.now + timedelta(days=9)).date())
    form = {"channel": "web", "country": "GB", "sku": "MUG-BLUE", "quantity": "1", "price": "9", "ship_by": day,
            "cancel_after": day, "min_fill_percent": "90"}  # fmt: skip
    page = client.post(reverse("draft-new"), form | {"ship_by": "soon"}, follow=True).content.decode()
    assert "Write the days of shipping as days" in page
    page = client.post(reverse("draft-new"), form, follow=True).content.decode()
    assert (
        page.count(f'value="{day}"') == 2 and 'name="min_fill_percent" min="0" max="100" value="90"' in page
    )
