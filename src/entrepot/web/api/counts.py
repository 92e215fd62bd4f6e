"""Counts of bins, for handhelds and control rooms. Whoever counts is told no figure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.warehouse import counted
from entrepot.warehouse.commands.decide_counts import DecideCount, decide_counts
from entrepot.warehouse.commands.enter_counts import Counted, EnterCount, enter_counts
from entrepot.warehouse.commands.plan_counts import AskCount, PlanCounts, ask_counts, plan_counts
from entrepot.warehouse.commands.start_counts import StartCount, start_counts
from entrepot.warehouse.commands.withdraw_counts import WithdrawCount, withdraw_counts
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
from entrepot.web.api.plates import plates_of
from entrepot.web.api.schemas import (
    LINES_MAX,
    QUANTITY_MAX,
    Code,
    Each,
    Moment,
    Out,
    Own,
    Reason,
    Strict,
    Text,
    Units,
)

router = Router()


class PlanIn(Strict):
    """Plan what is due by the policy."""

    key: Own = None


class PlannedOut(Out):
    """Fresh counts, the goods that they count, and the bins in which they do, by node and code."""

    tasks: int
    goods: int
    bins: list[str]


class AskIn(Strict):
    """A bin of a node that is to be counted: all that stands in it, or one SKU."""

    node: Code
    bin: Code
    sku: Code | None = None
    priority: Annotated[StrictInt, Field(ge=0, le=99)] = 70
    key: Own = None


class AskedOut(Out):
    """The count; not fresh where one that is not done yet counts the same."""

    task: UUID
    number: str
    fresh: bool


class NamedIn(Strict):
    task: UUID
    key: Own = None


class GoodsOut(Out):
    """Goods to count. `by_serial`: each unit is scanned."""

    sku_code: str
    sku_name: str
    barcode: str
    lot: str
    serial: str
    status: str
    by_serial: bool


class StartedOut(Out):
    """Where and what to count, for the first time or again. `whole`: all that stands in the bin."""

    task: UUID
    number: str
    bin_code: str
    round: int
    whole: bool
    goods: list[GoodsOut]


class CountedIn(Strict):
    """Units that stand there; one of each serial. Goods that nobody expected are named like any other."""

    sku: Code
    units: Units
    lot: Text = ""
    serial: Text = ""
    status: Text = "sellable"
    expires_on: date | None = None


class UnknownIn(Strict):
    """Goods that no scan tells: what is on their label, and how many."""

    label: Annotated[Text, Field(min_length=1)]
    units: Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX)]


class EnterIn(Strict):
    """What was counted, loose and on plates. `occurred_at` is when: what moved after it is no difference. Without it,
    now. `plates` are the numbers (SSCC) of those that were seen: what is missing is taken off others first."""

    task: UUID
    counted: Annotated[list[CountedIn], Field(max_length=LINES_MAX)]
    unknown: Annotated[list[UnknownIn], Field(max_length=50)] = []
    plates: Annotated[list[Code], Field(max_length=LINES_MAX)] = []
    occurred_at: Moment | None = None
    key: Own = None


class EnteredOut(Out):
    """`done`; or somebody else counts it again (`recount`); or it waits for approval (`waiting`)."""

    task: UUID
    number: str
    state: str


class CountOut(Out):
    """A count. `goods` are still to be counted; `waiting` differences wait for a decision."""

    id: UUID
    number: str
    node_code: str
    bin_code: str
    zone: str
    whole: bool
    why: str
    priority: int
    due_at: datetime
    created_at: datetime
    state: str
    round: int
    counter: str
    started_at: datetime | None
    counted_at: datetime | None
    goods: int
    waiting: int


class CountsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[CountOut]
    next: UUID | None


class CountLineOut(Out):
    """Goods that were counted, and what the records said at that moment. `first_counted` is the count before."""

    id: UUID
    task: UUID
    number: str
    node_code: str
    bin_code: str
    sku_code: str
    lot: str
    serial: str
    status: str
    abc: str
    state: str
    surplus: bool
    expected: int
    counted: int
    difference: int
    first_counted: int | None
    counted_at: datetime
    counted_by: str
    value_minor: int
    posted: int
    why_unsure: str
    cause: str
    note: str
    decided_by: str
    decided_at: datetime | None


class LinesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[CountLineOut]
    next: UUID | None


class CountWithLinesOut(CountOut):
    """A count with what is to be counted, and what was counted and is not to be counted again."""

    to_count: list[GoodsOut]
    lines: list[CountLineOut]


class DecideCountIn(Strict):
    """To approve a difference needs a root cause of the policy; to reject it, a note."""

    line: UUID
    decision: Literal["approve", "reject", "recount"]
    cause: Text = ""
    note: Text = ""
    key: Own = None


class CountDecidedOut(Out):
    """The units by which stock changed; `left` units are missing too, but picks have a claim on them."""

    line: UUID
    state: str
    posted: int
    left: int


class WithdrawCountIn(Strict):
    """A count that is not to be done, and why."""

    task: UUID
    reason: Reason
    key: Own = None


class CountWithdrawnOut(Out):
    """The goods of it that are not counted."""

    task: UUID
    number: str
    goods: int


class AccuracyOut(Out):
    """How right the records were. `share` of the records were right; `signed` is the difference in units of what was
    expected, `absolute` the units that were right of it."""

    name: str
    records: int
    right: int
    expected: int
    short: int
    over: int
    value_minor: int
    share: float
    signed: float
    absolute: float


@router.get("/counts", response={200: CountsOut, **READ})
def list_counts(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    done: Annotated[bool, Query(False)] = False,
    node: Code | None = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Counts to be done, the most urgent first; or those that are done or withdrawn, the newest first; of all nodes or
    one."""
    own = parse.company_of(company)
    where = parse.nodes_of(own, {node})[node] if node else None
    return paged(counted.counts(company=own, node=where, done=done, after=after, limit=limit + 1), limit)


