"""What a person has just done and can take back: the toast carries the form of the reversing command."""

from __future__ import annotations

import re
from typing import Any

import pytest

from entrepot.access import queries as access
from entrepot.kernel import sql
from entrepot.network import queries as network
from entrepot.orders import queries as orders
from entrepot.work import queries as work
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db
TOAST = re.compile(
    r'<div class="message success">.*?<form method="post" action="(.+?)">(.*?)</form>', re.DOTALL
)


def undo_of(page: Any) -> tuple[str, dict[str, list[str]]]:
    """The form that the toast of a page offers: where it goes and what it says."""
    found = TOAST.search(page.content.decode())
    assert found, "no undo is offered"
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="([\w-]+)" value="([^"]*)"', found[2]):
        fields.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found[1], fields


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"action": "claim"}, "1 item is back in the queue."),
        ({"action": "snooze", "hours": "24"}, "1 item waits again."),
        ({"action": "assign", "person": "service"}, "1 item is back in the queue."),
    ],
)
def test_items_that_were_taken_or_put_aside_wait_again(console, shop, asked, said):
    item = work.of_subject(shop.one("fraud"))[0].id
    before = work.item(item)
    lead = console("lead")
    done = lead.post("/work/act/", asked | {"item": item, "next": "/work/"}, follow=True)
    assert work.item(item) != before
    address, fields = undo_of(done)
    assert fields["next"] == ["/work/"]
    undone = lead.post(address, fields, follow=True)
    assert said in undone.content.decode()
    assert (work.item(item).owner, work.item(item).snoozed_until) == (before.owner, before.snoozed_until)
    assert not TOAST.search(lead.get("/work/").content.decode()), "it is offered once"


def test_work_that_was_given_away_goes_back_to_whoever_had_it(console, shop):
    item = work.of_subject(shop.one("fraud"))[0].id
    lead = console("lead")
    lead.post("/work/act/", {"action": "assign", "person": "service", "item": item})
    address, fields = undo_of(
        lead.post("/work/act/", {"action": "assign", "person": "supervisor", "item": item}, follow=True)
    )
    lead.post(address, fields)
    assert work.item(item).owner == "service"


def test_work_that_another_role_was_asked_for_is_asked_of_the_first_one_again(console, shop):
    item = work.of_subject(shop.one("fraud"))[0].id
    before, lead = work.item(item), console("lead")
    done = lead.post("/work/act/", {"action": "escalate", "role": "controller", "item": item}, follow=True)
    assert work.item(item).role == "controller"
    address, fields = undo_of(done)
    lead.post(address, fields)
    assert work.item(item).role == before.role


def test_work_that_another_role_was_asked_for_goes_back_to_whoever_had_it(console, shop):
    item = work.of_subject(shop.one("fraud"))[0].id
    lead = console("lead")
    lead.post("/work/act/", {"action": "assign", "person": "service", "item": item})
    before = work.item(item)
    asked = {"action": "escalate", "role": "controller", "item": item}
    address, fields = undo_of(lead.post("/work/act/", asked, follow=True))
    lead.post(address, fields)
    after = work.item(item)
    assert (after.owner, after.role, after.state) == ("service", before.role, "claimed")
    assert after.escalated_at is None, "it counts as not escalated, and is escalated in its time"


def test_what_was_escalated_before_stays_so_when_a_second_time_is_taken_back(console, shop):
    item, lead = work.of_subject(shop.one("fraud"))[0].id, console("lead")
    asked = {"action": "escalate", "item": item}
    lead.post("/work/act/", asked | {"role": "controller"})
    first = work.item(item)
    address, fields = undo_of(lead.post("/work/act/", asked | {"role": "customer service"}, follow=True))
    lead.post(address, fields)
    after = work.item(item)
    assert first.escalated_at and (after.role, after.escalated_at) == (first.role, first.escalated_at)


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "claim"},
        {"action": "snooze", "hours": "24"},
        {"action": "assign", "person": "service"},
        {"action": "escalate", "role": "controller"},
    ],
)
def test_what_somebody_else_changed_meanwhile_is_not_taken_back(console, shop, asked):
    item = work.of_subject(shop.one("fraud"))[0].id
    lead, root = console("lead"), console("root")
    address, fields = undo_of(lead.post("/work/act/", asked | {"item": item}, follow=True))
    other = {"action": "snooze", "hours": "72"} if asked["action"] == "snooze" else {
        "action": "assign", "person": "supervisor",
    }  # fmt: skip
    root.post("/work/act/", other | {"item": item})
    now = work.item(item)
    page = lead.post(address, fields, follow=True).content.decode()
    assert "changed item" in page and "Look at it again" in page
    assert work.item(item) == now


