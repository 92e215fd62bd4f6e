"""Corrections of stock outside counts, their approval, and goods that are something else by now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.stock import adjustments
from entrepot.stock.commands.adjust import Adjust, DecideAdjustment
from entrepot.stock.commands.change_status import ChangeStatus
from entrepot.warehouse import adjusting
from entrepot.warehouse.commands.adjust import adjust, approve_adjustment, change_status
from entrepot.web.api import parse
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
from entrepot.web.api.schemas import QUANTITY_MAX, Code, Each, Moment, Out, Own, Reason, Strict, Text

router = Router()
Status = Literal[adjusting.STATUSES]  # type: ignore[valid-type]
Marked = Literal[adjusting.MARKED]  # type: ignore[valid-type]


class AdjustmentIn(Strict):
    """Units found (`delta` above 0) or gone (below) in a bin, with a reason of the policy `stock.adjustments`.

    `up_to`: where fewer than asked are there and free, those are taken, and the bin is counted.
    """

    node: Code
    bin: Code
    sku: Code
    delta: Annotated[StrictInt, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
    reason: Reason
    status: Status = "sellable"
    lot: Text = ""
    serial: Text = ""
    note: Text = ""
    up_to: bool = False
    occurred_at: Moment | None = None
    key: Own = None


class AdjustedOut(Out):
    """`posted` units now, or `state` waiting for somebody else's approval; `missing` could not be taken."""

    adjustment: UUID | None
    number: str
    state: str
    posted: int
    missing: int
    value_minor: int


class DecideAdjustmentIn(Strict):
    """Approve a correction that waits, or reject it. Nobody decides about their own."""

    adjustment: UUID
    decision: Literal["approve", "reject"]
    note: Text = ""
    key: Own = None


class AdjustmentOut(Out):
    """A correction; `free` units stand there now and are not being picked."""

    id: UUID
    number: str
    sku_code: str
    node_code: str
    bin_code: str
    status: str
    lot: str
    serial: str
    delta: int
    free: int
    reason: str
    note: str
    state: str
    value_minor: int
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None


class AdjustmentsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[AdjustmentOut]
    next: UUID | None


class StatusIn(Strict):
    """Units of a bin that are something else now: damaged, quarantined, or good again."""

    node: Code
    bin: Code
    sku: Code
    units: Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX)]
    status: Marked
    to_status: Marked
    reason: Reason
    lot: Text = ""
    serial: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class StatusChangedOut(Out):
    """The document of the change, under which its moves stand."""

    document: UUID


@router.get("/adjustments", response={200: AdjustmentsOut, **READ})
def list_adjustments(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[Literal[adjustments.STATES] | None, Query(None)] = None,  # type: ignore[valid-type]
    node: Code | None = None,
    sku: Code | None = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Corrections of stock, the newest first; those that wait, the first asked for first."""
    own = parse.company_of(company)
    where = parse.nodes_of(own, {node})[node] if node else None
    what = parse.skus_of(own, {sku})[sku] if sku else None
    rows = adjustments.adjustments(
        company=own, state=state or "", node=where, sku=what, after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.post("/adjustments", response={200: AdjustedOut | list[Each[AdjustedOut]], **REFUSED})
def adjust_stock(
    request: HttpRequest,
    payload: AdjustmentIn | Annotated[list[AdjustmentIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Correct stock to what is there. What is beyond a limit waits for approval, and nothing moves until then."""
    own = parse.company_of(company)
    places = _Places(own, as_list(payload))

    def make(one: AdjustmentIn, key: str) -> Adjust:
        return Adjust(
            own, *places.of(one), one.delta, one.reason, one.status, one.lot, one.serial, one.note, one.up_to,
            one.occurred_at, key, coded=True,
        )  # fmt: skip

    return give(request, adjust, payload, idempotency_key, make)


@router.post("/adjustments/decide", response={200: AdjustedOut | list[Each[AdjustedOut]], **REFUSED})
def decide_adjustments(
    request: HttpRequest,
    payload: DecideAdjustmentIn | Annotated[list[DecideAdjustmentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Approve corrections that wait, which posts them now, or reject them."""
    return give(
        request, approve_adjustment, payload, idempotency_key,
        lambda one, key: DecideAdjustment(one.adjustment, one.decision == "approve", one.note, key),
    )  # fmt: skip


@router.post("/bins/status", response={200: StatusChangedOut | list[Each[StatusChangedOut]], **REFUSED})
def change_status_of_goods(
    request: HttpRequest,
    payload: StatusIn | Annotated[list[StatusIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say that units in a bin are something else now. Promises that stock can't keep after it are sourced again."""
    own = parse.company_of(company)
    places = _Places(own, as_list(payload))

    def make(one: StatusIn, key: str) -> ChangeStatus:
        return ChangeStatus(
            own, *places.of(one), one.units, one.status, one.to_status, one.reason, None, one.lot, one.serial,
            one.occurred_at, key,
        )  # fmt: skip

    return give(request, change_status, payload, idempotency_key, make)


@router.get("/adjustments/{which}", response={200: AdjustmentOut, **READ})
def show_adjustment(
    request: HttpRequest,  # noqa: ARG001
    which: UUID,
    company: Company = None,
) -> Any:
    """One correction."""
    parse.own("adjustment", which, company)
    if (found := adjustments.adjustment(which)) is None:
        raise NotFound(what="adjustment", which=which)
    return found


class _Places:
    """SKUs, nodes and bins by the codes that a request names. 3 statements."""

    def __init__(self, company: int, items: list[Any]) -> None:
        self.skus = parse.skus_of(company, {one.sku for one in items})
        self.nodes = parse.nodes_of(company, {one.node for one in items})
        self.bins = network.bins_named({(self.nodes[one.node], one.bin) for one in items})

    def of(self, one: AdjustmentIn | StatusIn) -> tuple[UUID, UUID, UUID]:
        place = self.bins.get((self.nodes[one.node], one.bin))
        if place is None:
            raise NotFound(what="bin", which=one.bin)
        return self.skus[one.sku], self.nodes[one.node], place
