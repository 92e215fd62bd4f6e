"""Reports of payouts in their providers' own forms, told by what they hold. Pure."""

from __future__ import annotations

from entrepot.settlement import amazon_report, shopify_report, stripe_report
from entrepot.settlement.stripe_report import Report


def read(text: str) -> tuple[str, Report] | None:
    """Who paid out, and what; None for a table that does not say it itself.

    Raises UnreadableError for one that says so and can't be read.
    """
    if amazon_report.is_one(text):
        return "amazon", amazon_report.read(text)
    if not text.lstrip("\ufeff \n\r\t").startswith(("{", "[")):
        return None
    body = stripe_report.body_of(text)
    if isinstance(body, dict) and "transactions" in body:
        return "shopify", shopify_report.read(stripe_report.rows_of(body["transactions"]))
    return "stripe", stripe_report.of_body(body)
