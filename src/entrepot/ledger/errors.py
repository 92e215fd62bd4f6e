"""What the ledger refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class NoRule(Refused):
    """No posting rule covers the event and kind."""

    code = "ledger.no_rule"
    says = "Company {company} has no posting rule for {kind} when {event}. Add one, or open the company's books first."


class NoRate(Refused):
    """The transaction's currency has no rate on its date."""

    code = "ledger.no_rate"
    says = (
        "There is no rate of {currency} for company {company} on {on_date}."
        " Record one (ledger.record_rates) and send the posting again."
    )


class MonthClosed(Refused):
    """The month is closed and is never written again."""

    code = "ledger.month_closed"
    says = "{month} is closed for company {company}. Post today, and name the document of the closed month."


class AccountClosed(Refused):
    """A line is entered of an account that takes none any more."""

    code = "ledger.account_closed"
    says = "Account {account} of company {company} is closed. Open it (ledger.keep_accounts), or name another one."


class AccountInUse(Refused):
    """An account is closed that something stands on, or that something names which is yet to be posted."""

    code = "ledger.account_in_use"
    says = "Account {account} can't be closed: {why}."


class MovedElsewhere(Refused):
    """A person enters a line of an account that holds what other records say."""

    code = "ledger.moved_elsewhere"
    kind = "invalid"
    says = "Account {account} holds what other records say, and no entry by hand moves it. Instead, {how}."


class ReversedBefore(Refused):
    """A journal entry is taken back that another one takes back already."""

    code = "ledger.reversed_before"
    says = "{number} is taken back by {by} already, or will be once that is approved."


class StockOnHand(Refused):
    """The method of valuation is changed while there is stock."""

    code = "ledger.stock_on_hand"
    says = (
        "{units} units worth {value} are valued by the method in force. Choose another one when there is no stock,"
        " or say that stock is revalued as of now."
    )


class DoesNotClear(Refused):
    """Parts of lines of a clearing account don't make up zero."""

    code = "ledger.does_not_clear"
    kind = "invalid"
    says = "The lines are off by {off}. Choose others, take a part of one, or write the rest off."


class NotOpen(Refused):
    """More of a line is to be matched than is open of it."""

    code = "ledger.not_open"
    says = "Of line {line}, {expected} is wanted and {found} is open: somebody matched it, or it is on the other side."


class RulesOvertaken(Refused):
    """A version of the posting rules was drafted before another one that is in force by now, or will be."""

    code = "ledger.rules_overtaken"
    says = "Version {number} of the posting rules was overtaken by version {by}. Draft a new one over it."


class RateFileFaulty(Refused):
    """A row of a file of rates can't be read."""

    code = "ledger.rate_file_faulty"
    kind = "invalid"
    says = (
        "Row {row} of the file: {problem}. {faults} rows have a fault, and nothing was recorded."
        " Mend them, or take them out."
    )
