"""Returns and refunds, for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.kernel.errors import NotFound, Refused
from entrepot.returns import asked_queries
from entrepot.returns import queries as returns
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize, consider
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.correct_reasons import CorrectReason, correct_reasons
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.review import Review, review
from entrepot.web.api import named, parse
from entrepot.web.api import return_schemas as s
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
    paged,
)
from entrepot.web.api.schemas import Code, Each

router = Router()
T = TypeVar("T")


def _as(kind: Callable[..., T], item: Any, key: str, **changed: Any) -> T:
    return kind(**{**item.model_dump(exclude={"key", *changed}), **changed, "key": key})


def _nodes(items: Sequence[s.AuthorizeIn]) -> dict[tuple[UUID, str | None], UUID]:
    """The nodes that goods shall go to, by order and what they are called."""
    wanted = [item for item in items if item.node]
    at = named.where("order", {item.order for item in wanted})
    found = {
        company: named.nodes(company, (item.node for item in wanted if at[item.order].company == company))
        for company in {one.company for one in at.values()}
    }
    return {(item.order, item.node): found[at[item.order].company][item.node] for item in wanted}


@router.post("/returns", response={201: s.AuthorizedOut, 200: list[Each[s.AuthorizedOut]], **REFUSED})
def authorize_returns(
    request: HttpRequest,
    payload: s.AuthorizeIn | Annotated[list[s.AuthorizeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Ask for a return, or a list of them. The state is `authorized`, or `requested` where a person has to decide."""
    nodes = _nodes(as_list(payload))

    def make(item: s.AuthorizeIn, key: str) -> Authorize:
        items = tuple(Item(**one.model_dump()) for one in item.items)
        return _as(Authorize, item, key, items=items, node=nodes.get((item.order, item.node)))

    return give(request, authorize, payload, idempotency_key, make, 201)


@router.post("/returns/consider", response={200: s.ConsideredOut, **REFUSED})
def consider_return(request: HttpRequest, payload: s.AuthorizeIn) -> Any:
    """What the policies would answer to a request to return. Nothing is written."""
    parse.own("order", payload.order, None)
    wanted = Authorize(
        **{
            **payload.model_dump(exclude={"key"}),
            "items": tuple(Item(**one.model_dump()) for one in payload.items),
            "node": _nodes([payload]).get((payload.order, payload.node)),
        }
    )
    (answer,) = consider(parse.cause_of(request), [wanted])
    if isinstance(answer, Refused):
        raise answer
    return answer


@router.get("/returns/reasons", response={200: list[s.ReasonOut], **READ})
def list_reasons(
    request: HttpRequest,
    company: Company = None,
    category: Annotated[
        list[Code] | None, Query(None, description="Only reasons for goods of a category.")
    ] = None,
) -> Any:
    """What customers may be asked to choose from, by the categories of the goods, as the policy in force orders it."""
    at = parse.cause_of(request).at
    return asked_queries.reasons_offered(parse.company_of(company), category or [], at)


