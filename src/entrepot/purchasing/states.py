"""The lives of a purchase order, an advance ship notice, a quality check and a claim to a supplier."""

from __future__ import annotations

from entrepot.kernel.states import machine

ORDER = machine(
    "purchase order",
    "open",
    ("receive_part", ("open", "part_received"), "part_received"),
    ("receive_rest", ("open", "part_received"), "received"),
    ("cancel", ("open", "part_received"), "cancelled", True),
    ("close", ("open", "part_received"), "received", True),
)

CHECK = machine(
    "quality check",
    "waiting",
    ("pass", "waiting", "passed"),
    ("fail", "waiting", "failed"),
)

NOTICE = machine(
    "advance ship notice",
    "expected",
    ("receive", "expected", "received"),
    ("close", "expected", "closed", True),
)

CLAIM = machine(
    "claim to a supplier",
    "open",
    ("credit", "open", "credited", True),
    ("replace", "open", "replaced", True),
    ("refuse", "open", "refused", True),
)
