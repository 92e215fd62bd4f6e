"""What people enter into the journal by hand: of which kinds, to which accounts, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import NamedTuple

from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.ledger import errors

KINDS = ("opening", "accrual", "tax", "correction", "other")
"""Balances that a house moves in with, costs of a month that nobody has billed, taxes that were declared, what was
posted wrongly, and the rest."""
OPENING = "opening"
OF_NO_RETURN = (OPENING, "tax")
"""Kinds that move tax accounts without being turnover of their month: a tax report leaves them out."""
EVENT = "manual.posted"
DOCUMENT = "manual_entry"
DUTY = "enter×approve"
LINES_MAX = 500
AMOUNT_MAX = 10**15
RATE_DIGITS = 9
RATE_MAX = Decimal(10) ** 6

BANK = 1000
INSTEAD = {
    BANK: Said("take in the bank's statement and book its line"),
    1100: Said("capture or refund payments, and take in the provider's payouts"),
    1120: Said("take in the provider's payouts, which say what is held back"),
    1170: Said("accept the carrier's charge, or have it credited"),
    1175: Said("accept the supplier's line, or have it credited"),
    1180: Said("settle the claim to the carrier"),
    1190: Said("settle the claim to the supplier"),
    1195: Said("settle the departure to the vendor"),
    1196: Said("settle the departure to the buyer of the lot"),
    1200: Said("count, receive or adjust the stock, or write it down, and enter what that posted elsewhere"),
    1210: Said("receive the transfer"),
    1220: Said("measure expected returns"),
    1230: Said("finish the work order"),
    2310: Said("measure expected returns"),
    2410: Said("issue store credit, or let it expire"),
}
"""Accounts that hold what other records say, to the minor unit, and what moves them. The bank's is opened by hand, for
no statement says what it held before the first."""


class EntryLine(NamedTuple):
    """An account, and an amount in the entry's currency: debit above zero, credit below."""

    account: int
    amount_minor: int


def misfit(kind: str, lines: Sequence[EntryLine], reason: str, chart: Collection[int]) -> Refused | None:
    """Why no such entry can be: it is of no kind, says no reason, does not balance, or moves what no person may."""
    if kind not in KINDS:
        return Invalid(field="kind", expected=one_of(KINDS), found=kind)
    if not reason.strip():
        return Invalid(field="reason", expected="why it is entered", found="nothing")
    return _misfit_lines(lines, chart) or _moved_elsewhere(kind, lines)


def _misfit_lines(lines: Sequence[EntryLine], chart: Collection[int]) -> Refused | None:
    if not 2 <= len(lines) <= LINES_MAX:
        return Invalid(field="lines", expected=Said("2 to {0} lines", LINES_MAX), found=len(lines))
    for one in lines:
        if one.account not in chart:
            return Invalid(
                field="account", expected="an account of the company's chart", found=str(one.account)
            )
        if not 0 < abs(one.amount_minor) <= AMOUNT_MAX:
            return Invalid(
                field="amount_minor", expected=Said("1 to {0}", AMOUNT_MAX), found=one.amount_minor
            )
    return None


def _moved_elsewhere(kind: str, lines: Sequence[EntryLine]) -> Refused | None:
    for one in lines:
        if one.account in INSTEAD and (kind, one.account) != (OPENING, BANK):
            return errors.MovedElsewhere(account=one.account, how=INSTEAD[one.account])
    return None


def off(lines: Sequence[EntryLine], currency: str) -> Refused | None:
    """Why lines are no entry: their debits are not their credits."""
    rest = sum(one.amount_minor for one in lines)
    if not rest:
        return None
    found = Said("{0} more debits than credits", money.told(rest, currency))
    return Invalid(field="lines", expected="debits that make what the credits make", found=found)


def misfit_currency(currency: str, rate: Decimal | None, home: str) -> Refused | None:
    """Why amounts can't be in the currency: it is none, or its rate is missing, or the company's own has one."""
    if currency not in money.CURRENCIES:
        return Invalid(field="currency", expected="three capital letters of a currency", found=currency)
    if currency == home:
        return (
            Invalid(field="rate", expected="none, for it is the company's currency", found=str(rate))
            if rate is not None
            else None
        )
    if rate is None or not rate.is_finite() or not 0 < rate <= RATE_MAX:
        found = "nothing" if rate is None else str(rate)
        return Invalid(field="rate", expected=Said("what one {0} is in {1}", currency, home), found=found)
    if rate != round(rate, RATE_DIGITS):
        return Invalid(
            field="rate", expected=Said("at most {0} digits after the point", RATE_DIGITS), found=str(rate)
        )
    return None


def too_much(lines: Sequence[EntryLine], currency: str, rate: Decimal | None, home: str) -> Refused | None:
    """Why lines can't be posted in the company's currency: one is worth more in it than a line may be."""
    if rate is None:
        return None
    for one in lines:
        worth = abs(money.at_rate(one.amount_minor, rate, currency, home))
        if worth > AMOUNT_MAX:
            most, found = money.told(AMOUNT_MAX, home), money.told(worth, home)
            return Invalid(field="amount_minor", expected=Said("at most {0}", most), found=found)
    return None


def mirror(lines: Sequence[EntryLine]) -> tuple[EntryLine, ...]:
    """The lines that take others back."""
    return tuple(one._replace(amount_minor=-one.amount_minor) for one in lines)
