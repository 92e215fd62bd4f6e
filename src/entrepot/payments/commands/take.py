"""What capture, refund and settlement share: payments under lock, attempts, and their entries in the books."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import providers, rules
from entrepot.payments.commands.credit_accounts import Booking, book_credit
from entrepot.payments.providers.stripe.amounts import STEPPED


@dataclass(slots=True)
class Payment:
    """A locked payment; amounts change as a batch is decided, and are written back by `store`."""

    id: UUID
    company: int
    order: UUID
    provider: str
    reference: str
    currency: str
    authorized: int
    capturing: int
    captured: int
    refunding: int
    refunded: int
    state: str
    disputed: int = 0
    credited: int = 0
    prepaid: int = 0
    is_hold: bool = False
    expires_at: datetime | None = None

    def is_over(self, at: datetime) -> bool:
        """Whether its provider captures nothing of it any more, by what it told."""
        return self.expires_at is not None and self.expires_at <= at

    @property
    def capturable(self) -> int:
        return (
            0
            if self.state in ("asked", "voided", "failed")
            else self.authorized - self.captured - self.capturing
        )

    @property
    def given_back(self) -> int:
        """With what is on its way."""
        return self.refunded + self.refunding + self.credited

    @property
    def refundable(self) -> int:
        return max(0, self.captured - self.given_back - self.disputed)

    def count(self, kind: str, amount: int) -> None:
        """Book an amount: at once where the provider is local, as asked for where it has to answer first."""
        local = self.provider in providers.LOCAL
        name = {"capture": "captur", "refund": "refund"}[kind] + ("ed" if local else "ing")
        setattr(self, name, getattr(self, name) + amount)
        self.settle_state()

    def settle_state(self) -> None:
        """The state that the amounts say."""
        back = self.refunded + self.credited
        if back:
            self.state = "refunded" if back == self.captured else "part_refunded"
        elif self.captured:
            self.state = "captured"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A capture or refund of a payment, to be asked of its provider or settled at once."""

    payment: Payment
    kind: str
    amount: int
    occurred_at: datetime
    document: UUID | None = None
    retry_of: UUID | None = None
    id: UUID = field(default_factory=ids.uuid7)


def lock_of_orders(orders: Iterable[UUID]) -> dict[UUID, list[Payment]]:
    """Payments by order, the oldest first, locked in id order. One statement."""
    found: dict[UUID, list[Payment]] = {}
    for row in sql.run(
        f"{_FIELDS} WHERE order_id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE", {"orders": list(orders)}
    ):
        payment = Payment(*row)
        found.setdefault(payment.order, []).append(payment)
    return found


def lock(payments: Iterable[UUID]) -> dict[UUID, Payment]:
    """Payments by id, locked in id order. One statement."""
    statement = f"{_FIELDS} WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE"
    return {row[0]: Payment(*row) for row in sql.run(statement, {"ids": list(payments)})}


def spread(
    cause: Cause,
    kind: str,
    payments: Iterable[Payment],
    amount: int,
    occurred_at: datetime | None,
    document: UUID | None = None,
) -> tuple[list[Attempt], int]:
    """Attempts that capture or refund an amount over payments in turn, and what none of them could bear."""
    attempts = []
    payments = list(payments)
    parts, amount = rules.over(
        [one.capturable if kind == "capture" else one.refundable for one in payments], amount
    )
    for payment, part in zip(payments, parts, strict=True):
        if not part:
            continue
        payment.count(kind, part)
        attempts.append(Attempt(payment, kind, part, occurred_at or cause.at, document))
        signed = part if kind == "capture" else -part
        happened = Event(
            "payment", payment.id, payment.company, "", payment.state, occurred_at, {"minor": signed}
        )
        announce(cause, [happened])
    return attempts, amount


