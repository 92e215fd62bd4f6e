"""The life of a journal entry that a person enters, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

MANUAL_ENTRY = machine(
    "journal entry", "waiting",
    ("approve", "waiting", "posted"),
    ("reject", "waiting", "rejected", True),
)  # fmt: skip
"""What one person enters waits for another one, who has it posted or says why not. What was posted is reversed by an
entry of its own."""
