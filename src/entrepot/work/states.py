"""The life of a work item."""

from __future__ import annotations

from entrepot.kernel.states import machine

ITEM = machine(
    "work item",
    "open",
    ("claim", "open", "claimed"),
    ("put_back", "claimed", "open"),
    ("assign", ("open", "claimed"), "claimed"),
    ("snooze", "open", "open"),
    ("snooze", "claimed", "claimed"),
    ("escalate", ("open", "claimed"), "open"),
    ("raise", "open", "open"),
    ("raise", "claimed", "claimed"),
    ("resolve", ("open", "claimed"), "done"),
)
