"""The lives of a difference with a channel and of a file of orders, as tables. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

DIFFERENCE = machine(
    "difference with a channel", "open",
    ("mend", "open", "mended"),
    ("explain", ("open", "mended"), "explained", True),
    ("agree", ("open", "mended", "explained"), "agreed"),
    ("differ", ("mended", "explained"), "open"),
)  # fmt: skip
"""What was mended is open again where the next statement differs still; what was explained, where it differs
otherwise."""

FILE_IMPORT = machine(
    "file of orders", "reading",
    ("read", "reading", "asked"),
    ("refuse", "reading", "unreadable"),
    ("end", ("reading", "asked"), "done"),
    ("withdraw", ("reading", "asked"), "withdrawn"),
)  # fmt: skip
"""A file with many rows, which the worker reads, and then takes in batch by batch. One without an order that could be
placed is done when it is read."""
