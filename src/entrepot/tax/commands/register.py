"""Set up jurisdictions and their rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.catalog.register import Register, put, sieve
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.tax import rules
from entrepot.tax.rules import RegisterRate, jurisdiction_code

__all__ = ["RateRegistered", "RegisterRate", "register_rates"]


@dataclass(frozen=True, slots=True)
class RateRegistered:
    jurisdiction: str


@command("tax.register_rates")
def register_rates(cause: Cause, /, *, requests: Sequence[RegisterRate]) -> list[RateRegistered | Refused]:
    """Rates by place, category and first day, new or changed to stand as given, with the jurisdictions they are of.

    Locks: the jurisdictions in the order of company and code, then the rates in that of jurisdiction, category, day.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 4 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit, requests))
    places = [((one.company, jurisdiction_code(one.country, one.region)), one) for _, one in fit]

    jurisdictions = put(_JURISDICTIONS, ((place, (one.country, one.region)) for place, one in places))
    names = {(jurisdictions[place].id, one.category, one.valid_from): (place, one) for place, one in places}
    standing = put(_RATES, ((name, (one.rate,)) for name, (_, one) in names.items()))

    told: dict[tuple[int, str], list[RegisterRate]] = {}
    for name, (place, one) in names.items():
        if standing[name].new or standing[name].changed:
            told.setdefault(place, []).append(one)
    announce(
        cause,
        (
            Event(
                "jurisdiction", jurisdictions[place].id, place[0], "" if jurisdictions[place].new else "registered",
                "registered", payload={"rates": [(one.category, one.valid_from, str(one.rate)) for one in changed]},
            )
            for place, changed in told.items()
        ),
    )  # fmt: skip
    return [
        refused.get(place) or RateRegistered(jurisdiction_code(one.country, one.region))
        for place, one in enumerate(requests)
    ]


_JURISDICTIONS = Register("tax_jurisdiction", ("company_id", "code"), ("country", "region"))
_RATES = Register("tax_rate", ("jurisdiction_id", "category", "valid_from"), ("rate",), keyed=False)
