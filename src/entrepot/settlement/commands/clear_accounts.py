"""Match by rule what belongs together on clearing accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.ledger.clearing import Group, Part, propose
from entrepot.ledger.commands.match_lines import LinesMatched, MatchLines, match_lines
from entrepot.settlement.clearing_groups import groups
from entrepot.settlement.commands.take_payouts import LOCK
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "clearing remainder"


@dataclass(frozen=True, slots=True)
class ClearAccounts:
    """All clearing accounts of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AccountsCleared:
    """How many matches the rules found, over how many lines."""

    company: int
    matches: int
    lines: int


@command("settlement.clear_accounts")
def clear_accounts(cause: Cause, /, *, requests: Sequence[ClearAccounts]) -> list[AccountsCleared | Refused]:
    """Lines that are of one order, purchase, invoice, payout or other document, matched as far as both sides go; what
    people said of lines that are cleared by now is done with. What a person took apart stays apart.

    Locks: the clearing of the companies; the items of the lines in their order. Refuses: nothing.
    Again: finds no more. 8 statements at most.
    """
    companies = sorted({one.company for one in requests})
    sql.run(_LOCK, {"companies": companies})
    told: dict[int, list[Group]] = defaultdict(list)
    open_: dict[int, dict[int, int]] = defaultdict(dict)
    for company, group, lines in groups(companies):
        told[company].append(group)
        open_[company].update(lines)
    step(1, 3)
    wanted = [
        MatchLines(
            company, tuple(Part(*part) for part in one.parts), one.why, "rule", UUID(one.document)
        )
        for company in companies
        for one in propose(told[company], open_[company])
    ]  # fmt: skip
    matched = match_lines(cause, requests=wanted) if wanted else []
    step(2, 3)
    found = [one for one, answer in zip(wanted, matched, strict=True) if isinstance(answer, LinesMatched)]
    done = sql.run(_DONE, {"companies": companies, "at": cause.at})
    resolve_subjects(cause, requests=[
        ResolveSubject(company, ITEM, note, "cleared", "the line is matched", cause.at) for note, company in done
    ])  # fmt: skip
    return [
        AccountsCleared(
            one.company,
            sum(each.company == one.company for each in found),
            sum(len(each.parts) for each in found if each.company == one.company),
        )
        for one in requests
    ]


_LOCK = LOCK.format(accounts="SELECT unnest(%(companies)s::int[]), 'clearing'")

_DONE = """
UPDATE settlement_clearingnote AS n SET ended_at = %(at)s::timestamptz
FROM ledger_clearingitem AS i
WHERE n.company_id = ANY(%(companies)s::smallint[]) AND n.ended_at IS NULL AND i.line_id = n.line_id
  AND i.open_minor = 0
RETURNING n.id, n.company_id::int
"""
