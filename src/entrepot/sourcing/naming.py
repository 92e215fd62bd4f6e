"""What profiles name and nothing is called: slips of the pen, which no rule would ever tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from entrepot.kernel import sql
from entrepot.network import queries as network
from entrepot.network.rules import NODE_KINDS
from entrepot.sourcing.rules import Profile


class Named(NamedTuple):
    """A profile, and the channel that it is for, '' for all."""

    scope: str
    profile: Profile


_Name = tuple[str, str]
"""What something is, and its name."""


def unknown(company: int, profiles: Sequence[Named]) -> list[tuple[str, ...]]:
    """Of each profile the names, in the order of the alphabet, that nothing of its kind has. 2 statements; 1 more where
    goods, tiers or suppliers are named, none without profiles."""
    if not profiles:
        return []
    named = [set(_names(one)) for one in profiles]
    known = _known(company, set().union(*named))
    return [tuple(sorted({name for _, name in mine - known})) for mine in named]


def _names(one: Named) -> Iterator[_Name]:
    """Every name, with what it is the name of."""
    profile = one.profile
    if one.scope:
        yield "channel", one.scope
    for node in (*profile.excluded_nodes, *profile.orders_per_day, *profile.units_per_day):
        yield "node", node
    yield from (("node", off.node) for off in profile.offline)
    yield from (("kind", kind) for kind in (*profile.kinds_refused, *profile.kinds_last))
    yield from (("node or kind", name) for name in profile.minimum_stock)
    yield from (("goods", name) for name in profile.shipments_of)
    yield from (("tier", tier) for tier in profile.tier_priority)
    for sends in profile.drop_ship:
        yield "supplier", sends.supplier
        yield from (("goods", name) for name in sends.skus)


def _known(company: int, named: Collection[_Name]) -> set[_Name]:
    """Of names those that something has."""
    nodes = {node.code for node in network.nodes(company=company)}
    there = {
        "channel": set(network.channels(company=company)), "node": nodes, "kind": set(NODE_KINDS),
        "node or kind": nodes | set(NODE_KINDS),
    }  # fmt: skip
    found = {(kind, name) for kind, name in named if name in there.get(kind, ())}
    others = {kind: [name for what, name in named if what == kind] for kind in ("goods", "tier", "supplier")}
    if any(others.values()):
        found |= {(kind, name) for kind, name in sql.run(_KNOWN, {"company": company, **others})}
    return found


_KNOWN = """
SELECT 'goods', one FROM unnest(%(goods)s::text[]) AS one
WHERE EXISTS (SELECT FROM catalog_sku WHERE company_id = %(company)s::smallint AND code = one)
   OR EXISTS (SELECT FROM catalog_sku WHERE company_id = %(company)s::smallint AND category = one
              AND category <> '')
UNION ALL
SELECT 'tier', one FROM unnest(%(tier)s::text[]) AS one
WHERE EXISTS (SELECT FROM parties_customer WHERE company_id = %(company)s::smallint AND tier = one AND tier <> '')
UNION ALL
SELECT 'supplier', one FROM unnest(%(supplier)s::text[]) AS one
WHERE EXISTS (SELECT FROM parties_supplier WHERE company_id = %(company)s::smallint AND code = one)
"""