def make(cause: Cause, attempts: Sequence[Attempt]) -> None:
    """Write attempts: those of local providers are settled and posted now, the others go to the relay.

    The payments' amounts have been changed by the caller; they are stored here. 4 to 8 statements; 2 more where a
    provider takes a currency in steps only.
    """
    if not attempts:
        return
    in_steps = _in_steps(attempts)
    rows, messages, settled = [], [], []
    for attempt in attempts:
        payment = attempt.payment
        local = payment.provider in providers.LOCAL or attempt.kind == "credit"
        rows.append(
            (
                attempt.id,
                payment.company,
                payment.id,
                attempt.kind,
                attempt.amount,
                "done" if local else "waiting",
                payment.reference if payment.provider in providers.COLLECTED else "",
                "",
                attempt.occurred_at,
                cause.at,
                cause.at if local else None,
                attempt.document,
                attempt.retry_of,
                in_steps.get(attempt.id),
            )
        )
        if local:
            settled.append(attempt)
        else:
            asked = providers.Asked(
                attempt.id,
                attempt.kind,
                payment.reference,
                payment.currency,
                in_steps.get(attempt.id, attempt.amount),
            )
            topic = f"payment.{attempt.kind}"
            messages.append(
                delivery.Message(f"payments.{payment.provider}", topic, payment.id, payment.company, asked)
            )
    sql.write("payments_attempt", _ATTEMPT, rows)
    delivery.send(cause, messages)
    store([attempt.payment for attempt in attempts])
    post_settled(cause, settled)


def _in_steps(attempts: Sequence[Attempt]) -> dict[UUID, int]:
    """What is asked of providers that take a currency in steps only, by attempt. They count by their own reference,
    which several payments share once orders were split or goods exchanged: so does this, one at a time."""
    stepped = [
        (one, step)
        for one in attempts
        if one.kind in ("capture", "refund", "hold")
        and (step := providers.step_of(one.payment.provider, one.payment.currency)) > 1
    ]
    if not stepped:
        return {}
    references = {"references": sorted({one.payment.reference for one, _ in stepped})}
    sql.run(_LOCK_REFERENCES, references)
    stand = {(row[0], row[1]): rules.Standing(*row[2:]) for row in sql.run(_STANDING, references)}
    asked = {}
    for one, step in stepped:
        if one.kind == "hold":  # an amount of its own, under the reference of another one
            asked[one.id] = rules.Standing().ask(one.amount, step)
            continue
        captured = stand.get((one.payment.reference, "capture"), rules.Standing()).done
        own = stand.setdefault((one.payment.reference, one.kind), rules.Standing())
        asked[one.id] = own.ask(one.amount, step, captured if one.kind == "refund" else None)
    return asked


def rounded_up(payments: Collection[Payment]) -> dict[UUID, int]:
    """What a provider that takes a currency in steps only was asked for, and gave, beyond what was captured here under
    the reference of each payment. 1 statement; none where no provider does."""
    stepped = [one.id for one in payments if providers.step_of(one.provider, one.currency) > 1]
    return dict(sql.run(_ROUNDED_UP, {"payments": stepped})) if stepped else {}  # type: ignore[arg-type]


def store(payments: Sequence[Payment]) -> None:
    """Write the amounts and states of locked payments. One statement."""
    rows = {
        p.id: (
            p.id,
            p.authorized,
            p.capturing,
            p.captured,
            p.refunding,
            p.refunded,
            p.state,
            p.credited,
            p.prepaid,
        )
        for p in payments
    }
    if rows:
        names = (
            "ids", "authorized", "capturing", "captured", "refunding", "refunded", "states", "credited", "prepaid",
        )  # fmt: skip
        sql.run(_STORE, sql.columns(names, rows.values()))


