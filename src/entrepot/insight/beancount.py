"""`entrepot export beancount`: the journal as text that an independent program can check."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TextIO

from entrepot.insight import rules
from entrepot.insight.ledger_export import Span
from entrepot.insight.rules import Line
from entrepot.kernel import sql

ENTRIES_A_WRITE = 1_000


def export(out: TextIO, of: Span | None = None) -> int:
    """Write the whole journal of every company, or of a company and time, one transaction for each entry. Returns the
    number of entries. Of a time there are its entries alone, and not what stood on the accounts before.

    A server-side cursor brings the lines, so memory does not grow with the journal. 3 statements.
    """
    entries = 0
    waiting: list[str] = []
    with sql.one_moment():
        company = of.company if of else None
        _head(out, company)
        accounts = _open_accounts(out, company)
        rows = (Line(*row) for row in (sql.stream(_LINES_OF, of._asdict()) if of else sql.stream(_LINES)))
        for _, lines in groupby(rows, key=attrgetter("entry")):
            waiting.append(rules.transaction(list(lines), accounts))
            entries += 1
            if len(waiting) == ENTRIES_A_WRITE:
                out.write("\n".join(waiting) + "\n")
                waiting = []
    out.write("\n".join(waiting))
    return entries


def _head(out: TextIO, company: int | None) -> None:
    out.write('option "title" "Entrepot"\n')
    currencies = sql.run(_CURRENCIES, {"company": company})
    out.writelines(f'option "operating_currency" "{currency}"\n' for (currency,) in currencies)
    out.write("\n")


def _open_accounts(out: TextIO, company: int | None) -> dict[tuple[str, int], str]:
    """Write an `open` for every account, on the first day of the company's journal. Their names, by code."""
    names = {}
    for house, code, name, type_name, external, opened_on in sql.run(_ACCOUNTS, {"company": company}):
        names[house, code] = account = rules.account_name(house, code, name, type_name)
        out.write(f"{opened_on} open {account}\n{rules.numbered(external)}")
    out.write("\n")
    return names


_CURRENCIES = """
SELECT DISTINCT currency FROM parties_company WHERE %(company)s::smallint IS NULL OR id = %(company)s::smallint
ORDER BY currency
"""

_ACCOUNTS = """
SELECT company.code, account.code::int, account.name, account.type, account.external,
       coalesce((first.at AT TIME ZONE 'UTC')::date, DATE '1970-01-01')
FROM ledger_account AS account JOIN parties_company AS company ON company.id = account.company_id
LEFT JOIN (SELECT company_id, min(occurred_at) AS at FROM ledger_line GROUP BY company_id) AS first
     ON first.company_id = account.company_id
WHERE %(company)s::smallint IS NULL OR account.company_id = %(company)s::smallint
ORDER BY company.code, account.code
"""

# In the order of recording, which the index of entries gives without sorting; readers sort by date themselves.
_SELECT = """
SELECT line.entry_id, company.code, line.account::int, line.amount_minor, line.currency, line.functional_minor,
       company.currency, line.kind, line.event, line.document_kind, line.document_id,
       (line.occurred_at AT TIME ZONE 'UTC')::date
FROM ledger_line AS line JOIN parties_company AS company ON company.id = line.company_id
"""
_LINES = f"{_SELECT}ORDER BY line.entry_id, line.number"
_LINES_OF = f"""{_SELECT}
WHERE line.company_id = %(company)s::smallint AND line.occurred_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
  AND line.occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
ORDER BY line.entry_id, line.number
"""
