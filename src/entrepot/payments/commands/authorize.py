"""Record what a customer's bank has agreed to pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.payments import errors
from entrepot.payments.providers import COLLECTED

KNOWN = ("account", "fake", "stripe", *sorted(COLLECTED))
"""Providers of whose payments others may tell; of store credit only its own account does (`store_credit.spend`)."""


@dataclass(frozen=True, slots=True)
class Authorize:
    """An authorization that the channel obtained, as its provider gave it."""

    company: int
    order: UUID
    provider: str
    reference: str
    currency: str
    amount_minor: int
    authorized_at: datetime
    expires_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Authorized:
    payment: UUID


@command("payments.authorize")
def authorize(cause: Cause, /, *, requests: Sequence[Authorize]) -> list[Authorized | Refused]:
    """Payments ready to be captured. Nothing is posted yet.

    Refuses: UnknownProvider, NotAPayment. Again: by key. 1 statement.
    """
    answers: list[Authorized | Refused] = []
    rows = []
    for r in requests:
        if r.provider not in KNOWN:
            answers.append(errors.UnknownProvider(provider=r.provider, known=", ".join(KNOWN)))
        elif r.amount_minor < 0:
            answers.append(
                errors.NotAPayment(
                    field="amount", expected="0 or more", found=money.told(r.amount_minor, r.currency)
                )
            )
        else:
            payment = ids.uuid7()
            rows.append(
                (
                    payment,
                    r.company,
                    r.order,
                    r.provider,
                    r.reference,
                    r.currency,
                    r.amount_minor,
                    0,
                    0,
                    0,
                    0,
                    "authorized",
                    r.authorized_at,
                    r.expires_at,
                )
            )
            answers.append(Authorized(payment))
    sql.write("payments_payment", _COLUMNS, rows)
    return answers


_COLUMNS = (
    "id", "company_id", "order_id", "provider", "reference", "currency", "authorized_minor", "capturing_minor",
    "captured_minor", "refunding_minor", "refunded_minor", "state", "authorized_at", "expires_at",
)  # fmt: skip
