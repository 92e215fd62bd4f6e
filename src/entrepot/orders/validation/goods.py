"""Rules of what is sold: whether it may be, to whom, where and how."""

from __future__ import annotations

import re
from collections.abc import Iterator

from entrepot.kernel.errors import Said
from entrepot.orders.validation.facts import Found, LineFact, OrderFacts
from entrepot.orders.validation.policy import Validation, by_country


def inventory(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the channel can have as many units as are wanted, now or of what is to come: of every SKU, or of one of
    them at least (`inventory_short`)."""
    if order.supply is None:
        return None
    short, known = {}, 0
    for sku, units in order.basket:
        there = order.supply.get(sku)
        if there is None:  # not in the catalog, which holds the order already
            continue
        known += 1
        if lacks := there.lacks(units):
            short[sku] = {"wanted": units, "short": lacks, "coming": there.coming}
    if not short or (policy.inventory_short == "all" and len(short) < known):
        return None
    told = ", ".join(Said("{0} of {1} {2}", one["short"], one["wanted"], sku) for sku, one in short.items())
    facts = {"short": short, "inventory_short": policy.inventory_short}
    return Found("inventory hold", Said("More is wanted than can be had. It lacks: {0}.", told), facts)


def catalog(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether all goods are still sold, and the age that some ask for is proved (`age_signal`)."""
    discontinued = sorted({line.sku for line in order.goods if line.known and line.status == "discontinued"})
    if discontinued:
        return Found(
            "inventory hold",
            Said("Discontinued: {0}.", ", ".join(discontinued)),
            {"discontinued": discontinued},
        )
    restricted = {line.sku: line.minimum_age for line in order.goods if line.minimum_age > 0}
    if restricted:
        proved = _age_proved(order, policy)
        young = sorted(sku for sku, age in restricted.items() if age > proved)
        if young:
            facts = {"restricted": young, "signal": policy.age_signal}
            return Found(
                "exception", Said("The customer's age is not proved for {0}.", ", ".join(young)), facts
            )
    return None


def _age_proved(order: OrderFacts, policy: Validation) -> int:
    """Years that the channel has proof of: those of `age:18`, any by the policy's own signal, else none."""
    told = [one.lower() for one in order.signals]
    if policy.age_signal.lower() in told:
        return _ANY_AGE
    return max((int(one[4:]) for one in told if _AGE.fullmatch(one)), default=0)


_AGE, _ANY_AGE = re.compile(r"age:[0-9]{1,3}"), 999


def export(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the goods may go to the country, by SKU, category or HS code (`exports_refused`)."""
    listed = by_country(policy.exports_refused).get(order.country)
    if not listed:
        return None
    refused = sorted({line.sku for line in order.goods if not listed.isdisjoint(_names(line))})
    if refused:
        facts = {"refused": refused, "country": order.country}
        return Found(
            "exception", Said("May not be sent to {0}: {1}.", order.country, ", ".join(refused)), facts
        )
    return None


def _names(line: LineFact) -> Iterator[str]:
    """What a list of export control may call goods: by SKU, by category, by the start of their HS code."""
    yield line.sku.lower()
    if line.about:
        yield line.about.category.lower()
        code = line.about.hs_code.replace(".", "")
        yield from (f"hs:{code[:digits]}" for digits in range(2, len(code) + 1))


def hazard(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether hazardous goods may go by the service, to the country, or both (`hazards_refused`)."""
    goods = sorted({line.sku for line in order.goods if line.about and line.about.hazardous})
    if not goods:
        return None
    refused = _ways_refused(policy, order.service, order.country)
    if refused:
        facts = {"hazardous": goods, "service": order.service, "country": order.country, "refused": refused}
        return Found("exception", Said("Hazardous goods may not go this way: {0}.", ", ".join(goods)), facts)
    return None


def _ways_refused(policy: Validation, service: str, country: str) -> list[str]:
    service, country = service.lower(), country.lower()
    ways = {f"{service}>{country}", f"{service}>", f">{country}"} - {">"}
    return [one for one in policy.hazards_refused if one.lower() in ways]


def hazards_barred(policy: Validation, service: str, country: str) -> bool:
    """Whether a service that no order names may not take hazardous goods to a country: where the check is enforced.

    What is refused for the country alone held the order already, whatever carries it.
    """
    if policy.hazard != "enforce":
        return False
    return any(not way.startswith(">") for way in _ways_refused(policy, service, country))


def reservation(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    """Whether something is reserved for the cart or checkout that it names: else it gets what is free."""
    if order.goods and order.unreserved:
        reason = Said("Nothing is reserved for {0}: the order gets what is free.", order.unreserved)
        return Found("exception", reason, {"reservation": order.unreserved})
    return None
