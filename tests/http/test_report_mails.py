"""Reports by mail, from the form to the mail server: once, with table and link, and nobody's name."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from entrepot.access import mailing, queries
from entrepot.access.commands.subscribe import RetryMailing, TakeDueReports, retry_mailings, take_due_reports
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound
from entrepot.web import report_mail
from entrepot.work.tasks import watch_all_dead_letters
from tests.catcher import Catcher, catching
from tests.shop import COMPANY, NAMES

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(settings):
    with catching() as catcher:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
        settings.PUBLIC_URL = "https://house.example.com"
        yield catcher


def subscribed(browser: Client, **more: str) -> datetime:
    """The held orders by channel, daily; when it is due."""
    browser.cookies["zone"] = "Europe/Berlin"
    form = {"rhythm": "daily", "hour": "6", "query": "by=channel&since=2020-01-01&evil=1"} | more
    page = browser.post("/reports/held-orders/mail/", form, follow=True).content.decode()
    assert "comes by mail from now on" in page
    (one,) = queries.subscriptions(COMPANY, "books")
    assert (one.query, one.zone) == ("by=channel", "Europe/Berlin")
    return one.next_at


def test_it_comes_once_with_its_table_and_a_link(console, shop, post: Catcher):
    due = subscribed(console("books"))
    assert report_mail.send_due(due - timedelta(minutes=1)) == 0
    # It tells of the day before it comes, whenever this runs.
    sql.run("UPDATE orders_order SET placed_at = %(at)s::timestamptz", {"at": due - timedelta(hours=12)})
    assert report_mail.send_due(due) == 1
    assert report_mail.send_due(due) == report_mail.send_due(due + timedelta(minutes=30)) == 0
    (mail,) = post.mails
    assert mail["To"] == "books@example.com" and str(mail["Subject"]).strip().startswith(
        "Held orders · Hearth & Home Ltd"
    )
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "https://house.example.com/reports/held-orders/?since=" in text and "by=channel" in text
    assert "<table" in html and "https://house.example.com/reports/held-orders/" in html
    assert not any(part in text + html for name in NAMES for part in (name, name.split()[1]))
    page = console("books").get("/reports/").content.decode()
    assert "Your reports by mail" in page and "Europe/Berlin" in page
    (one,) = queries.subscriptions(COMPANY, "books")
    assert console("lead").post(f"/reports/mails/{one.id}/end/", follow=True).status_code == 200
    assert len(queries.subscriptions(COMPANY, "books")) == 1, "another person's mail is not ended"
    assert (
        "That mail has ended"
        in console("books").post(f"/reports/mails/{one.id}/end/", follow=True).content.decode()
    )
    assert queries.subscriptions(COMPANY, "books") == []


def test_whoever_is_killed_while_sending_leaves_it_unsent_for_good(console, shop, post: Catcher, monkeypatch):
    due = subscribed(console("books"))

    def killed(_due, _at):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(report_mail, "_send", killed)
        with pytest.raises(KeyboardInterrupt):
            report_mail.send_due(due)
    assert report_mail.send_due(due + timedelta(hours=1)) == 0
    assert post.mails == []
    assert report_mail.send_due(due + timedelta(days=1)) == 1, "the next period comes as ever"


def test_a_server_that_is_away_or_says_no_is_tried_again_and_one_that_broke_off_is_not(
    console, shop, post: Catcher, settings
):
    due = subscribed(console("books"))
    settings.EMAIL_PORT = 1
    assert report_mail.send_due(due) == 0
    assert _state() == ("failed", "the mail server can't be reached: [Errno 111] Connection refused")
    settings.EMAIL_PORT, post.refuses = post.port, "451 later, books@example.com"
    assert report_mail.send_due(due + timedelta(minutes=10)) == 0
    assert _state() == ("failed", "the mail server says no: the recipient is refused")
    post.refuses, post.breaks_off = "", True
    assert report_mail.send_due(due + timedelta(minutes=20)) == 0
    assert _state()[0] == "doubtful" and len(post.mails) == 1
    post.breaks_off = False
    assert report_mail.send_due(due + timedelta(hours=2)) == 0
    assert len(post.mails) == 1, "it may have arrived, so it is not sent again"


def files_of(mail) -> dict[str, bytes]:
    return {one.get_filename(): one.get_payload(decode=True) for one in mail.iter_attachments()}


def noted() -> list[tuple]:
    return sql.run(
        "SELECT actor, payload->>'what', payload->>'format', (payload->>'rows')::int FROM kernel_event"
        " WHERE command = 'kernel.note_exports' ORDER BY seq"
    )


def sent_of_yesterday(due: datetime) -> int:
    """Send what is due, about orders of the day that it tells of."""
    sql.run("UPDATE orders_order SET placed_at = %(at)s::timestamptz", {"at": due - timedelta(hours=12)})
    return report_mail.send_due(due)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_it_brings_what_the_page_exports_and_the_trail_says_so(console, shop, post: Catcher, kind):
    browser = console("books")
    due = subscribed(browser, file=kind)
    assert f">{kind.upper()}</td>" in browser.get("/reports/").content.decode()
    assert sent_of_yesterday(due) == 1
    day = (due - timedelta(hours=12)).astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    (mail,) = post.mails
    names = [f"held-orders-{day}.{kind}", f"held-orders-rows-{day}.{kind}"]
    found = files_of(mail)
    assert list(found) == names
    assert all(name in mail.get_body((one,)).get_content() for one in ("plain", "html") for name in names)
    page = f"/reports/held-orders/?since={day}&until={day}&by=channel"
    for asked, name in zip(("format", "rows"), names, strict=True):
        there = browser.get(f"{page}&{asked}={kind}").content
        assert rows_of(found[name], kind) == rows_of(there, kind)
        assert len(rows_of(there, kind)) > 1
    mailed, taken = noted()[:2], noted()[2:]
    assert mailed == [
        ("books", "held-orders", kind, 1), ("books", "held-orders-rows", kind, len(rows_of(there, kind)) - 1)
    ]  # fmt: skip
    assert taken == mailed, "as if they had been taken from the page"


def rows_of(content: bytes, kind: str) -> list[list]:
    if kind == "csv":
        return list(csv.reader(content.decode().splitlines()))
    return [list(row) for row in load_workbook(BytesIO(content)).active.iter_rows(values_only=True)]


def test_it_is_written_in_its_readers_language_and_leaves_names_as_they_are(console, shop, post: Catcher):
    sql.run("UPDATE network_channel SET code = 'social' WHERE code = 'web'")
    browser = console("books")
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    form = {"rhythm": "daily", "hour": "6", "query": "by=channel", "file": "none"}
    browser.post("/reports/held-orders/mail/", form)
    (one,) = queries.subscriptions(COMPANY, "books")
    assert sent_of_yesterday(one.next_at) == 1
    text = post.mails[0].get_body(("plain",)).get_content()
    assert str(post.mails[0]["Subject"]).strip().startswith("Gesperrte Aufträge")
    assert "social: " in text and "sozial" not in text


def test_without_a_file_or_anything_to_tell_nothing_is_attached(console, shop, post: Catcher):
    due = subscribed(console("books"), file="none")
    assert sent_of_yesterday(due) == 1
    subscribed(console("books"), file="csv")  # the same report again: its file changes
    assert report_mail.send_due(due + timedelta(days=1)) == 1, "of a day without orders"
    assert [files_of(one) for one in post.mails] == [{}, {}] and noted() == []
    assert "Attached" not in post.mails[0].get_body(("plain",)).get_content()


def test_what_is_too_long_is_a_link_to_the_same_file(console, shop, post: Catcher, monkeypatch):
    due = subscribed(console("books"), file="csv")
    monkeypatch.setattr(report_mail, "LONG", 1)
    assert sent_of_yesterday(due) == 1
    (mail,) = post.mails
    (name,) = files_of(mail)
    assert name.startswith("held-orders-2") and [what for _, what, *_ in noted()] == ["held-orders"]
    text = mail.get_body(("plain",)).get_content()
    link = re.search(r"held-orders-rows-\S+ is too long for a mail: https://house.example.com(\S+)", text)
    assert link and "&amp;" not in link[1]
    assert len(rows_of(console("books").get(link[1]).content, "csv")) > 2


def test_a_mail_that_its_server_finds_too_large_comes_without_its_files(console, shop, post: Catcher):
    due = subscribed(console("books"), file="xlsx")
    post.bytes_max = 9_000
    assert sent_of_yesterday(due) == 1
    (mail,) = post.mails
    assert files_of(mail) == {} and noted() == []
    assert mail.get_body(("plain",)).get_content().count("is too long for a mail: https://") == 2
    assert _state() == ("sent", "")


def test_whoever_loses_their_roles_while_others_are_sent_gets_neither_mail_nor_file(
    console, shop, post: Catcher, monkeypatch
):
    due = subscribed(console("books"))
    console("lead").post("/reports/fill-rate/mail/", {"rhythm": "daily", "hour": "6"})
    sql.run("UPDATE access_subscription SET next_at = %(at)s::timestamptz", {"at": due})
    ours, written = [], report_mail.written

    def leaves(one, *more, **also):
        ours.append(one.person)
        other = {"books": "lead", "lead": "books"}[one.person]
        User.objects.get(username=other).groups.clear()
        return written(one, *more, **also)

    monkeypatch.setattr(report_mail, "written", leaves)
    assert report_mail.send_due(due) == 1
    assert len(post.mails) == len(ours) == 1
    assert post.mails[0]["To"] == f"{ours[0]}@example.com"


def given_up(due: datetime, settings) -> None:
    """The server is away as often as a mail is tried."""
    there, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    for tried in range(mailing.TRIES):
        assert report_mail.send_due(due + tried * mailing.RETRY) == 0
    settings.EMAIL_PORT = there


def waiting() -> list[str]:
    return [reason for (reason,) in sql.run("SELECT reason FROM work_item WHERE state <> 'done' AND facts->>'place' = "
                                            "'reports by mail'")]  # fmt: skip


def test_a_mail_that_failed_for_good_is_work_of_the_integration_and_tried_again_there(
    console, shop, post: Catcher, settings, monkeypatch
):
    due = subscribed(console("books"))
    monkeypatch.setattr(timezone, "now", lambda: due + timedelta(hours=1))
    watch_all_dead_letters(0)
    assert waiting() == []
    given_up(due, settings)
    watch_all_dead_letters(0)
    (told,) = waiting()
    assert told.startswith("1 message to reports by mail was given up: the mail server can't be reached")
    engineer, page = console("engineer"), "/integration/mails/"
    assert 'href="/integration/mails/"' in engineer.get("/").content.decode()
    text = engineer.get(page).content.decode()
    assert "Held orders" in text and "books" in text and "Connection refused" in text
    (item,) = sql.run("SELECT id FROM work_item WHERE facts->>'place' = 'reports by mail'")
    assert 'href="/integration/mails/"' in engineer.get(f"/work/{item[0]}/").content.decode()
    (mail,) = queries.unsent(COMPANY, due + timedelta(hours=1))
    again = {"mail": mail.id}
    assert "may not do" in console("service").post(f"{page}retry/", again, follow=True).content.decode()
    assert "1 mail is tried again" in engineer.post(f"{page}retry/", again, follow=True).content.decode()
    assert report_mail.send_due(due + timedelta(hours=2)) == len(post.mails) == 1
    watch_all_dead_letters(0)
    assert waiting() == [] and "Every mail went out" in engineer.get(page).content.decode()
    assert "no mail" in engineer.post(f"{page}retry/", again, follow=True).content.decode().lower()


def test_what_may_have_arrived_is_told_and_tried_again_where_somebody_says_so(
    console, program, shop, post: Catcher
):
    due = subscribed(console("books"))
    post.breaks_off = True
    report_mail.send_due(due)
    now = due + timedelta(minutes=1)
    (mail,) = queries.unsent(COMPANY, now)
    assert mail.state == "doubtful"
    assert [one["state"] for one in program("engineer").get("/api/v1/report-mails/unsent").json()] == [
        "doubtful"
    ]
    post.breaks_off = False
    assert report_mail.send_due(now) == 0, "not by itself"
    body = {"mailing": str(mail.id)}
    assert program("engineer").post("/api/v1/report-mails/retry", body).status_code == 200
    assert report_mail.send_due(timezone.now() + timedelta(minutes=1)) == 1
    assert queries.unsent(COMPANY, now) == []
    cause, wanted = Cause(Actor("engineer", everything=True), now), [RetryMailing(COMPANY, mail.id)]
    assert isinstance(retry_mailings(cause, requests=wanted)[0], NotFound)


def test_what_may_have_arrived_is_past_where_the_next_one_went_out(console, shop, post: Catcher):
    due = subscribed(console("books"))
    post.breaks_off = True
    report_mail.send_due(due)
    post.breaks_off = False
    report_mail.send_due(due + timedelta(days=1))
    assert queries.unsent(COMPANY, due + timedelta(days=1)) == []


def test_a_mail_of_whoever_left_is_nobodys_work_and_not_dropped_by_a_retry(
    console, shop, post: Catcher, settings
):
    due = subscribed(console("books"))
    given_up(due, settings)
    now = due + timedelta(hours=1)
    (mail,) = queries.unsent(COMPANY, now)
    User.objects.filter(username="books").update(is_active=False)
    assert queries.unsent(COMPANY, now) == []
    cause, wanted = Cause(Actor("engineer", everything=True), now), [RetryMailing(COMPANY, mail.id)]
    assert isinstance(retry_mailings(cause, requests=wanted)[0], NotFound)
    User.objects.filter(username="books").update(is_active=True)
    assert queries.unsent(COMPANY, now) == [mail]


def test_without_a_mail_server_no_mail_is_tried_again(console, shop, post: Catcher, settings):
    due = subscribed(console("books"))
    given_up(due, settings)
    now = due + timedelta(hours=1)
    (mail,) = queries.unsent(COMPANY, now)
    settings.EMAIL_HOST = ""
    engineer, page = console("engineer"), "/integration/mails/"
    assert "Try again" not in engineer.get(page).content.decode()
    refused = engineer.post(f"{page}retry/", {"mail": mail.id}, follow=True).content.decode()
    assert "No mail" in refused or "no mail server is set" in refused
    assert queries.unsent(COMPANY, now) == [mail]


def test_a_mail_whose_sender_was_killed_is_told_after_an_hour(console, shop, post: Catcher):
    due = subscribed(console("books"))
    sql.run("UPDATE access_subscription SET next_at = %(at)s::timestamptz", {"at": due})
    take_due_reports(Cause(Actor("system:mail", everything=True), due), requests=[TakeDueReports()])
    assert queries.unsent(COMPANY, due + timedelta(minutes=5)) == []
    assert [one.state for one in queries.unsent(COMPANY, due + timedelta(hours=2))] == ["sending"]


def test_another_companys_mail_is_not_tried_again(console, shop, post: Catcher, settings):
    due = subscribed(console("books"))
    given_up(due, settings)
    (mail,) = queries.unsent(COMPANY, due + timedelta(hours=1))
    cause = Cause(Actor("engineer", everything=True), due)
    (refused,) = retry_mailings(cause, requests=[RetryMailing(COMPANY + 1, mail.id)])
    assert isinstance(refused, NotFound)


def _state():
    return sql.run("SELECT state, error FROM access_mailing")[0]


def test_without_a_mail_server_the_page_says_so_and_nothing_is_taken(console, shop, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    assert "ENTREPOT_MAIL_HOST" in console("books").get("/reports/held-orders/").content.decode()
    assert report_mail.send_due(datetime(2030, 1, 1, tzinfo=UTC)) == 0
    assert (
        "daily, weekly"
        in console("books")
        .post("/reports/held-orders/mail/", {"rhythm": "hourly", "hour": "6"}, follow=True)
        .content.decode()
    )
    assert (
        console("books").post("/reports/nothing/mail/", {"rhythm": "daily", "hour": "6"}).status_code == 404
    )


def test_programs_subscribe_for_the_person_of_their_key(program, shop):
    api = program("books")
    wanted = {"report": "fill rate", "rhythm": "weekly", "hour": 7, "zone": "Europe/Berlin", "by": "node"}
    made = api.post("/api/v1/report-mails", wanted).json()
    (one,) = api.get("/api/v1/report-mails").json()
    assert (one["id"], one["query"], one["next_at"]) == (made["id"], "by=node", made["next_at"])
    assert program("lead").get("/api/v1/report-mails").json() == []
    assert one["file"] == "xlsx", "unless another is said"
    assert api.post("/api/v1/report-mails", wanted | {"file": "csv"}, "again").json()["id"] == made["id"]
    assert [one["file"] for one in api.get("/api/v1/report-mails").json()] == ["csv"]
    assert api.post("/api/v1/report-mails", wanted | {"file": "pdf"}, "pdf").status_code == 422
    assert api.post("/api/v1/report-mails", wanted | {"zone": "Mars/Base"}, "two").status_code == 422
    assert program("lead").post("/api/v1/report-mails/end", {"id": made["id"]}).status_code == 404
    assert api.post("/api/v1/report-mails/end", {"id": made["id"]}, "end").json() == {"id": made["id"]}
    assert api.get("/api/v1/report-mails").json() == []
