"""The tax of an order as the rates make it, line by line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from entrepot.orders.rules import Frozen
from entrepot.orders.validation.taxes import taxable
from entrepot.tax.rules import Exemption, Expected, Rate, expected


class Bears(NamedTuple):
    """A line by kind, category of its goods, and what its units bear."""

    kind: str
    category: str
    frozen: Frozen


class By(NamedTuple):
    """What the tax of an order goes by. `is_shifted`: its buyer owes the tax itself."""

    rates: Sequence[Rate]
    country: str
    region: str
    day: date
    exemptions: Sequence[Exemption] = ()
    is_shifted: bool = False
    on_shipping: bool = True

    def of(self, amounts: Mapping[str, int]) -> Expected:
        return expected(
            amounts, self.rates, country=self.country, region=self.region, day=self.day,
            exemptions=self.exemptions, is_shifted=self.is_shifted,
        )  # fmt: skip


def due(lines: Sequence[Bears], by: By) -> Expected:
    """The tax of all lines together, in minor units, and why."""
    return by.of(taxable(lines, on_shipping=by.on_shipping))


def by_line(lines: Sequence[Bears], by: By) -> list[int]:
    """The tax of each line, in minor units: together they bear what is due. What rounding leaves, the line with the
    most bears."""
    alone = [due([one], by).tax_minor for one in lines]
    if alone:
        most = max(range(len(alone)), key=lambda i: abs(alone[i]))
        alone[most] += due(lines, by).tax_minor - sum(alone)
    return alone
