"""What a choice of service needs to know, for a batch of fulfillments, and the choice of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.carriage import queries as carriage
from entrepot.carriage.rules import Parcel, all_said, leaves
from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Refused, Said
from entrepot.ledger.currency_queries import worth_of
from entrepot.network import queries as network
from entrepot.network.destinations import promised_day
from entrepot.orders.validation.goods import hazards_barred
from entrepot.orders.validation.policy import Validation
from entrepot.shipping import errors
from entrepot.shipping.shopping import Known, Quote, Shopped, Shopping, shop


class Going(NamedTuple):
    """A fulfillment, as far as a choice of service depends on it. `home`: the company's own currency."""

    id: UUID
    company: int
    node: UUID
    service: str
    promise_at: datetime | None
    country: str
    postal_code: str
    residential: bool
    origin: str
    time_zone: str
    home: str
    hazardous: bool
    channel: str
    origin_postal_code: str


class Choosing:
    """The facts of a batch; alike fulfillments are decided once. 11 statements, 1 more where services ask in other
    currencies than the company's own."""

    def __init__(self, fulfillments: Collection[UUID], at: datetime) -> None:
        params = {"ids": list(fulfillments)}
        self.going = {row[0]: Going(*row) for row in sql.run(_GOING, params)}
        self.parcels: dict[UUID, list[tuple[int, int, int]]] = {}
        for fulfillment, *size in sql.run(_PACKAGES, params):
            self.parcels.setdefault(fulfillment, []).append((size[0], size[1], size[2]))
        companies = {one.company for one in self.going.values()}
        self.services = carriage.services(companies=companies)
        nodes = {one.node for one in self.going.values()}
        self._calendars, self._cut_offs = network.calendars(nodes=nodes), carriage.cut_offs(nodes=nodes)
        self._policies = policies.InForce(companies, (Shopping, Validation), at)
        self._known = known(companies)
        self._quotes: dict[UUID, dict[UUID, Quote]] = {}
        for fulfillment, service, *quote in sql.run(_QUOTES, params):
            self._quotes.setdefault(fulfillment, {})[service] = Quote(*quote)
        self._worth = self._rates(at)
        self._shopped: dict[tuple[Any, ...], Shopped] = {}

    def choose(self, fulfillment: UUID, at: datetime, named: str = "") -> Shopped:
        """The service for a fulfillment that leaves at a moment; the one `named` by its code, if it carries it."""
        one = self.going[fulfillment]
        sizes = tuple(self.parcels.get(fulfillment, ()))
        quotes = self._quotes.get(fulfillment, {})
        day = leaves(at, one.time_zone, self._calendars[one.node], self._cut_offs[one.node])
        promised = promised_day(one.promise_at, one.country, one.postal_code, one.time_zone)
        quoted = (tuple(sorted(quotes.items())), at if quotes else None)
        key = (one[1:4], promised, one[5:], sizes, day, quoted, named)
        if key not in self._shopped:
            parcels = [
                Parcel(
                    grams,
                    cm3,
                    one.origin,
                    one.country,
                    "",
                    longest,
                    one.postal_code,
                    one.residential,
                    one.origin_postal_code,
                )
                for grams, cm3, longest in sizes
            ]
            services = self.services[one.company] if parcels else []
            _, policy = self._policies.of(one.company, Shopping)
            lanes = self._known.get((one.company, one.node), {})
            overall = self._known.get((one.company, None), {})
            self._shopped[key] = shop(
                services, parcels, named or one.service, day, promised, policy, {**overall, **lanes}, quotes, at,
                worth=self._worth.get(one.company, {}), hazards=self._hazards(one), is_named=bool(named),
            )  # fmt: skip
        return self._shopped[key]

    def _hazards(self, one: Going) -> frozenset[str]:
        """The services that may not take what is hazardous. What the order itself names was judged with the order, and
        whoever released it said that it may."""
        if not one.hazardous:
            return frozenset()
        _, policy = self._policies.of(one.company, Validation, one.channel)
        codes = {each.code for each in self.services[one.company]} - {one.service}
        return frozenset(code for code in codes if hazards_barred(policy, code, one.country))

    def _rates(self, at: datetime) -> dict[int, dict[str, Decimal]]:
        """By company, what a minor unit of each currency that its services ask in is worth in those of its own, where
        somebody knows; nothing where all ask in the same."""
        homes = {one.company: one.home for one in self.going.values()}
        asked = {company: {each.currency for each in self.services.get(company, ())} for company in homes}
        for fulfillment, quotes in self._quotes.items():
            asked[self.going[fulfillment].company] |= {quote.currency for quote in quotes.values()}
        abroad = [
            (company, code)
            for company in asked
            for code in asked[company]
            if code not in ("", homes[company])
        ]
        found = worth_of(abroad, at) if abroad else {}
        # Prices all in one currency that nobody knows the worth of can be compared all the same.
        return {
            company: rates
            for company, (_, rates) in found.items()
            if len(rates) > 1 or len(asked[company] - {""}) > 1
        }


