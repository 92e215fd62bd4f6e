"""channels.take_statements, mend_differences, explain_differences, import_stated; stock.tell_again"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from entrepot.channels import pulling, queries, tasks
from entrepot.channels.commands.asking import ITEMS, MISSING
from entrepot.channels.commands.comparing import TakeChannelStatement
from entrepot.channels.commands.mend_differences import (
    DifferenceNow,
    ExplainDifference,
    ImportStated,
    MendDifference,
    explain_differences,
    import_stated,
    mend_differences,
)
from entrepot.channels.commands.take_statements import ChannelStatementTaken, take_statements
from entrepot.channels.errors import NoMend
from entrepot.channels.shopify.client import Client
from entrepot.channels.statements.stated import StatedAddress, StatedLine, StatedOrder, StatedStock
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, Unavailable, WrongState
from entrepot.kernel.messages import Erased, ReplayMessage, replay_messages
from entrepot.network import queries as network
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.publish import PublishChanges, TellAgain, publish, tell_again
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.imitation import an_imitation
from tests.sizes import MANY, SIZES

LATER = replace(SYSTEM, at=NOW + timedelta(days=1))
SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(hours=1)


@pytest.fixture
def house(db: None) -> Floor:
    floor = walk.a_house()
    floor.stock(0, 50)
    return floor


def stated(name: str = "T-1", units: int = 1, **facts: Any) -> StatedOrder:
    whole = {"total_minor": 999 * units, "shipped": 0, "refunded_minor": 0, "country": "GB"} | facts
    return StatedOrder(name, NOW, "GBP", (StatedLine("SKU-000", units, Decimal("9.99")),), **whole)


def taking(*orders: StatedOrder, **facts: Any) -> TakeChannelStatement:
    whole = {"kind": "orders", "source": "table", "name": "a file", "since": SINCE, "until": UNTIL} | facts
    return TakeChannelStatement(COMPANY, "shop", orders=orders, **whole)


def take(*orders: StatedOrder, **facts: Any) -> ChannelStatementTaken:
    (answer,) = take_statements(LATER, requests=[taking(*orders, **facts)])
    assert isinstance(answer, ChannelStatementTaken), answer
    return answer


def waiting(*states: str) -> list[queries.DifferenceRow]:
    return queries.differences(COMPANY, states=states or ("open",))


def mend(*which: UUID) -> list[DifferenceNow | Refused]:
    return mend_differences(LATER, requests=[MendDifference(one) for one in which])


def items() -> dict[str, int]:
    return dict(sql.run("SELECT type, count(*)::int FROM work_item WHERE state <> 'done' GROUP BY 1"))


def sent(topic: str) -> list[dict[str, Any]]:
    rows = sql.run(
        "SELECT body::text FROM kernel_delivery WHERE topic = %(topic)s ORDER BY id", {"topic": topic}
    )
    return [json.loads(body) for (body,) in rows]


def test_sides_that_agree_leave_counts_and_sums_and_no_work(house: Floor) -> None:
    house.orders(2, (0, 1))
    answer = take(stated("T-1"), stated("T-2"))

    assert (answer.stated, answer.held, answer.differing, answer.number[:3]) == (2, 2, 0, "CS-")
    (row,) = queries.statements(COMPANY)
    assert (row.stated_sum, row.held_sum, row.channel, row.differing) == (1998, 1998, "shop", 0)
    assert not waiting() and ITEMS["orders"] not in items()


def test_invariant_6_an_order_that_only_the_channel_has_is_placed_by_one_click(house: Floor) -> None:
    home = StatedAddress("Ann Lee", "1 Lane", "Leeds")
    take(stated("W-9", 2, address=home, postal_code="LS1 4AP", shipping_minor=300, total_minor=2298))
    (row,) = waiting()
    assert (row.kind, row.name, row.theirs, row.mend) == ("missing here", "W-9", "22.98 GBP", "import")
    assert items() == {ITEMS["orders"]: 1}

    (answer,) = mend(row.id)

    assert isinstance(answer, DifferenceNow) and answer.state == "mended"
    placed = sql.run(
        "SELECT external_id, total_minor, placed_at FROM orders_order WHERE id = %(id)s", {"id": answer.order}
    )
    assert placed == [("W-9", 2298, NOW)]
    assert ITEMS["orders"] not in items() and mend(row.id) == [
        WrongState(subject="difference with a channel", found="mended", event="mend", expected="open")
    ]
    assert take(stated("W-9", 2, total_minor=2298)).agreed == 1 and not waiting("open", "mended")


def test_what_is_placed_is_what_the_channel_stated_last(house: Floor) -> None:
    take(stated("W-1"), stated("W-2"))
    take(stated("W-1", 3), stated("W-2"))
    row = next(one for one in waiting() if one.name == "W-1")

    (answer,) = mend(row.id)

    assert isinstance(answer, DifferenceNow) and row.theirs == "29.97 GBP"
    assert sql.run("SELECT total_minor FROM orders_order WHERE id = %(id)s", {"id": answer.order}) == [
        (2997,)
    ]
    erased = next(one for one in waiting() if one.name == "W-2")
    sql.run("UPDATE kernel_inbox SET payload = '{}' WHERE id = %(id)s RETURNING 1", {"id": erased.message})
    take(stated("W-1", 3), stated("W-2", 5))
    assert mend(erased.id) == [Erased()]


def test_what_was_cancelled_here_a_moment_ago_may_be_on_its_way(house: Floor) -> None:
    order = house.order((0, 1)).order
    take(stated(total_minor=1000))
    assert cancel(LATER, requests=[CancelOrder(order, "a wish", code="customer")])
    assert take(stated()).differing == 0
    hours = timedelta(hours=3)
    (answer,) = take_statements(replace(LATER, at=LATER.at + hours), requests=[taking(stated())])
    assert isinstance(answer, ChannelStatementTaken) and answer.differing == 1
    assert [one.kind for one in waiting()] == ["cancelled here"]


def test_what_can_not_be_placed_stays_open_and_its_message_set_aside(house: Floor) -> None:
    take(replace(stated("W-1"), lines=()))
    (row,) = waiting()

    (answer,) = mend(row.id)

    assert isinstance(answer, Refused) and [one.id for one in waiting()] == [row.id]
    (state, error) = sql.run(
        "SELECT state, last_error FROM kernel_inbox WHERE id = %(id)s", {"id": row.message}
    )[0]
    assert (state, error) == ("set_aside", answer.message)


def test_the_integration_desk_places_it_as_well(house: Floor) -> None:
    take(stated("W-2"))
    (row,) = waiting()
    replay_messages(LATER, requests=[ReplayMessage(COMPANY, "in", str(row.message), "it is ours")])
    tasks.serve_inbox(LATER, [row.message])  # type: ignore[list-item]

    assert [one.state for one in waiting("mended")] == ["mended"]
    assert import_stated(LATER, requests=[ImportStated(row.message)]) == [  # type: ignore[arg-type]
        NotFound(what="waiting message", which=str(row.message))
    ]


def test_an_erased_message_and_one_that_came_meanwhile(house: Floor) -> None:
    take(stated("W-3"), stated("T-1"))
    rows = {one.name: one for one in waiting()}
    sql.run(
        "UPDATE kernel_inbox SET payload = '{}' WHERE id = %(id)s RETURNING 1", {"id": rows["W-3"].message}
    )
    house.order((0, 1))  # T-1 comes after all

    erased, known = mend(rows["W-3"].id, rows["T-1"].id)

    assert erased == Erased() and isinstance(known, DifferenceNow) and known.order is None


def test_what_was_cancelled_there_is_cancelled_here(house: Floor) -> None:
    order = house.order((0, 1)).order
    take(stated(is_cancelled=True))
    (row,) = waiting()
    assert (row.kind, row.subject, row.theirs, row.ours) == ("cancelled there", order, "cancelled", "open")

    assert mend(row.id) == [DifferenceNow(row.id, "mended", order)]
    assert take(stated(is_cancelled=True)).differing == 0 and not waiting("open", "mended")


def test_a_channel_is_told_what_we_hold_and_asked_again_by_its_next_statement(house: Floor) -> None:
    order = house.order((0, 1)).order
    cancel(SYSTEM, requests=[CancelOrder(order, "no")])
    take(stated())
    (row,) = waiting()
    assert row.kind == "cancelled here"

    mend(row.id)

    assert [(one["order"], one["is_cancelled"]) for one in sent("order.stands")] == [("T-1", True)]
    answer = take(stated())
    assert (answer.differing, answer.fresh) == (1, 0)
    assert [(one.id, one.state) for one in waiting()] == [(row.id, "open")] and items()[ITEMS["orders"]] == 1


def test_units_amounts_shipments_and_refunds_differ(house: Floor) -> None:
    house.orders(3, (0, 2))
    take(
        replace(stated("T-1"), total_minor=1998),
        stated("T-2", 2, total_minor=2000),
        stated("T-3", 2, shipped=2, refunded_minor=100),
    )
    found = sorted((one.name, one.kind, one.theirs, one.ours) for one in waiting())
    assert found == [
        ("T-1", "quantity", "1 × SKU-000", "2 × SKU-000"),
        ("T-2", "amount", "20.00 GBP", "19.98 GBP"),
        ("T-3", "refunded there", "1.00 GBP", "0.00 GBP"),
        ("T-3", "shipped there", "2", "0"),
    ]


def test_what_was_split_off_counts_as_part_of_its_order(house: Floor) -> None:
    first = house.order((0, 2)).order
    sql.run(
        "UPDATE orders_order SET origin_id = %(first)s WHERE id = %(second)s RETURNING 1",
        {"first": first, "second": house.order((0, 1)).order},
    )
    assert take(stated("T-1", 3)).differing == 0


def test_an_explained_difference_stays_until_a_side_says_something_else(house: Floor) -> None:
    house.order((0, 1))
    take(stated(total_minor=1000))
    (row,) = waiting()
    assert mend(row.id) == [NoMend(difference="amount", name="T-1")]

    assert explain_differences(LATER, requests=[ExplainDifference(row.id, " ")]) == [
        Invalid(field="reason", expected="why it may stay", found="nothing")
    ]
    told = explain_differences(LATER, requests=[ExplainDifference(row.id, "a rounding of theirs")] * 2)
    assert told[0] == DifferenceNow(row.id, "explained") and isinstance(told[1], WrongState)
    assert not items()

    take(stated(total_minor=1000))
    assert [(one.state, one.reason) for one in waiting("explained")] == [
        ("explained", "a rounding of theirs")
    ]
    take(stated(total_minor=1001))
    assert [(one.state, one.reason) for one in waiting()] == [("open", "")]


def test_policy_says_what_becomes_work(house: Floor) -> None:
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(
        COMPANY, "channels.reconciliation", {"asks": ["missing here"], "tolerance_minor": 5}, NOW
    )])  # fmt: skip
    house.orders(2, (0, 1))
    take(stated("T-1", total_minor=1003), stated("T-2", total_minor=1010))

    assert [one.name for one in waiting()] == ["T-2"] and not items()


def test_stock_that_is_shown_otherwise_is_told_again(house: Floor) -> None:
    publish(SYSTEM, requests=[PublishChanges()])
    shown = (StatedStock("SKU-000", 48), StatedStock("SKU-001", 0), StatedStock("NO-SUCH", 3))
    assert take(kind="stock", stock=shown).differing == 1  # SKU-000 is still on its way there
    sql.run("UPDATE kernel_delivery SET state = 'delivered', delivered_at = now() RETURNING 1")
    take(kind="stock", stock=shown)
    rows = {one.name: one for one in waiting()}
    assert {name: (one.theirs, one.ours) for name, one in rows.items()} == {
        "SKU-000": ("48", "50"), "NO-SUCH": ("3", "0"),
    }  # fmt: skip

    known, unknown = mend(rows["SKU-000"].id, rows["NO-SUCH"].id)

    assert isinstance(known, DifferenceNow) and unknown == NotFound(what="SKU", which="NO-SUCH")
    last = sent("availability.changed")[-1]
    assert (last["sku"], last["quantity"], last["before"]) == ("SKU-000", 50, 50)
    assert items() == {ITEMS["stock"]: 1}
    assert (
        tell_again(SYSTEM, requests=[TellAgain(house.channels["shop"], ids.uuid7())])[0].code
        == "kernel.not_found"
    )  # type: ignore[union-attr]


def test_refusals_change_nothing_and_a_key_answers_again(house: Floor) -> None:
    good = replace(taking(stated("W-1")), key="once")
    answers = take_statements(LATER, requests=[
        replace(good, channel="nowhere", key=None), replace(good, kind="wishes", key=None),
        replace(good, until=SINCE, key=None), good,
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid, ChannelStatementTaken]
    assert take_statements(LATER, requests=[good]) == answers[3:]
    assert len(queries.statements(COMPANY)) == 1

    wanted = MendDifference(waiting()[0].id, "mend once")
    assert mend_differences(LATER, requests=[wanted]) == mend_differences(LATER, requests=[wanted])
    assert mend(ids.uuid7())[0].code == "kernel.not_found"  # type: ignore[union-attr]


@pytest.mark.counts("channels.take_statements")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements: Any) -> None:
    house.orders(3, (0, 1))
    counts = []
    for many in SIZES:
        requests = [
            taking(stated(f"M-{many}-{i}"), stated("T-1", 2), name=f"{many} {i}") for i in range(many)
        ]
        with statements() as ran:
            take_statements(LATER, requests=requests)
        counts.append(len(ran.texts))
    assert len(set(counts)) == 1


@pytest.mark.counts(
    "channels.mend_differences", "channels.explain_differences", "channels.import_stated", "stock.tell_again"
)
def test_mending_does_not_grow_with_the_batch(house: Floor, statements: Any) -> None:
    house.orders(4, (0, 1))
    take(*(stated(f"M-{i}") for i in range(MANY + 11)), *(stated(f"E-{i}") for i in range(MANY + 11)),
         *(stated(f"T-{i}", 2) for i in range(1, 4)))  # fmt: skip
    rows = {one.name: one for one in queries.differences(COMPANY, limit=5_000)}
    messages = [rows[f"E-{i}"].message for i in range(MANY + 11)]
    sql.run(
        "UPDATE kernel_inbox SET state = 'received' WHERE id = ANY(%(ids)s) RETURNING 1", {"ids": messages}
    )
    counts: dict[str, list[int]] = {}

    def count(name: str, do: Any, cause: Any, requests: Sequence[Any]) -> None:
        with statements() as ran:
            answers = do(cause, requests=requests)
        assert not any(isinstance(one, Refused) for one in answers), answers[:1]
        counts.setdefault(name, []).append(len(ran.texts))

    for own in (slice(0, 1), slice(1, 11), slice(11, MANY + 11)):
        numbers = range(MANY + 11)[own]
        count("mend", mend_differences, LATER, [MendDifference(rows[f"M-{i}"].id) for i in numbers])
        count("import", import_stated, LATER, [ImportStated(messages[i]) for i in numbers])  # type: ignore[arg-type]
        again = [TellAgain(house.channels["shop"], house.skus[0])] * len(numbers)
        count("tell", tell_again, LATER, again)
        count("explain", explain_differences, LATER, [
            ExplainDifference(rows[f"M-{i}"].id, "as it is") for i in numbers])  # fmt: skip
    assert {name: len(set(told)) for name, told in counts.items()} == dict.fromkeys(counts, 1), counts


def test_a_shop_is_asked_page_by_page_and_its_silence_is_work(
    house: Floor, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = network.channels(company=COMPANY)["shop"]
    order = {
        "name": "#7", "id": 7, "created_at": NOW.isoformat(), "currency": "GBP", "total_price": "9.99",
        "line_items": [{"id": 1, "sku": "SKU-000", "quantity": 1, "price": "9.99"}],
    }  # fmt: skip
    is_down = True

    def answer(path: str, _body: Any) -> tuple[Any, ...]:
        if is_down:
            return 503, "later"
        if "page_info" in path:
            return 200, {"orders": [order | {"name": "#8", "id": 8}]}
        return 200, {"orders": [order]}, {"Link": f'<{shop.url}/orders.json?page_info=2>; rel="next"'}

    with an_imitation(answer) as shop:
        settings.SHOPIFY_SHOPS = json.dumps({"test/shop": {"url": shop.url, "token": "t"}})
        client = pulling.shop_of("test", "shop")
        assert client and pulling.shop_of("test", "market") is None
        with pytest.raises(Unavailable, match="HTTP 503"):
            pulling.pull(LATER, COMPANY, channel, client)
        assert items() == {MISSING: 1}
        is_down = False
        found = pulling.pull(LATER, COMPANY, channel, client)
        monkeypatch.setattr(tasks.timezone, "now", lambda: LATER.at)  # a shop is asked for its last days
        tasks.pull_statements(0)

    assert isinstance(found, ChannelStatementTaken) and found.stated == 2
    assert "status=any" in shop.asked[-2][0]
    assert sorted(one.name for one in waiting()) == ["#7", "#8"] and MISSING not in items()


@pytest.mark.parametrize("answer", [(200, "<html>Closed</html>"), (200, {"orders": []}, {"X": "a" * 70_000})])
def test_an_answer_that_makes_no_sense_is_work_and_stops_no_other_shop(
    house: Floor, settings: Any, answer: tuple[Any, ...]
) -> None:
    with an_imitation(lambda *_: answer) as broken, an_imitation(lambda *_: (200, {"orders": []})) as good:
        settings.SHOPIFY_SHOPS = json.dumps({
            f"test/{code}": {"url": shop.url, "token": "t"} for code, shop in (("market", broken), ("shop", good))
        })  # fmt: skip
        tasks.pull_statements(0)
    assert items() == {MISSING: 1} and [one.channel for one in queries.statements(COMPANY)] == ["shop"]


def test_a_statement_that_is_refused_is_work(house: Floor) -> None:
    channel = replace(network.channels(company=COMPANY)["shop"], code="nowhere")
    with an_imitation(lambda *_: (200, {"orders": []})) as shop:
        answer = pulling.pull(LATER, COMPANY, channel, Client(shop.url, "t"))
    assert answer == NotFound(what="channel", which="nowhere") and items() == {MISSING: 1}


def test_a_channels_code_alone_names_a_shop_only_while_one_company_has_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SHOPIFY_SHOPS = json.dumps({
        name: {"url": f"https://{name}", "token": "t"} for name in ("shop", "b/shop", "market")
    })  # fmt: skip
    monkeypatch.setattr(pulling, "_companies_with", {"shop": 2, "market": 1}.__getitem__)
    assert pulling.shop_of("a", "shop") is None and pulling.shop_of("a", "web") is None
    own, other = pulling.shop_of("b", "shop"), pulling.shop_of("a", "market")
    assert own and other and (own.url, other.url) == ("https://b/shop", "https://market")


def test_a_redirect_does_not_take_the_token_along() -> None:
    with (
        an_imitation(lambda *_: (200, {"orders": []})) as other,
        an_imitation(lambda *_: (302, {}, {"Location": f"{other.url}/orders.json"})) as shop,
    ):
        client = Client(shop.url, "secret")
        with pytest.raises(Unavailable, match="another address"):
            client.orders(SINCE, UNTIL)
    assert not other.asked and "secret" not in repr(client)


@pytest.mark.usefixtures("committed_db")
def test_invariant_5_two_statements_at_once_leave_each_difference_once() -> None:
    walk.a_house()
    start = threading.Barrier(2)

    def one() -> None:
        start.wait()
        take(stated("W-1"), stated("W-2"))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(row.name for row in waiting()) == ["W-1", "W-2"] and len(queries.statements(COMPANY)) == 2
    first, second = waiting()
    answers: list[Any] = []
    mending = [
        threading.Thread(target=lambda: (answers.extend(mend(first.id, second.id)), connection.close()))
        for _ in range(2)
    ]
    for thread in mending:
        thread.start()
    for thread in mending:
        thread.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["DifferenceNow"] * 2 + ["WrongState"] * 2
