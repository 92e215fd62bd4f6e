"""The lives of what people enter and of versions of the posting rules, as tables. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

MANUAL_ENTRY = machine(
    "journal entry", "waiting",
    ("approve", "waiting", "posted"),
    ("reject", "waiting", "rejected", True),
)  # fmt: skip
"""What one person enters waits for another one, who has it posted or says why not. What was posted is reversed by an
entry of its own."""

RULE_VERSION = machine(
    "version of the posting rules", "draft",
    ("activate", "draft", "active"),
    ("withdraw", ("draft", "active"), "withdrawn", True),
)  # fmt: skip
"""One whose day is to come can be withdrawn; from its day on it stays in force until another one follows it."""
