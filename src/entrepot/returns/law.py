"""What the law of a country gives whoever buys at a distance: the floor below which no policy goes. Pure."""

from __future__ import annotations

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


EU = Law("EU consumer law (2011/83, 2019/771)", 14, 730)
"""Withdrawal within 14 days of delivery (2011/83 art. 9), and two years for lack of conformity (2019/771 art. 10)."""

_EEA_COUNTRIES = "IS LI NO"

LAW: dict[str, Law] = {
    **dict.fromkeys(sorted(EUROPEAN_UNION), EU),
    **dict.fromkeys(_EEA_COUNTRIES.split(), Law("EEA consumer law", 14, 730)),
    # Rejected within 30 days (s. 22); what fails within six months was not as it had to be on delivery (s. 19); a claim
    # is barred after six years (Limitation Act 1980, s. 5).
    "GB": Law("UK Consumer Contracts Regulations 2013", 14, 182, 30, "UK Consumer Rights Act 2015", 2_190),
    "TR": Law("Turkish consumer law (6502)", 14, 730),
    "BR": Law("Brazilian consumer code, art. 49", 7),
    "KR": Law("Korean e-commerce act, art. 17", 7),
    "CN": Law("Chinese consumer law, art. 25", 7),
    "TW": Law("Taiwanese consumer act, art. 19", 7),
}
"""By ISO code. Where a country stands not in here, only the policy speaks."""

EXCEPTIONS = ("", "hygiene_seal", "media_seal", "made_to_order", "perishable")
"""Goods without a right of withdrawal (2011/83 art. 16 c, d, e, i): a rule that names one of these is not held to it.
The right to a good that conforms has no such exception."""
