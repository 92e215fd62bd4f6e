"""My own access: the password, and a second factor at the door."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.access import factors, queries
from entrepot.kernel import sql
from tests.http.test_returns_pages import said
from tests.shop import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "seven in the evening"


def page_of(browser, address: str = "/me/") -> str:
    return html.unescape(browser.get(address).content.decode())


def code_of(secret: str, later: int = 0) -> str:
    return factors.code_of(secret, factors.step_of(timezone.now()) + later)


def with_factor(browser) -> tuple[str, list[str]]:
    """A second factor of whoever is in, with its secret and codes on paper."""
    browser.post("/me/factor/", {"password": PASSWORD})
    shown = browser.get("/me/")
    assert shown["Cache-Control"] == "no-store"
    page = shown.content.decode()
    (secret,) = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    assert "<svg" in page
    done = browser.post("/me/factor/confirm/", {"code": code_of(secret)})
    papers = re.findall(r"<code>([a-z2-7]{8}-[a-z2-7]{8})</code>", browser.get(done.url).content.decode())
    assert len(papers) == factors.ON_PAPER and secret not in page_of(browser)
    assert papers[0] not in page_of(browser), "shown once"
    return secret, papers


def entered(name: str, password: str = PASSWORD, **told: str) -> tuple[Client, object]:
    browser = Client()
    return browser, browser.post("/login/", {"username": name, "password": password} | told)


@pytest.mark.parametrize("name", ["auditor", "lead", "root"])
def test_everybody_changes_their_password_and_is_out_elsewhere(console, shop, name):
    here, elsewhere = console(name), console(name)
    fields = {"password": PASSWORD, "new": NEW, "again": NEW}
    for wrong, says in (
        ({"password": "guess"}, "not your present password"), ({"again": "other"}, "not the same"),
        ({"new": "short", "again": "short"}, "10 characters"),
        ({"new": "password123", "again": "password123"}, "too common"),
    ):  # fmt: skip
        assert says in said(here.post("/me/password/", fields | wrong))[-1]
    assert elsewhere.get("/me/").status_code == 200
    assert "The password is changed." in said(here.post("/me/password/", fields))[-1]
    assert here.get("/me/").status_code == 200 and elsewhere.get("/me/").status_code == 302
    assert entered(name)[1].status_code == 200, "the old one opens nothing"
    assert entered(name, NEW)[1].status_code == 302


def test_guesses_at_the_present_password_are_counted(console, shop):
    lead = console("lead")
    for _ in range(10):
        lead.post("/me/password/", {"password": "guess", "new": NEW, "again": NEW})
    answer = lead.post("/me/password/", {"password": "guess", "new": NEW, "again": NEW})
    assert "too many tries" in said(answer)[-1]
    right = lead.post("/me/password/", {"password": PASSWORD, "new": NEW, "again": NEW})
    assert "too many tries" in said(right)[-1], "whoever guesses is not told that they were right"
    assert entered("lead")[1].status_code == 302, "it is the old one still"


def test_who_is_right_may_go_on(console, shop):
    lead = console("lead")
    for _ in range(12):
        answer = lead.post("/me/password/", {"password": PASSWORD, "new": "short", "again": "short"})
        assert "10 characters" in said(answer)[-1]
    assert with_factor(lead)


def test_with_a_second_factor_a_password_alone_lets_nobody_in(console, shop):
    lead = console("lead")
    assert "not your present password" in said(lead.post("/me/factor/", {"password": "guess"}))[-1]
    secret, papers = with_factor(lead)
    assert "You enter with a code" in page_of(lead)

    browser, answer = entered("lead", next="/orders/")
    assert answer.url == "/login/code/"
    assert browser.get("/").status_code == 302, "nobody is in yet"
    assert browser.get("/api/v1/messages").status_code == 401
    refused = browser.post("/login/code/", {"code": "abc"})
    assert "not the code of now" in refused.content.decode() and "no-store" in refused["Cache-Control"]
    done = browser.post("/login/code/", {"code": code_of(secret, 1)})
    assert done.url == "/orders/" and browser.get("/orders/").status_code == 200
    assert browser.get("/login/code/").url == "/login/"

    other, _ = entered("lead")
    assert other.post("/login/code/", {"code": code_of(secret, 1)}).status_code == 200, "used up"
    assert other.post("/login/code/", {"code": papers[0]}).status_code == 302
    lead.post("/me/factor/remove/", {"code": papers[1]})
    assert "Set it up" in page_of(lead) and entered("lead")[1].url == "/"


def test_guesses_at_a_code_are_counted_and_a_code_that_comes_too_late_opens_nothing(
    console, shop, monkeypatch
):
    _secret, papers = with_factor(console("lead"))
    browser, _ = entered("lead")
    for _ in range(10):
        browser.post("/login/code/", {"code": "abc"})
    answer = browser.post("/login/code/", {"code": papers[0]})
    assert "too many tries" in answer.content.decode()
    sql.run("DELETE FROM access_tries")
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(minutes=6))
    assert browser.post("/login/code/", {"code": papers[0]}).url == "/login/"


def test_a_password_that_was_changed_meanwhile_opens_nothing(console, shop):
    lead = console("lead")
    _secret, papers = with_factor(lead)
    browser, _ = entered("lead")
    lead.post("/me/password/", {"password": PASSWORD, "new": NEW, "again": NEW})
    assert browser.post("/login/code/", {"code": papers[0]}).url == "/login/"
    assert browser.get("/").status_code == 302


def test_a_house_that_wants_it_lets_nobody_further_without(console, shop, settings):
    settings.SECOND_FACTOR = "administrators"
    root, lead = console("root"), console("lead")
    assert lead.get("/").status_code == 200
    assert root.get("/people/").url == "/me/" and root.get("/api/v1/messages").status_code == 403
    assert root.post("/people/add/", {"name": "x", "role": "picker"}).url == "/me/"
    assert "Set it up here" in page_of(root)
    with_factor(root)
    assert root.get("/people/").status_code == 200 and root.get("/api/v1/messages").status_code == 200
    settings.SECOND_FACTOR = "everybody"
    assert lead.get("/").url == "/me/"


def test_an_administrator_takes_it_away_from_who_lost_it(console, shop):
    with_factor(console("lead"))
    root, lead = console("root"), next(one for one in queries.known() if one.name == "lead")
    address = f"/people/{lead.id}/"
    assert "with a second factor" in page_of(root, address)
    refused = said(console("service").post(f"{address}factor/"))
    assert "may not do access.reset_factors" in refused[0]
    assert "Their password alone" in said(root.post(f"{address}factor/"))[-1]
    assert "without a second factor" in page_of(root, address) and entered("lead")[1].url == "/"


def test_sessions_end_after_a_day_of_work_and_pages_may_use_the_camera_alone(shop, settings):
    lead, _ = entered("lead")
    assert lead.cookies["sessionid"]["max-age"] == 14 * 3600 == settings.SESSION_COOKIE_AGE
    assert lead.cookies["sessionid"]["httponly"] and lead.cookies["sessionid"]["samesite"] == "Lax"
    assert lead.get("/")["Permissions-Policy"].startswith("camera=(self), microphone=()")
