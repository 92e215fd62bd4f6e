"""What holds an order when it is placed or sent elsewhere: pure rules, steered by a policy for each channel."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.orders.validation.facts import (
    Earlier,
    Found,
    GoodsFact,
    LineFact,
    OrderFacts,
    PaymentFact,
)
from entrepot.orders.validation.goods import catalog, export, hazard, inventory, reservation
from entrepot.orders.validation.money import cash, changed, currency, expiry, payment, price
from entrepot.orders.validation.places import address, box, format, is_box, region, service  # noqa: A004  the name of its mode
from entrepot.orders.validation.policy import DAY, IMPORTED, Validation, once
from entrepot.orders.validation.risk import (
    HOUR,
    blocked,
    duplicates,
    fraud,
    mismatch,
    newcomer,
    score,
    velocity,
)
from entrepot.orders.validation.taxes import recompute, tax, tax_number

__all__ = [
    "CORRECTABLE", "DAY", "FINE", "HOUR", "IMPORTED", "OF_ADDRESS", "OF_AMOUNTS", "OF_GOODS", "OF_SERVICE", "OF_TAX",
    "RULES", "Earlier", "Found", "GoodsFact", "LineFact", "OrderFacts",
    "PaymentFact", "Validation", "Verdict", "Warned", "is_box", "joined", "judge",
]  # fmt: skip

Rule = Callable[[OrderFacts, Validation], Found | None]
"""None is a pass."""

RULES: dict[str, Rule] = {
    "payment": payment,
    "currency": currency,
    "fraud": fraud,
    "tax": tax,
    "tax_number": tax_number,
    "recompute": recompute,
    "address": address,
    "inventory": inventory,
    "catalog": catalog,
    "duplicates": duplicates,
    "expiry": expiry,
    "region": region,
    "export": export,
    "cash": cash,
    "score": score,
    "velocity": velocity,
    "mismatch": mismatch,
    "newcomer": newcomer,
    "blocked": blocked,
    "hazard": hazard,
    "price": price,
    "reservation": reservation,
    "changed": changed,
    "service": service,
    "box": box,
    "format": format,
}
"""Every rule, by the name of its mode in the policy."""

OF_ADDRESS = ("address", "region", "box", "format", "mismatch", "blocked")
OF_SERVICE = ("service", "box", "hazard")
"""Rules that an order is asked again when its address or its service changes."""

OF_GOODS = ("catalog", "export", "hazard", "price")
"""Rules that goods are asked which come to an order; those that stand were asked when they came."""

OF_AMOUNTS = ("fraud", "tax", "cash")
"""Rules that an order is asked again when its amounts change: only what they did not find before counts."""

OF_TAX = ("tax", "recompute")
"""Rules that an order is asked again when something changes that its tax goes by."""

CORRECTABLE = (
    "address", "region", "box", "format", "service", "export", "hazard", "catalog", "price", "tax", "tax_number",
    "recompute", "cash",
)  # fmt: skip
"""Rules whose finding a change may put right, so that the hold ends which they opened. Whom to trust is for people."""


class Warned(NamedTuple):
    """What a rule noticed that only warns."""

    rule: str
    reason: str


class Verdict(NamedTuple):
    """What holds the order, and what was only noticed."""

    holds: tuple[Found, ...]
    warnings: tuple[Warned, ...]


FINE = Verdict((), ())


def judge(order: OrderFacts, policy: Validation, only: Collection[str] = ()) -> Verdict:
    """Ask every rule that the policy has not switched off, or `only` some of them.

    One hold of a type bears all reasons of that type.
    """
    holds: dict[str, Found] = {}
    warnings: list[Warned] = []
    unknown = sorted({line.sku for line in order.goods if not line.known})
    if unknown and not only:
        reason = Said("Not in the catalog: {0}.", ", ".join(unknown))
        holds["inventory hold"] = Found("inventory hold", reason, {"unknown": unknown}, rules=("unknown",))
    asked = _asked(policy)
    for name, rule, warns in [one for one in asked if one[0] in only] if only else asked:
        found = rule(order, policy)
        if found is None:
            continue
        if warns:
            warnings.append(Warned(name, found.reason))
        else:
            _add(holds, Found(found.type, found.reason, found.facts, found.waits_for, (name,)))
    return Verdict(tuple(holds.values()), tuple(warnings)) if holds or warnings else FINE


@once
def _asked(policy: Validation) -> tuple[tuple[str, Rule, bool], ...]:
    """The rules that are not switched off, and whether each only warns."""
    modes = ((name, rule, getattr(policy, name)) for name, rule in RULES.items())
    return tuple((name, rule, mode == "warn") for name, rule, mode in modes if mode != "off")


def joined(one: Verdict, other: Verdict) -> Verdict:
    """What two judgements of an order come to: still one hold of a type."""
    holds = {found.type: found for found in one.holds}
    for found in other.holds:
        _add(holds, found)
    warnings = one.warnings + other.warnings
    return Verdict(tuple(holds.values()), warnings) if holds or warnings else FINE


def _add(holds: dict[str, Found], found: Found) -> None:
    """One hold of a type bears all reasons of that type."""
    before = holds.get(found.type)
    if before is not None:
        reason, facts = Said("{0} {1}", before.reason, found.reason), {**before.facts, **found.facts}
        found = Found(found.type, reason, facts, rules=before.rules + found.rules)
    holds[found.type] = found
