"""The lives of returns and refunds, as tables. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

RETURN = machine(
    "return", "requested",
    ("authorize", "requested", "authorized"),
    ("decline", "requested", "declined", True),
    ("receive", ("authorized", "received", "inspected", "disposed"), "received"),
    ("inspect", "received", "inspected"),
    ("dispose", "inspected", "disposed"),
    ("close", ("authorized", "received", "inspected", "disposed"), "closed", True),
    ("owe_again", "closed", "disposed"),
    ("cancel", ("requested", "authorized"), "cancelled", True),
    ("reopen", ("closed", "cancelled"), "authorized", True),
)  # fmt: skip
"""`received`: units wait for inspection. `inspected`: units wait for their disposition. `disposed`: none of those here
waits for anything. Closed is a return whose goods and money are done with; it is open again where a refund bounces, or
where goods come after all."""

FINAL = frozenset({"declined", "closed", "cancelled"})

LOOKED_AT = ("received", "inspected")
"""Something of it is here and waits: for an inspection, or for what is done with it."""

TO_COME = ("authorized", "disposed")
"""Nothing of it that is here waits: whoever has something left to come is its customer."""

REFUND = machine(
    "refund", "agreed",
    ("settle", "agreed", "approved"),
    ("wait", "agreed", "waiting"),
    ("withdraw", "agreed", "rejected", True),
    ("approve", "waiting", "approved"),
    ("reject", "waiting", "rejected", True),
    ("pay", ("approved", "failed"), "paid"),
    ("fail", "approved", "failed"),
    ("bounce", "paid", "failed"),
    ("ask_again", "failed", "approved"),
)  # fmt: skip
"""What pays for a replacement is `agreed` until what comes back is there; where the replacement was cancelled
meanwhile, it is a refund as others are. These begin `waiting` for another person or `approved`: posted, and asked of
the provider. `failed` waits for a person."""

EXCHANGE = machine(
    "exchange", "agreed",
    ("settle", "agreed", "settled"),
    ("withdraw", "agreed", "withdrawn", True),
)  # fmt: skip
"""`settled`: its money is the replacement's, which goes its way."""

DEPARTURE = machine(
    "departure", "open",
    ("leave", "open", "gone"),
    ("settle", "gone", "settled"),
    ("withdraw", "open", "withdrawn", True),
)  # fmt: skip
"""`gone`: the goods have left, and a credit, a payment or the receiver's certificate is awaited. `settled`: it came, or
nothing will."""

WORK_ORDER = machine(
    "work order", "planned",
    ("start", "planned", "started"),
    ("finish", "started", "finished"),
    ("withdraw", ("planned", "started"), "withdrawn", True),
)  # fmt: skip
REPAIR = machine(
    "repair", "offered",
    ("agree", "offered", "agreed"),
    ("decline", "offered", "declined"),
    ("repair", "agreed", "repaired"),
    ("fail", "agreed", "failed"),
    ("send", ("repaired", "failed", "declined"), "sent"),
    ("deliver", ("sent", "lost"), "delivered", True),
    ("lose", "sent", "lost"),
    ("settle", ("repaired", "failed", "declined", "lost"), "settled", True),
)  # fmt: skip
"""Units that are repaired for their customer. `offered`: he is asked to agree to a price; where the house pays, nobody
is asked. `failed`: it can't be repaired, and `settled`: something else was agreed on instead, even of what was repaired
already. `lost`: the parcel that it went back in was, and it is found, or something else is agreed on."""

FRAUD = machine(
    "suspicion", "clean",
    ("flag", ("clean", "cleared", "open"), "open"),
    ("clear", "open", "cleared", True),
    ("confirm", "open", "confirmed", True),
    ("reopen", ("cleared", "confirmed"), "open", True),
)  # fmt: skip
"""Whether a return was judged to be suspicious, and what a person decided. While it is `open` or `confirmed` nothing of
it is refunded."""

BLOCKS = ("open", "confirmed")
"""States in which nothing is refunded."""
HOLD = machine(
    "card hold", "asked",
    ("place", "asked", "placed"),
    ("decline", "asked", "declined"),
    ("renew", "placed", "renewing"),
    ("renewed", "renewing", "placed"),
    ("not_renewed", "renewing", "placed"),
    ("release", "placed", "released"),
    ("take", "placed", "taking"),
    ("took", ("taking", "failed"), "taken"),
    ("fail", "taking", "failed"),
    ("lapse", "placed", "lapsed"),
)  # fmt: skip
"""An amount on a customer's card. `declined`: it never stood, so nothing was given for it. `taken` is what was captured
of it; what of that turns out not to be owed is given back. `failed` waits for a person, who asks for it again.
`lapsed`: its time at the bank was over before anybody decided."""

HOLD_OPEN = ("asked", "placed", "renewing", "taking", "failed")
"""Nobody has decided yet what becomes of the amount."""

HOLD_STANDING = (*HOLD_OPEN, "taken")
"""Something may still become of it: what was taken is given back when it turns out not to be owed."""
