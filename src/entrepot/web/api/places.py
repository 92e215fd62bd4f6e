"""Companies, nodes and channels, for programs: what there is, which are open, and what a channel is shown of stock."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.ledger.commands.set_up_companies import SetUpCompany, set_up_companies
from entrepot.network import queries as network
from entrepot.network import rules
from entrepot.network.commands.register import (
    RegisterChannel,
    RegisterNode,
    ServeChannel,
    register_channels,
    register_nodes,
    serve_channels,
)
from entrepot.parties import queries as parties
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, as_list, give
from entrepot.web.api.schemas import NO_NUL, Code, Currency, Each, Out, Own, Strict, Units

router = Router()
Rank = Annotated[StrictInt, Field(ge=0, le=99)]


class CompanyIn(Strict):
    """A company as it shall stand. A new one gets a number and books in `currency`, which stays."""

    code: Code
    name: Code
    currency: Currency
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["GB"])]
    key: Own = None


class CompanyNowOut(Out):
    id: int


class CompanyOut(Out):
    id: int
    code: str
    name: str
    currency: str
    country: str


class NodeIn(Strict):
    """A node as it shall stand. Of two that can serve, the lower `priority` is preferred; one that is not `active` is
    offline: it serves nobody, and its stock is not shown."""

    code: Code
    name: Code
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["GB"])]
    kind: Literal[rules.NODE_KINDS] = "warehouse"  # type: ignore[valid-type]
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    priority: Rank = 1
    active: bool = True
    time_zone: Annotated[str, Field(max_length=60, pattern=NO_NUL, examples=["Europe/London"])] = "UTC"
    key: Own = None


class ChannelIn(Strict):
    """A channel as it shall stand. At each node `buffer` units of each SKU are not shown to it; of fewer than
    `threshold` units it sees none, and never more than `shown_at_most` (0: all)."""

    code: Code
    name: Code
    currency: Currency
    kind: Literal[rules.CHANNEL_KINDS] = "storefront"  # type: ignore[valid-type]
    priority: Rank = 5
    active: bool = True
    buffer: Units = 0
    threshold: Units = 0
    shown_at_most: Units = 0
    key: Own = None


class ServeIn(Strict):
    """A node that serves a channel from now on; `priority` adds to the node's own. With `serves` false it serves it no
    more; what it was promised stays with it."""

    channel: Code
    node: Code
    priority: Rank = 0
    serves: bool = True
    key: Own = None


class StandsOut(Out):
    id: UUID
    code: str


class ServesOut(Out):
    channel: UUID
    node: UUID


class NodeOut(Out):
    id: UUID
    code: str
    name: str
    kind: str
    country: str
    postal_code: str
    priority: int
    active: bool
    time_zone: str
    latitude: float | None
    longitude: float | None


class ChannelOut(Out):
    """`nodes` serve it, the preferred first; those that are offline are left out."""

    id: UUID
    code: str
    name: str
    kind: str
    currency: str
    priority: int
    active: bool
    buffer: int
    threshold: int
    shown_at_most: int
    nodes: list[str]


@router.get("/companies", response={200: list[CompanyOut], **READ})
def list_companies(request: HttpRequest) -> Any:
    """The companies that the caller belongs to."""
    return [one for one in parties.companies() if parse.actor_of(request).is_of(one.id)]


@router.post("/companies", response={200: CompanyNowOut | list[Each[CompanyNowOut]], **REFUSED})
def save_companies(
    request: HttpRequest,
    payload: CompanyIn | Annotated[list[CompanyIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Set up companies by their codes, each with its books, or change their names and countries."""

    def make(one: CompanyIn, key: str) -> SetUpCompany:
        return SetUpCompany(**one.model_dump(exclude={"key"}), key=key)

    return give(request, set_up_companies, payload, idempotency_key, make)


@router.get("/nodes", response={200: list[NodeOut], **READ})
def list_nodes(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """Nodes, the preferred first, also those that are offline."""
    return network.nodes(company=parse.company_of(company))


@router.post("/nodes", response={200: StandsOut | list[Each[StandsOut]], **REFUSED})
def save_nodes(
    request: HttpRequest,
    payload: NodeIn | Annotated[list[NodeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set up nodes by their codes, or change them to stand as given."""
    of = parse.company_of(company)

    def make(one: NodeIn, key: str) -> RegisterNode:
        return RegisterNode(of, **one.model_dump(exclude={"key"}), key=key)

    return give(request, register_nodes, payload, idempotency_key, make)


@router.get("/channels", response={200: list[ChannelOut], **READ})
def list_channels(request: HttpRequest, company: Company = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """Channels with what each is shown of stock, and from which nodes."""
    return [
        {name: getattr(one, name) for name in ChannelOut.model_fields if name != "nodes"} | {"nodes": codes}
        for one, codes in network.served(company=parse.company_of(company))
    ]


@router.post("/channels", response={200: StandsOut | list[Each[StandsOut]], **REFUSED})
def save_channels(
    request: HttpRequest,
    payload: ChannelIn | Annotated[list[ChannelIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Set up channels by their codes, or change them to stand as given. What they are shown is published anew."""
    of = parse.company_of(company)

    def make(one: ChannelIn, key: str) -> RegisterChannel:
        return RegisterChannel(of, **one.model_dump(exclude={"key"}), key=key)

    return give(request, register_channels, payload, idempotency_key, make)


@router.post("/channels/nodes", response={200: ServesOut | list[Each[ServesOut]], **REFUSED})
def serve_from(
    request: HttpRequest,
    payload: ServeIn | Annotated[list[ServeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have nodes serve channels, or serve them no more."""
    of, items = parse.company_of(company), as_list(payload)
    nodes = parse.nodes_of(of, {one.node for one in items})
    channels = {code: one.id for code, one in network.channels(company=of).items()}
    parse.known("channel", {one.channel for one in items}, channels)

    def make(one: ServeIn, key: str) -> ServeChannel:
        return ServeChannel(channels[one.channel], nodes[one.node], one.priority, key, one.serves)

    return give(request, serve_channels, payload, idempotency_key, make)
