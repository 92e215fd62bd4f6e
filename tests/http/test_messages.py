"""The integration desk: messages that stand still, their payloads, feeds; pages and API."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import delivery, ids, inbox, sql
from entrepot.kernel import queries as kernel
from entrepot.kernel.delivery import Message
from entrepot.kernel.masking import MASK
from entrepot.kernel.messages import KeepUnread, keep_unread
from entrepot.web import listed
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

BODY = {"sku": "MUG-BLUE", "email": "ada@example.com"}


@pytest.fixture
def dead(shop) -> str:
    """A message to the web shop that was given up, with somebody in it."""
    delivery.send(the_system(shop.now), [Message("channels:web", "order.told", ids.uuid7(), COMPANY, BODY)])
    return sql.run(
        "UPDATE kernel_delivery SET state = 'dead', last_error = 'the shop does not answer'"
        " WHERE id = (SELECT max(id) FROM kernel_delivery) RETURNING id::text"
    )[0][0]


def test_an_engineer_sees_what_stands_and_why_but_no_person(console, dead):
    engineer = console("engineer")
    page = engineer.get("/integration/").content.decode()
    assert "the shop does not answer" in page and "order.told" in page and "channels:web" in page
    one = engineer.get(f"/integration/out/{dead}/").content.decode()
    assert "MUG-BLUE" in one and MASK in one and "ada@example.com" not in one
    assert 'name="content"' not in one, "who is not shown all of it can't edit it"
    whole = console("service").get(f"/integration/out/{dead}/").content.decode()
    assert "ada@example.com" in whole and "Drop" not in whole, (
        "customer service sees buyers and may do nothing here"
    )
    assert engineer.get("/integration/out/x/").status_code == 404
    assert engineer.get("/integration/in/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_it_is_mended_replayed_and_dropped_with_a_reason(console, dead):
    engineer, root = console("engineer"), console("root")
    told = {"side": "out", "message": dead, "do": "replay"}
    page = engineer.post("/integration/act/", told | {"reason": ""}, follow=True).content.decode()
    assert "reason: expected why" in page
    engineer.post("/integration/act/", told | {"reason": "try", "content": '{"masked": true}'})
    assert _row(dead) == ("waiting", BODY), "what was masked is not written back"
    root.post("/integration/act/", told | {"reason": "wrong SKU", "content": '{"sku": "MUG-SAND"}'})
    assert _row(dead) == ("waiting", {"sku": "MUG-SAND"})
    page = engineer.post("/integration/act/", told | {"do": "drop", "reason": "too late"}, follow=True)
    assert "1 message will have no effect" in page.content.decode()
    assert _row(dead)[0] == "dropped"
    assert "too late" in engineer.get("/integration/?state=dropped").content.decode()
    refused = (
        console("lead").post("/integration/act/", told | {"reason": "mine"}, follow=True).content.decode()
    )
    assert "may not do" in refused


def test_many_are_mended_and_sent_on_their_way_again_at_once(console, dead, shop, monkeypatch):
    monkeypatch.setattr(listed, "PAGE", 1)
    engineer, root = console("engineer"), console("root")
    sent = [
        Message("channels:web", "order.told", ids.uuid7(), COMPANY, {"sku": "MUG-BLUE"}) for _ in range(3)
    ]
    delivery.send(the_system(shop.now), sent)
    sql.run("UPDATE kernel_delivery SET state = 'dead' WHERE topic = 'order.told' RETURNING 1")
    address = "/integration/?side=out&state=dead&place=channels:web"
    text = engineer.get(address).content.decode()
    assert "Select all that match" in text and "Mend them all first" in text
    company = re.search(r'name="all" value="([^"]+)"', text)[1]
    told = {"side": "out", "do": "replay", "reason": "renamed", "replaces": "MUG-BLUE", "by": "MUG-SAND"}
    act = "/integration/act/?side=out&state=dead&place=channels:web"
    page = engineer.post(act, told | {"all": company}, follow=True).content.decode()
    assert "3 messages are on their way again" in page and "1 message is masked for you in part" in page
    bodies = sql.run(
        "SELECT body ->> 'sku' FROM kernel_delivery WHERE topic = 'order.told' AND state = 'waiting'"
    )
    assert bodies == [("MUG-SAND",)] * 3 and _row(dead) == ("dead", BODY)
    root.post(act, told | {"message": dead})
    assert _row(dead) == ("waiting", BODY | {"sku": "MUG-SAND"})


def test_blanks_around_what_is_replaced_count_and_blanks_alone_replace_nothing(console, dead, shop):
    root, act = console("root"), "/integration/act/?side=out&state=dead&place=channels:web"
    sent = Message("channels:web", "mug.told", ids.uuid7(), COMPANY, {"name": "Mug  blue", "sku": "MUG "})
    delivery.send(the_system(shop.now), [sent])
    ((message,),) = sql.run("UPDATE kernel_delivery SET state = 'dead' WHERE topic = 'mug.told' RETURNING id")
    told = {"side": "out", "do": "replay", "reason": "a blank too many", "message": str(message)}
    root.post(act, told | {"replaces": 'MUG "', "by": 'MUG"'})
    assert _row(message) == ("waiting", {"name": "Mug  blue", "sku": "MUG"})
    sql.run("UPDATE kernel_delivery SET state = 'dead' WHERE topic = 'mug.told' RETURNING id")
    root.post(act, told | {"replaces": "g  ", "by": "g "})
    assert _row(message) == ("waiting", {"name": "Mug blue", "sku": "MUG"})
    sql.run("UPDATE kernel_delivery SET state = 'dead' WHERE topic = 'mug.told' RETURNING id")
    root.post(act, told | {"replaces": " ", "by": ""})
    assert _row(message)[1] == {"name": "Mug blue", "sku": "MUG"}


def _row(message):
    return sql.run("SELECT state, body FROM kernel_delivery WHERE id = %(id)s", {"id": int(message)})[0]


def test_programs_list_read_replay_and_drop(program, dead, shop):
    (unread,) = keep_unread(the_system(shop.now), requests=[KeepUnread(COMPANY, "easypost", "{", "no JSON")])
    api = program("engineer")
    found = api.get("/api/v1/messages").json()
    assert [(one["id"], one["error"]) for one in found["items"]] == [(dead, "the shop does not answer")]
    assert api.get(f"/api/v1/messages?after={dead}").json() == {"items": [], "next": None}
    assert api.get("/api/v1/messages?after=ab").status_code == 422
    assert [one["id"] for one in api.get("/api/v1/messages?side=in").json()["items"]] == [unread.message]
    said = api.get(f"/api/v1/messages/content?side=out&message={dead}").json()
    assert said["is_masked"] and json.loads(said["content"]) == BODY | {"email": MASK}
    assert api.get("/api/v1/messages/content?side=out&message=1234567").status_code == 404

    body = {"side": "out", "message": dead, "reason": "it is back"}
    assert api.post("/api/v1/messages/replay", body).json() == {
        "side": "out",
        "message": dead,
        "state": "waiting",
    }
    both = [body, {"side": "in", "message": unread.message, "reason": "noise"}]
    answers = api.post("/api/v1/messages/drop", both, "two").json()
    assert [one["state"] for one in answers] == ["dropped", "dropped"]
    assert program("lead").post("/api/v1/messages/drop", body, "three").status_code == 403


def test_answers_to_a_program_tell_nothing_of_what_is_masked_for_it(program, dead):
    """Whether a message says something would be told by the refusal of what it does not say."""
    body = {"side": "out", "message": dead, "reason": "probing"}
    guesses = [{"replaces": "ada@"}, {"replaces": "bob@"}, {"content": json.dumps(BODY)}]
    for n, guess in enumerate(guesses):
        answer = program("engineer").post("/api/v1/messages/replay", body | guess, f"probe-{n}")
        assert answer.status_code == 403 and answer.json()["code"] == "kernel.message_masked", answer.content
    assert _row(dead) == ("dead", BODY)
    fixed = program("root").post(
        "/api/v1/messages/replay", body | {"replaces": "MUG-BLUE", "by": "MUG-SAND"}, "fix"
    )
    assert fixed.status_code == 200 and _row(dead) == ("waiting", BODY | {"sku": "MUG-SAND"})


def test_feeds_and_published_stock_are_compared(console, program, shop):
    page = console("engineer").get("/integration/feeds/").content.decode()
    assert "Orders of web" in page and "Never arrived" not in page
    page = console("engineer").get("/integration/feeds/?list=shelves").content.decode()
    assert "Never arrived" in page and "market" in page
    feeds = program("engineer").get("/api/v1/feeds").json()
    web = next(one for one in feeds if (one["kind"], one["name"]) == ("orders", "web"))
    assert web["freshness"] in ("fresh", "late", "silent", "unknown") and web["day"] >= 0


def test_what_a_channel_was_told_is_compared_with_what_it_may_have(shop):
    from entrepot.insight import feeds
    from entrepot.stock.commands.publish import PublishChanges, publish

    publish(the_system(shop.now), requests=[PublishChanges()])
    (market, web) = feeds.shelves(COMPANY, shop.now.date())
    assert (market.channel, web.channel, web.wrong) == ("market", "web", 0) and web.skus > 0
    sql.run(
        "UPDATE stock_published SET quantity = quantity + 1 WHERE sku_id = %(sku)s",
        {"sku": shop.skus["MUG-BLUE"]},
    )
    assert [one.wrong for one in feeds.shelves(COMPANY, shop.now.date())] == [1, 1]
    sql.run(
        "UPDATE stock_published SET quantity = quantity - 1 WHERE sku_id = %(sku)s",
        {"sku": shop.skus["MUG-BLUE"]},
    )


def test_what_arrived_is_found_by_day_name_topic_and_place(console, shop, program):
    engineer, api = console("engineer"), program("engineer")
    order = shop.one("ready")
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE id = %(id)s", {"id": order})
    sent = [
        Message("channels:web", "order.said", order, COMPANY, {}),
        Message("channels:web", "order.other", ids.uuid7(), COMPANY, {}),
        Message("channels:shop", "order.said", ids.uuid7(), COMPANY, {}),
    ]
    delivery.send(the_system(shop.now), sent)
    sql.run("UPDATE kernel_delivery SET state = 'delivered' WHERE topic LIKE 'order.%' RETURNING 1")
    inbox.receive(
        the_system(shop.now), [inbox.Incoming(COMPANY, "post", "t1", "tracking", "{}")], state="done"
    )
    inbox.receive(the_system(shop.now), [inbox.Incoming(COMPANY, "web", "t1", "order", "{}")], state="done")
    day = f"{shop.now:%Y-%m-%d}"

    def seen(query: str) -> int:
        page = engineer.get(f"/integration/?{query}").content.decode()
        return len(re.findall(r'href="/integration/(?:out|in)/[0-9a-f-]+/"', page))

    assert "order.said" not in engineer.get("/integration/").content.decode(), "what arrived needs nobody"
    assert seen(f"state=delivered&day={day}&topic=order.said") == 2
    assert seen(f"state=delivered&day={day}&topic=order.said&place=channels:shop") == 1
    assert seen("state=delivered&day=2001-01-01") == 0
    for never in ("9999-12-31", "9998-12-31", "0001-01-01", "0002-01-01", "tomorrow"):
        for side in ("out", "in"):
            assert engineer.get(f"/integration/?side={side}&state=any&day={never}").status_code == 200, never
    assert seen(f"named={number}&topic=order.said") == seen(f"named={order}&topic=order.said") == 1
    assert seen("named=SO-none") == 0
    assert seen(f"state=dead&day={day}&topic=order.said") == 0
    assert seen("side=in&named=t1") == 2 and seen("side=in&named=t1&place=post") == 1
    assert seen(f"side=in&state=done&day={day}&topic=tracking") == 1
    assert (
        "Send on its way again"
        not in engineer.get(f"/integration/?state=delivered&day={day}").content.decode()
    )

    window = f"since={day}T00:00:00Z&until={shop.now + timedelta(days=1):%Y-%m-%d}T00:00:00Z"
    told = api.get(f"/api/v1/messages?state=delivered&topic=order.said&{window}&limit=1").json()
    assert len(told.get("items", ())) == 1 and told["next"], told
    rest = api.get(
        f"/api/v1/messages?state=delivered&topic=order.said&{window}&limit=1&after={told['next']}"
    ).json()
    assert len(rest["items"]) == 1 and rest["next"] is None
    assert rest["items"][0]["id"] < told["items"][0]["id"]
    assert len(api.get(f"/api/v1/messages?state=any&named={number}&topic=order.said").json()["items"]) == 1
    assert len(api.get("/api/v1/messages?side=in&state=any&named=t1").json()["items"]) == 2
    wide = "/api/v1/messages?state=any&since=2001-01-01T00:00:00Z&until=2001-02-01T00:00:00Z"
    assert api.get(wide).status_code == 422
    assert kernel.archive(COMPANY, "out") == [] == kernel.archive(COMPANY + 1, "out", subject=order)


def test_of_a_day_its_own_messages_are_read_and_not_all(shop):
    for side, table, since in (
        ("out", "kernel_delivery", "created_at"),
        ("in", "kernel_inbox", "received_at"),
    ):
        found, archive, before = (
            (kernel._OUT_DURING, kernel._ARCHIVE_OUT, str(2**62))
            if side == "out"
            else (kernel._IN_DURING, kernel._ARCHIVE_IN, str(UUID(int=2**128 - 1)))
        )
        asked = {
            "since": shop.now, "until": shop.now, "company": COMPANY, "states": [], "place": "", "topic": "",
            "before": before, "limit": 50,
        }  # fmt: skip
        with sql.transaction():
            sql.run("SET LOCAL enable_seqscan = off")  # of a few rows all are read
            plan = str(sql.run(f"EXPLAIN {archive.format(found=found)}", asked))
        assert f"{table}_by_day" in plan and f"(company_id = '{COMPANY}'::smallint) AND ({since} >=" in plan
