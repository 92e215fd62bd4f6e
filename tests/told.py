"""What channels were told of parcels' numbers."""

from __future__ import annotations

import json
from typing import Any

from entrepot.kernel import sql


def numbers_told() -> list[dict[str, Any]]:
    """The bodies of messages about numbers, in the order in which they were left."""
    found = sql.run(
        "SELECT destination, body::text FROM kernel_delivery WHERE topic = 'shipment.tracking_changed' ORDER BY id"
    )
    assert {destination for destination, _ in found} <= {"channels:shop"}
    return [json.loads(body) for _, body in found]
