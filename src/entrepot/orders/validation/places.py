"""Rules of where it goes."""

from __future__ import annotations

import re

from entrepot.kernel.errors import Said
from entrepot.orders.validation.facts import Found, OrderFacts
from entrepot.orders.validation.policy import Validation, folded, starts
from entrepot.parties import address as formats


def address(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether country, address and postal code are there as far as they are required, and have their form."""
    if not order.goods:
        return None
    where = {"country": order.country}
    if not formats.is_country(order.country):
        return Found("address hold", "The country is no ISO code of two letters.", where)
    if policy.address_required and not order.has_address:
        return Found("address hold", "The address is missing.", where)
    if not order.postal_code:
        if policy.postal_code_required:
            return Found("address hold", "The postal code is missing.", where)
        return None
    if not formats.has_postal_form(order.country, order.postal_code):
        # The code itself is personal data and stays with the order.
        return Found("address hold", "The postal code is none of its country.", where)
    return None


def region(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether goods are sent to the country, or that part of it by its postal code (`regions_refused`)."""
    if not order.goods:
        return None
    listed = starts(policy.regions_refused).get(order.country)
    if not listed:
        return None
    code = "".join(order.postal_code.upper().split())
    refused = [order.country + code[:n] for n in range(len(code) + 1) if code[:n] in listed]
    if refused:
        facts = {"country": order.country, "refused": refused}
        return Found("address hold", Said("Nothing is sent to {0}.", ", ".join(refused)), facts)
    return None


def box(order: OrderFacts, policy: Validation) -> Found | None:
    """Whether the service brings anything to a PO box (`box_services_refused`)."""
    if order.is_to_box and order.service.lower() in folded(policy.box_services_refused):
        return Found(
            "address hold", Said("{0} brings nothing to a PO box.", order.service), {"service": order.service}
        )
    return None


def service(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: ARG001  rules are of one shape
    """Whether some carrier has the service that is wished for: else another one is taken when it is shipped."""
    if order.goods and order.is_unserved:
        reason = Said("No service is called {0}: the one that suits best will be taken.", order.service)
        return Found("address hold", reason, {"service": order.service})
    return None


_BOX = re.compile(
    r"\b(p\.? ?o\.? ?box|post office box|postfach|postbus|apartado( de correos)?|casella postale)\b"
)


def is_box(*lines: str) -> bool:
    """Whether an address names a PO box, in the words of some languages."""
    return any(_BOX.search(line.lower()) for line in lines)


def format(order: OrderFacts, policy: Validation) -> Found | None:  # noqa: A001, ARG001  the name of its mode
    """Whether the address has the parts that its country requires, and they agree."""
    if order.goods and order.problems:
        return Found("address hold", " ".join(order.problems), {"country": order.country})
    return None
