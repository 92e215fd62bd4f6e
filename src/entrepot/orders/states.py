"""The lives of orders, holds and credits, as tables. Pure.

The fulfillment axis is no machine: it is where the units of the lines stand (`rules.PLACES`).
"""

from __future__ import annotations

from entrepot.kernel.states import machine

COMMERCIAL = machine(
    "order", "draft",
    ("place", "draft", "placed"),
    ("confirm", ("draft", "placed"), "confirmed"),
    ("hold", "confirmed", "placed"),
    ("cancel", ("draft", "placed", "confirmed"), "cancelled", True),
    ("close", "confirmed", "closed"),
)  # fmt: skip
"""`placed` is held by something, `confirmed` by nothing."""

PAYMENT = machine(
    "payment of the order", "unpaid",
    ("authorize", ("unpaid", "failed"), "authorized"),
    ("capture", ("unpaid", "authorized", "captured", "part refunded"), "captured"),
    ("refund_part", ("captured", "part refunded"), "part refunded"),
    ("refund", ("captured", "part refunded"), "refunded"),
    ("fail", ("unpaid", "authorized"), "failed"),
    ("void", ("unpaid", "authorized", "failed"), "unpaid"),
)  # fmt: skip

RETURNS = machine(
    "return of the order", "none",
    ("request", ("none", "returned"), "requested"),
    ("send_back", ("none", "requested"), "in return"),
    ("finish", ("requested", "in return"), "returned"),
    ("withdraw", "requested", "none"),
)  # fmt: skip

HOLD = machine(
    "hold", "open",
    ("release", "open", "released"),
    ("reject", "open", "rejected"),
)  # fmt: skip
"""Rejected is a hold whose order was cancelled."""

CREDIT = machine("credit", "unmatched", ("match", "unmatched", "matched"))
