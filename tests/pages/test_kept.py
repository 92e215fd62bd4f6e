"""What was typed into a form whose person was out when it was sent is shown to them, and goes into no form again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect

from entrepot.access.commands.keep_people import SetCompanies, set_companies
from entrepot.kernel import drafts
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.sourcing.pegging import Backorders
from entrepot.web import listed
from tests.pages.test_console import WIDE, enter
from tests.shop import the_system

if TYPE_CHECKING:
    from tests.shop import Shop

TYPED = "Asked the carrier; they look until noon."
OUT = "It was not taken."
UNKNOWN = "We don't know whether it was taken"
KEPT = "['sent', 'typed'].map((one) => sessionStorage.getItem(one)).filter(Boolean)"


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(1)


@pytest.fixture
def console(page: Page, shop: Shop) -> Page:
    page.set_viewport_size(WIDE)
    enter(page, "lead")
    return page


def at_an_item(console: Page) -> str:
    """The page of a work item with a text typed into it; answers its address."""
    console.goto("/work/?type=fraud+review")
    console.locator("tr[data-row] th a").first.click()
    console.wait_for_url(re.compile("/work/.+/"))
    console.locator("#why").fill(TYPED)
    return console.url


def send(console: Page) -> None:
    console.get_by_role("button", name="Put aside").click()


def come_in(console: Page, name: str) -> None:
    from tests.shop import PASSWORD

    console.get_by_label("Name").fill(name)
    console.get_by_label("Password").fill(PASSWORD)
    console.get_by_role("button", name="Enter").click()


def sent_too_late(console: Page) -> str:
    address = at_an_item(console)
    console.context.clear_cookies(name="sessionid")
    send(console)
    console.wait_for_url("**/login/**")
    assert console.evaluate("sessionStorage.getItem('sent-form')") is None
    return address


def test_what_was_typed_is_shown_after_entering_until_it_is_put_away(console: Page) -> None:
    address = sent_too_late(console)
    come_in(console, "lead")
    console.wait_for_url(address)

    notice = console.locator(".typed")
    expect(notice).to_contain_text(OUT)
    expect(notice).not_to_contain_text(UNKNOWN)
    label = console.locator("label[for=why]").inner_text()
    expect(notice.locator("dt")).to_have_text([label])
    expect(notice.locator("dd")).to_have_text([TYPED])
    expect(console.locator("#why")).to_have_value("")

    notice.get_by_role("button", name="Copy").click()
    console.locator("#why").focus()
    console.keyboard.press("Control+v")
    expect(console.locator("#why")).to_have_value(TYPED)

    console.goto("/orders/")
    expect(notice.get_by_role("link")).to_have_attribute("href", re.compile("/work/.+/"))
    notice.get_by_role("button", name="Put this notice away").click()
    expect(notice).to_have_count(0)
    assert console.evaluate(KEPT) == []
    console.reload()
    expect(notice).to_have_count(0)


def test_no_box_is_ticked_and_no_row_filled_in_a_list_that_changed_meanwhile(console: Page) -> None:
    console.goto("/work/")
    for box in console.locator("tbody .pick label").all()[:2]:
        box.click()
    console.locator("#bulk-note").fill(TYPED)
    console.context.clear_cookies(name="sessionid")
    console.get_by_role("button", name="Take").click()
    console.wait_for_url("**/login/**")

    tab = console.context.new_page()
    enter(tab, "lead")
    tab.goto("/work/")
    tab.locator("tr[data-row] th a").first.click()
    tab.get_by_role("button", name="Put aside").click()
    expect(tab.get_by_text("1 item is put aside.")).to_be_visible()

    console.goto("/work/")
    expect(console.locator(".typed dd")).to_have_text([TYPED])
    expect(console.locator("tbody .pick input:checked")).to_have_count(0)
    expect(console.locator("#bulk-note")).to_have_value("")


def test_it_is_not_shown_to_somebody_else(console: Page) -> None:
    address = sent_too_late(console)
    come_in(console, "supervisor")
    console.wait_for_url(address)
    expect(console.locator(".typed")).to_have_count(0)
    assert TYPED not in console.content()
    assert console.evaluate(KEPT) == []


def test_nothing_of_it_stays_behind_whoever_leaves(console: Page) -> None:
    sent_too_late(console)
    come_in(console, "lead")
    expect(console.locator(".typed")).to_contain_text(OUT)
    console.evaluate("document.querySelector('form[data-leaves]').requestSubmit()")
    console.wait_for_url("**/login/**")
    assert console.evaluate(KEPT) == []


def test_another_companys_page_does_not_show_it(console: Page, shop: Shop) -> None:
    register_companies(the_system(shop.now), requests=[RegisterCompany(2, "other", "Other Ltd", "EUR", "DE")])
    console.context.clear_cookies()
    enter(console, "root")
    sent_too_late(console)
    come_in(console, "root")
    notice = console.locator(".typed")
    expect(notice).to_be_visible()
    for company, times in (("2", 0), ("1", 1)):
        console.locator(".person summary").click()
        console.locator("#company").select_option(company)
        console.get_by_role("button", name="Change").first.click()
        expect(console.locator(f"body[data-company='{company}']")).to_have_count(1)
        expect(notice).to_have_count(times)


def test_it_is_gone_after_an_hour(console: Page) -> None:
    console.clock.install()
    sent_too_late(console)
    come_in(console, "lead")
    expect(console.locator(".typed")).to_be_visible()
    console.clock.fast_forward("01:00:01")
    expect(console.locator(".typed")).to_have_count(0)
    assert console.evaluate(KEPT) == []


def test_a_form_of_before_the_last_entering_is_led_back_from(console: Page) -> None:
    at_an_item(console)
    console.context.clear_cookies(name="csrftoken")
    send(console)
    expect(console.get_by_role("heading", name="This form has gone stale")).to_be_visible()
    console.get_by_role("link", name="Back to what you typed").click()
    expect(console.locator(".typed")).to_contain_text(OUT)
    expect(console.locator(".typed dd")).to_have_text([TYPED])


def test_what_was_taken_is_not_kept(console: Page) -> None:
    address = at_an_item(console)
    send(console)
    expect(console.get_by_text("1 item is put aside.")).to_be_visible()
    assert console.evaluate(KEPT) == []
    console.goto(address)
    expect(console.locator(".typed")).to_have_count(0)


def test_what_was_taken_and_led_to_nothing_is_not_called_not_taken(console: Page) -> None:
    at_an_item(console)
    console.locator("#why").evaluate("one => { one.form.elements.next.value = '/work/nothing/here/'; }")
    send(console)
    expect(console.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(console.get_by_role("link", name="Back to what you typed")).to_be_hidden()
    assert console.evaluate(KEPT) == []


def test_part_of_a_page_is_not_taken_for_the_door(console: Page) -> None:
    console.goto("/orders/")
    console.context.clear_cookies(name="sessionid")
    console.get_by_label("Status").select_option("packed")
    console.wait_for_url(re.compile(r"/login/\?next=/orders/"))
    expect(console.get_by_role("button", name="Enter")).to_be_visible()


def test_of_what_met_no_answer_it_is_said_that_it_may_have_been_taken(console: Page) -> None:
    address = at_an_item(console)
    console.context.set_offline(True)
    send(console)
    console.wait_for_url("chrome-error://**")
    console.context.set_offline(False)
    console.goto(address)
    expect(console.locator(".typed")).to_contain_text(UNKNOWN)
    expect(console.locator(".typed")).not_to_contain_text(OUT)
    expect(console.locator(".typed dd")).to_have_text([TYPED])
    expect(console.locator("#why")).to_have_value("")


def test_keys_and_clicks_while_waiting_throw_nothing_away(console: Page) -> None:
    address = at_an_item(console)
    sends = console.locator("#why").evaluate("one => one.form.getAttribute('action')")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    console.route(lambda url: sends in url, hold)
    console.get_by_role("button", name="Put aside").click(no_wait_after=True)
    console.wait_for_timeout(300)
    console.mouse.click(5, 5)
    console.keyboard.press("x")
    waiting[0].abort()
    console.wait_for_timeout(500)
    console.goto(address)
    expect(console.locator(".typed dd")).to_have_text([TYPED])


def test_only_seen_texts_that_were_changed_are_kept(console: Page) -> None:
    """No passwords, codes, files, boxes, choices and hidden fields; nor what a button answers by a file."""
    console.goto("/work/")
    console.evaluate("""() => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/work/act/";
      form.innerHTML = `<label>Note<textarea name="a"></textarea></label>
        <input aria-label="Units" type="number" name="b" value="1">
        <input name="c" value="as it was"><textarea name="d" hidden>x</textarea>
        <input type="password" name="e"><input type="file" name="g"><input autocomplete="one-time-code" name="f">
        <input type="checkbox" name="h"><select name="i"><option>1<option>2</select>
        <button>Send</button><button data-file>File</button>`;
      document.querySelector("main").append(form);
      form.h.checked = true;
      const said = { a: "a note", b: "2", d: "rates", e: "hush", f: "123456", i: "2" };
      for (const name in said) form.elements[name].value = said[name];
      window.addEventListener("submit", (event) => event.preventDefault());
    }""")
    console.get_by_role("button", name="File", exact=True).evaluate("one => one.form.requestSubmit(one)")
    assert console.evaluate(KEPT) == []
    assert console.evaluate("sessionStorage.getItem('sent-form')") is None
    console.get_by_role("button", name="Send", exact=True).evaluate("one => one.form.requestSubmit(one)")
    (kept,) = console.evaluate(KEPT)
    assert json.loads(kept)["texts"] == [["Note", "a note"], ["Units", "2"]]


def test_where_there_is_no_room_what_stood_there_goes(console: Page) -> None:
    at_an_item(console)
    console.evaluate("""() => {
      sessionStorage.setItem("sent", "{}");
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
      window.addEventListener("submit", (event) => event.preventDefault());
    }""")
    send(console)
    assert console.evaluate(KEPT) == []


RATE = "form[action='/books/currencies/rate/']"


def refused_rate(page: Page) -> None:
    page.goto("/books/currencies/")
    form = page.locator(RATE)
    form.evaluate("(one) => { one.noValidate = true; one.closest('details')?.setAttribute('open', ''); }")
    for name, text in (("currency", "us"), ("day", "2026-01-02"), ("rate", "1.2")):
        form.locator(f"[name={name}]").fill(text)


def test_whoever_sent_a_form_that_was_refused_is_at_the_field_that_it_is_about(page: Page, shop: Shop):
    page.set_viewport_size(WIDE)
    enter(page, "books")
    refused_rate(page)
    page.locator(RATE).get_by_role("button").click()
    currency = page.locator(f"{RATE} [name=currency]")
    expect(currency).to_be_focused()
    expect(currency).to_have_attribute("aria-invalid", "true")
    expect(currency).to_have_value(re.compile("us", re.IGNORECASE))
    expect(currency).to_have_accessible_description(re.compile("three capital letters"))
    page.reload()
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_nobody_is_led_to_a_form_about_something_else(page: Page, shop: Shop):
    """The row that was refused is not there any more; that of another is."""
    enter(page, "books")
    refused_rate(page)
    page.locator(RATE).evaluate("""(one) => {
      const row = Object.assign(document.createElement("input"), { type: "hidden", name: "line", value: "1" });
      one.append(row);
    }""")
    page.locator(RATE).get_by_role("button").click()
    expect(page.locator(".message.error")).to_contain_text("three capital letters")
    expect(page.locator(f"{RATE} [name=currency]")).not_to_be_focused()
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_a_field_stays_wrong_while_its_page_renews_itself_until_why_is_put_away(page: Page, shop: Shop):
    enter(page, "supervisor")
    page.goto("/floor/counts/")
    page.locator("[name=bin]").evaluate("one => one.closest('details')?.setAttribute('open', '')")
    page.locator("[name=bin]").fill("NOWHERE")
    page.locator("form:has([name=bin])").get_by_role("button").click()
    found = page.locator("[name=bin]")
    expect(found).to_be_focused()
    page.evaluate("""() => new Promise((done) => {
      document.activeElement.blur();
      document.addEventListener("renewed", done, { once: true });
      document.querySelector("main").dispatchEvent(new CustomEvent("live", { bubbles: true }));
    })""")
    expect(found).to_have_attribute("aria-invalid", "true")
    expect(found).to_have_accessible_description(re.compile("There is no NOWHERE here"))
    expect(found).to_have_value("NOWHERE")
    expect(page.locator(".told-here")).to_have_count(1)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("[aria-invalid], .told-here")).to_have_count(0)
    expect(page.locator("[aria-describedby~=refused]")).to_have_count(0)


def in_a_row(page: Page, place: int):
    page.goto("/stock/channels/")
    return page.locator("main form:has([name=buffer])").nth(place)


def test_what_was_refused_stands_in_its_own_form_again_and_in_no_other(page: Page, shop: Shop):
    enter(page, "lead")
    others = in_a_row(page, 0).locator("[name=name]").input_value()
    form = in_a_row(page, 1)
    form.evaluate("""(one) => {
      one.noValidate = true;
      one.append(Object.assign(document.createElement("input"), { type: "password", name: "secret", value: "42" }));
      for (let fold = one.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    }""")
    form.locator("[name=name]").fill("Outlet")
    form.locator("[name=active]").set_checked(False)
    form.locator("[name=buffer]").fill("-7")
    form.locator("[name=buffer]").press("Enter")
    buffer = page.locator("[aria-invalid=true]")
    expect(buffer).to_have_value("-7")
    expect(buffer).to_be_focused()
    told = page.locator("[aria-invalid=true] + .told-here")
    expect(told).to_be_in_viewport()
    expect(told).to_contain_text("Write whole numbers")
    form = page.locator("main form:has([name=buffer])")
    expect(form.nth(1).locator("[name=name]")).to_have_value("Outlet")
    expect(form.nth(1).locator("[name=active]")).not_to_be_checked()
    expect(form.nth(0).locator("[name=name]")).to_have_value(others)
    assert "42" not in page.evaluate("JSON.stringify({...sessionStorage})")
    assert page.evaluate("sessionStorage.getItem('sent-form')") is None
    page.reload()
    expect(page.get_by_role("textbox").and_(page.locator("[value=Outlet]"))).to_have_count(0)
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_whoever_is_refused_since_it_changed_meanwhile_is_at_it_with_what_they_typed(console: Page):
    at_an_item(console)
    console.evaluate("document.querySelectorAll('[name=seen]').forEach((one) => { one.value = 'somebody'; })")
    console.locator("form:has([name=seen]):has([name=note])").first.evaluate("""(one) => {
      one.closest("details")?.setAttribute("open", "");
      one.noValidate = true;
      one.querySelector("[name=note]").value = "They called.";
      one.querySelector("button").click();
    }""")
    expect(console.locator("[aria-describedby~=refused]")).to_have_count(1)
    assert "They called." in console.locator("[name=note]").evaluate_all("all => all.map((one) => one.value)")


def test_a_form_that_leads_elsewhere_stays_where_it_is_when_it_is_refused(console: Page):
    address = at_an_item(console)
    console.locator("form:has([name=item]):has([name=code])").evaluate("""(one) => {
      one.querySelector("[name=item]").value = "";
      one.querySelector("[name=note]").value = "They called.";
      one.querySelector("button[value=release]").click();
    }""")
    expect(console.locator(".message.info")).to_contain_text("Nothing was selected")
    assert console.url == address


def test_forms_about_one_thing_that_do_something_else_with_it_are_told_apart(console: Page, shop: Shop):
    """A draft is tried and dropped by forms that send to one address, and ask for a text."""
    drafts.draft_policy(
        the_system(shop.now), requests=[drafts.DraftPolicy(1, "sourcing.backorders", Backorders())]
    )
    console.goto("/policies/sourcing.backorders/")
    tried = console.locator("form:has(button[value=try])")
    tried.locator("[name=text]").fill("  ")
    tried.get_by_role("button").click()
    expect(tried.locator("[name=text]")).to_have_value("  ")
    expect(tried.locator(".told-here")).to_have_count(1)

    # Where the form is gone, another is not taken for it.
    console.evaluate("""() => document.addEventListener("submit", () => {
      sessionStorage.setItem("sent-form", sessionStorage.getItem("sent-form").replace("try", "trial"));
    })""")
    tried.get_by_role("button").click()
    expect(console.locator(".message.error")).to_be_visible()
    expect(console.locator(".told-here")).to_have_count(0)


def test_what_another_changed_meanwhile_is_seen_before_it_is_changed_again(page: Page, shop: Shop):
    by = the_system(shop.now)
    register_companies(by, requests=[RegisterCompany(2, "other", "Other Ltd", "EUR", "DE")])
    set_companies(by, requests=[SetCompanies("lead", (1,))])
    enter(page, "root")
    page.goto(f"/people/{shop.people['lead'].id}/")
    form = page.locator("form:has([name=company][type=checkbox])")
    form.locator("[name=had]").nth(1).evaluate("one => { one.value = '2'; }")
    form.locator("[name=company][value='2']").check()
    form.get_by_role("button").click()
    expect(page.locator(".message.error")).to_be_visible()
    expect(page.locator(".told-here")).to_have_count(0)
    expect(form.locator("[name=company][value='2']")).not_to_be_checked()


def test_why_it_was_refused_stays_in_a_form_with_rows_while_its_page_renews_itself(console: Page):
    console.goto("/work/")
    console.evaluate("""() => new Promise((done) => {
      const told = Object.assign(document.createElement("small"), { className: "told-here", textContent: "Why." });
      document.querySelector("form[data-many]").prepend(told);
      document.addEventListener("renewed", done, { once: true });
      document.querySelector("main").dispatchEvent(new CustomEvent("live", { bubbles: true }));
    })""")
    expect(console.locator("form[data-many] > .told-here:first-child")).to_have_text("Why.")


def test_the_refusal_is_told_at_the_form_though_something_else_is_told_above_it(page: Page, shop: Shop):
    enter(page, "books")
    refused_rate(page)
    page.add_init_script("""document.addEventListener("readystatechange", () => {
      if (document.readyState !== "interactive") return;
      const told = "<div class='message info'><p>A day ends.</p></div>";
      document.getElementById("messages")?.insertAdjacentHTML("afterbegin", told);
    });""")  # before the console's own scripts
    page.locator(RATE).get_by_role("button").click()
    expect(page.locator(".message.info")).to_have_text("A day ends.")
    expect(page.locator(".told-here")).to_contain_text("three capital letters")


def test_of_all_that_match_no_shown_row_is_ticked_again(console: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listed, "PAGE", 2)
    console.goto("/work/")
    sent = "JSON.parse(sessionStorage.getItem('sent-form')).said.filter((one) => one.name === 'item' && one.checked)"
    for name, ticked in (("Select all shown", 2), ("Select all that match", 0)):
        if ticked:
            console.get_by_label(name).check()
        else:
            console.get_by_role("button", name=name).click()
        console.locator("form[data-many]").dispatch_event("submit", {"bubbles": True})
        assert len(console.evaluate(sent)) == ticked
        console.evaluate("document.querySelectorAll('button').forEach((one) => { one.disabled = false; })")
