"""The handheld where returns are inspected: numbers, lots, questions of the checklist, grades, dispositions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.kernel import policies, sql
from entrepot.returns import queries as returns
from entrepot.returns import rules
from entrepot.returns.checklists import Checklists, Question
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.warehouse import packing, queries
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.web.views.scan import inspect
from entrepot.work.scanning import Scan
from tests import back
from tests.rules.test_returns_photos import jpeg
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_what_came_back_is_graded_and_disposed_of(shop, handheld):
    one = back.asked(shop.one("delivered"), 1)
    back.came(one)
    (task,) = returns.tasks(COMPANY)
    hand = handheld("inspector")
    hand.goes("/scan/inspect/")
    hand.scans("LAMP-OAK")
    assert hand.wrong.startswith("Wrong item")
    hand.scans(task.number)
    assert hand.asks == ("What is it like?", f"{task.quantity} × {task.sku_code}")
    for asked in ("What is it like?", "Grade A. Proposed:"):
        hand.scans(task.sku_code)
        assert hand.right == [f"Yes, it is {task.sku_code} of {task.number}."]
        assert str(inspect._not_asked(replace(task, serial="sn-1"), Scan("sn-1"))).startswith("Yes")
        hand.scans("LAMP-OAK")
        assert hand.wrong == f"Wrong item: this is LAMP-OAK. Take {task.sku_code}."
        hand.scans("A-01")
        assert hand.wrong.startswith("A-01 comes later.")
        hand.scans("junk")
        assert hand.wrong.startswith("Nothing here has the barcode junk.")
        assert hand.asks[0] == asked
        if asked == "What is it like?":
            hand.scans("=A", key="grade")
    inspected = returns.tasks(COMPANY)[0]
    hand.goes(f"/scan/inspect/{task.receipt}/")
    assert hand.at == f"/scan/inspect/{inspected.inspection}/", "a reload goes on"
    hand.scans(f"={inspected.proposed}")
    assert returns.tasks(COMPANY) == []
    assert task.sku_code in hand.right[-1]


def came_with_numbers(shop, units: int):
    """Units that left as S-0, S-1 …, and are back to be inspected: the task, and the barcode of their SKU."""
    order = shop.one("picked")
    (one,) = queries.of_order(order)
    inside = packing.contents([one.id])[one.id]
    picked = max(inside, key=lambda each: each.units)
    assert picked.units >= units
    barcode = "UPDATE catalog_sku SET serial_policy = 'at_ship', barcode = '5012345678900' WHERE id = %(sku)s"
    sql.run(barcode, {"sku": picked.sku})
    noted = tuple(
        (each.line, f"S-{n}") for each in inside if each.sku == picked.sku for n in range(each.units)
    )
    (packed,) = pack(the_system(shop.now), requests=[PackFulfillment(one.id, serials=noted)])
    assert isinstance(packed, FulfillmentPacked), packed
    (gone,) = ship(the_system(shop.now), requests=[ShipFulfillment(one.id)])
    assert isinstance(gone, FulfillmentShipped), gone
    lines = back.lines_of(order)
    back.came(back.asked(order, *(units if line == picked.line else 0 for line in lines)))
    (task,) = returns.tasks(COMPANY)
    return task


def test_of_what_left_with_serial_numbers_each_unit_is_inspected_with_its_own(shop, handheld):
    task = came_with_numbers(shop, 2)
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks == ("Scan its serial number", task.sku_code)
    assert "=A" not in hand.page
    also = "Scan its serial number as well, so that it is known which one it is."
    for said, told in {
        "=A": "A comes later. First scan its serial number.",
        "A-01": "A-01 comes later. First scan its serial number.",
        "LAMP-OAK": f"Wrong item: this is LAMP-OAK. Take {task.sku_code}.",
        task.sku_code: f"{task.sku_code} is right. {also}",
        task.number: f"{task.number} is right. {also}",
        "x" * 101: f"Nothing here has the barcode {'x' * 101}. Scan its serial number.",
    }.items():
        hand.scans(said)
        assert hand.wrong == told
        assert hand.asks == ("Scan its serial number", task.sku_code), "nothing has changed"

    hand.scans("S-9")
    assert hand.wrong.startswith("S-9 did not leave with this order.")
    hand.scans("=undo")
    assert hand.asks == ("Scan its serial number", task.sku_code)
    hand.scans("S-1")
    assert (hand.wrong, hand.asks) == ("", ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("S-0")
    assert hand.wrong.startswith("Nothing here has the barcode S-0.")
    hand.scans("S-1")
    assert hand.right == [f"Yes, it is {task.sku_code} of {task.number}."]
    hand.scans("=A", key="grade")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.scans(f"={returns.tasks(COMPANY)[0].proposed}")

    (rest,) = returns.tasks(COMPANY)
    assert (rest.receipt, rest.inspection, rest.quantity) == (task.receipt, None, 1)
    hand.goes(here)
    assert hand.asks == ("Scan its serial number", task.sku_code), "the number is not at hand for the next"
    hand.scans("(01)05012345678900(21)S-9")
    assert hand.wrong.startswith("S-9 did not leave with this order.")
    hand.scans("=A")
    assert hand.asks[0] == "Grade D. Proposed:"
    kept = sql.run("SELECT serial, quantity, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("S-1", 1, ""), ("S-9", 1, "serial_swap")]


def test_a_serial_number_opens_the_return_with_whose_order_it_left(shop, handheld):
    task = came_with_numbers(shop, 1)
    sold = shop.orders["shipped"] + shop.orders["delivered"]
    alike = (
        "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(sold)s::uuid[]) AND sku_code = %(code)s"
    )
    order, line = sql.run(alike, {"sold": sold, "code": task.sku_code})[0]
    back.came(back.asked(order, *(int(one == line) for one in back.lines_of(order))))
    waits_longer = (
        "UPDATE returns_receipt SET received_at = received_at - interval '1 hour' WHERE id <> %(id)s"
    )
    sql.run(waits_longer, {"id": task.receipt})
    hand = handheld("inspector")
    for number in ("S-0", "(01)05012345678900(21)S-0"):
        hand.goes("/scan/inspect/")
        hand.scans(number)
        assert hand.at == f"/scan/inspect/{task.receipt}/"
    hand.goes("/scan/inspect/")
    hand.scans("(01)05012345678900(21)S-77")
    assert hand.at != f"/scan/inspect/{task.receipt}/"


def test_a_gs1_barcode_says_the_serial_number_of_what_came_back(shop, handheld):
    task = came_with_numbers(shop, 1)
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("(01)05012345678900(21)S-0")
    assert (hand.wrong, hand.asks) == ("", ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("=B")
    assert sql.run("SELECT serial, grade FROM returns_inspection") == [("S-0", "B")]


def came_alike(shop, units: int):
    """So many units of one line, back to be inspected: the task."""
    ids = shop.orders["shipped"] + shop.orders["delivered"]
    found = sql.run(
        "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(ids)s::uuid[]) AND sku_id IS NOT NULL"
        " AND quantity >= %(units)s ORDER BY id LIMIT 1",
        {"ids": ids, "units": units},
    )
    ((order, line),) = found
    back.came(back.asked(order, *(units if one == line else 0 for one in back.lines_of(order))))
    (task,) = returns.tasks(COMPANY)
    return task


def checklist(shop, *questions: Question) -> None:
    at = shop.now - timedelta(days=1)
    wanted = policies.SetPolicy(COMPANY, "returns.checklists", Checklists({"*": questions}), at)
    (answer,) = policies.set_policy(the_system(at), requests=[wanted])
    assert isinstance(answer, policies.PolicySet), answer


def test_what_the_checklist_asks_is_answered_by_taps_and_units_are_graded_in_parts(shop, handheld):
    """Of two units one is complete and one is not: each with its own answers, grade and reason."""
    task = came_alike(shop, 2)
    checklist(
        shop,
        Question("complete", "Is all of it there?", caps={"no": "C"}, codes={"no": "part_missing"}),
        Question("scratches", "How many scratches?", kind="number", most=3, caps={"above": "B"}),
        Question("smell", "Of what does it smell?", kind="text", required=False),
    )
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks == ("Is all of it there?", f"2 × {task.sku_code}")
    hand.scans("=A")
    assert hand.wrong and hand.asks[0] == "Is all of it there?", "no grade before the answers"
    hand.scans("=some")
    assert hand.asks[0] == "How many of them are alike?"
    for wrong in ("=2", "0", "x"):
        hand.scans(wrong)
        assert "1 to 1 units" in hand.wrong
    hand.scans("=1")
    assert hand.asks == ("Is all of it there?", f"1 × {task.sku_code}")
    hand.scans("=complete no")
    assert hand.asks[0] == "How many scratches?"
    hand.scans("many")
    assert "a whole number" in hand.wrong
    hand.scans("2")
    assert hand.asks[0] == "Of what does it smell?"
    hand.scans("=undo")
    assert hand.asks[0] == "How many scratches?"
    hand.scans("2")
    hand.scans("smoke")
    assert hand.asks[0] == "What is it like?"
    hand.scans("=A", key="grade")
    assert hand.asks[0] == "Grade C. Proposed:", "an answer allows no better one"
    hand.scans(f"={next(one.proposed for one in returns.tasks(COMPANY) if one.inspection)}")

    (rest,) = returns.tasks(COMPANY)
    assert (rest.receipt, rest.inspection, rest.quantity) == (task.receipt, None, 1)
    hand.goes(here)
    assert hand.asks == ("Is all of it there?", f"1 × {task.sku_code}"), (
        "nothing is taken over from the other"
    )
    assert "Only some" not in hand.page
    for said in ("=complete yes", "0", "==smell", "=B"):
        hand.scans(said)
    assert hand.asks[0] == "Grade B. Proposed:"
    kept = sql.run("SELECT grade, quantity, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("C", 1, "part_missing"), ("B", 1, "")]


def test_the_rest_of_a_receipt_that_is_graded_in_parts_is_opened_beside_its_inspections(shop, handheld):
    task = came_alike(shop, 2)
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    hand.scans("=some", "=1", "=A")
    first = hand.at
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.goes("/scan/inspect/")
    assert f'href="{here}"' in hand.page and f'href="{first}"' in hand.page, "both wait"
    hand.goes(here)
    assert (hand.at, hand.asks) == (here, ("What is it like?", f"1 × {task.sku_code}"))
    hand.scans("=B")
    assert hand.asks[0] == "Grade B. Proposed:" and hand.at != first
    hand.goes(here)
    assert hand.asks[0].startswith("Grade "), "nothing of the receipt is left to look at"


def test_a_button_of_a_page_that_was_left_answers_no_other_question(shop, handheld):
    """Back in the browser, or a second tab: the button says of which question it is."""
    task = came_alike(shop, 1)
    checklist(
        shop,
        Question("complete", "Is all of it there?"),
        Question("worn", "Was it worn?", required=False),
        Question("smell", "Of what does it smell?", kind="text"),
        Question("state", "In which state is it?", kind="choice", choices=("some", "skip"), required=False),
    )
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    says = {tap for tap in re.findall(r'<button name="scan" value="([^"]*)"', hand.page) if tap != "=undo"}
    assert says == {"=complete yes", "=complete no"}
    hand.scans("=complete yes")
    for asks, stale, then in (
        ("Was it worn?", ("=complete no", "=yes"), "==worn"),
        ("Of what does it smell?", ("=worn yes", "==worn", "=A"), "smoke"),
        ("In which state is it?", ("=complete yes", "==worn", "=some", "=skip"), "=state skip"),
    ):
        for one in stale:
            hand.scans(one)
            assert f"comes later. First scan the answer to this: {asks}" in hand.wrong
            assert hand.asks[0] == asks, "nothing is kept of it"
        hand.scans(then)
    assert hand.asks[0] == "What is it like?"
    hand.scans("=state some")
    assert hand.wrong and hand.asks[0] == "What is it like?"
    hand.scans("=A")
    ((answers,),) = sql.run("SELECT answers FROM returns_inspection")
    assert [one["answer"] for one in answers] == ["yes", "smoke", "skip"]


def test_the_lot_on_what_came_back_is_asked_for_where_it_is_known_what_left(shop, handheld):
    task = came_alike(shop, 2)
    facts = {"code": task.sku_code, "receipt": task.receipt}
    sql.run(
        "UPDATE catalog_sku SET lot_policy = 'lot', barcode = '5012345678900' WHERE code = %(code)s", facts
    )
    hand = handheld("inspector")
    here = f"/scan/inspect/{task.receipt}/"
    hand.goes(here)
    assert hand.asks[0] == "What is it like?", "nobody knows which lots left"
    lots = """
        UPDATE stock_bucket SET lot = %(lot)s WHERE id IN (
            SELECT m.from_bucket FROM stock_move AS m JOIN returns_line AS l ON l.line_id = m.line_id
            JOIN returns_receipt AS r ON r.return_line_id = l.id AND r.id = %(receipt)s WHERE m.to_place = 'customer')
    """
    sql.run(lots, facts | {"lot": "L-1"})
    hand.goes(here)
    asks = ("Scan the lot on it", f"2 × {task.sku_code}")
    assert hand.asks == asks
    for said, told in {
        "=A": "A comes later. First scan the lot on it.",
        "A-01": "A-01 comes later. First scan the lot on it.",
        "LAMP-OAK": f"Wrong item: this is LAMP-OAK. Take {task.sku_code}.",
        task.sku_code: f"{task.sku_code} is right. Scan the lot on it as well, so that it is known which one it is.",
        "x" * 101: f"Nothing here has the barcode {'x' * 101}. Scan the lot on it.",
    }.items():
        hand.scans(said)
        assert (hand.wrong, hand.asks) == (told, asks)
    hand.scans("L-9")
    assert hand.wrong == "Lot L-9 did not leave with this order. Undo it if you misread it, or go on."
    assert hand.asks[0] == "What is it like?"
    hand.scans("=undo", "=some", "=1")
    assert hand.asks == ("Scan the lot on it", f"1 × {task.sku_code}")
    hand.scans("(01)05012345678900(10)L-1")
    assert (hand.wrong, hand.asks[0]) == ("", "What is it like?")
    hand.scans("=A")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.goes(here)
    hand.scans("L-9", "=A")
    assert hand.asks[0] == "Grade D. Proposed:"
    kept = sql.run("SELECT grade, codes FROM returns_inspection ORDER BY inspected_at, id")
    assert kept == [("A", ""), ("D", "other_lot")]
    sql.run(lots, facts | {"lot": ""})


def test_what_bears_no_lot_is_graded_without(shop, handheld):
    task = came_alike(shop, 1)
    sql.run("UPDATE catalog_sku SET lot_policy = 'lot' WHERE code = %(code)s", {"code": task.sku_code})
    left = "SELECT from_bucket FROM stock_move WHERE to_place = 'customer'"
    sql.run(f"UPDATE stock_bucket SET lot = 'L-1' WHERE id IN ({left})")
    hand = handheld("inspector")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("=no lot", "=B")
    assert hand.asks[0] == "Grade B. Proposed:"
    assert sql.run("SELECT grade, codes FROM returns_inspection") == [("B", "")]
    sql.run(f"UPDATE stock_bucket SET lot = '' WHERE id IN ({left})")


def test_who_decides_otherwise_gives_a_reason_of_their_own_and_shows_it(shop, handheld):
    task = came_alike(shop, 1)
    hand = handheld("root")
    hand.goes(f"/scan/inspect/{task.receipt}/")
    hand.scans("=A", key="grade")
    (found,) = returns.tasks(COMPANY)
    instead = next(one for one in rules.DISPOSITIONS if one not in (found.proposed, "keep"))
    here = f"/scan/inspect/{found.inspection}/"
    hand.goes(here)
    assert 'capture="environment"' in hand.page
    picture = SimpleUploadedFile("it.jpg", jpeg(), content_type="image/jpeg")
    hand.browser.post(here, {"photos": [picture, SimpleUploadedFile("no.jpg", b"no")]})
    hand.goes(here)
    assert len(returns.tasks(COMPANY)[0].photos) == 1, "the picture is kept, and what is none is not"
    hand.scans(f"={instead}")
    assert hand.asks[0].startswith("Why, and not ")
    hand.scans("=undo")
    assert hand.asks[0] == "Grade A. Proposed:"
    hand.scans(f"={instead}")
    hand.scans(task.sku_code)
    assert "your reason, in words" in hand.wrong, "a barcode is no reason"
    assert returns.tasks(COMPANY), "nothing is done without one"
    hand.scans("The box is torn", key="why")
    assert returns.tasks(COMPANY) == []
    assert sql.run("SELECT disposition, reason FROM returns_disposition") == [(instead, "The box is torn")]
    hand.at = here
    hand.scans("The box is torn", key="why")
    assert sql.run("SELECT count(*) FROM returns_disposition") == [(1,)]
