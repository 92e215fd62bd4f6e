"""What is asked of carriage: services with their tables, ready for `rules.choose`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from entrepot.carriage.rules import RegisterService, Service, Surcharge, Zone, zoned
from entrepot.kernel import sql, wire


def services(*, companies: Collection[int]) -> dict[int, list[Service]]:
    """Active services by company, with zones, rates and surcharges. 4 statements."""
    params = {"companies": list(companies)}
    zones: dict[Any, list[Zone]] = defaultdict(list)
    for service, *row in sql.run(_ZONES, params):
        zones[service].append(Zone(*row))
    rates: dict[Any, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    currencies: dict[Any, str] = {}
    for service, zone, up_to, price, currency in sql.run(_RATES, params):
        rates[service][zone].append((up_to, price))
        currencies[service] = currency
    added: dict[Any, list[Surcharge]] = defaultdict(list)
    for service, *one in sql.run(_SURCHARGES, params):
        added[service].append(Surcharge(*one))
    found: dict[int, list[Service]] = {company: [] for company in companies}
    for company, service, carrier, code, days, most, divisor, longest, live in sql.run(_SERVICES, params):
        priced = (dict(rates[service]), currencies.get(service, ""), tuple(added[service]))
        bare = Service(service, carrier, code, days, most, divisor, {}, *priced, longest, live)
        found[company].append(zoned(bare, zones[service]))
    return found


def named(*, company: int) -> dict[str, str]:
    """What active services are called, by their codes. One statement."""
    return dict(sql.run(_NAMED, {"company": company}))  # type: ignore[arg-type]


def cut_offs(*, nodes: Collection[UUID]) -> dict[UUID, dict[str, dict[int, time]]]:
    """Of each node the weeks of the carriers that have cut-offs of their own there, as `network.rules.next_ship_date`
    takes them: by code, weekday to local time. One statement."""
    found: dict[UUID, dict[str, dict[int, time]]] = {node: {} for node in nodes}
    for node, carrier, weekday, at in sql.run(_CUT_OFFS, {"nodes": list(found)}):
        found[node].setdefault(carrier, {})[weekday] = at
    return found


def carriers(*, company: int) -> list[str]:
    """The codes of a company's carriers."""
    return [code for (code,) in sql.run(_CARRIERS, {"company": company})]


@dataclass(frozen=True, slots=True)
class Known:
    """A service as it stands, by its id, also one that is not active."""

    id: UUID
    stands: RegisterService


