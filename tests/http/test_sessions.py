"""How long who entered stays in, who sees that, who ends it, and whom wrong passwords keep out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.web import doors
from tests.http.test_returns_pages import said, text_of
from tests.shop import PASSWORD

pytestmark = pytest.mark.django_db


class Clock:
    """The clock of the edge, which a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: self.at)

    def goes(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def enters(
    name: str = "lead", password: str = PASSWORD, browser: Client | None = None, **headers: str
) -> Any:
    browser = browser or Client()
    answer = browser.post("/login/", {"username": name, "password": password}, headers=headers)
    return browser, answer.status_code


def is_in(browser: Client, path: str = "/orders/", **headers: str) -> bool:
    return bool(browser.get(path, headers=headers).status_code == 200)


def test_a_session_ends_when_its_hours_are_over_whatever_was_done_meanwhile(shop, clock):
    browser, _ = enters()
    for _ in range(13):
        clock.goes(hours=1)
        assert is_in(browser)
        browser.post(
            "/company/", {"company": "1"}
        )  # it keeps something in the session, with which Django counts anew
    assert is_in(browser, "/api/v1/orders")
    clock.goes(hours=1)
    assert browser.get("/api/v1/orders").status_code == 401
    assert browser.get("/orders/")["Location"] == "/login/?next=/orders/"


def test_who_does_nothing_is_out_where_the_house_says_so_and_a_page_that_renews_itself_is_no_doing(
    shop, clock, settings
):
    settings.IDLE_MINUTES, settings.IDLE_MINUTES_SCAN = 30, 120
    browser, handheld = enters()[0], enters("supervisor")[0]
    for _ in range(3):
        clock.goes(minutes=29)
        assert is_in(browser)
    assert is_in(handheld, "/scan/"), "handhelds have a bound of their own"
    clock.goes(minutes=29)
    assert is_in(browser, **{"X-Live": "1"})
    clock.goes(minutes=2)
    assert not is_in(browser)
    assert is_in(handheld, "/scan/") and is_in(handheld, "/orders/")


def test_one_sees_ones_sessions_and_ends_them(shop, clock):
    desk, _ = enters(**{"User-Agent": "Desk"})
    phone, _ = enters(**{"User-Agent": "Phone"})
    other, _ = enters("service")
    shown = desk.get("/me/")
    assert "Desk" in text_of(shown) and "Phone" in text_of(shown) and "this one" in text_of(shown)
    (which,) = re.findall(r'name="session" value="([^"]+)"', shown.content.decode())
    assert other.post("/me/sessions/end/", {"session": which}).status_code == 302
    assert is_in(phone), "nobody ends another's"
    assert said(desk.post("/me/sessions/end/", {"session": which}, follow=True)) == [
        "Whoever was in with it is out."
    ]
    assert not is_in(phone) and is_in(desk)
    third, _ = enters()
    desk.post("/me/sessions/end/")
    assert not is_in(third) and is_in(desk) and is_in(other)


def test_a_new_password_keeps_the_session_listed(shop):
    browser, _ = enters()
    fields = {"password": PASSWORD, "new": "quite another one", "again": "quite another one"}
    browser.post("/me/password/", fields)
    assert "this one" in text_of(browser.get("/me/"))


def test_an_administrator_ends_all_sessions_of_somebody_and_it_stands_in_the_log(shop, console):
    browsers = [enters()[0] for _ in range(2)]
    ((which,),) = sql.run("SELECT id FROM auth_user WHERE username = 'lead'")
    assert "End all sessions" not in console("engineer").get(f"/people/{which}/").content.decode()
    console("engineer").post(f"/people/{which}/sessions/end/")
    assert all(map(is_in, browsers)), "who may not, does not"
    root = console("root")
    told = said(root.post(f"/people/{which}/sessions/end/", follow=True))
    assert told == ["They are out everywhere, and enter anew."]
    assert not any(map(is_in, browsers))
    assert sql.run("SELECT actor, payload FROM kernel_event WHERE command = 'access.end_sessions'") == [
        ("root", {"sessions ended": 2})
    ]


# ---- wrong passwords


def test_behind_a_proxy_a_strangers_wrong_tries_are_his_own(shop, settings):
    settings.AXES_ENABLED, settings.BEHIND_TLS, settings.SECURE_SSL_REDIRECT = True, True, False
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    codes = [enters(password="wrong", **stranger)[1] for _ in range(settings.AXES_FAILURE_LIMIT + 1)]
    assert codes[-1] == 429 and enters(**stranger)[1] == 429
    assert enters(**{"X-Forwarded-For": "198.51.100.7"})[1] == 302, "a colleague enters from elsewhere"
    faked = {"X-Forwarded-For": "203.0.113.9, 198.51.100.8"}
    assert enters(**faked)[1] == 302, "what the proxy saw counts, not what was told it"


def test_an_address_that_tries_many_names_waits_and_others_do_not(shop, settings, monkeypatch):
    monkeypatch.setattr(doors, "SOURCE_TRIES", 5)
    settings.AXES_ENABLED = True
    assert [enters(f"name {n}", "wrong")[1] for n in range(6)] == [200] * 5 + [429]
    browser = Client()
    answer = browser.post("/login/", {"username": "lead", "password": PASSWORD})
    assert answer.status_code == 429 and "Wait a quarter of an hour" in answer.content.decode()
    assert browser.get("/orders/").status_code == 302
    assert (
        Client(REMOTE_ADDR="192.0.2.1")
        .post("/login/", {"username": "lead", "password": PASSWORD})
        .status_code
        == 302
    )


def test_who_enters_often_is_not_counted(shop, monkeypatch):
    monkeypatch.setattr(doors, "SOURCE_TRIES", 3)
    assert [enters()[1] for _ in range(6)] == [302] * 6
