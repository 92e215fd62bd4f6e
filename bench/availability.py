"""What a channel may promise of one SKU, asked through the API and by the bare query, among a million positions."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from bench import house, served

SKUS = 500_000  # at two nodes each: a million positions
WARM_UP = 20
"""Requests by which web processes and the server are connected, planned and imported."""


def furnish(skus: int) -> None:
    """A fresh house with so many more SKUs in stock. The rows are copied: what is measured is reading them."""
    from entrepot.kernel import sql

    house.fresh()
    sql.run(_SKUS, {"skus": skus})
    sql.run(_POSITIONS)
    with house.connect() as connection:
        connection.execute("ANALYZE catalog_sku, stock_position")


def asked(times: int, skus: int) -> tuple[list[float], list[float]]:
    """Seconds of each request for another SKU: of the web processes over a connection that is kept, as a shop asks
    them, and by the query alone.

    In turn, so that both meet the same machine.
    """
    (channel,) = _channel()
    chance = random.Random(7)
    took: tuple[list[float], list[float]] = ([], [])
    with served.running() as house_served:
        asking = house_served.connect()
        asks: tuple[Callable[[str], int], ...] = (
            lambda code: asking.get(f"/api/v1/availability?channel={channel}&sku={code}")["items"][0][
                "quantity"
            ],
            partial(_queried, channel),
        )
        for _ in range(times + WARM_UP):
            for ask, seconds in zip(asks, took, strict=True):
                code = f"MANY-{chance.randrange(skus) + 1}"
                began = time.perf_counter()
                units = ask(code)
                seconds.append(time.perf_counter() - began)
                if units != 14:
                    raise SystemExit(f"{units} units of {code} were told, 14 are free")
    return took[0][WARM_UP:], took[1][WARM_UP:]


def _queried(channel: str, code: str) -> int:
    from django.utils import timezone

    from entrepot.stock import availability_queries

    (found,) = availability_queries.availability(
        company=house.COMPANY, channel=channel, skus=[code], at=timezone.now()
    )
    return found.quantity


def _channel() -> tuple[str]:
    from entrepot.kernel import sql

    return sql.run("SELECT code FROM network_channel ORDER BY code LIMIT 1")[0]  # type: ignore[return-value]


_SKUS = """
INSERT INTO catalog_sku
SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'code', 'MANY-' || i))).*
FROM catalog_sku AS s, generate_series(1, %(skus)s::int) AS i WHERE s.code = 'SKU-000'
"""

_POSITIONS = """
INSERT INTO stock_position (sku_id, node_id, owner_id, company_id, sellable, reserved, allocated, safety, fenced)
SELECT s.id, n.id, s.company_id, s.company_id, 10, 1, 1, 1, 0
FROM catalog_sku AS s, network_node AS n WHERE s.code LIKE 'MANY-%%'
"""
