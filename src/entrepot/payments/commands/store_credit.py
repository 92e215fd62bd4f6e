"""What store credit is given for and spent on, and its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments import providers, rules
from entrepot.payments.commands import take
from entrepot.payments.commands.credit_accounts import (
    Account,
    Move,
    NewGrant,
    accounts_of,
    grant,
    lock_accounts,
    write,
)

Owner = tuple[int, UUID, str]
"""Whose account: company, customer, currency."""


def spendable(cause: Cause, owners: Collection[Owner]) -> dict[Owner, Account]:
    """Accounts that orders may be paid from, locked; `Account.free` says how much. 3 statements."""
    return accounts_of(owners, create=False)


class Spend(NamedTuple):
    """An order that is paid with store credit, as far as the account is free."""

    order: UUID
    account: Account
    amount: int
    at: datetime


def spend(cause: Cause, wanted: Sequence[Spend]) -> None:
    """Payments of orders by store credit, inside a command that has locked the accounts: authorized, and held on the
    account until the goods leave. 2 statements."""
    rows = []
    for one in wanted:
        one.account.held += one.amount
        rows.append((
            ids.uuid7(), one.account.company, one.order, providers.STORE_CREDIT, str(one.account.id),
            one.account.currency, one.amount, "authorized", one.at,
        ))  # fmt: skip
    sql.write("payments_payment", _PAYMENT, rows)
    write(cause, {one.account.id: one.account for one in wanted}.values(), ())


# ---- given for what is refunded


class GiveCredit(NamedTuple):
    """So much of what an order was paid with is given as store credit, and a bonus of `percents` (worth, percent) on
    what is not store credit already. Tenders of the providers named `first` bear it first."""

    company: int
    order: UUID
    customer: UUID
    currency: str
    amount: int
    percents: tuple[tuple[int, int], ...]
    document: UUID
    at: datetime
    first: tuple[str, ...] = ()


class CreditGiven(NamedTuple):
    """What went back to where it came from, since it was store credit before; what was given anew; and the bonus."""

    put_back: int
    credited: int
    bonus: int


def give_credit(cause: Cause, wanted: Sequence[GiveCredit]) -> list[CreditGiven]:
    """Refunds as store credit, posted, inside a command that has seen that so much may be refunded.

    Locks: the orders' payments in id order, then the accounts. 26 statements at most.
    """
    payments = take.lock_of_orders({one.order for one in wanted})
    attempts: list[take.Attempt] = []
    answers = [_spread(cause, one, payments.get(one.order, []), attempts) for one in wanted]
    take.make(cause, attempts)
    both = list(zip(wanted, answers, strict=True))
    owners = [(one.company, one.customer, one.currency) for one, given in both if given.credited]
    accounts = accounts_of(owners, create=True)
    fresh = []
    for one, given in zip(wanted, answers, strict=True):
        if given.credited:
            account = accounts[one.company, one.customer, one.currency]
            fresh += [
                NewGrant(account, "value", given.credited, one.document, one.at),
                NewGrant(account, "bonus", given.bonus, one.document, one.at),
            ]
    grant(cause, fresh)
    whole(post(cause, requests=[
        Posting(one.company, "store_credit.issued", "refund", one.document, one.currency,
                (("settlement", given.credited), ("bonus", given.bonus)), one.at)
        for one, given in zip(wanted, answers, strict=True) if given.credited
    ]))  # fmt: skip
    return answers


def _spread(
    cause: Cause, one: GiveCredit, own: Sequence[take.Payment], attempts: list[take.Attempt]
) -> CreditGiven:
    """Over the tenders of an order in turn: those that are store credit get back what they can, first of all."""
    first = (providers.STORE_CREDIT, *one.first)
    turns = [own[turn] for turn in rules.tender_order([payment.provider for payment in own], first)]
    parts, rest = rules.over([payment.refundable for payment in turns], one.amount)
    assert not rest, f"{rest} more given than was captured"
    put_back = 0
    for payment, part in zip(turns, parts, strict=True):
        if not part:
            continue
        kind = "refund" if payment.provider == providers.STORE_CREDIT else "credit"
        if kind == "refund":
            payment.count(kind, part)
            put_back += part
        else:
            payment.credited += part
            payment.settle_state()
        attempts.append(take.Attempt(payment, kind, part, one.at, one.document))
        happened = Event("payment", payment.id, payment.company, "", payment.state, one.at, {kind: part})
        announce(cause, [happened])
    credited = one.amount - put_back
    return CreditGiven(put_back, credited, rules.bonus(one.percents, credited, one.amount))


# ---- its end


@dataclass(frozen=True, slots=True)
class ExpireCredits:
    """Look at the store credit of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CreditsExpired:
    """Accounts that lost something, and how much in all, by currency."""

    company: int
    accounts: int
    amounts: tuple[tuple[str, int], ...]


@command("payments.expire_credits")
def expire_credits(cause: Cause, /, *, requests: Sequence[ExpireCredits]) -> list[CreditsExpired | Refused]:
    """Store credit whose time is over goes, as far as no order holds it: what was paid is income, a bonus is undone.

    Locks: the accounts in id order. Refuses nothing. Again: finds nothing more. 11 statements at most.
    """
    companies = sorted({one.company for one in requests})
    due = [row[0] for row in sql.run(_DUE, {"companies": companies, "at": cause.at})]
    accounts = lock_accounts(due) if due else {}
    moves: list[Move] = []
    gone: dict[UUID, dict[str, int]] = {}
    for account in accounts.values():
        moves += _expire(cause, account, gone.setdefault(account.id, {"value": 0, "bonus": 0}))
    if moves:
        write(cause, accounts.values(), moves)
        whole(post(cause, requests=[
            Posting(accounts[which].company, "store_credit.expired", "store_credit", which, accounts[which].currency,
                    list(kinds.items()), cause.at)
            for which, kinds in gone.items() if any(kinds.values())
        ]))  # fmt: skip
        announce(cause, [
            Event("store_credit", which, accounts[which].company, "", "", None, {"expired_minor": sum(kinds.values())})
            for which, kinds in gone.items() if any(kinds.values())
        ])  # fmt: skip
    return [_answer(one.company, accounts, gone) for one in requests]


def _expire(cause: Cause, account: Account, kinds: dict[str, int]) -> list[Move]:
    over = rules.by_expiry(
        one for one in account.grants.values() if one.left and one.expires_at and one.expires_at <= cause.at
    )
    moves = []
    parts = rules.expiring([one.left for one in over], account.balance, account.held)
    for one, part in zip(over, parts, strict=True):
        if part:
            account.change(one.id, -part)
            kinds["bonus" if one.is_bonus else "value"] += part
            moves.append(Move(account, one.id, "expired", -part, account.id, cause.at))
    return moves


def _answer(
    company: int, accounts: Mapping[UUID, Account], gone: Mapping[UUID, Mapping[str, int]]
) -> CreditsExpired:
    sums: dict[str, int] = {}
    lost = [one for one in accounts.values() if one.company == company and any(gone[one.id].values())]
    for one in lost:
        sums[one.currency] = sums.get(one.currency, 0) + sum(gone[one.id].values())
    return CreditsExpired(company, len(lost), tuple(sorted(sums.items())))


_PAYMENT = (
    "id", "company_id", "order_id", "provider", "reference", "currency", "authorized_minor", "state", "authorized_at",
)  # fmt: skip

_DUE = """
SELECT DISTINCT credit_id FROM payments_creditgrant
WHERE company_id = ANY(%(companies)s::smallint[]) AND left_minor > 0 AND expires_at <= %(at)s::timestamptz
"""
