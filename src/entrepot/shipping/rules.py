"""With whom a parcel goes, what units that leave are worth, and under which kinds it is posted. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from entrepot.orders.rules import GOODS, Frozen


def worth(frozen: Frozen, quantity: int, gone: int, count: int) -> Frozen:
    """What the next `count` units of a line of `quantity` bear, when `gone` have left before: whatever the partial
    shipments, together they bear what was frozen."""
    return frozen.of_units(quantity, gone, count)


def amounts_of_sale(parts: Iterable[tuple[str, Frozen]]) -> list[tuple[str, int]]:
    """Amounts by source kind of what was delivered: the line's own kind bears its gross amount; discount, shipping
    and tax stand apart. Without zeros."""
    sums: dict[str, int] = {}
    for kind, (gross, discount, shipping, tax) in parts:
        if gross:
            sums[f"sale.{kind}"] = sums.get(f"sale.{kind}", 0) + gross
        if discount:
            sums["sale.discount"] = sums.get("sale.discount", 0) - discount
        if shipping:
            sums["sale.shipping"] = sums.get("sale.shipping", 0) + shipping
        if tax:
            sums["sale.tax"] = sums.get("sale.tax", 0) + tax
    return [(kind, amount) for kind, amount in sums.items() if amount]


def may_perform(goods: int, gone: int) -> bool:
    """Whether services are due: nothing is left to send, or something has left already."""
    return not goods or gone > 0


__all__ = [
    "GOODS",
    "Frozen",
    "amounts_of_sale",
    "may_perform",
    "worth",
]
