"""Pallets of returned parcels, for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router

from entrepot.kernel.errors import NotFound
from entrepot.returns import pallet_queries
from entrepot.returns.commands.count_packages import ClosePallet, CountPackage, close_pallets, count_packages
from entrepot.returns.commands.receive_pallets import ReceivePallet, receive_pallets
from entrepot.returns.pallets import MOST
from entrepot.web.api import named, parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, as_list, give
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Code, Each, Moment, Named, Out, Own, Strict

router = Router()


class ReturnPalletIn(Strict):
    """A pallet that came, by its SSCC or license plate: with the carrier's manifest of parcels, or how many they
    are."""

    model_config = _example(
        node="LEEDS", number="(00)340123450000000017", carrier="Post", manifest=["JD0146", "JD0147"]
    )

    node: Named
    number: Code
    carrier: Annotated[str, Field(max_length=100)] = ""
    manifest: Annotated[list[Code], Field(max_length=MOST)] = []
    packages: Annotated[int, Field(ge=1, le=MOST)] | None = None
    bin: Named | None = None
    occurred_at: Moment | None = None
    key: Own = None


class ReturnPalletReceivedOut(Out):
    pallet: UUID
    number: str
    packages: int
    expected: int
    due_at: datetime


class ReturnPackageIn(Strict):
    """A parcel seen on a pallet; without a number, `count` that have none."""

    model_config = _example(pallet=ONE, tracking="JD0146")

    pallet: UUID
    tracking: Annotated[str, Field(max_length=100)] = ""
    count: Annotated[int, Field(ge=1, le=MOST)] = 1
    key: Own = None


class ReturnPackageOut(Out):
    """`was`: `listed`, `extra` (not in the manifest), `again`, or `counted` where there is none."""

    pallet: UUID
    was: str
    seen: int
    announced: int
    expected: int


class CloseReturnPalletIn(Strict):
    model_config = _example(pallet=ONE)

    pallet: UUID
    key: Own = None


class ReturnPalletCountedOut(Out):
    pallet: UUID
    state: str
    counted: int
    announced: int
    missing: list[str]
    extra: list[str]
    says: str


class ReturnPalletOut(Out):
    """A pallet, and units of its parcels: announced in those that are closed, and in staging of those that are open."""

    id: UUID
    number: str
    carrier: str
    node_code: str
    bin: str
    state: str
    announced: int
    listed: int
    seen: int
    opened: int
    extra: int
    differs: str
    to_come: int
    staged: int
    returns: int
    orders: int
    received_by: str
    received_at: datetime
    due_at: datetime
    overdue: bool


class ReturnPalletPackageOut(Out):
    tracking: str
    listed: bool
    seen_by: str
    seen_at: datetime | None
    opened_at: datetime | None
    numbers: list[str]
    units: int


class WholeReturnPalletOut(ReturnPalletOut):
    packages: list[ReturnPalletPackageOut]


@router.post(
    "/returns/pallets",
    response={201: ReturnPalletReceivedOut, 200: list[Each[ReturnPalletReceivedOut]], **REFUSED},
)
def receive_return_pallets(
    request: HttpRequest,
    payload: ReturnPalletIn | Annotated[list[ReturnPalletIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take in pallets of returned parcels at once; the parcels are counted off and opened afterwards."""
    own, items = parse.company_of(company), as_list(payload)
    nodes = named.nodes(own, (item.node for item in items))
    bins = named.bins((nodes[item.node], item.bin) for item in items)

    def make(item: ReturnPalletIn, key: str) -> ReceivePallet:
        node = nodes[item.node]
        return ReceivePallet(
            own, node, item.number, item.carrier, tuple(item.manifest), item.packages, bins.get((node, item.bin)),
            item.occurred_at, key,
        )  # fmt: skip

    return give(request, receive_pallets, payload, idempotency_key, make, 201)


@router.post(
    "/returns/pallets/count", response={200: ReturnPackageOut | list[Each[ReturnPackageOut]], **REFUSED}
)
def count_return_packages(
    request: HttpRequest,
    payload: ReturnPackageIn | Annotated[list[ReturnPackageIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Count parcels off."""

    def make(item: ReturnPackageIn, key: str) -> CountPackage:
        return CountPackage(item.pallet, item.tracking, item.count, key)

    return give(request, count_packages, payload, idempotency_key, make)


@router.post(
    "/returns/pallets/close",
    response={200: ReturnPalletCountedOut | list[Each[ReturnPalletCountedOut]], **REFUSED},
)
def close_return_pallets(
    request: HttpRequest,
    payload: CloseReturnPalletIn | Annotated[list[CloseReturnPalletIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say that all parcels were counted off; the answer tells what differs."""
    return give(
        request, close_pallets, payload, idempotency_key, lambda item, key: ClosePallet(item.pallet, key)
    )


@router.get("/returns/pallets", response={200: list[ReturnPalletOut], **READ})
def list_return_pallets(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[
        Literal["open", "counted", "done", "any"] | None,
        Query(None, description="Only those in a state; without, those that are not done."),
    ] = None,
    limit: Limit = 50,
) -> list[pallet_queries.PalletRow]:
    """Pallets of returned parcels, what is due first at the top."""
    return pallet_queries.pallets(parse.company_of(company), timezone.now(), state=state or "", limit=limit)


@router.get("/returns/pallets/{pallet_id}", response={200: WholeReturnPalletOut, **READ})
def get_return_pallet(
    request: HttpRequest,  # noqa: ARG001
    pallet_id: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """One pallet with its parcels."""
    found = pallet_queries.pallet(parse.company_of(company), pallet_id, timezone.now())
    if found is None:
        raise NotFound(what="pallet", which=str(pallet_id))
    return {**asdict(found), "packages": pallet_queries.packages(pallet_id)}
