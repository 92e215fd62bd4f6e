"""Webhooks of carriers and of the payment provider: signed or not taken."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

import pytest
from django.test import Client

from entrepot.kernel import ids, sql, worker
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.payments.commands.authorize import Authorize as AuthorizePayment
from entrepot.payments.commands.authorize import authorize as authorize_payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.settle import Settle, settle
from entrepot.returns import parcel_queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.tasks import serve_scanned
from entrepot.shipping import queries
from entrepot.shipping.commands.take_tracking import SCANNED
from tests.rules.test_easypost import a_message, detail
from tests.shop import COMPANY, the_system
from tests.stripe import dispute, event, signature

pytestmark = pytest.mark.django_db
SECRET = "tell nobody"


def send(company: str, body: str, secret: str | None = SECRET):
    told = body.encode()
    headers = {}
    if secret:
        digest = hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
        headers["X-Hmac-Signature"] = f"hmac-sha256-hex={digest}"
    return Client().post(
        f"/webhooks/easypost/{company}/", told, content_type="application/json", headers=headers
    )


@pytest.fixture
def code(shop, settings) -> str:
    settings.EASYPOST_SECRET = SECRET
    return sql.run("SELECT code FROM parties_company")[0][0]


def test_a_signed_message_delivers(shop, code):
    order = shop.one("shipped")
    (gone,) = queries.of_order(order)
    message = a_message(gone.tracking, detail("delivered", shop.now + timedelta(hours=1)))
    assert send(code, message).status_code == 200
    assert send(code, message).status_code == 200
    assert orders.order(order).status == "delivered"
    by = sql.run(
        "SELECT actor FROM kernel_event WHERE subject_id = %(id)s AND state_after = 'delivered'",
        {"id": gone.id},
    )
    assert by == [("carrier:easypost",)]


def test_what_is_not_signed_right_is_not_taken(shop, code):
    message = a_message("1Z", detail("delivered"))
    assert send(code, message, None).status_code == 403
    assert send(code, message, "guessed").status_code == 403
    assert send("nobody", message).status_code == 404
    assert Client().get(f"/webhooks/easypost/{code}/").status_code == 405
    assert sql.run("SELECT count(*)::int FROM kernel_inbox") == [(0,)]


def test_what_can_not_be_read_is_told(shop, code):
    told = send(code, "{")
    assert told.status_code == 422
    assert "no JSON" in told.content.decode()


def test_without_a_secret_there_is_no_such_address(shop, code, settings):
    settings.EASYPOST_SECRET = ""
    assert send(code, "{}").status_code == 404


# ---- the payment provider


def tell(company: str, body: str, secret: str = SECRET, at: int | None = None):
    header = signature(body, secret, int(time.time()) if at is None else at)
    headers = {"Stripe-Signature": header}
    return Client().post(
        f"/webhooks/stripe/{company}/", body, content_type="application/json", headers=headers
    )


def test_a_message_of_stripe_is_kept_once_and_only_with_its_signature(shop, code, settings):
    message = event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_of_nobody", 100))
    assert tell(code, message).status_code == 404, "no secret, no address"
    settings.STRIPE_SECRET = SECRET
    assert [tell(code, message).status_code for _ in range(2)] == [200, 200]
    assert tell(code, message, "guessed").status_code == 403
    assert tell(code, message, at=1_700_000_000).status_code == 403, "an old message may be a copy"
    assert tell("nobody", message).status_code == 404
    told = tell(code, "{")
    assert (told.status_code, "no JSON" in told.content.decode()) == (422, True)
    kept = sql.run("SELECT source, external_id, state, payload FROM kernel_inbox WHERE state <> 'dead'")
    assert kept == [("stripe", "evt_1", "done", message)]
    dead = sql.run("SELECT source, payload FROM kernel_inbox WHERE state = 'dead'")
    assert dead == [("stripe", "{")], "what is genuine and can't be read waits for a person"


def test_what_can_be_read_and_not_booked_is_no_dead_letter(shop, code, settings):
    """The bank takes more than was paid: the message waits where it can be replayed, and nowhere else."""
    settings.STRIPE_SECRET = SECRET
    paid = AuthorizePayment(COMPANY, ids.uuid7(), "stripe", "pi_1", "GBP", 1_000, shop.now)
    whole(authorize_payments(the_system(shop.now), requests=[paid]))
    told = tell(code, event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 99_999)))
    assert (told.status_code, "at most" in told.content.decode()) == (422, True)
    kept = sql.run("SELECT external_id, state FROM kernel_inbox WHERE source = 'stripe'")
    assert kept == [("evt_1", "set_aside")]


def test_what_the_books_refuse_is_told_and_waits_for_a_person(shop, code, settings):
    """Of a day of a month that is closed: neither is the message lost, nor sent over and over."""
    settings.STRIPE_SECRET = SECRET
    system, order = the_system(shop.now), ids.uuid7()
    paid = AuthorizePayment(COMPANY, order, "stripe", "pi_1", "GBP", 1_000, shop.now)
    whole(authorize_payments(system, requests=[paid]))
    whole(capture(system, requests=[Capture(order, 1_000)]))
    ((attempt,),) = sql.run(
        "SELECT a.id FROM payments_attempt AS a JOIN payments_payment AS p ON p.id = a.payment_id"
        " WHERE p.order_id = %(order)s",
        {"order": order},
    )
    whole(settle(system, requests=[Settle(attempt, ok=True, provider_reference="ch_1")]))
    sql.run(
        "INSERT INTO ledger_period (company_id, month, state, decided_by, decided_at)"
        " SELECT id, '2020-01-01', 'closed', 'tester', now() FROM parties_company"
    )
    message = event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 100), 1_578_000_000)
    told = tell(code, message)
    assert (told.status_code, "2020-01 is closed" in told.content.decode()) == (422, True)
    assert sql.run("SELECT state FROM kernel_inbox WHERE external_id = 'evt_1'") == [("set_aside",)]
    assert sql.run("SELECT count(*)::int FROM work_item WHERE type = 'dispute not taken'") == [(1,)]
    assert tell(code, message).status_code == 200


def test_what_a_carrier_tells_of_a_parcel_that_comes_back_is_its_scan(shop, code):
    order = shop.one("delivered")
    ((line,),) = sql.run(
        "SELECT id FROM orders_line WHERE order_id = %(id)s AND sku_id IS NOT NULL LIMIT 1", {"id": order}
    )
    (asked,) = authorize(the_system(shop.now), requests=[Authorize(order, (Item(line, 1),))])
    announce_parcels(the_system(shop.now), requests=[AnnounceParcel(asked.return_id, "back 1")])
    assert send(code, a_message("BACK1", detail("pre_transit", shop.now))).status_code == 200
    assert not parcel_queries.is_scanned(asked.return_id)
    assert send(code, a_message("BACK1", detail("in_transit", shop.now), name="evt_2")).status_code == 200
    worker.serve_once({SCANNED: serve_scanned})
    assert parcel_queries.is_scanned(asked.return_id)
