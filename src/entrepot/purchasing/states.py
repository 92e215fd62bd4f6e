"""The lives of purchase orders, notices of what is on its way, reorder proposals, quality checks and claims."""

from __future__ import annotations

from entrepot.kernel.states import machine

ORDER = machine(
    "purchase order",
    "waiting",
    ("receive_part", ("open", "part_received"), "part_received"),
    ("receive_rest", ("open", "part_received"), "received"),
    ("receive_late", "received", "received"),
    ("approve", "waiting", "open"),
    ("decline", "waiting", "cancelled", True),
    ("cancel", ("waiting", "open", "part_received"), "cancelled", True),
    ("close", ("open", "part_received"), "received", True),
)
"""`waiting`: worth more than one person orders alone, others are open at once; nothing goes to the supplier until
another one has approved it.
`receive_late`: what the policy gave up of a line comes after all."""

CHECK = machine(
    "quality check",
    "waiting",
    ("pass", "waiting", "passed"),
    ("fail", "waiting", "failed"),
)

NOTICE = machine(
    "advance ship notice",
    "expected",
    ("receive", "expected", "received"),
    ("close", "expected", "closed", True),
    ("replace", "expected", "replaced"),
)

PROPOSAL = machine(
    "reorder proposal",
    "proposed",
    ("order", "proposed", "ordered"),
    ("reject", "proposed", "rejected", True),
)

CLAIM = machine(
    "claim to a supplier",
    "open",
    ("agree", "open", "agreed"),
    ("credit", ("open", "agreed"), "credited", True),
    ("replace", ("open", "agreed"), "replaced", True),
    ("refuse", ("open", "agreed"), "refused", True),
)

DROP_SHIP = machine(
    "drop-ship order",
    "asked",
    ("confirm", "asked", "confirmed"),
    ("ship_part", ("asked", "confirmed", "part_shipped"), "part_shipped"),
    ("ship_rest", ("asked", "confirmed", "part_shipped"), "shipped"),
    ("refuse_rest", ("asked", "confirmed"), "refused", True),
    ("close_short", "part_shipped", "shipped", True),
    ("call_off", "asked", "called_off", True),
)
"""What a supplier sends to the customer himself. `refuse_rest`: he sends none of it; where some has gone already and he
refuses what is left, the order ends short. What he has confirmed is his to refuse, and not called off any more."""

COMING = ("asked", "confirmed", "part_shipped")
"""States in which something is still to come."""