def post_settled(cause: Cause, attempts: Sequence[Attempt]) -> None:
    """Post what was captured and refunded; what was paid with store credit, in the accounts of it as well. What was
    asked in a month that is closed by now is posted today."""
    postings = [
        Posting(
            one.payment.company,
            EVENTS[one.payment.provider == providers.STORE_CREDIT][one.kind],
            "payment",
            one.payment.id,
            one.payment.currency,
            (("settlement", one.amount),),
            one.occurred_at,
            or_now=True,
        )
        for one in attempts
        if one.kind in EVENTS[False]
    ]
    if postings:
        whole(post(cause, requests=postings))
    book_credit(cause, [
        Booking(UUID(one.payment.reference), one.kind, one.amount, one.payment.id, one.occurred_at)
        for one in attempts
        if one.payment.provider == providers.STORE_CREDIT and one.kind != "credit"
    ])  # fmt: skip


EVENTS = (
    {"capture": "payment.captured", "refund": "payment.refunded"},
    {"capture": "store_credit.used", "refund": "store_credit.returned"},
)
"""Of the ledger, for what a provider settles and for store credit."""

_ATTEMPT = (
    "id", "company_id", "payment_id", "kind", "amount_minor", "state", "provider_reference", "error", "occurred_at",
    "asked_at", "settled_at", "document_id", "retry_of", "asked_minor",
)  # fmt: skip

_LOCK_REFERENCES = """
SELECT pg_advisory_xact_lock(hashtextextended('payments.reference ' || reference, 0))
FROM (SELECT reference FROM unnest(%(references)s::text[]) AS d(reference) ORDER BY reference) AS names
"""

# Its currencies are those of the index.
_STANDING = f"""
SELECT p.reference, a.kind, sum(a.amount_minor)::bigint, sum(COALESCE(a.asked_minor, a.amount_minor))::bigint,
       COALESCE(sum(COALESCE(a.asked_minor, a.amount_minor)) FILTER (WHERE a.state = 'done'), 0)::bigint
FROM payments_payment AS p JOIN payments_attempt AS a ON a.payment_id = p.id
WHERE p.reference = ANY(%(references)s::text[]) AND p.currency = ANY(ARRAY{list(STEPPED)})
  AND p.provider = ANY(ARRAY{list(providers.STEPS)})
  AND a.kind IN ('capture', 'refund') AND a.state IN ('waiting', 'done')
GROUP BY p.reference, a.kind
"""

_ROUNDED_UP = f"""
SELECT w.id, sum(COALESCE(a.asked_minor, a.amount_minor) - a.amount_minor)::bigint
FROM payments_payment AS w
JOIN payments_payment AS p ON p.reference = w.reference AND p.provider = w.provider AND p.currency = w.currency
 AND p.currency = ANY(ARRAY{list(STEPPED)})
JOIN payments_attempt AS a ON a.payment_id = p.id AND a.kind = 'capture' AND a.state = 'done'
WHERE w.id = ANY(%(payments)s::uuid[]) GROUP BY w.id
HAVING sum(COALESCE(a.asked_minor, a.amount_minor) - a.amount_minor) > 0
"""

_FIELDS = """
SELECT id, company_id::int, order_id, provider, reference, currency, authorized_minor, capturing_minor, captured_minor,
       refunding_minor, refunded_minor, state, disputed_minor, credited_minor, prepaid_minor, is_hold, expires_at
FROM payments_payment
"""

_STORE = """
UPDATE payments_payment AS p SET authorized_minor = d.authorized, capturing_minor = d.capturing,
    captured_minor = d.captured, refunding_minor = d.refunding, refunded_minor = d.refunded, state = d.state,
    credited_minor = d.credited, prepaid_minor = d.prepaid
FROM unnest(%(ids)s::uuid[], %(authorized)s::bigint[], %(capturing)s::bigint[], %(captured)s::bigint[],
            %(refunding)s::bigint[], %(refunded)s::bigint[], %(states)s::text[], %(credited)s::bigint[],
            %(prepaid)s::bigint[])
     AS d(id, authorized, capturing, captured, refunding, refunded, state, credited, prepaid)
WHERE p.id = d.id
"""
