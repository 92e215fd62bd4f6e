"""work.claim and work.put_back"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.work import queries
from entrepot.work.commands.claim import ClaimItem, ItemClaimed, ItemPutBack, PutBackItem, claim, put_back
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.errors import ClaimedByAnother
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = Cause(Actor("ada", everything=True), NOW)
BEN = Cause(Actor("ben", everything=True), NOW)

pytestmark = pytest.mark.django_db


def items(count: int = 1) -> list[UUID]:
    requests = [OpenItem(1, "short pick", "task", uuid7(), "bin empty", "picker") for _ in range(count)]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def state(item: UUID) -> tuple[str, str]:
    found = queries.item(item)
    return found.state, found.owner


def test_a_claimed_item_has_an_owner():
    (item,) = items()
    assert claim(ADA, requests=[ClaimItem(item)]) == [ItemClaimed(item, "ada")]
    assert state(item) == ("claimed", "ada")


def test_whoever_has_it_keeps_it_and_another_is_refused():
    (item,) = items()
    claim(ADA, requests=[ClaimItem(item)])

    assert claim(ADA, requests=[ClaimItem(item)]) == [ItemClaimed(item, "ada")]
    assert claim(BEN, requests=[ClaimItem(item)]) == [ClaimedByAnother(item=item, owner="ada")]
    assert state(item) == ("claimed", "ada")


def test_put_back_lets_another_take_it():
    (item,) = items()
    claim(ADA, requests=[ClaimItem(item)])

    assert put_back(ADA, requests=[PutBackItem(item, "lunch")]) == [ItemPutBack(item)]
    assert state(item) == ("open", "")
    assert claim(BEN, requests=[ClaimItem(item)]) == [ItemClaimed(item, "ben")]


def test_refusals_leave_the_neighbours_alone():
    finished, free = items(2)
    resolve(ADA, requests=[ResolveItem(finished, "our mistake")])
    absent = uuid7()

    answers = claim(BEN, requests=[ClaimItem(finished), ClaimItem(absent), ClaimItem(free)])

    assert [type(answer) for answer in answers] == [WrongState, NotFound, ItemClaimed]
    assert [
        type(answer) for answer in put_back(BEN, requests=[PutBackItem(finished), PutBackItem(absent)])
    ] == [
        WrongState,
        NotFound,
    ]
    assert state(finished) == ("done", "")


def test_a_key_gets_its_answer_again():
    (item,) = items()
    request = ClaimItem(item, key="k")
    assert claim(ADA, requests=[request]) == claim(BEN, requests=[request]) == [ItemClaimed(item, "ada")]


@pytest.mark.counts("work.claim", "work.put_back")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    found = items(count)
    with statements() as ran:
        claim(ADA, requests=[ClaimItem(item) for item in found])
        put_back(ADA, requests=[PutBackItem(item) for item in found])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 6, ran
