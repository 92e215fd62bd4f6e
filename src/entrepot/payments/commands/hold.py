"""Hold an amount on the card that an order was paid with, as security for what was given before it was due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.payments import errors, providers
from entrepot.payments.commands import take


@dataclass(frozen=True, slots=True)
class HoldAmount:
    """An amount to be held on the card of an order's payment, as security for a document. Captures, refunds and voids
    of the document are of it."""

    order: UUID
    document: UUID
    amount_minor: int
    currency: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AmountAsked:
    """The payment that stands for the hold: `asked`, until its provider answers."""

    payment: UUID


@command("payments.hold")
def hold(cause: Cause, /, *, requests: Sequence[HoldAmount]) -> list[AmountAsked | Refused]:
    """Holds asked of the providers of cards, after the commit; nothing is taken and nothing is posted.

    The card is that of the largest payment of the order which was captured by a provider with an outside. What the
    provider answers is settled as for any attempt: then the hold is `authorized` for some days, or `failed`.
    Refuses: NotAPayment; NoCard. Again: by key. 5 statements.
    """
    cards = {row[:2]: row[2:] for row in sql.run(_CARDS, {"orders": [one.order for one in requests]})}
    answers: list[AmountAsked | Refused] = []
    attempts = []
    for one in requests:
        if one.amount_minor <= 0:
            answers.append(
                errors.NotAPayment(
                    field="amount", expected="above 0", found=money.told(one.amount_minor, one.currency)
                )
            )
            continue
        card = cards.get((one.order, one.currency))
        if card is None:
            answers.append(errors.NoCard(order=str(one.order), currency=one.currency))
            continue
        company, provider, reference = card
        payment = take.Payment(
            ids.uuid7(), company, one.document, provider, reference, one.currency, one.amount_minor, 0, 0, 0, 0,
            "asked", is_hold=True,
        )  # fmt: skip
        attempts.append(take.Attempt(payment, "hold", one.amount_minor, cause.at, one.document))
        answers.append(AmountAsked(payment.id))
    if attempts:
        _write(cause, attempts)
    return answers


def _write(cause: Cause, attempts: Sequence[take.Attempt]) -> None:
    sql.write("payments_payment", _PAYMENT, [
        (
            one.payment.id, one.payment.company, one.payment.order, one.payment.provider, one.payment.reference,
            one.payment.currency, one.payment.authorized, "asked", True, cause.at,
        )
        for one in attempts
    ])  # fmt: skip
    take.make(cause, attempts)
    announce(cause, [
        Event("payment", one.payment.id, one.payment.company, "", "asked", None,
              {"hold": one.amount, "document": one.payment.order})
        for one in attempts
    ])  # fmt: skip


_PAYMENT = (
    "id", "company_id", "order_id", "provider", "reference", "currency", "authorized_minor", "state", "is_hold",
    "authorized_at",
)  # fmt: skip

_CARDS = f"""
SELECT DISTINCT ON (order_id, currency) order_id, currency::text, company_id::int, provider, reference
FROM payments_payment
WHERE order_id = ANY(%(orders)s::uuid[]) AND captured_minor > 0 AND provider <> ALL(ARRAY{sorted(providers.LOCAL)})
ORDER BY order_id, currency, captured_minor DESC, id
"""
