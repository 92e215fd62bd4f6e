"""What a channel may promise of one SKU, asked through the API and by the bare query, among a million positions."""

from __future__ import annotations

import random
import time

from bench import house

SKUS = 500_000  # at two nodes each: a million positions


def furnish() -> None:
    """A fresh house with so many more SKUs in stock. The rows are copied: what is measured is reading them."""
    from entrepot.kernel import sql

    house.fresh()
    sql.run(_SKUS, {"skus": SKUS})
    sql.run(_POSITIONS)
    with house.connect() as connection:
        connection.execute("ANALYZE catalog_sku, stock_position")


def asked(times: int) -> tuple[list[float], list[float]]:
    """Seconds of each request for another SKU: through the whole of Django without its server, and by the query alone.

    In turn, so that both meet the same machine.
    """
    from django.test import Client
    from django.utils import timezone

    from entrepot.stock import availability_queries

    (channel,) = _channel()
    headers = {"X-API-Key": house.api_key(), "Host": "localhost"}
    client, chance = Client(headers=headers), random.Random(7)
    took: tuple[list[float], list[float]] = ([], [])
    for i in range(2 * times + 20):
        code = f"MANY-{chance.randrange(SKUS) + 1}"
        began = time.perf_counter()
        if i % 2:
            (found,) = availability_queries.availability(
                company=house.COMPANY, channel=channel, skus=[code], at=timezone.now()
            )
            units = found.quantity
        else:
            answer = client.get("/api/v1/availability", {"channel": channel, "sku": code})
            units = answer.json()["items"][0]["quantity"]
        if i >= 20:  # connected, planned and imported
            took[i % 2].append(time.perf_counter() - began)
        if units != 14:
            raise SystemExit(f"{units} units of {code} were told, 14 are free")
    return took


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
