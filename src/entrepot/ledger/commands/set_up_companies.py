"""Set up companies as people know them, by their code, each with its books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.catalog.rules import first_misfit
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.parties.commands.register import CompanyRegistered, RegisterCompany, register_companies


@dataclass(frozen=True, slots=True)
class SetUpCompany:
    """A company as it shall stand. A new one gets the next number and books in `currency`, which stays."""

    code: str
    name: str
    currency: str
    country: str
    key: str | None = None


@command("ledger.set_up_companies")
def set_up_companies(
    cause: Cause, /, *, requests: Sequence[SetUpCompany]
) -> list[CompanyRegistered | Refused]:
    """Companies by code, new or changed to stand as given, with the standard chart and posting rules.

    Locks: who numbers companies, then as `parties.register_companies`.
    Refuses: Invalid (a field that is not as it must be; no name; another currency than that of its books).
    Again: what stands already is left alone, with or without a key. 7 statements.
    """
    sql.run(_NUMBERING)
    numbers = dict(sql.run("SELECT code, id::int FROM parties_company"))
    following = max(numbers.values(), default=0)
    wanted: list[RegisterCompany] = []
    refused: dict[int, Refused] = {}
    for place, one in enumerate(requests):
        if refusal := first_misfit(("name", bool(one.name.strip()), "a name", one.name)):
            refused[place] = refusal
            continue
        if one.code not in numbers:
            following = numbers[one.code] = following + 1
        wanted.append(RegisterCompany(numbers[one.code], one.code, one.name, one.currency, one.country))
    answers = register_companies(cause, requests=wanted)
    stand = [OpenBooks(one.id) for one in answers if isinstance(one, CompanyRegistered)]
    if stand:
        open_books(cause, requests=stand)
    rest = iter(answers)
    return [refused.get(place) or next(rest) for place in range(len(requests))]


_NUMBERING = "SELECT pg_advisory_xact_lock(hashtextextended('parties.companies', 0))"
