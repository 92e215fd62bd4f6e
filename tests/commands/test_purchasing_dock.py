"""purchasing.receive by policy, purchasing.receive_scans, decide_checks, close_claims and close_rest"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.catalog import queries as catalog
from entrepot.catalog.barcodes import Unreadable
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import dock, queries
from entrepot.purchasing.commands.close_claims import CloseClaim, close_claims
from entrepot.purchasing.commands.close_rest import CloseRest, RestClosed, close_rest
from entrepot.purchasing.commands.decide_checks import CheckDecided, DecideCheck, decide_checks
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceivedLine, ReceiveOrder, receive
from entrepot.purchasing.commands.receive_scans import ReceiveScan, ScanReceived, receive_scans
from entrepot.purchasing.errors import (
    ExceedsOrdered,
    Expired,
    NotOrdered,
    SerialSeen,
    SeveralSkus,
    UnknownBarcode,
)
from entrepot.purchasing.receiving import Plan, Quality, Receiving
from entrepot.stock.errors import NotThere
from entrepot.warehouse.commands.put_away import PutAway, put_away
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db

CAKE, MUG = "4006381333931", "09501101020917"


@pytest.fixture
def house() -> Retailer:
    house = a_retailer(skus=2)
    register_skus(
        BUYER,
        requests=[
            RegisterSku(1, "CAKE", "Cake", lot_policy="lot_expiry", barcode=CAKE),
            RegisterSku(1, "10000", "Thing 0", barcode=MUG),
        ],
    )
    return house


def ordered(house: Retailer, *lines: tuple[UUID, int]) -> UUID:
    asked = tuple((sku, quantity, Decimal("1.50")) for sku, quantity in lines)
    (answer,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", asked)])
    return answer.order


def set_policy(body: object, scope: str = "") -> None:
    kind = policies.kind_of(type(body))
    (answer,) = policies.set_policy(
        BUYER, requests=[policies.SetPolicy(1, kind, body, NOW - timedelta(days=1), scope)]
    )
    assert isinstance(answer, policies.PolicySet), answer


def units() -> list[tuple[str, str, int]]:
    return sql.run("SELECT status, lot, quantity FROM stock_bucket WHERE quantity > 0 ORDER BY status, lot")


def items() -> list[tuple[str, str]]:
    return sql.run("SELECT type, reason FROM work_item WHERE state = 'open' ORDER BY type, reason")


def scan(house: Retailer, text: str, **said) -> ReceiveScan:
    return ReceiveScan(house.company, house.node, text, **said)


# ---- tolerance


def test_units_beyond_the_order_are_taken_within_the_suppliers_tolerance_only(house):
    set_policy(Receiving(over_percent=10), scope="s1")
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)

    refused, taken = receive(
        CLERK, requests=[ReceiveOrder(one, ((line.id, 111),)), ReceiveOrder(one, ((line.id, 110),))]
    )

    assert refused == ExceedsOrdered(line=1, left=100, tolerance=10, wanted=111)
    assert (taken.state, taken.over, taken.value_minor) == ("received", 10, 16500)
    assert [kind for kind, _ in items()] == ["more than ordered"]
    assert queries.lines(one)[0].over == 10


def test_invariant_1_without_a_policy_nothing_comes_beyond_the_order(house):
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)
    (refused,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 101),))])
    assert isinstance(refused, ExceedsOrdered)
    assert units() == []


def test_a_small_rest_is_given_up_and_not_expected_any_more(house):
    set_policy(Receiving(under_percent=5))
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)
    (some,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 94),))])
    assert (some.state, some.short) == ("part_received", 0)

    (more,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 1),))])

    assert (more.state, more.short) == ("received", 5)
    assert sql.run("SELECT count(*) FROM stock_supply")[0][0] == 0


@pytest.mark.parametrize("names_order", [True, False])
def test_what_the_policy_gave_up_comes_after_all_though_the_order_is_received(house, names_order):
    """Twenty cases of five, scanned one by one: the nineteenth closes the order."""
    set_policy(Receiving(under_percent=5))
    one = ordered(house, (house.skus[0], 100))
    by = {"order": one} if names_order else {}
    *_, before_last = receive_scans(CLERK, requests=[scan(house, MUG, quantity=5, **by)] * 19)
    assert (before_last.order_state, queries.lines(one)[0].short) == ("received", 5)

    (some,) = receive_scans(CLERK, requests=[scan(house, MUG, quantity=3, **by)])
    assert (some.order, some.order_state, queries.lines(one)[0].short) == (one, "received", 2)
    last, beyond = receive_scans(CLERK, requests=[scan(house, MUG, quantity=2, **by)] * 2)

    assert (last.order_state, last.quantity) == ("received", 2)
    line = queries.lines(one)[0]
    assert (line.received, line.short, line.over) == (100, 0, 0)
    assert isinstance(beyond, WrongState | ExceedsOrdered)
    assert units() == [("sellable", "", 100)]
    assert sql.run("SELECT count(*) FROM stock_supply")[0][0] == 0


def test_what_was_given_up_is_not_expected_again_though_the_policy_gives_up_less_by_now(house):
    set_policy(Receiving(under_percent=5))
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)
    (over,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 95),))])
    assert (over.state, over.short) == ("received", 5)

    set_policy(Receiving(), scope="s1")
    (late,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 2),))])

    assert (late.state, late.quantity, late.short) == ("received", 2, 3)
    assert sql.run("SELECT count(*) FROM stock_supply") == [(0,)]
    (rest,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 3),))])
    assert (rest.state, rest.quantity, rest.short) == ("received", 3, 0)


def test_what_comes_late_is_not_put_on_a_line_that_is_over_while_another_expects_it(house):
    set_policy(Receiving(under_percent=5))
    old, new = ordered(house, (house.skus[0], 100)), ordered(house, (house.skus[0], 10))
    (line,) = queries.lines(old)
    receive(CLERK, requests=[ReceiveOrder(old, ((line.id, 95),))])
    (taken,) = receive_scans(CLERK, requests=[scan(house, MUG, quantity=2)])
    assert taken.order == new


def test_what_a_person_gave_up_stays_over_whatever_the_policy_says_since(house):
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)
    receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 96),))])
    close_rest(BUYER, requests=[CloseRest(one, "they are out")])
    assert sql.run("SELECT short, given_up_by FROM purchasing_orderline") == [(4, BUYER.actor.name)]
    set_policy(Receiving(under_percent=4))
    (late,) = receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 1),))])
    assert isinstance(late, WrongState)


def test_a_buyer_gives_up_the_rest_of_an_order(house):
    one = ordered(house, (house.skus[0], 10), (house.skus[1], 4))
    first, second = queries.lines(one)
    nothing_came = close_rest(BUYER, requests=[CloseRest(one, "they are out")])[0]
    receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 7),))])

    answers = close_rest(
        BUYER,
        requests=[
            CloseRest(one, ""),
            CloseRest(uuid7(), "x"),
            CloseRest(one, "x", (uuid7(),)),
            CloseRest(one, "they are out", (second.id,)),
            CloseRest(one, "and of these", (second.id,)),
            CloseRest(one, "and of these"),
            CloseRest(one, "again"),
        ],
    )

    assert isinstance(nothing_came, Invalid)
    assert [type(one) for one in answers[:3]] == [Invalid, NotFound, NotFound]
    assert answers[3] == RestClosed(one, 4, "part_received")
    assert isinstance(answers[4], Invalid)
    assert answers[5] == RestClosed(one, 3, "received")
    assert isinstance(answers[6], WrongState)
    assert sql.run("SELECT count(*) FROM stock_supply")[0][0] == 0


def test_what_was_given_up_and_comes_after_all_is_not_expected_again(house):
    """Nor is it taken: its line has no supply with a day any more, and the buyer who gave it up decides."""
    one = ordered(house, (house.skus[0], 10), (house.skus[1], 4))
    first, _ = queries.lines(one)
    receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 5),))])
    close_rest(BUYER, requests=[CloseRest(one, "they are out", (first.id,))])

    (refused,) = receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 2),))])
    assert refused == ExceedsOrdered(line=1, left=0, tolerance=0, wanted=2)
    assert [kind for kind, _ in items()] == ["more than ordered"]

    set_policy(Receiving(over_percent=20), scope="s1")
    (taken,) = receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 2),))])
    assert (taken.state, taken.over, taken.short) == ("part_received", 2, 5)
    (line, _) = queries.lines(one)
    assert (line.received, line.over, line.short, line.to_come, line.expected_on) == (7, 2, 5, 0, None)
    assert sql.run("SELECT sku_id FROM stock_supply") == [(house.skus[1],)]


def test_a_line_of_which_nothing_came_is_dropped_but_not_all_of_them(house):
    one = ordered(house, (house.skus[0], 10), (house.skus[1], 4))
    first, second = queries.lines(one)
    all_of_them, dropped, the_last = close_rest(
        BUYER,
        requests=[
            CloseRest(one, "not any more", (first.id, second.id)),
            CloseRest(one, "not any more", (second.id,)),
            CloseRest(one, "nor these", (first.id,)),
        ],
    )
    assert isinstance(all_of_them, Invalid) and isinstance(the_last, Invalid)
    assert dropped == RestClosed(one, 4, "open")
    assert sql.run("SELECT line_id FROM stock_supply") == [(first.id,)]
    (came,) = receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 10),))])
    assert came.state == "received"


# ---- damaged, expired, seen twice


def test_what_comes_damaged_is_in_stock_but_not_for_sale_and_is_claimed(house):
    one = ordered(house, (house.skus[0], 10))
    (line,) = queries.lines(one)
    (answer,) = receive(
        CLERK,
        requests=[ReceiveOrder(one, ((line.id, 8), (line.id, 2, "", None, "damaged", "wet")))],
    )

    assert (answer.quantity, answer.damaged, answer.value_minor) == (10, 2, 1500)
    assert units() == [("damaged", "", 2), ("sellable", "", 8)]
    (claim,) = dock.claims(house.company)
    assert (claim.quantity, claim.value_minor, claim.reason, claim.note) == (2, 300, "damaged", "wet")
    assert [kind for kind, _ in items()] == ["supplier claim"]

    closing = [
        CloseClaim(uuid7(), "credit", "x"), CloseClaim(claim.id, "maybe", "x"), CloseClaim(claim.id, "credit", ""),
        CloseClaim(claim.id, "credit", "credit note 7"), CloseClaim(claim.id, "refuse", "changed their mind"),
    ]  # fmt: skip
    answers = close_claims(BUYER, requests=closing)
    assert [type(one).__name__ for one in answers] == [
        "NotFound",
        "Invalid",
        "Invalid",
        "ClaimClosed",
        "WrongState",
    ]
    assert dock.claims(house.company) == []
    assert items() == []


def test_a_claim_is_receivable_when_the_supplier_agrees_and_his_credit_pays_it(house):
    one = ordered(house, (house.skus[0], 10))
    (line,) = queries.lines(one)
    damaged = [(line.id, units, "", None, "damaged", "wet") for units in (2, 4)]
    receive(CLERK, requests=[ReceiveOrder(one, tuple(damaged))])
    first, second = dock.claims(house.company)

    def answered(claim, answer, amount=None):
        (said,) = close_claims(
            BUYER, requests=[CloseClaim(claim.id, answer, "mail of May 2", amount_minor=amount)]
        )
        return said.state, balances(1190), balances(5620)

    assert isinstance(
        close_claims(BUYER, requests=[CloseClaim(first.id, "agree", "x", amount_minor=301)])[0], Invalid
    )
    owed = balances(2000)
    assert answered(first, "agree", 250) == ("agreed", 250, -250)
    assert [(claim.number, claim.state) for claim in dock.claims(house.company, state="due")] == [
        (first.number, "agreed"), (second.number, "open"),
    ]  # fmt: skip
    assert [kind for kind, _ in items()] == ["supplier claim"] * 2, "a credit note is to come"
    assert answered(first, "credit") == ("credited", 0, -250)
    assert balances(2000) == owed + 250
    assert answered(second, "agree") == ("agreed", 600, -850)
    assert answered(second, "refuse") == ("refused", 0, -250)
    assert items() == []


def balances(account: int) -> int:
    found = sql.run(
        "SELECT COALESCE(sum(debit_minor - credit_minor), 0)::bigint FROM ledger_balance WHERE account = %(a)s",
        {"a": account},
    )
    return int(found[0][0])


def test_an_expired_lot_is_refused_and_a_buyer_decides(house):
    one = ordered(house, (house.perishable, 10))
    (line,) = queries.lines(one)
    (answer,) = receive(
        CLERK, requests=[ReceiveOrder(one, ((line.id, 10, "L1", NOW.date() - timedelta(days=1)),))]
    )
    assert isinstance(answer, Expired)
    assert units() == []
    assert [kind for kind, _ in items()] == ["expired on arrival"]


def test_invariant_11_a_serial_number_comes_once(house):
    one = ordered(house, (house.skus[0], 10))
    (line,) = queries.lines(one)

    def came(*serials: str) -> ReceiveOrder:
        return ReceiveOrder(one, (ReceivedLine(line.id, len(serials), serials=serials),))

    first, within, again = receive(CLERK, requests=[came("A", "B"), came("C", "C"), came("D", "A")])

    assert isinstance(first, GoodsReceived)
    assert within == SerialSeen(serial="C", where="in this delivery")
    assert again == SerialSeen(serial="A", where=f"with receipt {first.number}")
    (later,) = receive(CLERK, requests=[came("B")])
    assert later == SerialSeen(serial="B", where=f"with receipt {first.number}")
    assert units() == [("sellable", "", 2)]
    assert {kind for kind, _ in items()} == {"serial seen twice"}


# ---- quality checks


def test_deliveries_wait_for_their_check_by_plan_and_are_sold_when_they_pass(house):
    set_policy(Quality((Plan(supplier="s1", every=2, sample_percent=10, defects_max=1),)))
    one = ordered(house, (house.skus[0], 100))
    (line,) = queries.lines(one)

    first, second = receive(
        CLERK,
        requests=[
            ReceiveOrder(one, ((line.id, 60),)),
            ReceiveOrder(one, ((line.id, 40),), occurred_at=NOW + timedelta(days=1)),
        ],
    )

    assert (first.held, second.held) == (60, 0)
    assert units() == [("pending_inspection", "", 60), ("sellable", "", 40)]
    (check,) = dock.checks(house.company)
    assert (check.quantity, check.sample, check.defects_max) == (60, 6, 1)

    (answer,) = decide_checks(CLERK, requests=[DecideCheck(check.id, 1, "a scratch")])

    assert (answer.state, answer.passed, answer.damaged, answer.quarantined) == ("passed", 59, 1, 0)
    assert units() == [("damaged", "", 1), ("sellable", "", 99)]
    (claim,) = dock.claims(house.company)
    assert (claim.quantity, claim.value_minor, claim.reason) == (1, 150, "failed check")
    assert [kind for kind, _ in items()] == ["supplier claim"]


def test_what_comes_of_an_order_on_one_day_is_one_delivery_however_it_was_scanned(house):
    """Each load that is scanned is a receipt; the third truck is looked at, not the third load of the first."""
    set_policy(Quality((Plan(every=2, sample_percent=0),)))
    first, second = ordered(house, (house.skus[0], 40)), ordered(house, (house.skus[0], 40))

    def came(one: UUID, day: int) -> int:
        at = NOW + timedelta(days=day)
        (answer,) = receive_scans(CLERK, requests=[scan(house, MUG, order=one, quantity=5, occurred_at=at)])
        assert isinstance(answer, ScanReceived), answer
        return answer.held

    assert [came(first, 0), came(first, 0), came(second, 0), came(first, 0)] == [5, 5, 0, 5]
    assert [came(second, 0), came(second, 1), came(first, 1), came(second, 1)] == [0, 5, 0, 5]


def test_a_delivery_has_one_sample_however_it_was_scanned(house):
    """Each part is held, and one unit of each is looked at; what the plan asks for of all is not asked for of each."""
    set_policy(Quality((Plan(sample_min=5, sample_percent=10),)))
    one = ordered(house, (house.skus[0], 100))

    def came(times: int) -> None:
        scans = [scan(house, MUG, order=one, quantity=10, occurred_at=NOW)] * times
        answers = receive_scans(CLERK, requests=scans)
        assert [answer.held for answer in answers] == [10] * times

    came(1)
    came(4)
    came(5)
    assert sorted(check.sample for check in dock.checks(house.company)) == [1] * 9 + [5]


def test_goods_that_expire_today_are_taken_on_the_day_of_the_node(house):
    """When the day is over in London, it is not at the dock of Los Angeles."""
    sql.run("UPDATE network_node SET time_zone = 'America/Los_Angeles' WHERE id = %(id)s", {"id": house.node})
    (cake,) = catalog.skus(company=1, codes=["CAKE"]).values()
    ordered(house, (cake.id, 2))
    evening = datetime(2026, 11, 24, 3, tzinfo=UTC)

    def came(day: int) -> object:
        wanted = scan(house, CAKE, lot="L1", expires_on=date(2026, 11, day), occurred_at=evening)
        return receive_scans(CLERK, requests=[wanted])[0]

    assert isinstance(came(22), Expired)
    assert isinstance(came(23), ScanReceived)


def test_a_delivery_that_fails_is_kept_from_sale(house):
    set_policy(Quality((Plan(sample_min=3, sample_percent=0),)))
    one = ordered(house, (house.skus[0], 50))
    receive(CLERK, requests=[ReceiveOrder(one)])
    (check,) = dock.checks(house.company)

    answers = decide_checks(
        CLERK,
        requests=[
            DecideCheck(uuid7(), 0),
            DecideCheck(check.id, 4, "x"),
            DecideCheck(check.id, 2),
        ],
    )
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid]
    assert isinstance(decide_checks(CLERK, requests=[DecideCheck(check.id, 0, bin=house.pick)])[0], NotThere)
    failed, again = decide_checks(
        CLERK, requests=[DecideCheck(check.id, 2, "cracked"), DecideCheck(check.id, 0)]
    )

    assert isinstance(failed, CheckDecided)
    assert (failed.state, failed.passed, failed.quarantined) == ("failed", 0, 48)
    assert isinstance(again, WrongState)
    assert units() == [("damaged", "", 2), ("quarantined", "", 48)]


def test_held_goods_that_were_moved_are_decided_where_they_stand(house):
    set_policy(Quality((Plan(),)))
    one = ordered(house, (house.skus[0], 5))
    receive(CLERK, requests=[ReceiveOrder(one)])
    put_away(
        CLERK,
        requests=[PutAway(1, house.skus[0], house.receiving, house.pick, 5, status="pending_inspection")],
    )
    (check,) = dock.checks(house.company)
    (elsewhere,) = decide_checks(CLERK, requests=[DecideCheck(check.id, 0, bin=house.receiving)])
    assert isinstance(elsewhere, NotThere)
    (found,) = decide_checks(CLERK, requests=[DecideCheck(check.id, 0)])
    assert isinstance(found, CheckDecided) and units() == [("sellable", "", 5)]


def test_held_goods_that_stand_in_two_bins_are_decided_in_both(house):
    set_policy(Quality((Plan(sample_percent=100, defects_max=3),)))
    one = ordered(house, (house.skus[0], 9))
    receive(CLERK, requests=[ReceiveOrder(one)])
    aside = PutAway(1, house.skus[0], house.receiving, house.pick, 4, status="pending_inspection")
    put_away(CLERK, requests=[aside])
    (check,) = dock.checks(house.company)
    (found,) = decide_checks(CLERK, requests=[DecideCheck(check.id, 2, "bent")])
    assert (found.passed, found.damaged) == (7, 2)
    by_bin = sql.run(
        "SELECT bin_id, status, quantity FROM stock_bucket WHERE quantity > 0 ORDER BY quantity, status"
    )
    assert by_bin == [
        (house.pick, "damaged", 2), (house.pick, "sellable", 2), (house.receiving, "sellable", 5),
    ]  # fmt: skip


# ---- scans


def test_one_scan_says_article_lot_and_expiry(house):
    one = ordered(house, (house.perishable, 10))
    (answer,) = receive_scans(CLERK, requests=[scan(house, f"]C1010{CAKE}1727060110LOT7\x1d374")])

    assert isinstance(answer, ScanReceived), answer
    assert (answer.order, answer.quantity, answer.lot, answer.expires_on) == (
        one,
        4,
        "LOT7",
        date(2027, 6, 1),
    )
    assert (answer.to_come, answer.order_state) == (6, "part_received")
    assert units() == [("sellable", "LOT7", 4)]


def test_a_plain_barcode_is_one_unit_of_the_order_that_expects_it_first(house):
    first, second = ordered(house, (house.skus[0], 1)), ordered(house, (house.skus[0], 5))
    one, two, three = receive_scans(
        CLERK, requests=[scan(house, MUG), scan(house, MUG.lstrip("0")), scan(house, "10000", quantity=4)]
    )
    assert [answer.order for answer in (one, two, three)] == [first, second, second]
    assert (two.to_come, three.to_come) == (4, 0)


def test_a_wrong_scan_is_told_apart_and_changes_no_stock(house):
    register_skus(BUYER, requests=[RegisterSku(1, "10001", "Thing 1", barcode=MUG)])
    one = ordered(house, (house.perishable, 10))
    answers = receive_scans(
        CLERK,
        requests=[
            scan(house, ""),
            scan(house, "4006381333932"),
            scan(house, MUG),
            scan(house, "10001"),
            scan(house, f"010{CAKE}1725010110OLD"),
            scan(house, f"010{CAKE}1727060110NEW", quantity=11, order=one),
            scan(house, f"010{CAKE}1727060110NEW", order=uuid7()),
        ],
    )
    assert [type(one) for one in answers] == [
        Unreadable, UnknownBarcode, SeveralSkus, NotOrdered, Expired, ExceedsOrdered, NotOrdered,
    ]  # fmt: skip
    assert "misread" in answers[1].message
    assert units() == []
    assert sorted(kind for kind, _ in items()) == [
        "expired on arrival", "more than ordered", "not ordered", "not ordered", "unknown barcode",
    ]  # fmt: skip


def test_goods_that_nobody_ordered_are_one_question_whatever_is_scanned_of_them(house):
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE barcode LIKE %(b)s", {"b": f"%{CAKE[-12:]}"})
    texts = (f"010{CAKE}1727060110NEW", f"010{CAKE}1727060110OTHER", code)
    answers = receive_scans(CLERK, requests=[scan(house, text) for text in texts])
    assert [type(one) for one in answers] == [NotOrdered] * 3
    assert [kind for kind, _ in items()] == ["not ordered"]


def test_a_scanned_serial_number_is_one_unit_and_comes_once(house):
    ordered(house, (house.skus[0], 10))
    text = f"01{MUG}21S-1"
    first, again = receive_scans(CLERK, requests=[scan(house, text), scan(house, text)])
    assert (first.quantity, first.serials) == (1, ("S-1",))
    assert isinstance(again, SerialSeen)


# ---- again, and how often


def test_a_key_gets_its_answer_again(house):
    ordered(house, (house.skus[0], 10))
    request = scan(house, MUG, key="dock-1")
    first = receive_scans(CLERK, requests=[request])
    assert receive_scans(CLERK, requests=[request]) == first
    assert units() == [("sellable", "", 1)]


def count(statements, command, cause, requests) -> int:
    with statements() as ran:
        answers = command(cause, requests=requests)
    assert not any(isinstance(one, Refused) for one in answers)
    return len([text for text in ran.texts if "SAVEPOINT" not in text])


@pytest.mark.counts(
    "purchasing.receive_scans", "purchasing.decide_checks", "purchasing.close_claims", "purchasing.close_rest"
)
def test_statements_do_not_grow_with_the_batch(statements, house):
    set_policy(Quality((Plan(sku="10000"),)))
    counts: dict[int, list[int]] = {}
    line = [(house.skus[0], 5)]
    receive(CLERK, requests=[ReceiveOrder(ordered(house, *line))])  # the first units make rows
    decide_checks(CLERK, requests=[DecideCheck(dock.checks(1)[0].id, 1, "x")])
    close_claims(BUYER, requests=[CloseClaim(dock.claims(1)[0].id, "credit", "x")])
    for many in SIZES:
        goods = OrderGoods(1, house.supplier, house.node, "", ((house.skus[0], 5, Decimal(1)),))
        orders = [answer.order for answer in order(BUYER, requests=[goods] * many)]
        scans = [scan(house, MUG, order=one) for one in orders]
        counts[many] = [count(statements, receive_scans, CLERK, scans)]
        found = [DecideCheck(one.id, 1, "x") for one in dock.checks(1, limit=many)]
        counts[many] += [count(statements, decide_checks, CLERK, found)]
        told = [CloseClaim(one.id, "credit", "x") for one in dock.claims(1, limit=many)]
        counts[many] += [count(statements, close_claims, BUYER, told)]
        counts[many] += [count(statements, close_rest, BUYER, [CloseRest(one, "x") for one in orders])]
    assert counts[1] == counts[10] == counts[MANY], counts
