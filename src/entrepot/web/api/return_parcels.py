"""Parcels of returned goods, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.returns import comeback_queries, parcel_queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.decide_strays import DecideStray, decide_strays
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.returns.commands.take_comebacks import ComebackUnits, TakeComeback, take_comebacks
from entrepot.web.api import named, parse
from entrepot.web.api import return_schemas as s
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, as_list, give
from entrepot.web.api.schemas import Code, Each

router = Router()


@router.post("/returns/parcels", response={200: s.AnnouncedOut | list[Each[s.AnnouncedOut]], **REFUSED})
def announce_returns(
    request: HttpRequest,
    payload: s.AnnounceIn | Annotated[list[s.AnnounceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say which parcels returns come in."""

    def make(item: s.AnnounceIn, key: str) -> AnnounceParcel:
        return AnnounceParcel(item.return_id, item.tracking, item.carrier, key)

    return give(request, announce_parcels, payload, idempotency_key, make)


@router.post(
    "/returns/parcels/scanned", response={200: s.ScanNotedOut | list[Each[s.ScanNotedOut]], **REFUSED}
)
def parcel_scanned(
    request: HttpRequest,
    payload: s.ParcelScanIn | Annotated[list[s.ParcelScanIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Note that a carrier had parcels in its hands: refunds that wait for no more are due."""
    own = parse.company_of(company)
    return give(
        request, note_scans, payload, idempotency_key,
        lambda one, key: NoteScan(own, one.tracking, one.occurred_at, key),
    )  # fmt: skip


@router.post("/returns/parcels/receive", response={200: s.ParcelOut | list[Each[s.ParcelOut]], **REFUSED})
def receive_parcel(
    request: HttpRequest,
    payload: s.ParcelIn | Annotated[list[s.ParcelIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Note all that was in parcels. What was not announced is set aside as strays, and asked about."""
    own, items = parse.company_of(company), as_list(payload)
    nodes = named.nodes(own, (item.node for item in items))
    bins = named.bins((nodes[item.node], item.bin) for item in items)

    def make(item: s.ParcelIn, key: str) -> ReceiveParcel:
        content, node = tuple(Content(**one.model_dump()) for one in item.content), nodes[item.node]
        return ReceiveParcel(
            own, node, content, item.tracking, bins.get((node, item.bin)), item.occurred_at, item.pallet, key
        )

    return give(request, receive_parcels, payload, idempotency_key, make)


@router.post("/shipments/came-back", response={200: s.ComebackOut | list[Each[s.ComebackOut]], **REFUSED})
def take_comeback(
    request: HttpRequest,
    payload: s.ComebackIn | Annotated[list[s.ComebackIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put back in stock what was sent again and came back after all. Nobody is paid back for it."""
    own, items = parse.company_of(company), as_list(payload)
    nodes = named.nodes(own, (item.node for item in items))
    bins = named.bins((nodes[item.node], item.bin) for item in items)

    def make(item: s.ComebackIn, key: str) -> TakeComeback:
        content = tuple(ComebackUnits(**one.model_dump()) for one in item.content)
        node = nodes[item.node]
        return TakeComeback(
            own, node, item.tracking, content, bins.get((node, item.bin)), item.occurred_at, key
        )

    return give(request, take_comebacks, payload, idempotency_key, make)


@router.get("/shipments/sent-again", response={200: s.SentAgainsOut, **READ})
def list_sent_again(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    twice: Annotated[bool, Query(False, description="Only where somebody was given twice.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Shipments that were sent again, the latest first, a page at a time: what came back, and who was given twice."""
    found = comeback_queries.page(parse.company_of(company), twice=twice, after=after, limit=limit + 1)
    shown = found[:limit]
    return {"items": shown, "next": shown[-1].again if len(found) > limit else None}


@router.get("/returns/strays", response={200: list[s.StrayOut], **READ})
def list_strays(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[
        Code | None, Query(None, description="Only strays in a state, such as `matched`; `open` without.")
    ] = None,
    limit: Limit = 50,
) -> list[dict[str, Any]]:
    """Goods that came and nobody announced, what waits longest first."""
    own = parse.company_of(company)
    found = parcel_queries.strays(own, state=state or "open", limit=limit)
    may = parcel_queries.candidates(own, [one.id for one in found if one.state == "open"])
    return [{**asdict(one), "candidates": may.get(one.id, [])} for one in found]


@router.post(
    "/returns/strays/decide", response={200: s.StrayDecidedOut | list[Each[s.StrayDecidedOut]], **REFUSED}
)
def decide_stray(
    request: HttpRequest,
    payload: s.StrayIn | Annotated[list[s.StrayIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what strays turned out to be."""

    def make(item: s.StrayIn, key: str) -> DecideStray:
        return DecideStray(item.stray, item.outcome, item.return_id, item.reason, key)

    return give(request, decide_strays, payload, idempotency_key, make)
