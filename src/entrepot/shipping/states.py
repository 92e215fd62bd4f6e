"""The life of a shipment, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

SHIPMENT = machine("shipment", "shipped", ("deliver", "shipped", "delivered"))

LABEL = machine(
    "label", "awaited",
    ("print", "awaited", "printed"),
    ("void", ("awaited", "printed"), "voided"),
    ("manifest", "printed", "manifested"),
    ("take_off", "manifested", "printed"),
)  # fmt: skip
"""`awaited` is bought before its package leaves, and `printed` when that is booked. Those of our own begin there."""

CONSIGNMENT = machine(
    "consignment", "labeling",
    ("label", ("labeling", "stopped"), "labeling"),
    ("stop", "labeling", "stopped"),
)  # fmt: skip
"""It ends as the shipment of its name; `stopped` where its packages were opened before."""

PURCHASE = machine(
    "bought label", "asked",
    ("buy", "asked", "bought"),
    ("offer", "asked", "asked"),
    ("fail", "asked", "failed"),
    ("doubt", "asked", "in doubt"),
    ("settle", ("in doubt", "asked"), "failed"),
    ("ask_again", "failed", "asked"),
    ("give_back", "bought", "void asked"),
    ("void", "void asked", "voided"),
    ("keep", "void asked", "bought"),
)  # fmt: skip

FORM = machine(
    "manifest at an adapter", "asked",
    ("begin", "asked", "making"),
    ("make", ("asked", "making"), "made"),
    ("fail", ("asked", "making"), "failed"),
    ("leave", "asked", "on paper"),
    ("ask_again", ("asked", "making", "failed"), "asked"),
)  # fmt: skip
FORM_THROUGH = ("made", "on paper")
"""States of a form in which there is nothing to tell its carrier any more."""

FORM_UNDERWAY = ("asked", "making")
"""States of a form in which nobody knows yet of which labels its carrier is told."""

CLAIM = machine(
    "claim to a carrier", "open",
    ("file", "open", "filed"),
    ("agree", ("open", "filed"), "agreed"),
    ("credit", ("filed", "agreed"), "credited"),
    ("refuse", ("filed", "agreed"), "refused", True),
    ("drop", ("open", "filed"), "dropped", True),
)  # fmt: skip
