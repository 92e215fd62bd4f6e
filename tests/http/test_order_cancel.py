"""Many orders are cancelled only after it was told what that does; what was cancelled is told in units and money."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.urls import reverse

from entrepot.kernel import sql
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder, Foreseen, foresee
from entrepot.web import format as fmt
from entrepot.web.views import order_cancel
from tests.asking import sure
from tests.http.test_console import said

pytestmark = pytest.mark.django_db


def asking(browser: Any, which: Any, **more: Any) -> Any:
    told = {"order": which, "action": "cancel", "reason": "Shop closed", "next": "/orders/?status=ready"}
    return browser.post(reverse("orders-act"), told | more)


def status(which: Any) -> str:
    return orders.order(which).status


def test_it_asks_back_and_does_nothing_before(console, shop):
    ready, shipped = shop.orders["ready"], shop.orders["shipped"][:1]
    events = sql.run("SELECT count(*) FROM kernel_event")
    page = asking(console("service"), [*ready, *shipped]).content.decode()
    assert f"Cancel {len(ready)} orders?" in page and "1 stays as it is" in page
    assert "Authorize a return instead" in page
    units = sum(line.quantity for one in ready for line in orders.order(one).lines if line.kind == "goods")
    minor = sum(orders.order(one).total_minor for one in ready)
    assert f"<dd>{units}</dd>" in page and f"<dd>{fmt.money(minor, 'GBP')}</dd>" in page
    assert sql.run("SELECT count(*) FROM kernel_event") == events


def test_what_was_cancelled_is_told_in_units_and_money(console, shop):
    browser, which = console("service"), shop.orders["ready"][:2]
    minor = sum(orders.order(one).total_minor for one in which)
    answer = sure(browser, asking(browser, which), code="duplicate")
    done, *more = said(answer)
    assert answer["Location"] == "/orders/?status=ready" and done == "2 orders were cancelled."
    assert fmt.money(minor, "GBP") in more[0]
    assert {status(one) for one in which} == {"cancelled"}
    told = sql.run(
        "SELECT DISTINCT payload->>'code' FROM kernel_event WHERE subject_kind = 'order' AND subject_id = ANY(%(o)s)"
        " AND command IN ('warehouse.withdraw', 'sourcing.cancel') AND payload ? 'code'",
        {"o": which},
    )
    assert told == [("duplicate",)]


def test_what_has_changed_meanwhile_is_asked_again(console, shop):
    browser, which = console("service"), shop.orders["ready"][:2]
    asked = asking(browser, which)
    sure(browser, asking(browser, which[:1]))
    page = sure(browser, asked)
    assert "It is not what it was when you were asked." in page.content.decode()
    assert status(which[1]) == "ready"
    assert sure(browser, page)["Location"] == "/orders/?status=ready"
    assert status(which[1]) == "cancelled"


def test_another_order_just_like_it_is_not_cancelled_unseen(console, shop, monkeypatch):
    """Units, worth and number are the same."""
    browser, (one, other) = console("service"), shop.orders["ready"][:2]
    monkeypatch.setattr(order_cancel, "foresee", lambda asked, **_: [
        Foreseen(which.order, "SO", "GBP", 1, 0, 999, 0) for which in asked
    ])  # fmt: skip
    told = re.search(r'name="told" value="([^"]*)"', asking(browser, one).content.decode())
    assert told
    page = asking(browser, other, told=told[1]).content.decode()
    assert "It is not what it was when you were asked." in page and status(other) == "ready"


def test_what_goes_back_by_a_return_is_told_apart(console, shop, monkeypatch):
    monkeypatch.setattr(order_cancel, "foresee", lambda asked, **_: [
        Foreseen(which.order, "SO", "GBP", 1, 0, 1499, 500, 999) for which in asked
    ])  # fmt: skip
    page = asking(console("service"), shop.orders["ready"][:2]).content.decode()
    assert "<dd>£10.00</dd>" in page and "<dt>For their returns</dt><dd>£19.98</dd>" in page
    assert "£9.99 by its return" in page


def test_what_was_given_back_is_told_and_not_what_was_foreseen(console, shop, monkeypatch):
    def too_much(asked, **more):
        return [replace(one, refunded_minor=123_456) for one in foresee(asked, **more)]

    monkeypatch.setattr(order_cancel, "foresee", too_much)
    browser, which = console("service"), shop.orders["ready"][:1]
    told = said(sure(browser, asking(browser, which)))
    assert status(which[0]) == "cancelled" and not [one for one in told if "1,234.56" in one]


def test_without_a_reason_nothing_is_cancelled(console, shop):
    browser, which = console("service"), shop.orders["ready"][:1]
    page = sure(browser, asking(browser, which), reason=" ")
    assert "Say why they are cancelled." in page.content.decode() and status(which[0]) == "ready"


def test_a_kind_of_reason_is_reason_enough_as_it_is_for_one_order(console, shop):
    browser, which = console("service"), shop.orders["ready"][:1]
    bar = re.search(r'<input[^>]*name="reason"[^>]*>', browser.get(reverse("orders")).content.decode())
    assert bar and "required" not in bar[0]
    asked = asking(browser, which, reason="")
    form = re.search(r'<input[^>]*name="reason"[^>]*>', asked.content.decode())
    assert form and "required" not in form[0]
    sure(browser, asked, code="duplicate")
    assert status(which[0]) == "cancelled"
    told = "SELECT reason FROM kernel_event WHERE subject_id = %(o)s AND payload->>'code' = 'duplicate'"
    assert sql.run(told, {"o": which[0]}) == [("ordered twice",)]


def test_where_none_can_be_it_says_why_and_offers_nothing(console, shop):
    page = asking(console("service"), shop.orders["shipped"][:1]).content.decode()
    assert "None of them can be cancelled" in page and 'name="told"' not in page


def test_the_way_back_is_one_of_ours(console, shop):
    page = asking(
        console("service"), shop.orders["ready"][:1], next="https://elsewhere.example/"
    ).content.decode()
    assert "elsewhere" not in page and 'href="/orders/"' in page


def test_the_question_does_not_grow_with_the_orders(console, shop, monkeypatch):
    monkeypatch.setattr(order_cancel, "SHOWN", 1)
    page = asking(console("service"), [*shop.orders["ready"], *shop.orders["shipped"]]).content.decode()
    rows = re.findall(r"<tr data-row>", page)
    assert len(rows) == 1 and f"and {len(shop.orders['ready']) - 1} more" in page


def test_what_is_foreseen_is_what_is_done(shop, console):
    """Of every step of an order, by who may withdraw from the warehouse and by who may not."""
    every = [one for ones in shop.orders.values() for one in ones]
    for late in (False, True):
        foreseen = foresee([CancelOrder(one, "x") for one in every], from_floor=late)
        assert {type(one).__name__ for one in foreseen} >= {"Foreseen"}
    can = [one for one in foreseen if isinstance(one, Foreseen)]
    before = {one.order: orders.order(one.order).total_minor for one in can}
    browser = console("service")
    sure(browser, asking(browser, every))
    gone = {one for one in every if status(one) == "cancelled"}
    assert gone >= {one.order for one in can}
    assert all(one.minor == before[one.order] for one in can)


@pytest.mark.parametrize("many", [1, 6])
def test_it_is_foreseen_in_two_statements(shop, statements, many):
    with statements() as ran:
        foresee([CancelOrder(one, "x") for one in shop.orders["ready"]] * many)
    assert len(ran) == 2
