"""What can be promised, now and on a date, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import availability
from entrepot.kernel.errors import Invalid, NotFound, Said
from entrepot.network import queries as network
from entrepot.stock import availability_queries
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company
from entrepot.web.api.schemas import BIGINT_MAX, SKUS_MAX, Code
from entrepot.web.api.stock_schemas import AvailabilityOut, DigestOut, PublishedOut

router = Router()


@router.get("/availability", response={200: AvailabilityOut, **READ}, exclude_none=True)
def get_availability(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    channel: Annotated[Code, Query(..., description="The code of the channel that asks.")],
    sku: Annotated[
        list[Code], Query(..., min_length=1, max_length=SKUS_MAX, description="Codes of SKUs; repeat it.")
    ],
    company: Company = None,
    on: Annotated[
        list[date],
        Query(
            [],
            max_length=availability.HORIZON_MAX,
            description="Days to promise for, within the horizon; repeat it.",
        ),
    ] = [],  # noqa: B006  ninja takes no other default for a list
    horizon: Annotated[
        int,
        Query(
            availability.HORIZON,
            ge=1,
            le=availability.HORIZON_MAX,
            description="Days to look ahead, today among them: no promise may break one of a later day.",
        ),
    ] = availability.HORIZON,
    explain: Annotated[
        bool, Query(False, description="Tell what is expected and what waits for it.")
    ] = False,
) -> dict[str, Any]:
    """What a channel may promise of SKUs now, with the nodes that it comes from.

    With `on`, also what it may promise for those days: what is free now and arrives until then, less what orders wait
    for, and the least of it up to the horizon, so that no promise breaks another; `nodes` tell how many of them each
    node alone can have ready by the day. With `explain`, the arrivals and
    the orders that this was made of. A SKU that ships from a day on has none now, and says in `preorder` how many may
    be sold ahead. Of a kit as many may be promised as its scarcest component makes; its `components` tell how many.
    """
    of = _channel(company, channel)
    today = timezone.localdate()
    _check_days(on, today, today + timedelta(days=horizon - 1))
    found = availability_queries.availability(company=of, channel=channel, skus=sku, at=timezone.now())
    items = [_now(one) for one in found]
    if on or explain or any(one.ships_on for one in found):
        dated = availability.promises(found, company=of, today=today, days=horizon)
        for item, one in zip(items, dated, strict=True):
            _tell(item, one, on, explain=explain)
    known = {one.sku_code for one in found}
    unknown = [code for code in dict.fromkeys(sku) if code not in known]
    return {"channel": channel, "items": items, "unknown": unknown}


def _check_days(on: Sequence[date], first: date, last: date) -> None:
    for day in on:
        if not first <= day <= last:
            expected = Said("a day from {0} to {1}, or a longer horizon", first, last)
            raise Invalid(field="on", expected=expected, found=day)


def _tell(item: dict[str, Any], one: availability.Promise, on: Sequence[date], *, explain: bool) -> None:
    """Add to an item what may be sold ahead, what may be promised for days, and what that is made of."""
    item["preorder"] = one.ahead
    if on:
        item["on"] = [
            {
                "day": day,
                "quantity": one.on(day),
                "nodes": [{"node": node, "quantity": units} for node, units in one.from_nodes(day).items()],
            }
            for day in on
        ]
    if explain:
        for told, part in zip(item["components"] or [item], one.parts or (one,), strict=True):
            told["inbound"] = part.inbound
            told["owed"] = part.owed


@router.get("/availability/published", response={200: PublishedOut, **READ})
def list_published(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    channel: Annotated[Code, Query(..., description="The code of a channel.")],
    company: Company = None,
    since: Annotated[
        int, Query(0, ge=0, le=BIGINT_MAX, description="The cursor: `next` of the answer before; 0 for all.")
    ] = 0,
    limit: Annotated[int, Query(200, ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """What a channel was told last that it may sell, of the SKUs that changed since a version, in the order of change.

    Ask again with `next` and miss nothing; it stays as it is while nothing changes. The same goes to the channel's
    outbox as `availability.changed`, with the figure before.
    """
    of = _channel(company, channel)
    rows = availability_queries.published(company=of, channel=channel, since=since, limit=limit)
    return {"channel": channel, "items": rows, "next": rows[-1].version if rows else since}


@router.get("/availability/published/digest", response={200: DigestOut, **READ})
def compare_published(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    channel: Annotated[Code, Query(..., description="The code of a channel.")],
    company: Company = None,
) -> availability_queries.Digest:
    """Count, sum and digest of what a channel was told, to compare with what it shows.

    `digest` is the SHA-256 of a line `<SKU>:<units>`, ended by a line feed, for each SKU above zero, sorted by the
    bytes of its code.
    """
    return availability_queries.published_digest(company=_channel(company, channel), channel=channel)


def _channel(company: str | None, channel: str) -> int:
    """The company of a channel that there is."""
    of = parse.company_of(company)
    if channel not in network.channels(company=of):
        raise NotFound(what="channel", which=channel)
    return of


def _now(one: availability_queries.Availability) -> dict[str, Any]:
    nodes = [
        {
            "node": at.node_code, "sellable": at.sellable, "promised": at.promised, "safety": at.safety,
            "fenced_for_others": at.fenced_for_others, "buffer": at.buffer, "free": at.free,
        }
        for at in one.nodes
    ]  # fmt: skip
    return {
        "sku": one.sku_code, "quantity": one.quantity, "free": one.free, "threshold": one.threshold,
        "shown_at_most": one.shown_at_most, "nodes": nodes,
        "components": [_now(part.available) | {"units": part.units} for part in one.components] or None,
    }  # fmt: skip
