"""Webhooks, as an integration engineer keeps them on their pages and a program by the API."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.channels import webhook_queries
from entrepot.channels.tasks import DESTINATIONS, SWEEPS
from entrepot.kernel import relay, sql, worker
from entrepot.web.views import webhooks_kept
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said
from tests.receiver import Receiver, receiving
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
HOME = "/integration/webhooks/"
SECRET = f"whsec_{base64.b64encode(b'a' * 32).decode()}"


@pytest.fixture
def there(shop, settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_LOCAL = True
    with receiving() as receiver:
        yield receiver


def page_of(browser, address: str) -> str:
    return html.unescape(browser.get(address).content.decode())


def secret_in(page: str) -> str:
    (found,) = re.findall(r"<code>(whsec_[^<]+)</code>", page)
    return found


def test_a_webhook_is_added_its_secret_shown_once_tried_and_sent_again(console, there):
    engineer = console("engineer")
    assert "Nobody is told yet" in page_of(engineer, HOME)
    answer = engineer.post(f"{HOME}add/", {"name": "shop", "url": there.url, "event": ["order.shipped"]})
    assert answer.status_code == 302, "a reload adds nothing anew"
    first = engineer.get(answer.url)
    assert first["Cache-Control"] == "no-store"
    secret = secret_in(html.unescape(first.content.decode()))
    (found,) = webhook_queries.webhooks(COMPANY)
    address = f"{HOME}{found.id}/"
    assert answer.url == address and secret not in page_of(engineer, address)
    assert secret not in str(sql.run("SELECT session_data FROM django_session"))

    done = said(engineer.post(f"{address}send/", {"test": "1"}))
    assert "It is on its way" in done[-1]
    relay.relay_once(DESTINATIONS, at=timezone.now())
    assert len(there.got) == 1
    page = page_of(engineer, address)
    assert "webhook.test" in page and "taken" in page
    (again,) = re.findall(r'name="again" value="(\d+)"', page)
    engineer.post(f"{address}send/", {"again": again})
    relay.relay_once(DESTINATIONS, at=timezone.now())
    assert there.got[0].headers["webhook-id"] == there.got[1].headers["webhook-id"]
    assert "Choose the message" in said(engineer.post(f"{address}send/", {"again": "x"}))[-1]


def test_it_is_changed_gets_a_new_secret_is_paused_opened_and_removed(console, there):
    engineer = console("engineer")
    at = engineer.post(f"{HOME}add/", {"name": "shop", "url": there.url, "event": ["order.shipped"]}).url
    old = secret_in(page_of(engineer, at))
    refused = said(
        engineer.post(f"{at}change/", {"name": "shop", "url": "ftp://x", "event": ["order.shipped"]})
    )
    assert "https://host/path" in html.unescape(refused[-1])
    engineer.post(f"{at}change/", {"name": "web shop", "url": there.url, "event": ["return.received"]})
    assert webhook_queries.webhooks(COMPANY)[0].events == ["return.received"]
    new = secret_in(page_of(engineer, engineer.post(f"{at}secret/").url))
    assert new != old and "The former secret signs as well" in page_of(engineer, at)
    engineer.post(f"{at}switch/", {"step": "pause"})
    assert "paused" in page_of(engineer, at)
    engineer.post(f"{at}switch/", {"step": "open"})
    assert engineer.post(f"{at}switch/", {"step": "burn"}).status_code == 404
    assert engineer.post(f"{at}switch/", {"step": "remove"}).url == HOME
    assert engineer.get(at).status_code == 404


def test_who_may_not_is_refused_and_shown_no_form(console, there):
    at = (
        console("engineer")
        .post(f"{HOME}add/", {"name": "s", "url": there.url, "event": ["order.shipped"]})
        .url
    )
    service = console("service")
    page = page_of(service, HOME)
    assert "An integration engineer adds webhooks." in page and "webhook-add" not in page
    assert "Send a test" not in page_of(service, at)
    for address, fields in (
        (f"{HOME}add/", {"name": "t", "url": there.url, "event": ["order.shipped"]}), (f"{at}send/", {"test": "1"}),
        (f"{at}change/", {"name": "t", "url": there.url, "event": ["order.shipped"]}),
        (f"{at}secret/", {}), (f"{at}switch/", {"step": "remove"}),
    ):  # fmt: skip
        assert "may not do channels." in said(service.post(address, fields))[0]
    assert [one.name for one in webhook_queries.webhooks(COMPANY)] == ["s"]


def test_a_program_keeps_webhooks(program, there):
    engineer = program("engineer")
    wanted = {"name": "shop", "url": there.url, "events": ["order.shipped"], "secret": SECRET}
    added = engineer.post("/api/v1/webhooks", wanted)
    assert added.status_code == 200
    assert engineer.post("/api/v1/webhooks", wanted).json() == added.json(), "the same key, the first answer"
    which = added.json()["webhook"]
    (shown,) = engineer.get("/api/v1/webhooks").json()
    assert (shown["id"], shown["state"], "secret" in shown) == (which, "open", False)
    assert is_problem(engineer.post("/api/v1/webhooks", wanted, again="2"), 409, "channels.webhook_named")
    wrong = wanted | {"name": "b", "url": "https://10.0.0.1/"}
    assert (
        engineer.post("/api/v1/webhooks", wrong | {"events": ["order.eaten"]}, again="3").status_code == 422
    )

    changed = {"webhook": which, "name": "web shop", "url": there.url, "events": ["return.received"]}
    assert engineer.post("/api/v1/webhooks/change", changed).status_code == 200
    assert engineer.post("/api/v1/webhooks/secret", {"webhook": which, "secret": SECRET}).status_code == 200
    assert engineer.post("/api/v1/webhooks/try", {"webhook": which}).status_code == 200
    relay.relay_once(DESTINATIONS, at=timezone.now())
    (message,) = engineer.get(f"/api/v1/webhooks/{which}/messages").json()
    assert (message["topic"], message["state"]) == ("webhook.test", "delivered")
    again = engineer.post("/api/v1/webhooks/send-again", {"webhook": which, "message": message["id"]})
    assert again.status_code == 200
    assert (
        engineer.post("/api/v1/webhooks/switch", {"webhook": which, "step": "remove"}).json()["state"]
        == "removed"
    )
    assert is_problem(engineer.get(f"/api/v1/webhooks/{which}/messages"), 404, "kernel.not_found")
    assert is_problem(program("service").post("/api/v1/webhooks", wanted), 403, "kernel.not_permitted")


def test_how_far_a_webhook_is_behind_is_told(console, program, there, monkeypatch):
    monkeypatch.setattr(webhooks_kept, "LATE", timedelta(0))
    engineer = console("engineer")
    at = engineer.post(f"{HOME}add/", {"name": "shop", "url": there.url, "event": ["order.shipped"]}).url
    behind = "Not told yet: what happened since"
    assert behind in page_of(engineer, at), "that it was added"
    worker.sweep_once(SWEEPS), worker.sweep_once(SWEEPS)
    assert behind not in page_of(engineer, at)
    assert "entrepot_webhooks_behind_seconds 0.0" in program("engineer").get("/metrics").content.decode()
    sql.run("UPDATE channels_webhook SET read_seq = 0")
    assert behind in page_of(engineer, at)
    metrics = program("engineer").get("/metrics").content.decode()
    assert re.search(r"entrepot_webhooks_behind_seconds (?!0\.0\b)\S+", metrics)
    engineer.post(f"{at}switch/", {"step": "pause"})
    assert behind not in page_of(engineer, at), "who is paused misses nothing"
