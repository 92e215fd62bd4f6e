"""work.open_case and work.link"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
from entrepot.kernel.queries import timeline
from entrepot.work import queries
from entrepot.work.commands.cases import CaseOpened, ItemsLinked, LinkItems, OpenCase, link, open_case
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests.sizes import SIZES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = Cause(Actor("ada", everything=True), NOW)

pytestmark = pytest.mark.django_db


def exceptions(*subjects: UUID, company: int = 1, kind: str = "short pick") -> list[UUID]:
    requests = [
        OpenItem(company, kind, "order", subject, "bin empty", "warehouse supervisor") for subject in subjects
    ]
    return [answer.item for answer in open_items(ADA, requests=requests)]


def case(subject: UUID, **changes) -> OpenCase:
    return replace(OpenCase(1, "order", subject, "delivery question", "Where is it?"), **changes)


def linked(item: UUID) -> set[UUID]:
    return {one.id for one in queries.linked(item)}


def test_a_case_is_for_customer_service_and_linked_to_what_hinders_its_order():
    order = uuid7()
    pick, backorder, done = (
        *exceptions(order),
        *exceptions(order, kind="backorder"),
        *exceptions(order, kind="tax hold"),
    )
    exceptions(uuid7())
    resolve(ADA, requests=[ResolveItem(done, "policy")])

    (answer,) = open_case(ADA, requests=[case(order)])

    found = queries.item(answer.item)
    assert (found.kind, found.type, found.role, found.subject) == (
        "case", "delivery question", "customer service", order,
    )  # fmt: skip
    assert linked(answer.item) == {pick, backorder}
    assert linked(pick) == linked(backorder) == {answer.item}
    assert [one.id for one in queries.items(1, cases=True)] == [answer.item]
    assert answer.item not in {one.id for one in queries.items(1, cases=False)}
    assert [(one.command, one.payload) for one in timeline(subjects=[pick])][-1] == (
        "work.open_case", {"linked": str(answer.item)},
    )  # fmt: skip


def test_a_document_has_one_unfinished_case_of_a_topic():
    order = uuid7()
    first, again, other = open_case(ADA, requests=[case(order), case(order), case(order, topic="complaint")])
    assert (first.item, first.fresh) == (again.item, True)
    assert not again.fresh
    assert other.item != first.item

    late = exceptions(order)
    asked = case(order, reason="Still nothing.")
    assert open_case(ADA, requests=[asked]) == [CaseOpened(first.item, fresh=False)]
    assert linked(first.item) == set(late)
    told = [one.reason for one in timeline(subjects=[first.item])]
    assert [reason for reason in told if reason] == ["Where is it?", "Where is it?", "Still nothing."]
    assert queries.discrepancies() == []


def test_only_known_topics_are_cases():
    refused, opened = open_case(ADA, requests=[case(uuid7(), topic="the weather"), case(uuid7())])
    assert isinstance(refused, Invalid)
    assert isinstance(opened, CaseOpened)


def test_items_are_linked_once_whoever_is_said_first():
    one, other = exceptions(uuid7(), uuid7())
    answers = link(ADA, requests=[LinkItems(one, other), LinkItems(other, one)])
    assert answers == [ItemsLinked(one, other), ItemsLinked(other, one)]
    link(ADA, requests=[LinkItems(other, one)])
    assert (linked(one), linked(other)) == ({other}, {one})
    assert [event.command for event in timeline(subjects=[one])] == ["work.open", "work.link"]


def test_nothing_is_linked_to_itself_to_another_company_or_to_nothing():
    (one,), (theirs,) = exceptions(uuid7()), exceptions(uuid7(), company=2)
    answers = link(ADA, requests=[LinkItems(one, one), LinkItems(one, theirs), LinkItems(one, uuid7())])
    assert [type(answer) for answer in answers] == [Invalid, Invalid, NotFound]
    assert linked(one) == set()


def test_a_key_gets_its_answer_again():
    one, other = exceptions(uuid7(), uuid7())
    for command, request in ((open_case, case(uuid7(), key="k")), (link, LinkItems(one, other, key="k"))):
        assert command(ADA, requests=[request]) == command(ADA, requests=[request])


@pytest.mark.counts("work.link", "work.open_case")
@pytest.mark.parametrize("size", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, size):
    orders = [uuid7() for _ in range(size)]
    items, more = exceptions(*orders), exceptions(uuid7())
    with statements() as ran:
        cases = open_case(ADA, requests=[case(order) for order in orders])
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 3, ran  # open, link, events
    assert [linked(one.item) for one in cases[:: max(1, size // 20)]] == [
        {item} for item in items[:: max(1, size // 20)]
    ]
    with statements() as ran:
        link(
            ADA,
            requests=[LinkItems(item, cases[i - 1].item) for i, item in enumerate([*items, *more][1:], 1)],
        )
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 3, ran
