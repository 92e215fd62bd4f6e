"""The life of a purchase order."""

from __future__ import annotations

from entrepot.kernel.states import machine

ORDER = machine(
    "purchase order",
    "open",
    ("receive_part", ("open", "part_received"), "part_received"),
    ("receive_rest", ("open", "part_received"), "received"),
    ("cancel", ("open", "part_received"), "cancelled", True),
)