@router.post("/returns/review", response={200: s.StateOut | list[Each[s.StateOut]], **REFUSED})
def review_returns(
    request: HttpRequest,
    payload: s.ReviewIn | Annotated[list[s.ReviewIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take requested returns, or decline them."""
    return give(request, review, payload, idempotency_key, lambda item, key: _as(Review, item, key))


@router.post(
    "/returns/correct-reasons",
    response={200: s.CorrectedReasonOut | list[Each[s.CorrectedReasonOut]], **REFUSED},
)
def correct_reasons_of_returns(
    request: HttpRequest,
    payload: s.CorrectReasonIn | Annotated[list[s.CorrectReasonIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say why goods really came back, while nothing of the line was refunded."""
    return give(
        request, correct_reasons, payload, idempotency_key, lambda item, key: _as(CorrectReason, item, key)
    )


@router.post("/returns/receive", response={200: s.ReceivedOut | list[Each[s.ReceivedOut]], **REFUSED})
def receive_returns(
    request: HttpRequest,
    payload: s.ReceiveIn | Annotated[list[s.ReceiveIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Note what came. Whoever asked for a return, or approves its refunds, does not receive it."""
    bins = named.bins_at("return", ((item.return_id, item.bin) for item in as_list(payload)))

    def make(item: s.ReceiveIn, key: str) -> Receive:
        return _as(Receive, item, key, bin=bins.get((item.return_id, item.bin)))

    return give(request, receive, payload, idempotency_key, make)


@router.post("/returns/inspect", response={200: s.InspectedOut | list[Each[s.InspectedOut]], **REFUSED})
def inspect_returns(
    request: HttpRequest,
    payload: s.InspectIn | Annotated[list[s.InspectIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Note what was found of units that came. The answer proposes a disposition, and says why."""

    def make(item: s.InspectIn, key: str) -> Inspect:
        return _as(Inspect, item, key, codes=tuple(item.codes))

    return give(request, inspect, payload, idempotency_key, make)


@router.post("/returns/dispose", response={200: s.DisposedOut | list[Each[s.DisposedOut]], **REFUSED})
def dispose_of_returns(
    request: HttpRequest,
    payload: s.DisposeIn | Annotated[list[s.DisposeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Decide what is done with inspected units."""
    bins = named.bins_at("inspection", ((item.inspection, item.bin) for item in as_list(payload)))

    def make(item: s.DisposeIn, key: str) -> Dispose:
        where = bins.get((item.inspection, item.bin))
        return _as(Dispose, item, key, disposition=item.disposition or "", bin=where)

    return give(request, dispose, payload, idempotency_key, make)


@router.post("/returns/refund", response={200: s.RefundedOut | list[Each[s.RefundedOut]], **REFUSED})
def refund_returns(
    request: HttpRequest,
    payload: s.RefundIn | Annotated[list[s.RefundIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Refund units of returns. Above the policy's limit the refund waits for another person."""

    def make(item: s.RefundIn, key: str) -> Refund:
        lines = None if item.lines is None else tuple((one.line, one.quantity) for one in item.lines)
        return _as(Refund, item, key, lines=lines)

    return give(request, refund, payload, idempotency_key, make)


@router.post("/returns/close", response={200: s.StateOut | list[Each[s.StateOut]], **REFUSED})
def close_returns(
    request: HttpRequest,
    payload: s.CloseIn | Annotated[list[s.CloseIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """End returns: what has not come will not."""
    return give(request, close, payload, idempotency_key, lambda item, key: _as(Close, item, key))


@router.post("/refunds/approve", response={200: s.DecidedOut | list[Each[s.DecidedOut]], **REFUSED})
def approve_refunds(
    request: HttpRequest,
    payload: s.ApproveIn | Annotated[list[s.ApproveIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Agree to refunds that wait, or reject them. Whoever asked for the return, or received it, may not."""
    return give(request, approve, payload, idempotency_key, lambda item, key: _as(Approve, item, key))


@router.get("/returns", response={200: s.ReturnsOut, **READ})
def list_returns(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[
        Code | None, Query(None, description="Only returns in a state, such as `received`.")
    ] = None,
    order: Annotated[UUID | None, Query(None, description="Only returns of an order.")] = None,
    q: Annotated[
        Code | None, Query(None, description="A number of a return or order, or an external id.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Returns, the latest first, a page at a time."""
    rows = returns.returns_page(
        parse.company_of(company), state=state, order=order, text=q, after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.get("/returns/{return_id}", response={200: s.ReturnOut, **READ})
def get_return(
    request: HttpRequest,  # noqa: ARG001
    return_id: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One return with all of its facts."""
    parse.own("return", return_id, company)
    found = returns.whole(return_id)
    if found is None:
        raise NotFound(what="return", which=str(return_id))
    parts = {name: getattr(found, name) for name in found.__slots__ if name not in ("head", "duties")}
    duties = [{"side": side, "person": person} for side, person in found.duties]
    return {**asdict(found.head), **parts, "duties": duties}


@router.get("/refunds", response={200: s.RefundsOut, **READ})
def list_refunds(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    state: Annotated[
        Code | None, Query(None, description="Only refunds in a state, such as `waiting`.")
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Refunds, the latest first, a page at a time."""
    rows = returns.refunds_page(parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.get("/orders/{order_id}/returnable", response={200: list[s.ReturnableOut], **READ})
def list_returnable(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
) -> list[returns.Returnable]:
    """What of an order may still come back."""
    parse.own_order(order_id, company)
    return returns.returnable(order_id)
