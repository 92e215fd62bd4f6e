"""The life of a proposal to move stock between nodes."""

from __future__ import annotations

from entrepot.kernel.states import machine

TRANSFER_PROPOSAL = machine(
    "transfer proposal",
    "proposed",
    ("accept", "proposed", "accepted"),
    ("reject", ("proposed", "accepted"), "rejected", True),
    ("send", "accepted", "sent"),
)
