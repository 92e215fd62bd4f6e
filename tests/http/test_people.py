"""People, roles and API keys, as an administrator keeps them on their pages."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from entrepot.access import duties, keys, queries
from entrepot.access.commands.issue_key import IssueKey, issue_key
from entrepot.access.commands.keep_people import subject_of
from entrepot.kernel import sql
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.web.api import auth
from entrepot.web.tasks import watch_keys_at
from tests.commands.test_access_keep_people import together
from tests.floor import SYSTEM
from tests.http.test_returns_pages import said

pytestmark = pytest.mark.django_db


def page_of(browser, address: str, **asked) -> str:
    return html.unescape(browser.get(address, asked).content.decode())


def of(name: str) -> queries.Known:
    return next(one for one in queries.known() if one.name == name)


def shown_after(browser, answer):
    """The page on which a secret is shown: behind a redirect, so that a reload makes no other, and kept nowhere."""
    assert answer.status_code == 302
    stored = sql.run("SELECT session_data FROM django_session ORDER BY expire_date DESC")
    page = browser.get(answer.url)
    assert page["Cache-Control"] == "no-store"
    secret = re.search(r"<code>([^<]+)</code>", page.content.decode().partition('id="secret"')[2])[1]
    sessions = [SessionStore().decode(row[0]) for row in stored]
    assert any("once" in one for one in sessions), "it waited in the session"
    assert secret not in str(sessions), "and stood there sealed"
    assert 'id="secret"' not in browser.get(answer.url).content.decode(), "a reload shows it no more"
    return page


def test_everybody_stands_on_the_list_with_their_roles(console, shop):
    page = page_of(console("auditor"), "/people/")
    assert "may everything" in page and "warehouse supervisor" in page
    assert "Let somebody in" not in page.partition("<main")[2], "an auditor reads"
    service = of("service")
    assert "An administrator gives roles." in page_of(console("auditor"), f"/people/{service.id}/")
    refused = console("lead").post(f"/people/{service.id}/roles/", {"role": "controller"})
    assert "may not do access.set_roles" in said(refused)[0]
    assert console("auditor").get("/people/99999999/").status_code == 404
    assert console("auditor").get("/people/99999999999999/").status_code == 404


def test_roles_are_changed_after_it_is_shown_what_they_bring_together(console, shop):
    root, service = console("root"), of("service")
    one, other = together()
    address = f"/people/{service.id}/"
    root.post(f"{address}roles/", {"role": one, "accepts": [pair.name for pair in duties.CONFLICTS]})
    assert of("service").roles == [one]

    shown = page_of(root, address, see="1", role=[one, other])
    pairs = [pair.name for pair in duties.brought_together((one,), (one, other))]
    assert f"Given: {other}" in shown and "ought to be two people's" in shown
    assert re.findall(r'name="accepts" value="([^"]+)" required', shown) == pairs
    refused = said(root.post(f"{address}roles/", {"role": [one, other]}))
    assert "both sides of: " + ", ".join(pairs) in html.unescape(refused[0])
    assert of("service").roles == [one]
    done = root.post(f"{address}roles/", {"role": [one, other], "accepts": pairs})
    assert said(done)[-1] == "The roles are changed." and set(of("service").roles) == {one, other}
    assert "Both sides of" in page_of(root, address)
    assert "roles changed" in page_of(root, address).lower()

    own = f"/people/{of('root').id}/"
    assert "Nobody changes what they may do themselves." in page_of(root, own)
    assert "Nobody changes" in said(root.post(f"{own}roles/", {"role": "picker"}))[0]


def test_somebody_is_let_in_enters_and_is_shut_out(console, shop):
    root = console("root")
    shown = page_of(root, "/people/", role="picker")
    assert "With the roles picker." in shown and "brings nothing together" in shown
    told = {"name": "new one", "role": "picker", "next": "/people/?role=picker"}
    page = root.post("/people/add/", told, follow=True).content.decode()
    assert "1 to 150 letters" in page and 'value="new one"' in page
    answer = shown_after(root, root.post("/people/add/", told | {"name": "anna"}))
    password = re.search(r"<code>([^<]+)</code>", answer.content.decode().partition('id="secret"')[2])[1]
    anna = of("anna")
    assert password not in page_of(root, f"/people/{anna.id}/")
    login = {"username": "anna", "password": password}
    browser = Client()
    assert browser.post("/login/", login).status_code == 302
    assert browser.get("/").status_code == 200

    done = root.post(f"/people/{anna.id}/admit/", {"may_enter": "no"})
    assert said(done) == ["They may not enter, and their keys open nothing."]
    assert browser.get("/").status_code == 302, "she is out at once"
    assert Client().post("/login/", login).status_code == 200
    root.post(f"/people/{anna.id}/admit/", {"may_enter": "yes"})
    assert Client().post("/login/", login).status_code == 302


def test_a_new_password_is_shown_once_and_the_old_one_is_out_at_once(console, shop):
    root, lead = console("root"), of("lead")
    inside = console("lead")
    assert inside.get("/").status_code == 200
    answer = shown_after(root, root.post(f"/people/{lead.id}/password/"))
    password = re.search(r"<code>([^<]+)</code>", answer.content.decode().partition('id="secret"')[2])[1]
    assert inside.get("/").status_code == 302
    assert password not in page_of(root, f"/people/{lead.id}/")
    assert Client().post("/login/", {"username": "lead", "password": password}).status_code == 302

    refused = console("service").post(f"/people/{lead.id}/password/", follow=True).content.decode()
    assert "may not do access.renew_passwords" in refused and 'id="secret"' not in refused
    assert "New password" not in page_of(console("service"), f"/people/{lead.id}/")
    assert "New password" not in page_of(root, f"/people/{of('root').id}/")


def test_a_key_is_issued_shown_once_and_revoked(console, shop):
    engineer, service = console("engineer"), of("service")
    address = f"/people/{of('engineer').id}/"
    page = shown_after(engineer, engineer.post(f"{address}keys/", {"name": "web shop"})).content.decode()
    raw = re.search(r"<code>([^<]+)</code>", page.partition('id="secret"')[2])[1]
    calls = Client(headers={"X-API-Key": raw})
    assert calls.get("/api/v1/messages").status_code == 200
    page = page_of(engineer, address)
    assert "web shop" in page and raw not in page

    (key,) = [one for one in queries.api_keys() if one.name == "web shop"]
    engineer.post(f"/people/{service.id}/keys/revoke/", {"key": key.id})
    assert calls.get("/api/v1/messages").status_code == 200, "it is not a key of that person"
    engineer.post(f"{address}keys/revoke/", {"key": key.id})
    assert calls.get("/api/v1/messages").status_code == 401

    again = shown_after(engineer, engineer.post(f"{address}keys/", {"name": "second shop"}))
    assert "second shop" in again.content.decode()
    root = console("root")
    shown = page_of(root, address, see="1", role=["picker"])
    confirming = shown.partition('name="had"')[2].partition("Change the roles")[0]
    assert "1 key acts for them" in confirming and "second shop" in confirming
    assert "web shop" not in confirming, "a revoked key acts for nobody"
    assert "does it no more" in confirming

    lead = of("lead")
    page = engineer.post(f"/people/{lead.id}/keys/", {"name": "more"}, follow=True).content.decode()
    assert "Ask an administrator to issue" in page and 'id="secret"' not in page
    assert not [one for one in queries.api_keys() if one.person == "lead"]
    assert User.objects.get(username="lead").is_active


def test_a_key_is_rotated_shown_once_and_its_use_is_told(console, shop):
    engineer = console("engineer")
    address = f"/people/{of('engineer').id}/"

    def key_in(answer) -> str:
        page = shown_after(engineer, answer).content.decode()
        return re.search(r"<code>([^<]+)</code>", page.partition('id="secret"')[2])[1]

    first = key_in(engineer.post(f"{address}keys/", {"name": "web shop", "days": "30"}))
    calls = Client(headers={"X-API-Key": first}, REMOTE_ADDR="192.0.2.7")
    assert calls.get("/api/v1/messages").status_code == 200
    (key,) = [one for one in queries.api_keys() if one.name == "web shop"]
    assert (key.used_from, key.expires_at - key.created_at) == ("192.0.2.7", timedelta(days=30))
    with CaptureQueriesContext(connection) as ran:
        calls.get("/api/v1/messages")
    assert not [one for one in ran.captured_queries if "UPDATE" in one["sql"]], "once an hour"
    assert "192.0.2.7" in page_of(engineer, address)

    second = key_in(engineer.post(f"{address}keys/rotate/", {"key": key.id}))
    assert second != first
    for raw in (first, second):
        assert Client(headers={"X-API-Key": raw}).get("/api/v1/messages").status_code == 200
    page = page_of(engineer, address)
    assert "another follows it" in page and first not in page and second not in page
    refused = engineer.post(f"{address}keys/rotate/", {"key": key.id}, follow=True).content.decode()
    assert "is followed by" in refused
    assert "Rotate the key" not in page_of(console("service"), address)
    engineer.post(f"{address}keys/", {"name": "report", "role": "auditor"})
    assert "Auditor</small>" in page_of(engineer, address)
    strange = engineer.post(f"{address}keys/", {"name": "b", "role": "picker"}, follow=True).content.decode()
    assert "auditor, integration engineer" in strange
    too_long = engineer.post(f"{address}keys/", {"name": "b", "days": "999"}, follow=True).content.decode()
    assert "by the policy access.keys" in too_long


def test_programs_issue_rotate_and_revoke_keys(program, shop):
    engineer, raw, other = program("engineer"), keys.fresh(), keys.fresh()
    asked = {"person": "engineer", "name": "shop", "secret": raw}
    issued = engineer.post("/api/v1/api-keys", asked, "i")
    assert issued.status_code == 200 and raw not in issued.content.decode()
    which = issued.json()["id"]
    assert Client(headers={"X-API-Key": raw}).get("/api/v1/api-keys").status_code == 200
    assert engineer.post("/api/v1/api-keys", asked, "i").json() == issued.json()

    rotated = engineer.post("/api/v1/api-keys/rotate", {"id": which, "secret": other, "overlap_days": 1}, "r")
    assert rotated.status_code == 200 and rotated.json()["prefix"] == keys.prefix(other)
    listed = {one["id"]: one for one in engineer.get("/api/v1/api-keys").json()}
    assert listed[rotated.json()["id"]]["follows"] == which
    assert listed[which]["used_at"] and listed[which]["state"] == "in force"
    assert engineer.post("/api/v1/api-keys/revoke", [{"id": which}], "v").status_code == 200
    assert Client(headers={"X-API-Key": raw}).get("/api/v1/api-keys").status_code == 401
    assert Client(headers={"X-API-Key": other}).get("/api/v1/api-keys").status_code == 401, "it followed"
    unknown = engineer.post("/api/v1/api-keys", asked | {"person": "stranger", "secret": keys.fresh()}, "n")
    assert unknown.status_code == 404


def test_a_key_of_a_program_may_be_one_that_only_reads(program, shop):
    engineer, raw = program("engineer"), keys.fresh()
    asked = {"person": "engineer", "name": "report", "secret": raw, "roles": ["auditor"]}
    assert engineer.post("/api/v1/api-keys", asked, "i").status_code == 200
    reads = Client(headers={"X-API-Key": raw})
    assert reads.get("/api/v1/feeds").status_code == 200
    which = next(one["id"] for one in engineer.get("/api/v1/api-keys").json())
    refused = reads.post(
        "/api/v1/api-keys/revoke", {"id": which}, "application/json", headers={"Idempotency-Key": "r"}
    )
    assert refused.status_code == 403 and refused.json()["code"] == "kernel.not_permitted"
    listed = {one["name"]: one["roles"] for one in engineer.get("/api/v1/api-keys").json()}
    assert listed["report"] == ["auditor"]
    strange = asked | {"secret": keys.fresh(), "roles": ["picker"]}
    assert engineer.post("/api/v1/api-keys", strange, "n").json()["code"] == "kernel.invalid"


def test_who_may_not_keep_keys_sees_their_own(program, shop):
    engineer, books = program("engineer"), program("books")
    assert {one["person"] for one in books.get("/api/v1/api-keys").json()} == {"books"}
    assert {one["person"] for one in engineer.get("/api/v1/api-keys").json()} >= {"books", "engineer"}


def test_a_secret_is_left_to_no_job(program, shop):
    engineer = program("engineer")
    asked = {"person": "engineer", "name": "shop", "secret": keys.fresh()}
    issued = engineer.post("/api/v1/api-keys", asked, "i", Prefer="respond-async")
    assert issued.status_code == 200 and "Preference-Applied" not in issued
    again = {"id": issued.json()["id"], "secret": keys.fresh()}
    assert engineer.post("/api/v1/api-keys/rotate", again, "r", Prefer="respond-async").status_code == 200
    assert sql.run("SELECT count(*) FROM kernel_job") == [(0,)]


def test_a_question_is_answered_where_the_use_of_its_key_can_not_be_written_down(program, shop, monkeypatch):
    engineer, tried = program("engineer"), []

    def fails(_cause, /, *, requests):
        tried.append(requests)
        raise psycopg.errors.ReadOnlySqlTransaction("no writes here")

    monkeypatch.setattr(auth, "note_uses", fails)
    monkeypatch.setattr(auth, "_failed", {})
    for _ in range(3):
        assert engineer.get("/api/v1/api-keys").status_code == 200
    assert len(tried) == 1, "the next requests do not try again"


def test_the_hourly_task_tells_the_engineer_of_a_key_that_ends(console, shop):
    person = User.objects.get(username="engineer")
    issue_key(SYSTEM, requests=[IssueKey("short", person.pk, keys.fresh(), 3)])
    watch_keys_at(SYSTEM.at)
    (which,) = sql.run("SELECT id FROM work_item WHERE type = 'API key ends'")
    page = page_of(console("engineer"), f"/work/{which[0]}/")
    assert "the key short" in page and 'href="/people/"' in page


def test_what_happened_to_a_person_is_not_what_happened_to_the_company_of_the_same_number(console, shop):
    """Both are known by numbers, so their events may be about the same subject."""
    person = User.objects.earliest("id").id
    register_companies(SYSTEM, requests=[RegisterCompany(person, f"c{person}", "Twin", "GBP", "GB")])
    assert sql.run("SELECT 1 FROM kernel_event WHERE subject_id = %(s)s AND subject_kind = 'company'",
                   {"s": subject_of(person)})  # fmt: skip
    assert "register companies" not in page_of(console("root"), f"/people/{person}/")


def test_whoever_enters_with_a_password_that_was_made_for_them_is_told(console, shop):
    made = "Your password was made by somebody else."
    root = console("root")
    root.post("/people/add/", {"name": "nora", "role": "picker"})
    person = User.objects.get(username="nora")
    page = root.post(f"/people/{person.pk}/password/", follow=True).content.decode()
    password = re.findall(r"<code>([\w-]{16})</code>", page)[0]
    browser = Client()
    entered = browser.post("/login/", {"username": "nora", "password": password}, follow=True)
    assert made in entered.content.decode()
    assert made not in browser.get("/").content.decode(), "it is said once"
    own = "eleven copper kettles"
    browser.post("/me/password/", {"password": password, "new": own, "again": own})
    browser.post("/logout/")
    entered = browser.post("/login/", {"username": "nora", "password": own}, follow=True)
    assert entered.status_code == 200 and made not in entered.content.decode()
