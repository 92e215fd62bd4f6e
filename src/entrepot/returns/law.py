"""What the law of a country gives whoever buys at a distance: the floor below which no policy goes. Pure."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from entrepot.network.rules import EUROPEAN_UNION


class Law(NamedTuple):
    """Days from delivery to withdraw without a reason, to ask for a good that conforms, and to ask for the money back
    where it does not; 0: none. What says the former, and the latter where that is another law. Until `claim_days` a
    claim stands as well, but it is the customer who has to show that the good never conformed."""

    says: str
    withdraw_days: int
    conform_days: int = 0
    reject_days: int = 0
    says_of_goods: str = ""
    claim_days: int = 0


class Enacted(NamedTuple):
    """A law, and the first day on which what is ordered falls under it."""

    since: date
    law: Law


EU = Law("EU consumer law (2011/83, 2019/771)", 14, 730)
"""Withdrawal within 14 days of delivery (2011/83 art. 9), and two years for lack of conformity (2019/771 art. 10)."""

# Seven working days before 2014: there are never more than eleven days in them, but for holidays.
_EU = (
    Enacted(date(2002, 1, 1), Law("EU consumer law (97/7, 1999/44)", 11, 730)),
    Enacted(date(2014, 6, 13), Law("EU consumer law (2011/83, 1999/44)", 14, 730)),
    Enacted(date(2022, 1, 1), EU),
)
_EEA_COUNTRIES = "IS LI NO"
_SIX_YEARS = 2_190

LAWS: dict[str, tuple[Enacted, ...]] = {
    **dict.fromkeys(sorted(EUROPEAN_UNION), _EU),
    **dict.fromkeys(_EEA_COUNTRIES.split(), (Enacted(date(2014, 6, 13), Law("EEA consumer law", 14, 730)),)),
    # Rejected within 30 days (s. 22); what fails within six months was not as it had to be on delivery (s. 19); a claim
    # is barred after six years (Limitation Act 1980, s. 5).
    "GB": (
        Enacted(
            date(2003, 3, 31),
            Law("UK Distance Selling Regulations 2000", 11, 182, 0, "UK Sale of Goods Act 1979", _SIX_YEARS),
        ),
        Enacted(
            date(2014, 6, 13),
            Law(
                "UK Consumer Contracts Regulations 2013", 14, 182, 0, "UK Sale of Goods Act 1979", _SIX_YEARS
            ),
        ),
        Enacted(
            date(2015, 10, 1),
            Law(
                "UK Consumer Contracts Regulations 2013",
                14,
                182,
                30,
                "UK Consumer Rights Act 2015",
                _SIX_YEARS,
            ),
        ),
    ),
    "TR": (Enacted(date(2014, 5, 28), Law("Turkish consumer law (6502)", 14, 730)),),
    "BR": (Enacted(date(1991, 3, 11), Law("Brazilian consumer code, art. 49", 7)),),
    "KR": (Enacted(date(2002, 7, 1), Law("Korean e-commerce act, art. 17", 7)),),
    "CN": (Enacted(date(2014, 3, 15), Law("Chinese consumer law, art. 25", 7)),),
    "TW": (Enacted(date(1994, 1, 11), Law("Taiwanese consumer act, art. 19", 7)),),
    # Five working days, so at most seven; whoever gets what fails chooses his money or another one (art. 82).
    "MX": (
        Enacted(date(1992, 12, 25), Law("Mexican consumer law, art. 56", 7)),
        Enacted(
            date(2018, 1, 12),
            Law("Mexican consumer law, art. 56", 7, 90, 90, "Mexican consumer law, art. 77"),
        ),
    ),
    # No right to think otherwise. What is defective is taken back and paid (s. 2(47)(viii)).
    "IN": (Enacted(date(2020, 7, 20), Law("Indian Consumer Protection Act 2019", 0, 30, 30)),),
    # Guarantees that last as long as is reasonable of the goods: a person has to judge that. Nobody is bound to take
    # back what is only no longer wanted.
    "AU": (Enacted(date(2011, 1, 1), Law("Australian Consumer Law", 0, claim_days=_SIX_YEARS)),),
    # Two years to claim, of which terms of sale may say what is given; no withdrawal from what was bought online.
    "CH": (Enacted(date(2013, 1, 1), Law("Swiss Code of Obligations, art. 210", 0, claim_days=730)),),
    # The eight days of the act on specified commercial transactions give way to what a shop says about returns, which
    # is what policies are; what does not conform is claimed within a year of seeing it.
    "JP": (Enacted(date(2020, 4, 1), Law("Japanese Civil Code, art. 566", 0, claim_days=365)),),
    "CA": (Enacted(date.min, Law("no general right in Canadian law", 0)),),
    "US": (Enacted(date.min, Law("no general right in United States law", 0)),),
}
"""By ISO code, the earliest first. Where a country stands not in here, or its law gives nothing, only the policy
speaks."""


def law_of(country: str, ordered_on: date) -> Law | None:
    """The law under which something was ordered on a day; None where none is known."""
    return next((one.law for one in reversed(LAWS.get(country, ())) if one.since <= ordered_on), None)


EXCEPTIONS = ("", "hygiene_seal", "media_seal", "made_to_order", "perishable")
"""Goods without a right of withdrawal (2011/83 art. 16 c, d, e, i): a rule that names one of these is not held to it.
The right to a good that conforms has no such exception."""
