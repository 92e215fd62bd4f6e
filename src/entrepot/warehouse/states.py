"""The life of a fulfillment, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

FULFILLMENT = machine(
    "fulfillment", "released",
    ("pick_part", ("released", "picking"), "picking"),
    ("pick", ("released", "picking"), "picked"),
    ("pack", "picked", "packed"),
    ("ship", "packed", "shipped"),
    ("cancel", ("released", "picking"), "cancelled"),
    ("finish", "picking", "picked"),
    ("unpack", "packed", "picked"),
    ("withdraw", ("released", "picking", "picked", "packed"), "cancelled"),
)  # fmt: skip
"""`picking` waits for missing units that are picked from another bin; `cancelled` found nothing, or is withdrawn.

Where some units are withdrawn, the others go on: `finish` when nothing more is to be picked, `unpack` when their carton
was opened."""

TASK = machine(
    "pick task", "open",
    ("pick", "open", "done"),
    ("miss", "open", "short"),
    ("withdraw", ("open", "done"), "withdrawn"),
)  # fmt: skip

WAVE = machine(
    "wave", "proposed",
    ("release", "proposed", "released"),
    ("drop", "proposed", "dropped"),
)  # fmt: skip
"""Whether a released wave is picked, its tasks say."""

REPLENISHMENT = machine(
    "replenishment", "open",
    ("carry_out", "open", "done"),
    ("drop", "open", "dropped"),
)  # fmt: skip
"""Dropped where the units that it asks for have gone, or where the pick face is not kept filled any more."""
COUNT = machine(
    "count", "open",
    ("start", ("open", "recount", "counting"), "counting"),
    ("agree", ("counting", "waiting"), "done"),
    ("differ", ("counting", "waiting"), "recount"),
    ("ask", ("counting", "recount"), "waiting"),
    ("withdraw", ("open", "counting", "recount"), "withdrawn", True),
)  # fmt: skip
"""`recount`: somebody else counts what differed; `waiting`: for the approval of a third."""

COUNT_OVER = ("done", "withdrawn")
"""Counts that nobody has anything to do with any more."""

COUNT_LINE = machine(
    "counted line", "open",
    ("agree", ("open", "recount", "waiting"), "agreed"),
    ("post", ("open", "recount", "waiting"), "posted"),
    ("differ", ("open", "waiting"), "recount"),
    ("ask", ("open", "recount"), "waiting"),
    ("reject", "waiting", "rejected"),
    ("withdraw", ("open", "recount"), "withdrawn"),
)  # fmt: skip

STEPS = {
    event: {state: FULFILLMENT.step(state, event) for state in FULFILLMENT.states}
    for event in FULFILLMENT.events
}
"""By event and state, the state after it or the refusal: looked up for thousands at once."""
