"""Work queues, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.kernel.errors import NotFound
from entrepot.orders import queries as orders
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Code, Each
from entrepot.web.api.work_schemas import (
    AssignedOut,
    AssignIn,
    CaseIn,
    CaseOut,
    ClaimItemIn,
    EscalatedOut,
    EscalateIn,
    ItemOut,
    ItemsOut,
    LinkedOut,
    LinkIn,
    PutBackIn,
    PutBackOut,
    QueueOut,
    ResolvedOut,
    ResolveIn,
    SnoozedOut,
    SnoozeIn,
)
from entrepot.work import queries as work
from entrepot.work.commands.assign import AssignItem, assign
from entrepot.work.commands.cases import LinkItems, OpenCase, link, open_case
from entrepot.work.commands.claim import ClaimItem, PutBackItem, claim, put_back
from entrepot.work.commands.escalate import EscalateItem, escalate
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.commands.snooze import SnoozeItem, snooze

router = Router()


@router.get("/work", response={200: ItemsOut, **READ})
def list_work(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: Annotated[
        Literal["exception", "case"] | None, Query(None, description="Exceptions, or cases of customers.")
    ] = None,
    type_: Annotated[Code | None, Query(None, alias="type", description="Only items of a type.")] = None,
    role: Annotated[Code | None, Query(None, description="Only those that wait for a role.")] = None,
    owner: Annotated[Code | None, Query(None, description="Only those that a person has.")] = None,
    overdue: Annotated[bool, Query(False, description="Only those past their due time.")] = False,
    snoozed: Annotated[
        bool | None, Query(None, description="Only those put aside, or only those that are not.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Unfinished items, the most urgent first, a page at a time."""
    now = timezone.now()
    rows = work.items(
        parse.company_of(company), kind=type_ or "", roles=[role] if role else (), owner=owner or "",
        cases=None if kind is None else kind == "case", overdue_at=now if overdue else None,
        awake_at=now if snoozed is False else None, asleep_at=now if snoozed else None, after=after,
        limit=limit + 1,
    )  # fmt: skip
    shown = paged(rows, limit)
    return shown | {"items": [_shown(one) for one in shown["items"]]}


@router.get("/work/queues", response={200: list[QueueOut], **READ})
def list_queues(request: HttpRequest, company: Company = None) -> list[work.Queue]:  # noqa: ARG001
    """What waits by type and role: how many, not taken, overdue, put aside, and since when the oldest."""
    return work.queues(parse.company_of(company), timezone.now())


@router.post("/work/claim", response={200: AssignedOut | list[Each[AssignedOut]], **REFUSED})
def claim_work(
    request: HttpRequest,
    payload: ClaimItemIn | Annotated[list[ClaimItemIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take an item, or a list of them."""
    return give(
        request, claim, payload, idempotency_key, lambda one, key: ClaimItem(one.item, key=key)
    )  # fmt: skip


@router.post("/work/put-back", response={200: PutBackOut | list[Each[PutBackOut]], **REFUSED})
def put_work_back(
    request: HttpRequest,
    payload: PutBackIn | Annotated[list[PutBackIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Give an item back to its role, or a list of them."""
    return give(
        request, put_back, payload, idempotency_key,
        lambda one, key: PutBackItem(one.item, one.note, one.expected_owner, key=key),
    )  # fmt: skip


@router.post("/work/assign", response={200: AssignedOut | list[Each[AssignedOut]], **REFUSED})
def assign_work(
    request: HttpRequest,
    payload: AssignIn | Annotated[list[AssignIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Give an item to a person, or a list of them."""
    return give(
        request, assign, payload, idempotency_key,
        lambda one, key: AssignItem(one.item, one.person, one.note, one.expected_owner, key=key),
    )  # fmt: skip


@router.post("/work/snooze", response={200: SnoozedOut | list[Each[SnoozedOut]], **REFUSED})
def snooze_work(
    request: HttpRequest,
    payload: SnoozeIn | Annotated[list[SnoozeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Put an item aside until a moment, or a list of them; null wakes it."""
    return give(
        request, snooze, payload, idempotency_key,
        lambda one, key: SnoozeItem(one.item, one.until, one.note, one.expected_until, key=key),
    )  # fmt: skip


@router.post("/work/escalate", response={200: EscalatedOut | list[Each[EscalatedOut]], **REFUSED})
def escalate_work(
    request: HttpRequest,
    payload: EscalateIn | Annotated[list[EscalateIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Ask another role about an item, or a list of them."""
    return give(
        request, escalate, payload, idempotency_key,
        lambda one, key: EscalateItem(
            one.item, one.role, one.note, one.owner, one.expected_role, one.expected_owner, key=key
        ),
    )  # fmt: skip


@router.post("/work/resolve", response={200: ResolvedOut | list[Each[ResolvedOut]], **REFUSED})
def resolve_work(
    request: HttpRequest,
    payload: ResolveIn | Annotated[list[ResolveIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Close an item with its root cause, or a list of them."""
    return give(
        request, resolve, payload, idempotency_key,
        lambda one, key: ResolveItem(one.item, one.root_cause, one.note, key=key),
    )  # fmt: skip


@router.post("/work/link", response={200: LinkedOut | list[Each[LinkedOut]], **REFUSED})
def link_work(
    request: HttpRequest, payload: LinkIn | Annotated[list[LinkIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Say that two items belong together, or a list of such."""
    return give(
        request, link, payload, idempotency_key, lambda one, key: LinkItems(one.one, one.other, key=key)
    )  # fmt: skip


@router.post("/work/cases", response={201: CaseOut, **REFUSED})
def open_order_case(request: HttpRequest, payload: CaseIn, idempotency_key: IdempotencyKey) -> Any:
    """Open a case of a customer about an order; it is linked to the unfinished exceptions of the order."""
    found = orders.order(payload.order)
    if found is None:
        raise NotFound(what="order", which=str(payload.order))

    def make(one: CaseIn, key: str) -> OpenCase:
        return OpenCase(
            found.company, "order", found.id, one.topic, one.reason, value_minor=found.total_minor,
            promise_at=found.promise_at, key=key,
        )  # fmt: skip

    return give(request, open_case, payload, idempotency_key, make, 201)


# Behind the others, whose addresses its ids would match.
@router.get("/work/{item_id}", response={200: ItemOut, **READ})
def get_work(
    request: HttpRequest,  # noqa: ARG001
    item_id: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One item, with the terms of its priority and the items linked to it."""
    parse.own("work item", item_id, company)
    found = work.item(item_id)
    if found is None:
        raise NotFound(what="work item", which=str(item_id))
    return _shown(found) | {"linked": [one.id for one in work.linked(item_id)]}


def _shown(one: work.Item) -> dict[str, Any]:
    now = timezone.now()
    terms = one.terms_at(now)
    told = {
        name: getattr(one, name)
        for name in ItemOut.model_fields
        if name not in ("linked", "terms", "priority")
    }
    return told | {
        "priority": one.points_at(now),
        "terms": [term._asdict() for term in terms],
        "linked": None,
    }
