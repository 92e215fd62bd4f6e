"""Set up jurisdictions and their rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RegisterRate:
    """A rate from a day on; `region` '' is all of the country, `category` '' the standard rate."""

    company: int
    country: str
    rate: Decimal
    valid_from: date
    region: str = ""
    category: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RateRegistered:
    jurisdiction: str


@command("tax.register_rates")
def register_rates(cause: Cause, /, *, requests: Sequence[RegisterRate]) -> list[RateRegistered | Refused]:
    """Rates, and the jurisdictions where they hold. Refuses: Invalid. Again: the same. 2 statements."""
    good = [r for r in requests if 0 <= r.rate < 1]
    places = [(ids.uuid7(), r.company, _code(r), r.country, r.region) for r in good]
    names = ("id", "company_id", "code", "country", "region")
    written = sql.upsert("tax_jurisdiction", ("company_id", "code"), names, places)
    found = {(company, code): place for place, company, code in written}
    rows = [(found[r.company, _code(r)], r.category, r.valid_from, r.rate) for r in good]
    columns = ("jurisdiction_id", "category", "valid_from", "rate")
    sql.upsert("tax_rate", ("jurisdiction_id", "category", "valid_from"), columns, rows)
    announce(cause, [Event("jurisdiction", place, company) for (company, _), place in found.items()])
    return [
        RateRegistered(_code(r)) if r in good else Invalid(field="rate", expected="0 or more, below 1", found=r.rate)
        for r in requests
    ]


def _code(request: RegisterRate) -> str:
    return f"{request.country}-{request.region}" if request.region else request.country