@pytest.mark.parametrize("where", ["/work/", "/work/{}/"])
def test_an_act_on_a_page_that_is_behind_is_refused(console, shop, where):
    item = work.of_subject(shop.one("fraud"))[0].id
    lead, root = console("lead"), console("root")
    text = lead.get(where.format(item)).content.decode()
    fields = dict(re.findall(rf'name="(seen(?:-{item})?)" value="([^"]*)"', text))
    assert fields, "the page says who it saw at the item"
    root.post("/work/act/", {"action": "assign", "person": "supervisor", "item": item})
    told = {"action": "assign", "person": "service", "item": item, "next": "/work/"}
    page = lead.post("/work/act/", fields | told, follow=True).content.decode()
    assert "expected nobody, found supervisor" in page
    assert work.item(item).owner == "supervisor"


def test_a_draft_that_was_discarded_goes_on(console, shop):
    service = console("service")
    form = {
        "channel": "web",
        "sku": "MUG-BLUE",
        "quantity": "1",
        "price": "12.50",
        "line_discount": "",
        "do": "save",
    }
    made = service.post("/orders/drafts/new/", form)
    done = service.post(made.url, form | {"do": "discard"}, follow=True)
    address, fields = undo_of(done)
    back = service.post(address, fields, follow=True)
    assert "The draft goes on." in back.content.decode()
    assert orders.draft(back.redirect_chain[-1][0].rstrip("/").rpartition("/")[2]).state == "draft"


def test_a_hold_that_was_placed_is_let_go(console, shop):
    order = shop.one("ready")
    lead = console("lead")
    done = lead.post(f"/orders/{order}/hold/", {"type": "address hold", "reason": "A slip."}, follow=True)
    assert orders.order(order).status == "address hold"
    address, fields = undo_of(done)
    lead.post(address, fields)
    assert orders.order(order).status == "ready"


def test_a_view_that_was_forgotten_is_kept_again(console, shop):
    lead = console("lead")
    lead.post("/views/orders/save/", {"name": "Late", "next": "/orders/?late=1&status=held"})
    kept = next(one for one in access.views(COMPANY, "orders", "lead", ()) if one.name == "Late")
    address, fields = undo_of(lead.post(f"/views/{kept.id}/drop/", {"next": "/orders/"}, follow=True))
    assert access.view(COMPANY, kept.id, "lead", ()) is None
    lead.post(address, fields)
    again = next(one for one in access.views(COMPANY, "orders", "lead", ()) if one.name == "Late")
    assert (again.query, again.role) == (kept.query, kept.role)


def test_what_was_refused_or_may_not_be_reversed_offers_nothing(console, shop):
    order = shop.one("cancelled")
    done = console("lead").post(
        f"/orders/{order}/hold/", {"type": "address hold", "reason": "x"}, follow=True
    )
    assert ">Undo<" not in done.content.decode()


def test_a_bin_that_was_blocked_is_opened_again(console, shop):
    supervisor = console("supervisor")
    ((which, kind),) = sql.run("SELECT id, kind FROM network_bin WHERE code = 'R-01' LIMIT 1")
    done = supervisor.post("/stock/bins/act/", {"bin": which, "do": "block", "why": "wet"}, follow=True)
    address, fields = undo_of(done)
    supervisor.post(address, fields)
    assert sql.run("SELECT kind FROM network_bin WHERE id = %(b)s", {"b": which}) == [(kind,)]


