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
)  # fmt: skip
"""`picking` waits for missing units that are picked from another bin; `cancelled` found nothing at all."""

TASK = machine(
    "pick task", "open",
    ("pick", "open", "done"),
    ("miss", "open", "short"),
)  # fmt: skip

STEPS = {
    event: {state: FULFILLMENT.step(state, event) for state in FULFILLMENT.states}
    for event in FULFILLMENT.events
}
"""By event and state, the state after it or the refusal: looked up for thousands at once."""
