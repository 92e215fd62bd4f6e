"""Bins, for programs: what there is, set up or changed, blocked, opened, retired."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.insight import bins as shelf
from entrepot.kernel.errors import NotFound
from entrepot.network import queries, rules
from entrepot.network.commands.register import RegisterBin, register_bins
from entrepot.warehouse.commands.retire_bins import RetireBin, retire_bins
from entrepot.warehouse.commands.switch_bins import SwitchBin, switch_bins
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
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict, Text

router = Router()
Place = Annotated[StrictInt, Field(ge=0, le=10_000_000)]


class BinIn(Strict):
    """A bin as it shall stand, by its node and code."""

    node: Code
    code: Code
    kind: Literal[rules.BIN_KINDS]  # type: ignore[valid-type]
    zone: UUID | None = None
    pick_sequence: Place = 0
    x: Place = 0
    y: Place = 0
    key: Own = None


class BinSwitchIn(Strict):
    """A bin that is blocked, or opened again."""

    bin: UUID
    step: Literal["block", "open"]
    why: Text = ""
    key: Own = None


class BinRetireIn(Strict):
    """An empty bin that is not there any more."""

    bin: UUID
    why: Text = ""
    key: Own = None


class BinStandsOut(Out):
    id: UUID
    code: str


class BinNowOut(Out):
    bin: UUID
    state: str


class BinSwitchedOut(Out):
    """A bin as it is now. `units` are not sold any more, or are again; `picked` stay with the picks that have a claim
    on them. `promised` of them were promised to `orders`, by their numbers, which are sourced anew."""

    bin: UUID
    state: str
    units: int
    picked: int
    promised: int
    orders: list[str]


class BinOut(Out):
    """`kind`: what it is used for; `state`: in use, blocked or retired."""

    id: UUID
    node_code: str
    zone_code: str
    code: str
    kind: str
    state: str
    pick_sequence: int
    x: int
    y: int
    units: int
    skus: int


class BinsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[BinOut]
    next: UUID | None


@router.get("/bins", response={200: BinsOut, **READ})
def list_bins(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    node: Code | None = None,
    text: Text = "",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Bins by node and code, with what stands in them; `text` is how codes begin."""
    of = parse.company_of(company)
    nodes = {one.code: one.id for one in queries.nodes(company=of)}
    if node is not None and node not in nodes:
        raise NotFound(what="node", which=node)
    here = nodes[node] if node else None
    return paged(shelf.bins(company=of, node=here, text=text, after=after, limit=limit + 1), limit)


@router.post("/bins", response={200: BinStandsOut | list[Each[BinStandsOut]], **REFUSED})
def save_bins(
    request: HttpRequest,
    payload: BinIn | Annotated[list[BinIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set up bins by their codes, or change them to stand as given."""
    of = parse.company_of(company)
    nodes = {one.code: one.id for one in queries.nodes(company=of)}
    for one in as_list(payload):
        if one.node not in nodes:
            raise NotFound(what="node", which=one.node)
    return give(
        request, register_bins, payload, idempotency_key,
        lambda one, key: RegisterBin(
            of, nodes[one.node], one.code, one.kind, one.zone, one.pick_sequence, one.x, one.y, key=key
        ),
    )  # fmt: skip


@router.post("/bins/switch", response={200: BinSwitchedOut | list[Each[BinSwitchedOut]], **REFUSED})
def switch_bin(
    request: HttpRequest,
    payload: BinSwitchIn | Annotated[list[BinSwitchIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Block bins, which are passed by from then on and whose goods are not sold, or open them again."""
    of = parse.company_of(company)
    return give(
        request, switch_bins, payload, idempotency_key,
        lambda one, key: SwitchBin(of, one.bin, one.step, one.why, key=key),
    )  # fmt: skip


@router.post("/bins/retire", response={200: BinNowOut | list[Each[BinNowOut]], **REFUSED})
def retire_bin(
    request: HttpRequest,
    payload: BinRetireIn | Annotated[list[BinRetireIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Retire bins in which nothing stands, and to which nothing is on its way."""
    of = parse.company_of(company)
    return give(
        request, retire_bins, payload, idempotency_key,
        lambda one, key: RetireBin(of, one.bin, one.why, key=key),
    )  # fmt: skip