def known(company: int, which: UUID | None = None) -> list[Known]:
    """Every service of a company with its tables, by carrier and code, or one alone. 4 statements."""
    params = {"company": company, "which": which}
    zones, rates, added = defaultdict(list), defaultdict(list), defaultdict(list)
    currencies: dict[Any, str] = {}
    for service, *row in sql.run(_ALL_ZONES, params):
        zones[service].append(Zone(*row))
    for service, zone, up_to, price, currency in sql.run(_ALL_RATES, params):
        rates[service].append((zone, up_to, price))
        currencies[service] = currency
    for service, *one in sql.run(_ALL_SURCHARGES, params):
        added[service].append(Surcharge(*one))
    return [
        Known(
            service,
            RegisterService(
                company, carrier, code, name, days, most, currencies.get(service, ""), tuple(zones[service]),
                tuple(rates[service]), divisor, active, tuple(added[service]), longest, live,
            ),
        )
        for service, carrier, code, name, days, most, divisor, active, longest, live in sql.run(_KNOWN, params)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """A service as it stood from a moment on."""

    version: int
    author: str
    at: datetime
    stood: RegisterService


def versions(company: int, service: UUID) -> list[Version]:
    """Versions of a service, the newest first. 1 statement."""
    rows = sql.run(_VERSIONS, {"company": company, "service": service})
    return [
        Version(number, author, at, wire.load(body, RegisterService)) for number, author, at, body in rows
    ]


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("carriage_service", "carriage_zone", "carriage_rate", "carriage_surcharge", "carriage_cutoff")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about services without their carrier, and about zones and rates that nobody can use."""
    return [row[0] for row in sql.run(_UNUSABLE)]


_ASKED = "s.company_id = %(company)s::smallint AND (%(which)s::uuid IS NULL OR s.id = %(which)s::uuid)"
_OF_ASKED = f"service_id IN (SELECT s.id FROM carriage_service AS s WHERE {_ASKED})"

_ALL_ZONES = f"""
SELECT service_id, origin, destination, zone, origin_postal_code, destination_postal_code, transit_days
FROM carriage_zone WHERE {_OF_ASKED} ORDER BY 1, 2, 5, 3, 6
"""

_ALL_RATES = f"""
SELECT service_id, zone, max_weight_g, price_minor, currency FROM carriage_rate WHERE {_OF_ASKED} ORDER BY 1, 2, 3
"""

_ALL_SURCHARGES = f"""
SELECT service_id, kind, amount_minor, per_10k, above, postal_code, zone FROM carriage_surcharge WHERE {_OF_ASKED}
ORDER BY 1, 2, 7, 5, 6
"""

_KNOWN = f"""
SELECT s.id, c.code, s.code, s.name, s.transit_days, s.max_weight_g, s.divisor, s.active, s.max_length_mm, s.live
FROM carriage_service AS s JOIN carriage_carrier AS c ON c.id = s.carrier_id WHERE {_ASKED} ORDER BY c.code, s.code
"""

_VERSIONS = """
SELECT version, author, at, body::text FROM carriage_version
WHERE company_id = %(company)s::smallint AND service_id = %(service)s::uuid ORDER BY version DESC LIMIT 100
"""

_SERVICES = """
SELECT s.company_id::int, s.id, c.code, s.code, s.transit_days, s.max_weight_g, s.divisor,
       s.max_length_mm, s.live
FROM carriage_service AS s JOIN carriage_carrier AS c ON c.id = s.carrier_id
WHERE s.company_id = ANY(%(companies)s::smallint[]) AND s.active ORDER BY s.code
"""

_NAMED = """
SELECT s.code, c.name || ' ' || s.name FROM carriage_service AS s JOIN carriage_carrier AS c ON c.id = s.carrier_id
WHERE s.company_id = %(company)s::smallint AND s.active ORDER BY s.code
"""

_CUT_OFFS = """
SELECT o.node_id, c.code, o.weekday::int, o.at
FROM carriage_cutoff AS o JOIN carriage_carrier AS c ON c.id = o.carrier_id
WHERE o.node_id = ANY(%(nodes)s::uuid[]) ORDER BY o.node_id, c.code, o.weekday
"""

_CARRIERS = "SELECT code FROM carriage_carrier WHERE company_id = %(company)s::smallint ORDER BY code"

_ZONES = """
SELECT z.service_id, z.origin, z.destination, z.zone, z.origin_postal_code, z.destination_postal_code, z.transit_days
FROM carriage_zone AS z JOIN carriage_service AS s ON s.id = z.service_id
WHERE s.company_id = ANY(%(companies)s::smallint[]) AND s.active
"""

_RATES = """
SELECT r.service_id, r.zone, r.max_weight_g, r.price_minor, r.currency
FROM carriage_rate AS r JOIN carriage_service AS s ON s.id = r.service_id
WHERE s.company_id = ANY(%(companies)s::smallint[]) AND s.active ORDER BY r.service_id, r.zone, r.max_weight_g
"""

_SURCHARGES = """
SELECT u.service_id, u.kind, u.amount_minor, u.per_10k, u.above, u.postal_code, u.zone
FROM carriage_surcharge AS u JOIN carriage_service AS s ON s.id = u.service_id
WHERE s.company_id = ANY(%(companies)s::smallint[]) AND s.active
ORDER BY u.service_id, u.kind, u.zone, u.above, u.postal_code
"""

_UNUSABLE = """
SELECT DISTINCT format('service %s goes to zone %s without a rate', s.code, z.zone)
FROM carriage_zone AS z JOIN carriage_service AS s ON s.id = z.service_id AND s.active
WHERE NOT EXISTS (SELECT FROM carriage_rate AS r WHERE r.service_id = z.service_id AND r.zone = z.zone)
UNION ALL
SELECT format('service %s is of a carrier that is not of its company', s.code)
FROM carriage_service AS s LEFT JOIN carriage_carrier AS c ON c.id = s.carrier_id AND c.company_id = s.company_id
WHERE c.id IS NULL
UNION ALL
SELECT DISTINCT format('zone %s is of a service that is not there', z.zone) FROM carriage_zone AS z
WHERE NOT EXISTS (SELECT FROM carriage_service AS s WHERE s.id = z.service_id)
UNION ALL
SELECT DISTINCT format('a rate of zone %s is of a service that is not there', r.zone) FROM carriage_rate AS r
WHERE NOT EXISTS (SELECT FROM carriage_service AS s WHERE s.id = r.service_id)
UNION ALL
SELECT DISTINCT format('a surcharge for %s is of a service that is not there', u.kind) FROM carriage_surcharge AS u
WHERE NOT EXISTS (SELECT FROM carriage_service AS s WHERE s.id = u.service_id)
UNION ALL
SELECT format('service %s has rates in several currencies', s.code)
FROM carriage_service AS s JOIN carriage_rate AS r ON r.service_id = s.id
GROUP BY s.id, s.code HAVING count(DISTINCT r.currency) > 1
UNION ALL
SELECT DISTINCT 'a cut-off is of a carrier and a node that are not of one company' FROM carriage_cutoff AS o
WHERE NOT EXISTS (SELECT FROM carriage_carrier AS c JOIN network_node AS n ON n.company_id = c.company_id
                  WHERE c.id = o.carrier_id AND n.id = o.node_id)
"""
