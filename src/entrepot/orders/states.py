"""The lives of orders, holds and credits, as tables. Pure.

Two axes are no machines: fulfillment is where the units of the lines stand (`UNIT`), payment is what the tenders say
(`rules.derive_payment`).
"""

from __future__ import annotations

from entrepot.kernel.states import machine

COMMERCIAL = machine(
    "order", "draft",
    ("place", "draft", "placed"),
    ("confirm", ("draft", "placed"), "confirmed"),
    ("hold", "confirmed", "placed"),
    ("cancel", ("draft", "placed", "confirmed"), "cancelled", True),
    ("close", "confirmed", "closed"),
    ("merge", "confirmed", "closed", True),
)  # fmt: skip
"""`placed` is held by something, `confirmed` by nothing. What is merged into another order is closed, and empty."""

UNIT = machine(
    "unit of an order line", "open",
    ("backorder", "open", "backordered"),
    ("allocate", ("open", "backordered"), "allocated"),
    ("pass_on", ("open", "backordered"), "with_supplier"),
    ("release", "allocated", "released"),
    ("pick", "released", "picked"),
    ("pack", "picked", "packed"),
    ("unpack", "packed", "picked"),
    ("ship", ("packed", "with_supplier"), "shipped"),
    ("deliver", "shipped", "delivered"),
    ("perform", "open", "delivered"),
    ("reopen", ("allocated", "with_supplier", "released", "picked", "packed"), "open"),
    (
        "cancel", ("open", "backordered", "allocated", "with_supplier", "released", "picked", "packed"),
        "cancelled",
    ),
)  # fmt: skip
"""The steps of a unit from place to place, by which lines count units (`rules.PLACES`). Services are performed."""

RETURNS = machine(
    "return of the order", "none",
    ("request", ("none", "returned"), "requested"),
    ("send_back", ("none", "requested"), "in return"),
    ("finish", ("requested", "in return"), "returned"),
    ("withdraw", "requested", "none"),
)  # fmt: skip

HOLD = machine(
    "hold", "open",
    ("release", "open", "released"),
    ("reject", "open", "rejected"),
    ("escalate", "open", "open"),
)  # fmt: skip
"""Rejected is a hold whose order was cancelled; escalated is one that somebody else is asked about."""

DRAFT = machine(
    "draft", "draft",
    ("place", "draft", "placed"),
    ("discard", "draft", "discarded"),
    ("restore", "discarded", "draft"),
)  # fmt: skip
"""A draft or quote of customer service; `placed` is one that became an order."""

NOTE = machine(
    "note", "standing",
    ("correct", "standing", "corrected"),
    ("withdraw", "standing", "withdrawn"),
)  # fmt: skip
"""What somebody wrote to an order; a corrected one has another in its place."""

CREDIT = machine(
    "credit", "waiting",
    ("approve", "waiting", "unmatched"),
    ("reject", "waiting", "rejected", True),
    ("match", "unmatched", "matched"),
)  # fmt: skip
"""`waiting` for a second person, who has it booked; `unmatched` until its sale is found."""