@router.post("/counts", response={200: AskedOut | list[Each[AskedOut]], **REFUSED})
def ask_for_counts(
    request: HttpRequest,
    payload: AskIn | Annotated[list[AskIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have bins counted."""
    chosen = parse.company_of(company)
    items = as_list(payload)
    nodes = parse.nodes_of(chosen, {one.node for one in items})
    bins = {(bin_.node, bin_.code): bin_.id for bin_ in network.bins(nodes=nodes.values())}
    skus = parse.skus_of(chosen, {one.sku for one in items if one.sku})

    def make(one: AskIn, key: str) -> AskCount:
        place = bins.get((nodes[one.node], one.bin))
        if place is None:
            raise NotFound(what="bin", which=one.bin)
        sku = skus[one.sku] if one.sku else None
        return AskCount(place, sku, priority=one.priority, key=key)

    return give(request, ask_counts, payload, idempotency_key, make)


@router.post("/counts/plan", response={200: PlannedOut, **REFUSED})
def plan_next_counts(
    request: HttpRequest, payload: PlanIn, idempotency_key: IdempotencyKey, company: Company = None
) -> Any:
    """Plan what the policy wants counted next, as every night does."""
    chosen = parse.company_of(company)
    return give(request, plan_counts, payload, idempotency_key, lambda _, key: PlanCounts(chosen, key=key))


@router.post("/counts/start", response={200: StartedOut | list[Each[StartedOut]], **REFUSED})
def start_counting(
    request: HttpRequest, payload: NamedIn | Annotated[list[NamedIn], Many], idempotency_key: IdempotencyKey
) -> Any:
    """Begin to count, standing before the bin."""
    return give(
        request, start_counts, payload, idempotency_key, lambda one, key: StartCount(one.task, key=key)
    )


@router.post("/counts/enter", response={200: EnteredOut | list[Each[EnteredOut]], **REFUSED})
def enter_counted(
    request: HttpRequest,
    payload: EnterIn | Annotated[list[EnterIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say what was counted."""
    items, own = as_list(payload), parse.company_of(company)
    skus = parse.skus_of(own, {said.sku for one in items for said in one.counted})
    numbers = {number for one in items for number in one.plates}
    plates = plates_of(own, numbers) if numbers else {}

    def make(one: EnterIn, key: str) -> EnterCount:
        goods = tuple(
            Counted(skus[said.sku], said.units, said.lot, said.serial, said.status, said.expires_on)
            for said in one.counted
        )
        unknown = tuple((other.label, other.units) for other in one.unknown)
        seen = tuple(plates[number].id for number in one.plates)
        return EnterCount(one.task, goods, unknown, one.occurred_at, key, seen)

    return give(request, enter_counts, payload, idempotency_key, make)


@router.get("/counts/differences", response={200: LinesOut, **READ})
def list_differences(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Differences that wait for a decision, the first counted first."""
    return paged(counted.differences(company=parse.company_of(company), after=after, limit=limit + 1), limit)


@router.post("/counts/decide", response={200: CountDecidedOut | list[Each[CountDecidedOut]], **REFUSED})
def decide_differences(
    request: HttpRequest,
    payload: DecideCountIn | Annotated[list[DecideCountIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Post differences with their root cause, reject them, or have them counted again."""
    return give(
        request, decide_counts, payload, idempotency_key,
        lambda one, key: DecideCount(one.line, one.decision, one.cause, one.note, key),
    )  # fmt: skip


@router.post("/counts/withdraw", response={200: CountWithdrawnOut | list[Each[CountWithdrawnOut]], **REFUSED})
def withdraw_count(
    request: HttpRequest,
    payload: WithdrawCountIn | Annotated[list[WithdrawCountIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Withdraw counts that are not to be done: no stock moves."""
    return give(
        request, withdraw_counts, payload, idempotency_key,
        lambda one, key: WithdrawCount(one.task, one.reason, key),
    )  # fmt: skip


@router.get("/counts/accuracy", response={200: list[AccuracyOut], **READ})
def tell_accuracy(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    by: Annotated[Literal["node", "zone", "bin", "class", "why", "cause"], Query(...)],
    since: Annotated[Moment, Query(...)],
    until: Annotated[Moment | None, Query(None)] = None,
    company: Company = None,
) -> Any:
    """How right the records were that were counted in a time, the least right first."""
    until = until or timezone.now()
    return counted.accuracy(company=parse.company_of(company), since=since, until=until, by=by)


# Behind the operations of the same place that have names of their own, which would be taken for ids.


@router.get("/counts/{which}", response={200: CountWithLinesOut, **READ})
def show_count(
    request: HttpRequest,  # noqa: ARG001
    which: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One count. Of what is still to be counted no figure is told."""
    parse.own("count", which, company)
    if (found := counted.one_count(which)) is None:
        raise NotFound(what="count", which=which)
    fields = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {**fields, "to_count": counted.to_count([which])[which], "lines": counted.lines_of(which)}
