"""Words for states and kinds as people read them, and the tone in which a state is shown."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TONES: dict[str, tuple[str, ...]] = {
    "bad": (
        "exception", "failed", "dead", "short", "voided", "rejected", "damaged", "non_sellable", "overdue",
    ),
    "held": (
        "payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "open", "waiting", "held",
        "backordered", "part backordered", "quarantined", "pending_inspection", "researching", "refurbish", "unmatched",
        "unpaid", "split", "part_refunded", "part refunded",
    ),
    "going": (
        "ready", "warehouse release", "released", "picking", "picked", "packed", "partly shipped", "allocated",
        "claimed", "placed", "confirmed", "authorized", "in_transit", "in transit", "issued", "ordered",
        "part received",
    ),
    "good": (
        "shipped", "delivered", "done", "captured", "sellable", "posted", "received", "matched", "closed",
    ),
    "quiet": ("cancelled", "refunded", "none", "draft", "revoked", "discontinued", ""),
}  # fmt: skip
"""Tone → states. A tone colors; the word tells."""

_TONE_OF = {state: tone for tone, states in TONES.items() for state in states}


def tone(state: str) -> str:
    return _TONE_OF.get(state, "quiet")


WORDS: dict[str, str | Promise] = {
    "work_item": _("work item"),
    "non_sellable": _("non-sellable"),
    "partial_backorder": _("send what there is, backorder the rest"),
    "partial_cancel": _("send what there is, cancel the rest"),
    "ship_complete": _("send only complete"),
    "line_complete": _("send only complete lines"),
    "sku": _("SKU"),
    "skus": _("SKUs"),
    "sku_code": _("SKU"),
    "api_key": _("API key"),
    "fee.marketplace": _("marketplace fee"),
    "fee.bank": _("bank charge"),
    "bad_debt": _("bad debt"),
    "why": _("Why"),
}
"""What is not simply its own name with spaces."""


def word(name: object) -> str:
    """A state, kind or field as people write it."""
    text = str(name or "")
    return str(WORDS.get(text) or text.replace("_", " ").replace(".", " · "))


def sentence(name: object) -> str:
    """The same with a capital letter first."""
    text = word(name)
    return text[:1].upper() + text[1:]
