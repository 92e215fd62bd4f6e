"""The accounts of store credit: the one place that changes what the house owes a customer so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.policies import of_companies
from entrepot.payments import rules
from entrepot.payments.rules import CreditPolicy, Grant


class Booking(NamedTuple):
    """What a payment by store credit does to its account: capture, refund or void of an amount."""

    credit: UUID
    kind: str
    amount: int
    document: UUID
    at: datetime


@dataclass(slots=True)
class Account:
    """A locked account with the grants that were not used up, or may be given back to."""

    id: UUID
    company: int
    customer: UUID
    currency: str
    balance: int
    held: int
    grants: dict[UUID, Grant] = field(default_factory=dict)
    changed: set[UUID] = field(default_factory=set)

    def free(self, at: datetime) -> int:
        gone = sum(one.left for one in self.grants.values() if one.expires_at and one.expires_at <= at)
        return rules.free(self.balance, self.held, gone)

    def change(self, grant: UUID, amount: int, keep_until: datetime | None = None) -> None:
        """So much more, or below zero less, of a grant; good until a moment at least."""
        one = self.grants[grant]
        until = max(one.expires_at, keep_until) if one.expires_at and keep_until else one.expires_at
        self.grants[grant] = one._replace(left=one.left + amount, expires_at=until)
        self.balance += amount
        self.changed.add(grant)


class Move(NamedTuple):
    """A row of the ledger of an account."""

    of: Account
    grant: UUID
    kind: str
    amount: int
    document: UUID
    at: datetime


class NewGrant(NamedTuple):
    """Store credit that is given: worth what was paid, or a bonus."""

    of: Account
    kind: str
    amount: int
    document: UUID
    at: datetime


def lock_accounts(credits_: Collection[UUID]) -> dict[UUID, Account]:
    """Accounts by id, locked in id order, with their grants. 2 statements."""
    params = {"ids": list(set(credits_))}
    found = {row[0]: Account(*row) for row in sql.run(_LOCK, params)}
    for owner, *grant in sql.run(_GRANTS, params):
        found[owner].grants[grant[0]] = Grant(*grant)
    return found


def accounts_of(
    owners: Iterable[tuple[int, UUID, str]], *, create: bool
) -> dict[tuple[int, UUID, str], Account]:
    """Accounts of customers, by company, customer and currency, locked in id order; with `create`, those that are
    missing too. 3 statements; 1 more to create."""
    wanted = sql.columns(("companies", "customers", "currencies"), sorted(set(owners)))
    if create:
        sql.run(_CREATE, wanted | {"ids": [ids.uuid7() for _ in wanted["companies"]]})
    found = lock_accounts([row[0] for row in sql.run(_OF_CUSTOMERS, wanted)])
    return {(one.company, one.customer, one.currency): one for one in found.values()}


def grant(cause: Cause, wanted: Sequence[NewGrant]) -> None:
    """Give store credit to locked accounts, for as long as the policy of each company says. 4 statements."""
    wanted = [one for one in wanted if one.amount]
    policies = of_companies({one.of.company for one in wanted}, CreditPolicy, cause.at)
    rows, moves = [], []
    for one in wanted:
        policy = policies[one.of.company][1]
        days = policy.bonus_days if one.kind == "bonus" else policy.days
        until = None if days is None else one.at + timedelta(days=days)
        key = ids.uuid7()
        rows.append(
            (key, one.of.id, one.of.company, one.kind, one.amount, one.amount, until, one.document, one.at)
        )
        one.of.balance += one.amount
        moves.append(Move(one.of, key, "issued", one.amount, one.document, one.at))
    sql.write("payments_creditgrant", _GRANT, rows)
    write(cause, {one.of.id: one.of for one in wanted}.values(), moves)


def book_credit(cause: Cause, bookings: Sequence[Booking]) -> None:
    """What payments by store credit do to their accounts. 6 statements, none without bookings."""
    if not bookings:
        return
    accounts = lock_accounts([one.credit for one in bookings])
    policies = of_companies({one.company for one in accounts.values()}, CreditPolicy, cause.at)
    moves: list[Move] = []
    for one in bookings:
        account = accounts[one.credit]
        if one.kind == "refund":
            grace = one.at + timedelta(days=policies[account.company][1].grace_days)
            moves += _put_back(account, one, grace)
            continue
        account.held -= one.amount
        if one.kind == "capture":
            for which, part in rules.use(account.grants.values(), one.amount):
                account.change(which, -part)
                moves.append(Move(account, which, "used", -part, one.document, one.at))
    write(cause, accounts.values(), moves)


def _put_back(account: Account, one: Booking, grace: datetime) -> Iterable[Move]:
    for which, part in rules.put_back(account.grants.values(), one.amount):
        account.change(which, part, grace)
        yield Move(account, which, "returned", part, one.document, one.at)


def write(cause: Cause, accounts: Iterable[Account], moves: Sequence[Move]) -> None:
    """Write what became of locked accounts, and why. 3 statements at most."""
    accounts = list(accounts)
    rows = [(one.id, one.balance, one.held) for one in accounts]
    sql.run(_STORE, sql.columns(("ids", "balances", "held"), rows))
    grants = [
        (which, one.grants[which].left, one.grants[which].expires_at)
        for one in accounts
        for which in one.changed
    ]
    if grants:
        sql.run(_STORE_GRANTS, sql.columns(("ids", "left", "until"), grants))
    sql.write("payments_creditmove", _MOVE, [
        (one.of.id, one.grant, one.of.company, one.kind, one.amount, one.document, one.at, cause.at) for one in moves
    ])  # fmt: skip


_GRANT = (
    "id", "credit_id", "company_id", "kind", "amount_minor", "left_minor", "expires_at", "document_id", "granted_at",
)  # fmt: skip
_MOVE = (
    "credit_id", "grant_id", "company_id", "kind", "amount_minor", "document_id", "occurred_at", "recorded_at",
)  # fmt: skip

_CREATE = """
INSERT INTO payments_credit (id, company_id, customer_id, currency)
SELECT * FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(customers)s::uuid[], %(currencies)s::text[])
ON CONFLICT (company_id, customer_id, currency) DO NOTHING
"""

_OF_CUSTOMERS = """
SELECT c.id FROM unnest(%(companies)s::smallint[], %(customers)s::uuid[], %(currencies)s::text[])
     AS d(company, customer, currency)
JOIN payments_credit AS c ON c.company_id = d.company AND c.customer_id = d.customer AND c.currency = d.currency
"""

_LOCK = """
SELECT id, company_id::int, customer_id, currency, balance_minor, held_minor FROM payments_credit
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_GRANTS = """
SELECT credit_id, id, amount_minor, left_minor, expires_at, kind = 'bonus' FROM payments_creditgrant
WHERE credit_id = ANY(%(ids)s::uuid[]) ORDER BY id
"""

_STORE = """
UPDATE payments_credit AS c SET balance_minor = d.balance, held_minor = d.held
FROM unnest(%(ids)s::uuid[], %(balances)s::bigint[], %(held)s::bigint[]) AS d(id, balance, held) WHERE c.id = d.id
"""

_STORE_GRANTS = """
UPDATE payments_creditgrant AS g SET left_minor = d.remaining, expires_at = d.until
FROM unnest(%(ids)s::uuid[], %(left)s::bigint[], %(until)s::timestamptz[]) AS d(id, remaining, until)
WHERE g.id = d.id
"""
