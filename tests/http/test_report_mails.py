"""Reports by mail, from the form to the mail server: once, with table and link, and nobody's name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from entrepot.access import queries
from entrepot.kernel import sql
from entrepot.web import report_mail
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

    def killed(_due):
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
    assert api.post("/api/v1/report-mails", wanted | {"zone": "Mars/Base"}, "two").status_code == 422
    assert program("lead").post("/api/v1/report-mails/end", {"id": made["id"]}).status_code == 404
    assert api.post("/api/v1/report-mails/end", {"id": made["id"]}, "end").json() == {"id": made["id"]}
    assert api.get("/api/v1/report-mails").json() == []
