"""A morning at the work queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.ids import uuid7
from entrepot.kernel.keyset import keyset
from entrepot.work import queries
from entrepot.work.commands.claim import ClaimItem, claim
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, ResolveSubject, resolve, resolve_subjects
from entrepot.work.queries import TypeCount

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)


def by(name: str, at: datetime = NINE) -> Cause:
    return Cause(Actor(name, everything=True), at)


def test_a_morning_at_the_work_queue():
    # Overnight the worker held two orders, one of them urgent, and a pick came up short.
    suspicious, unpaid, task = uuid7(), uuid7(), uuid7()
    open_items(
        by("worker"),
        requests=[
            OpenItem(1, "payment hold", "order", unpaid, "card declined", "customer service"),
            OpenItem(1, "fraud review", "order", suspicious, "velocity", "operations lead", priority=90),
            OpenItem(
                1, "short pick", "picktask", task, "2 of 3 found", "warehouse supervisor", due_in_hours=1
            ),
        ],
    )

    # The most urgent stands first; each role sees its own.
    assert [item.type for item in queries.items(1)] == ["fraud review", "short pick", "payment hold"]
    (mine,) = queries.items(1, roles=["customer service"])
    assert mine.subject == unpaid

    # Pages continue behind an item.
    first, second = queries.items(1, limit=2)
    assert [item.type for item in queries.items(1, after=second.id)] == ["payment hold"]

    # Olga takes the fraud review and finds a loyal customer.
    claim(by("olga"), requests=[ClaimItem(first.id)])
    assert [item.id for item in queries.items(1, owner="olga")] == [first.id]
    resolve(by("olga"), requests=[ResolveItem(first.id, "no fault", "spoke on the phone")])

    # The card was charged at the second try: the hold goes, and its item with it.
    resolve_subjects(by("worker", TEN), requests=[ResolveSubject(1, "payment hold", unpaid, "paid")])

    # At half past ten the short pick is overdue.
    assert queries.by_type(1, TEN + timedelta(minutes=30)) == [
        TypeCount("short pick", 1, 1, 0),
        TypeCount("fraud review", 0, 0, 1),
        TypeCount("payment hold", 0, 0, 1),
    ]
    assert queries.checked() == {"work items": 3}
    assert queries.discrepancies() == []


def test_the_queue_is_read_from_its_index_page_by_page():
    open_items(
        by("worker"),
        requests=[
            OpenItem(1, "short pick", "task", uuid7(), "", "picker", priority=n % 7) for n in range(300)
        ],
    )
    whole = queries.items(1, limit=1000)
    pages, after = [], None
    while page := queries.items(1, after=after, limit=47):
        pages += page
        after = page[-1].id
    assert pages == whole
    assert len({item.id for item in whole}) == 300

    behind, by_rank = keyset("work_item", "work_item", queries.ITEMS_BY, "rank", whole[100].id)
    statement = queries._QUEUE.format(filters=queries._FILTERS["roles"], behind=behind, by=by_rank)
    with sql.transaction():
        for way in ("seqscan", "bitmapscan", "sort"):  # whatever tests before left in the statistics
            sql.run(f"SET LOCAL enable_{way} = off")
        plan = sql.run(
            f"EXPLAIN {statement}", {"company": 1, "limit": 50, "roles": ["picker"], "after": whole[100].id}
        )
    assert any("work_item_queue" in line for (line,) in plan)
    assert not any("Sort" in line for (line,) in plan)