def not_carried(shopped: Shopped, named: str, fulfillment: str) -> Refused | None:
    """Why no service takes a fulfillment, or the `named` one does not; None where it does."""
    taken = shopped.choice.taken
    if taken is not None and named in ("", taken.service.code):
        return None
    told = [barred for barred in shopped.choice.barred if named in ("", barred.service)]
    none = Said("{0} is none of the services", named)
    return errors.NoService(fulfillment=fulfillment, reasons=all_said(told) if told else none)


def known(
    companies: Iterable[int],
) -> dict[tuple[int, UUID | None], dict[tuple[Any, str, str], Known]]:
    """What is known of services, by company and node (none: everywhere), then by service, zone, and who told the time.
    1 statement."""
    lanes: dict[tuple[int, UUID, UUID, str, str], dict[int, int]] = {}
    overall: dict[tuple[int, UUID, str], dict[int, int]] = {}
    for company, node, service, zone, timed_by, days, count in sql.run(
        _TRANSIT, {"companies": list(companies)}
    ):
        lanes.setdefault((company, node, service, zone, timed_by), {})[days] = count
        whole = overall.setdefault((company, service, timed_by), {})
        whole[days] = whole.get(days, 0) + count
    found: dict[tuple[int, UUID | None], dict[tuple[Any, str, str], Known]] = {}
    for (company, service, timed_by), whole in overall.items():
        found.setdefault((company, None), {})[service, "", timed_by] = Known({}, whole)
    for (company, node, service, zone, timed_by), counts in lanes.items():
        known_ = Known(counts, overall[company, service, timed_by])
        found.setdefault((company, node), {})[service, zone, timed_by] = known_
    return found


_GOING = """
SELECT f.id, f.company_id::int, f.node_id, f.service, o.promise_at, o.country, o.postal_code, o.demand = 'sale',
       n.country, n.time_zone, c.currency::text,
       EXISTS (SELECT FROM warehouse_package AS p JOIN warehouse_packageline AS l ON l.package_id = p.id
               JOIN catalog_sku AS s ON s.id = l.sku_id
               WHERE p.fulfillment_id = f.id AND p.voided_at IS NULL AND s.hazardous), h.code,
       n.postal_code
FROM warehouse_fulfillment AS f
JOIN orders_order AS o ON o.id = f.order_id
JOIN network_node AS n ON n.id = f.node_id
JOIN parties_company AS c ON c.id = f.company_id
JOIN network_channel AS h ON h.id = o.channel_id
WHERE f.id = ANY(%(ids)s::uuid[])
"""

# The longest side is that of the carton, from outside where that was measured, or of the longest thing where it goes
# in no carton of ours.
_PACKAGES = """
SELECT p.fulfillment_id, p.weight_g, p.volume_cm3,
       COALESCE(greatest(c.length_mm, c.width_mm, c.height_mm, c.outer_length_mm, c.outer_width_mm, c.outer_height_mm),
                (SELECT max(greatest(s.length_mm, s.width_mm, s.height_mm))
                 FROM warehouse_packageline AS l JOIN catalog_sku AS s ON s.id = l.sku_id
                 WHERE l.package_id = p.id), 0)::int
FROM warehouse_package AS p
LEFT JOIN warehouse_carton AS c ON c.company_id = p.company_id AND c.code = p.carton
WHERE p.fulfillment_id = ANY(%(ids)s::uuid[]) AND p.voided_at IS NULL
ORDER BY 1, 2, 3, 4
"""

_QUOTES = """
SELECT fulfillment_id, service_id, source, price_minor, currency::text, quoted_at, problem, days
FROM shipping_quote AS q
WHERE fulfillment_id = ANY(%(ids)s::uuid[])
  AND NOT EXISTS (SELECT FROM warehouse_package AS p
                  WHERE p.fulfillment_id = q.fulfillment_id AND p.voided_at > q.quoted_at)
"""

_TRANSIT = """
SELECT company_id::int, node_id, service_id, zone, timed_by, slip::int, shipments FROM shipping_transit
WHERE company_id = ANY(%(companies)s::smallint[])
"""
