"""Tax numbers of buyers: whether one has the form and the check digits of its country. Pure: no registry is asked.

The number itself belongs in the vault alone, so no sentence here repeats it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import stdnum.eu.vat
import stdnum.us.ein
from stdnum import get_cc_module

from entrepot.kernel.errors import Said

EUROPEAN = frozenset({"EL", *(code.upper() for code in stdnum.eu.vat.MEMBER_STATES)}) - {"GR"}
"""What VAT numbers of the European Union begin with: countries, EL for Greece and XI for Northern Ireland."""

_COUNTRY_OF = {"EL": "GR", "XI": "GB"}


class Checked(NamedTuple):
    """A tax number as a fact: which one it is, and what is wrong with it, '' where nothing is.

    `kind` is '' where the house knows no form for its country: such a number is neither right nor wrong.
    """

    number: str  # without blanks and signs
    country: str
    kind: str
    problem: str

    @property
    def is_proved(self) -> bool:
        """Whether there is a form for it, and it has that."""
        return bool(self.kind) and not self.problem


def check(country: str, number: str) -> Checked:
    """A tax number of a buyer in a country. Where it names its own country in front, that one counts."""
    compact = "".join(sign for sign in number.upper() if sign.isalnum())
    country, front = country.strip().upper(), compact[:2]
    if front in EUROPEAN and stdnum.eu.vat.is_valid(compact):
        return Checked(compact, _COUNTRY_OF.get(front, front), str(Said("VAT number of {0}", front)), "")
    if country == "US":
        return _checked(compact, country, "EIN", fits=bool(stdnum.us.ein.is_valid(compact)))
    prefix = "EL" if country == "GR" else country
    if prefix in EUROPEAN:
        whole = prefix + compact.removeprefix(prefix)
        return _checked(
            whole, country, str(Said("VAT number of {0}", prefix)), fits=bool(stdnum.eu.vat.is_valid(whole))
        )
    form = _form(country)
    if form is None:
        return Checked(compact, country, "", "")
    return _checked(
        compact, country, str(Said("tax number of {0}", country)), fits=bool(form.is_valid(compact))
    )


def is_of_another_member(number: Checked | None, seller: str) -> bool:
    """Whether a proved VAT number is of a country of the European Union that is not the seller's, who is in it too."""
    if number is None or not number.is_proved or number.country == seller:
        return False
    return all("EL" if country == "GR" else country in EUROPEAN for country in (number.country, seller))


def _checked(number: str, country: str, kind: str, *, fits: bool) -> Checked:
    # A registration that has ended, or is another's, has the right form as well: that only a registry knows.
    problem = "" if fits else Said("The tax number is no {0}: its form or check digits are wrong.", kind)
    return Checked(number, country, kind, problem)


@lru_cache(maxsize=512)
def _form(country: str) -> Any:
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        return None
    return get_cc_module(country.lower(), "vat")
