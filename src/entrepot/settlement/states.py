"""The life of a line of a payout, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

LINE = machine(
    "line of a payout", "matched",
    ("differ", "matched", "differs"),
    ("miss", "matched", "unmatched"),
    ("match", "unmatched", "matched"),
    ("match_in_part", "unmatched", "differs"),
    ("split", ("differs", "unmatched"), "unmatched"),
    ("explain", ("differs", "unmatched"), "explained", True),
)  # fmt: skip
"""`matched` is what we know, to the cent; the others wait for a person, who finds what they belong to or says
why they belong to nothing."""

CHARGE = machine(
    "charge of a carrier", "matched",
    ("differ", "matched", "differs"),
    ("miss", "matched", "unmatched"),
    ("accept", ("differs", "unmatched", "disputed"), "accepted", True),
    ("dispute", ("differs", "unmatched"), "disputed", True),
    ("credit", ("differs", "unmatched", "disputed"), "credited"),
)  # fmt: skip
"""A charge in question is accepted as a cost, or disputed until the carrier credits it or it is accepted after all."""
IN_QUESTION = ("differs", "unmatched", "disputed")

SUPPLIER_LINE = machine(
    "line of a supplier's invoice", "matched",
    ("differ", "matched", "differs"),
    ("miss", "matched", "unmatched"),
    ("arrive", ("differs", "disputed"), "matched"),
    ("accept", ("differs", "unmatched", "disputed"), "accepted", True),
    ("dispute", ("differs", "unmatched"), "disputed", True),
    ("credit", ("differs", "unmatched", "disputed"), "credited"),
)  # fmt: skip
"""As a charge of a carrier; a line that was billed before its goods came is matched when they do."""

BANK = machine(
    "line of a bank statement", "matched",
    ("differ", "matched", "differs"),
    ("miss", "matched", "unmatched"),
    ("split", ("differs", "unmatched"), "unmatched"),
    ("match", ("differs", "unmatched"), "matched"),
    ("book", ("differs", "unmatched"), "booked", True),
)  # fmt: skip
"""A line that belongs to nothing we know is matched by a person with what it is, or booked for a reason; one that
is several things is split, and each part is decided."""

WRITE_OFF = machine(
    "write-off", "waiting",
    ("approve", "waiting", "posted"),
    ("decline", "waiting", "declined", True),
)  # fmt: skip
"""What is left of a clearing account is given up at once within the limit, else when another person approves it."""