def test_a_bin_that_was_retired_is_not_blocked_by_an_undo(console, shop):
    supervisor = console("supervisor")
    ((which,),) = sql.run("SELECT id FROM network_bin WHERE code = 'R-01' LIMIT 1")
    sql.run("UPDATE network_bin SET was = kind, kind = 'retired' WHERE id = %(b)s", {"b": which})
    done = supervisor.post("/stock/bins/act/", {"bin": which, "do": "open", "why": "after all"}, follow=True)
    assert sql.run("SELECT was FROM network_bin WHERE id = %(b)s", {"b": which}) == [("",)]
    assert ">Undo<" not in done.content.decode()


def test_a_day_that_was_closed_before_is_not_opened_by_an_undo(console, shop):
    lead, node = console("lead"), shop.nodes[0]
    at = f"/network/calendars/{node}/close/"
    lead.post(at, {"day": "2031-12-25", "name": "Christmas"}, follow=True)
    done = lead.post(at, {"day": "2031-12-25", "name": "Christmas Day"}, follow=True)
    assert [name for _, _, name in network.holidays(nodes=[node])] == ["Christmas Day"]
    assert ">Undo<" not in done.content.decode()


def test_a_day_that_was_closed_is_open_again_and_the_other_way_round(console, shop):
    lead, node = console("lead"), shop.nodes[0]
    at = f"/network/calendars/{node}/"
    done = lead.post(f"{at}close/", {"day": "2031-12-25", "name": "Christmas"}, follow=True)
    assert [name for _, _, name in network.holidays(nodes=[node])] == ["Christmas"]
    address, fields = undo_of(done)
    again = lead.post(address, fields, follow=True)
    assert network.holidays(nodes=[node]) == []
    address, fields = undo_of(again)
    lead.post(address, fields)
    assert [name for _, _, name in network.holidays(nodes=[node])] == ["Christmas"]


def test_whoever_was_shut_out_may_enter_again(console, shop):
    root, person = console("root"), shop.people["service"]
    address, fields = undo_of(root.post(f"/people/{person.pk}/admit/", {"may_enter": "no"}, follow=True))
    person.refresh_from_db()
    assert not person.is_active
    root.post(address, fields)
    person.refresh_from_db()
    assert person.is_active


def test_a_channel_and_a_node_are_what_they_were(console, shop):
    lead = console("lead")
    channel = network.channels(company=COMPANY)["web"]
    told = {
        "priority": "9",
        "buffer": "3",
        "threshold": "2",
        "shown_at_most": "1",
        "name": "Other",
        "kind": "social",
    }
    address, fields = undo_of(lead.post(f"/stock/channels/{channel.id}/", told, follow=True))
    assert not network.channels(company=COMPANY)["web"].active
    lead.post(address, fields)
    assert network.channels(company=COMPANY)["web"] == channel
    node = network.nodes(company=COMPANY)[0]
    moved = {"priority": "7", "name": "Elsewhere", "latitude": "1.5", "longitude": "2", "time_zone": "UTC"}
    address, fields = undo_of(lead.post(f"/stock/nodes/{node.id}/", moved, follow=True))
    lead.post(address, fields)
    assert network.nodes(company=COMPANY)[0] == node
    sql.run("UPDATE network_channelnode SET priority = 4 WHERE channel_id = %(c)s", {"c": channel.id})
    served = network.links(channels=[channel.id])
    shown = {"shown": list(served[channel.id])}
    address, fields = undo_of(lead.post(f"/stock/channels/{channel.id}/nodes/", shown, follow=True))
    assert network.links(channels=[channel.id]) == {channel.id: {}}
    lead.post(address, fields)
    assert network.links(channels=[channel.id]) == served


def test_a_webhook_that_was_paused_is_open_again(console, shop):
    engineer = console("engineer")
    told = {"name": "Told", "url": "https://example.com/hook", "event": "order.placed"}
    page = engineer.post("/integration/webhooks/add/", told)
    which = page["Location"].rstrip("/").rpartition("/")[2]
    done = engineer.post(f"/integration/webhooks/{which}/switch/", {"step": "pause", "why": "x"}, follow=True)
    address, fields = undo_of(done)
    engineer.post(address, fields)
    assert sql.run("SELECT state FROM channels_webhook") == [("open",)]
