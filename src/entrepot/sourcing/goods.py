"""What sourcing looks at of SKUs: how limits may call them, what they cost us, which are sent for which. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.sourcing import substitutes
from entrepot.sourcing.substitutes import Option, Substitutes


class Sku(NamedTuple):
    id: UUID
    company: int
    code: str
    category: str
    list_price: Decimal | None
    standard_cost: Decimal | None
    minimum_age: int
    hazardous: bool

    def goods(self) -> substitutes.Goods:
        return substitutes.Goods(self.id, self.code, self.minimum_age, self.hazardous)


Sets = Mapping[int, Mapping[str, tuple[int, Substitutes]]]
"""Sets of substitutes in force with their versions, by company and scope."""


class Goods:
    """SKUs that are ordered, those that may be sent (`to_send`), and by which sets."""

    def __init__(
        self, skus: Iterable[Sku] = (), to_send: Iterable[Sku] = (), sets: Sets | None = None
    ) -> None:
        self.skus = {one.id: one for one in skus}
        self._sets = sets or {}
        self._by_code: dict[int, dict[str, substitutes.Goods]] = defaultdict(dict)  # those that may be sent
        self._options: dict[tuple[str, UUID], list[Option]] = {}
        self._ordered: dict[UUID, list[UUID]] | None = None
        for one in to_send:
            self.skus[one.id] = one
            self._by_code[one.company][one.code] = one.goods()

    def names(self, sku: UUID) -> tuple[str, str]:
        """What limits of shipments may call a SKU: its code and its category."""
        one = self.skus[sku]
        return one.code, one.category

    def cost_minor(self, currency: str, units: Iterable[tuple[UUID, int]]) -> int | None:
        """What units of SKUs cost us by the catalog; None where one of them has no cost there."""
        total = 0
        for sku, quantity in units:
            cost = self.skus[sku].standard_cost
            if cost is None:
                return None
            total += money.extend(quantity, cost, currency)
        return total

    def options(self, company: int, channel: str, sku: UUID) -> list[Option]:
        """What may be sent for a SKU by the sets of a channel, else of all channels."""
        if (channel, sku) not in self._options:
            by_scope = self._sets.get(company, {})
            _, body = by_scope.get(channel) or by_scope.get("") or (0, Substitutes())
            known = self._by_code[company]
            self._options[channel, sku] = substitutes.options(self.skus[sku].goods(), body.sets, known)
        return self._options[channel, sku]

    def ordered_for(self, sku: UUID) -> Sequence[UUID]:
        """SKUs for which one may be sent by some set: who waits for them may be served by it."""
        if self._ordered is None:
            self._ordered = defaultdict(list)
            for one in self.skus.values():
                for company, code in codes_to_send(self._sets, [one]):
                    if by := self._by_code[company].get(code):
                        self._ordered[by.id].append(one.id)
        return self._ordered.get(sku, ())


def codes_to_send(sets: Sets, skus: Iterable[Sku]) -> set[tuple[int, str]]:
    """Codes that may be sent for SKUs by some set, each with its company."""
    bodies = [(company, body) for company, by_scope in sets.items() for _, body in by_scope.values()]
    return {
        (company, code)
        for sku in skus
        for company, body in bodies
        if sku.company == company
        for code, _ in substitutes.codes_for(sku.code, body.sets)
    }
