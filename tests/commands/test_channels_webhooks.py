"""Webhooks: kept by commands, told out of the event log, sent by the relay to a server of the test."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from entrepot.channels import webhook_client, webhook_queries
from entrepot.channels.commands.keep_webhooks import (
    AddWebhook,
    ChangeWebhook,
    RenewSecret,
    SwitchWebhook,
    WebhookNow,
    add_webhooks,
    change_webhooks,
    renew_secrets,
    switch_webhooks,
)
from entrepot.channels.commands.tell_webhooks import (
    GiveUpWebhooks,
    OnItsWay,
    SendAgain,
    TellWebhooks,
    TryWebhook,
    give_up_webhooks,
    send_again,
    tell_webhooks,
    try_webhooks,
)
from entrepot.channels.errors import WebhookNamed
from entrepot.channels.tasks import DESTINATIONS
from entrepot.kernel import delivery, events, forget, ids, relay, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Away, Invalid, NotFound, NotPermitted, WrongState
from entrepot.kernel.events import Event
from entrepot.kernel.messages import Erased
from entrepot.parties.commands.register import RegisterCompany, register_companies
from tests import tls
from tests.receiver import Receiver, receiving
from tests.sizes import SIZES
from tests.together import until_earlier_ones_ended

NOW = datetime.now(UTC)
BY = Cause(Actor("ines", everything=True), NOW)
COMPANY, OTHER = 1, 2
SECRET = f"whsec_{base64.b64encode(b'a' * 32).decode()}"
NEWER = f"whsec_{base64.b64encode(b'b' * 32).decode()}"


@pytest.fixture
def house(db, settings) -> None:
    settings.WEBHOOKS_LOCAL = True
    register_companies(BY, requests=[RegisterCompany(COMPANY, "hearth", "Hearth", "GBP", "GB")])


@pytest.fixture
def there(house: None) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def wanted(url: str = "https://shop.example.com/hook", name: str = "shop", **more) -> AddWebhook:
    return AddWebhook(
        COMPANY, name, url, more.pop("events", ("order.shipped", "return.received")), SECRET, **more
    )


def added(url: str = "https://shop.example.com/hook", **more) -> UUID:
    (answer,) = add_webhooks(BY, requests=[wanted(url, **more)])
    assert isinstance(answer, WebhookNow) and answer.state == "open"
    return answer.webhook


def happened(
    kind: str, after: str, before: str = "x", company: int = COMPANY, subject: UUID | None = None
) -> UUID:
    subject = subject or ids.uuid7()
    events.write(BY, {"test": [Event(kind, subject, company, before, after)]})
    return subject


def told() -> int:
    """What is told by as many rounds of the worker as it takes."""
    found = 0
    for _ in range(2):  # one notes how far, the next reads up to there
        until_earlier_ones_ended()
        (answer,) = tell_webhooks(BY, requests=[TellWebhooks()])
        found += answer.messages
    return found


def sent(at: datetime | None = None) -> int:
    return relay.relay_once(DESTINATIONS, at=at or datetime.now(UTC) + timedelta(seconds=1))


def outgoing() -> list[tuple]:
    return sql.run("SELECT topic, state, attempts, last_error FROM kernel_delivery ORDER BY id")


def test_a_date_that_slips_is_told_though_the_order_stays_as_it_is(house: None):
    added(events=("order.promise_slipped", "order.ready"))
    order = ids.uuid7()
    for command in ("sourcing.peg", "orders.edit"):
        events.write(BY, {command: [Event("order", order, COMPANY)]})
    assert told() == 1
    assert [topic for topic, *_ in outgoing()] == ["order.promise_slipped"]


def test_what_is_subscribed_to_is_told_signed_and_once(there: Receiver):
    which = added(there.url)
    order = happened("order", "shipped", "packed")
    happened("order", "delivered", "shipped")
    happened("order", "shipped", "packed", company=OTHER)
    assert told() == 1 and told() == 0
    assert sent() == 1 and sent() == 0

    (got,) = there.got
    path, _, body = got.body.partition(" ")
    assert path == "/hook?shop=1"
    said = Webhook(SECRET).verify(body, got.headers)
    assert said["type"] == "order.shipped"
    assert said["data"] == {
        "company": "hearth", "kind": "order", "id": str(order), "before": "packed", "after": "shipped",
    }  # fmt: skip
    with pytest.raises(WebhookVerificationError):
        Webhook(NEWER).verify(body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace("shipped", "closed"), got.headers)
    (shown,) = webhook_queries.latest(COMPANY, which)
    assert (shown.topic, shown.state, shown.subject) == ("order.shipped", "delivered", order)
    assert webhook_queries.latest(OTHER, which) == []


def test_what_happened_before_is_not_told(there: Receiver):
    happened("order", "shipped")
    added(there.url)
    assert told() == 0


def test_more_than_is_read_at_once_is_told_in_the_next_rounds(there: Receiver, monkeypatch):
    monkeypatch.setattr("entrepot.channels.commands.tell_webhooks.AT_ONCE", 2)
    added(there.url)
    orders = [happened("order", "shipped") for _ in range(5)]
    assert sum(told() for _ in range(3)) == 5
    said = [row[0] for row in sql.run("SELECT subject_id FROM kernel_delivery ORDER BY id")]
    assert said == orders


def test_a_new_secret_signs_beside_the_former_for_a_day(there: Receiver):
    which = added(there.url)
    assert renew_secrets(BY, requests=[RenewSecret(COMPANY, which, NEWER)]) == [WebhookNow(which, "open")]
    happened("order", "shipped")
    told(), sent()
    (got,) = there.got
    body = got.body.partition(" ")[2]
    assert got.headers["webhook-signature"].count("v1,") == 2
    assert Webhook(SECRET).verify(body, got.headers) == Webhook(NEWER).verify(body, got.headers)
    after = webhook_queries.address(which, NOW + timedelta(hours=25))
    assert after is not None and after.secrets == (NEWER,)


def test_secrets_are_kept_nowhere_in_the_open(there: Receiver):
    which = added(there.url, key="once")
    renew_secrets(BY, requests=[RenewSecret(COMPANY, which, NEWER, key="twice")])
    for table in ("channels_webhook", "kernel_request", "kernel_event", "kernel_delivery"):
        rows = [row[0] for row in sql.run(f"SELECT {table}::text FROM {table}")]
        assert not [row for row in rows if SECRET in row or NEWER in row or SECRET[6:] in row]


@pytest.mark.parametrize(("status", "error"), [(500, "HTTP 500"), (302, "HTTP 302"), (404, "HTTP 404")])
def test_what_is_not_taken_is_sent_again_later_and_holds_up_no_other(
    there: Receiver, status: int, error: str
):
    added(there.url)
    there.status = status
    if status == 302:
        there.location = f"http://127.0.0.1:{there.port}/elsewhere"
    first, second = happened("order", "shipped"), happened("order", "shipped")
    told()
    at = datetime.now(UTC) + timedelta(seconds=1)
    assert sent(at) == 0
    assert outgoing() == [("order.shipped", "waiting", 1, error)] * 2, "each was tried once"
    assert {one.body.split(" ")[0] for one in there.got} == {"/hook?shop=1"}, "no redirect is followed"
    there.status = 200
    assert sent(at + timedelta(minutes=1)) == 2
    one, other = there.got[0].headers["webhook-id"], there.got[-1].headers["webhook-id"]
    assert {one.headers["webhook-id"] for one in there.got[2:]} == {one, other} or first == second


def test_who_is_away_is_left_alone_as_a_whole(there: Receiver):
    added(there.url)
    there.status = 503
    for _ in range(3):
        happened("order", "shipped")
    told()
    at = datetime.now(UTC) + timedelta(seconds=1)
    sent(at)
    assert [row[1:3] for row in outgoing()] == [("waiting", 1), ("waiting", 0), ("waiting", 0)]
    assert len(there.got) == 1
    there.status = 204
    assert sent(at + delivery.RETRY_AFTER[0]) == 3


def test_a_lane_of_webhooks_holds_up_nothing_else(there: Receiver):
    added(there.url)
    happened("order", "shipped")
    told()
    at = datetime.now(UTC) + timedelta(seconds=1)
    assert relay.relay_once(DESTINATIONS, at=at, lane=delivery.WITHIN) == 0
    assert relay.relay_once(DESTINATIONS, at=at, lane=delivery.WEBHOOKS) == 1


def test_what_is_paused_is_told_nothing_and_gets_what_waited_when_it_is_opened(there: Receiver):
    which = added(there.url)
    happened("order", "shipped")
    told()
    (paused,) = switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "pause", "they move house")])
    assert paused == WebhookNow(which, "paused")
    assert outgoing() == [("order.shipped", "kept", 0, "the webhook is not open")]
    happened("order", "shipped")
    assert told() == 0 and sent() == 0
    assert isinstance(switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "pause")])[0], WrongState)
    (found,) = webhook_queries.webhooks(COMPANY)
    assert (found.state, found.why) == ("paused", "they move house")

    switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "open")])
    assert told() == 0, "what happened meanwhile is not told"
    assert sent() == 1
    happened("order", "shipped")
    assert told() == 1

    switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "remove")])
    assert webhook_queries.webhooks(COMPANY) == [] and told() == 0
    assert added(there.url) != which, "its name is free again"


def test_who_does_not_answer_for_three_days_is_given_up_with_a_work_item(there: Receiver):
    which, fine = added(there.url), added(there.url, name="other", events=("return.received",))
    there.status = 500
    happened("order", "shipped")
    told()
    at = datetime.now(UTC)
    for wait in (*delivery.RETRY_AFTER, timedelta(0)):
        (answer,) = give_up_webhooks(BY, requests=[GiveUpWebhooks()])
        assert answer.webhooks == ()
        sent(at)
        at += wait + timedelta(seconds=1)
    assert [row[1] for row in outgoing()] == ["dead"]
    (answer,) = give_up_webhooks(BY, requests=[GiveUpWebhooks()])
    assert answer.webhooks == (WebhookNow(which, "given_up"),)
    assert give_up_webhooks(BY, requests=[GiveUpWebhooks()])[0].webhooks == ()
    assert {one.id: one.state for one in webhook_queries.webhooks(COMPANY)} == {
        which: "given_up",
        fine: "open",
    }
    ((kind, role),) = sql.run("SELECT type, role FROM work_item")
    assert (kind, role) == ("webhook", "integration engineer")

    switch_webhooks(Cause(BY.actor, at), requests=[SwitchWebhook(COMPANY, which, "open")])
    assert give_up_webhooks(BY, requests=[GiveUpWebhooks()])[0].webhooks == (), (
        "what was before counts no more"
    )


def test_one_message_that_is_refused_for_three_days_beside_another_that_arrives_gives_nobody_up(
    there: Receiver,
):
    which = added(there.url)
    happened("order", "shipped")
    told()
    at = datetime.now(UTC)
    for number, wait in enumerate((*delivery.RETRY_AFTER, timedelta(0))):
        there.status = 400
        sent(at)
        at += wait + timedelta(seconds=1)
        if number == 6:
            there.status = 204
            happened("return", "received")
            told()
            assert sent(at - timedelta(seconds=2)) == 1, "before the first is tried again"
    assert [row[:3] for row in outgoing()] == [
        ("order.shipped", "dead", 13),
        ("return.received", "delivered", 1),
    ]
    assert give_up_webhooks(BY, requests=[GiveUpWebhooks()])[0].webhooks == ()
    assert webhook_queries.webhook(COMPANY, which).state == "open"


def test_who_was_opened_anew_is_not_given_up_for_what_was_before_though_something_arrived_once(
    there: Receiver,
):
    which = added(there.url)
    happened("order", "shipped")
    told(), sent()
    sql.run("UPDATE kernel_delivery SET delivered_at = delivered_at - interval '1 day'")
    there.status = 500
    happened("order", "shipped")
    told()
    at = datetime.now(UTC)
    for wait in (*delivery.RETRY_AFTER, timedelta(0)):
        sent(at)
        at += wait + timedelta(seconds=1)
    assert give_up_webhooks(BY, requests=[GiveUpWebhooks()])[0].webhooks == (WebhookNow(which, "given_up"),)
    switch_webhooks(Cause(BY.actor, at), requests=[SwitchWebhook(COMPANY, which, "open")])
    assert give_up_webhooks(BY, requests=[GiveUpWebhooks()])[0].webhooks == ()


def test_what_was_emptied_is_neither_sent_again_nor_taken_up(there: Receiver):
    which = added(there.url)
    happened("order", "shipped")
    told(), sent()
    happened("order", "shipped")
    told()
    switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "pause")])
    long_after = datetime.now(UTC) + timedelta(days=1)
    assert forget.messages_before(COMPANY, None, long_after, 100) == (0, 2)
    switch_webhooks(BY, requests=[SwitchWebhook(COMPANY, which, "open")])
    assert [row[1] for row in outgoing()] == ["delivered", "kept"]
    for message in webhook_queries.latest(COMPANY, which):
        assert isinstance(send_again(BY, requests=[SendAgain(COMPANY, which, message.id)])[0], Erased)
    assert sent() == 0 and len(there.got) == 1


def test_who_says_that_it_is_gone_is_given_up_at_once(there: Receiver):
    which = added(there.url)
    there.status = 410
    happened("order", "shipped")
    told(), sent()
    (answer,) = give_up_webhooks(BY, requests=[GiveUpWebhooks()])
    assert answer.webhooks == (WebhookNow(which, "given_up"),)


def test_a_webhook_is_tried_and_a_message_is_sent_again_under_its_first_id(there: Receiver):
    which = added(there.url)
    (answer,) = try_webhooks(BY, requests=[TryWebhook(COMPANY, which)])
    assert isinstance(answer, OnItsWay)
    assert sent() == 1
    assert json.loads(there.got[0].body.partition(" ")[2])["type"] == "webhook.test"
    assert there.got[0].headers["webhook-id"] == answer.message

    (message,) = webhook_queries.latest(COMPANY, which)
    send_again(BY, requests=[SendAgain(COMPANY, which, message.id)])
    assert sent() == 1
    assert there.got[1].headers["webhook-id"] == answer.message
    assert Webhook(SECRET).verify(there.got[1].body.partition(" ")[2], there.got[1].headers)

    there.status = 500
    happened("order", "shipped")
    told(), sent()
    waits = webhook_queries.latest(COMPANY, which)[0]
    assert waits.state == "waiting"
    there.status = 200
    assert isinstance(send_again(BY, requests=[SendAgain(COMPANY, which, waits.id)])[0], OnItsWay)
    assert sent() == 1 and len(webhook_queries.latest(COMPANY, which)) == 3


def test_refusals(there: Receiver):
    which = added(there.url)
    strange = ids.uuid7()
    answers = add_webhooks(
        BY,
        requests=[wanted(), wanted(name="b", events=("order.eaten",)), wanted("ftp://a.example.com", name="c"),
                  AddWebhook(COMPANY, "d", there.url, ("order.shipped",), "whsec_short"),
                  wanted(name="e"), wanted(name="e")],
    )  # fmt: skip
    assert [type(one) for one in answers] == [
        WebhookNamed,
        Invalid,
        Invalid,
        Invalid,
        WebhookNow,
        WebhookNamed,
    ]
    events_ = ("order.shipped",)
    answers = change_webhooks(
        BY,
        requests=[ChangeWebhook(COMPANY, strange, "x", there.url, events_),
                  ChangeWebhook(OTHER, which, "x", there.url, events_),
                  ChangeWebhook(COMPANY, which, "e", there.url, events_),
                  ChangeWebhook(COMPANY, which, "", there.url, events_),
                  ChangeWebhook(COMPANY, which, "f", there.url, events_)],
    )  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, NotFound, WebhookNamed, Invalid, WebhookNow]
    assert {one.name for one in webhook_queries.webhooks(COMPANY)} == {"e", "f"}
    assert isinstance(renew_secrets(BY, requests=[RenewSecret(OTHER, which, NEWER)])[0], NotFound)
    assert isinstance(renew_secrets(BY, requests=[RenewSecret(COMPANY, which, "x")])[0], Invalid)
    assert isinstance(switch_webhooks(BY, requests=[SwitchWebhook(OTHER, which, "pause")])[0], NotFound)
    assert isinstance(try_webhooks(BY, requests=[TryWebhook(OTHER, which)])[0], NotFound)
    assert isinstance(send_again(BY, requests=[SendAgain(COMPANY, which, 12)])[0], NotFound)
    nobody = Cause(Actor("pia"), NOW)
    assert isinstance(add_webhooks(nobody, requests=[wanted(name="z")])[0], NotPermitted)


def test_local_addresses_are_refused_without_the_setting_whatever_their_name_says(
    house: None, settings, monkeypatch
):
    settings.WEBHOOKS_LOCAL = False
    (answer,) = add_webhooks(BY, requests=[wanted("https://127.0.0.1/hook")])
    assert isinstance(answer, Invalid)
    # A name that leads into the house, all of it or one address of it, is not connected to at all.
    for found in (["127.0.0.1"], ["93.184.216.34", "169.254.169.254"], ["::ffff:10.0.0.1"]):
        monkeypatch.setattr(
            "socket.getaddrinfo", lambda *_a, found=found, **_k: [(2, 1, 6, "", (one, 443)) for one in found]
        )
        monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("nothing is connected to"))
        with pytest.raises(Away, match="not of the public internet"):
            webhook_client.post("https://evil.example.com/", b"{}", {}, permits_local=False)


def test_a_name_is_looked_up_once_and_its_judged_address_is_connected_to(there: Receiver, monkeypatch):
    asked = []

    def look_up(host: str, *_a: object, **_k: object) -> list[tuple]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", there.port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    assert webhook_client.post("http://shop.example.com/x", b"{}", {}, permits_local=True) == 204
    assert asked == ["shop.example.com"]
    assert there.got[0].headers["host"] == "shop.example.com"


def test_nobody_waits_for_ever(there: Receiver, monkeypatch):
    monkeypatch.setattr(webhook_client, "WHOLE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def take() -> None:
            with silent.accept()[0] as wire:
                while wire.recv(1000):
                    pass

        taken = threading.Thread(target=take)
        taken.start()
        with pytest.raises(Away, match="does not answer"):
            webhook_client.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, permits_local=True)
        taken.join()


@pytest.mark.parametrize("dribbles", ["status", "headers"])
def test_nor_for_ever_for_who_answers_a_letter_at_a_time_over_tls(
    house: None, monkeypatch, tmp_path, dribbles: str
):
    monkeypatch.setattr(webhook_client, "WHOLE_S", 0.5)
    server = tls.server_of("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with suppress(OSError), server.wrap_socket(listening.accept()[0], server_side=True) as wire:
                wire.recv(10_000)
                wire.sendall(b"HTTP/1.1 200 OK\r\n" if dribbles == "headers" else b"HTTP/1.1 2")
                for _ in range(100):
                    wire.sendall(b"0")
                    time.sleep(0.1)

        taken = threading.Thread(target=take)
        taken.start()
        began = time.monotonic()
        with pytest.raises(Away, match="does not answer"):
            webhook_client.post(
                f"https://localhost:{listening.getsockname()[1]}/", b"{}", {}, permits_local=True
            )
        assert time.monotonic() - began < 5
        taken.join()


def test_a_message_arrives_over_tls(house: None, monkeypatch, tmp_path):
    server = tls.server_of("localhost", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with server.wrap_socket(listening.accept()[0], server_side=True) as wire:
                came = b""
                while not came.endswith(b"{}"):  # what is left unread would break the connection off
                    came += wire.recv(10_000)
                wire.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        taken = threading.Thread(target=take)
        taken.start()
        address = f"https://localhost:{listening.getsockname()[1]}/"
        assert webhook_client.post(address, b"{}", {}, permits_local=True) == 204
        taken.join()


def test_a_key_of_the_request_gets_its_answer_again(house: None):
    request = wanted(key="once")
    assert add_webhooks(BY, requests=[request]) == add_webhooks(BY, requests=[request])
    assert len(webhook_queries.webhooks(COMPANY)) == 1


@pytest.mark.counts(
    "channels.add_webhooks", "channels.change_webhooks", "channels.renew_secrets", "channels.switch_webhooks",
    "channels.try_webhooks", "channels.tell_webhooks", "channels.send_again", "channels.give_up_webhooks",
)  # fmt: skip
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(house: None, statements, count: int):
    counts = []

    def counting(command, requests):
        with statements() as ran:
            answers = command(BY, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        return answers

    made = counting(add_webhooks, [wanted(name=f"w{i}") for i in range(count)])
    which = [one.webhook for one in made]
    counting(change_webhooks, [ChangeWebhook(COMPANY, one, f"v{i}", "https://a.example.com/", ("order.shipped",))
                               for i, one in enumerate(which)])  # fmt: skip
    counting(renew_secrets, [RenewSecret(COMPANY, one, NEWER) for one in which])
    counting(try_webhooks, [TryWebhook(COMPANY, one) for one in which])
    happened("order", "shipped")
    counting(tell_webhooks, [TellWebhooks()])
    assert counting(tell_webhooks, [TellWebhooks()] * count)[0].messages == count
    sql.run("UPDATE kernel_delivery SET state = 'delivered' WHERE topic = 'webhook.test'")
    for topic in ("webhook.test", "order.shipped"):
        rows = sql.run(
            "SELECT id, destination FROM kernel_delivery WHERE topic = %(topic)s", {"topic": topic}
        )
        counting(send_again, [SendAgain(COMPANY, UUID(to.partition(":")[2]), one) for one, to in rows])
    sql.run("UPDATE kernel_delivery SET state = 'dead', next_try_at = now() + interval '1 day'")
    assert len(counting(give_up_webhooks, [GiveUpWebhooks()] * count)[0].webhooks) == count
    counting(switch_webhooks, [SwitchWebhook(COMPANY, one, "open") for one in which])
    assert counts == [4, 4, 3, 4, 5, 7, 5, 6, 7, 5], f"{counts}"
