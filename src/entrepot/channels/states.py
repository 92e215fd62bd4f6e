"""The lives of a difference with a channel, of a file of orders, of a webhook and of a document, as tables. Pure."""

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

WEBHOOK = machine(
    "webhook", "open",
    ("pause", "open", "paused"),
    ("give_up", "open", "given_up"),
    ("open", ("paused", "given_up"), "open"),
    ("remove", ("open", "paused", "given_up"), "removed"),
)  # fmt: skip
"""Only an open one is told of events. What waited when it was paused or given up is kept, and goes out when it is
opened again; what happens meanwhile is not told of."""

ORDER_DOCUMENT = ("file", "waiting", "sent", "failed", "superseded")
"""What becomes of an order that goes out as a document: a file to take, or posted until it is taken or given up, or
until a later one of its order goes in its place."""
