"""What programs name by the code that people know, or by the id that we told them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from entrepot.insight.places import Where, places
from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.parties import queries as parties
from entrepot.web.api import parse

Ids = dict[str | None, UUID]
"""Ids by what was named; what was left out has none."""


def skus(company: int, named: Iterable[str | None]) -> Ids:
    """SKUs of a company, all of which it must have. 1 statement, where a code is among them."""
    ids, codes = _apart(named)
    return ids | parse.skus_of(company, codes)


def nodes(company: int, named: Iterable[str | None]) -> Ids:
    """Nodes of a company, all of which it must have. 1 statement, where a code is among them."""
    ids, codes = _apart(named)
    return ids | (parse.nodes_of(company, codes) if codes else {})


def suppliers(company: int, named: Iterable[str | None]) -> Ids:
    """Suppliers of a company, all of which it must have. 1 statement, where a code is among them."""
    ids, codes = _apart(named)
    if not codes:
        return ids
    found = parties.suppliers(company=company)
    parse.known("supplier", codes, found)
    return ids | {code: found[code].id for code in codes}


def bins(asked: Iterable[tuple[UUID | None, str | None]]) -> dict[tuple[UUID | None, str | None], UUID]:
    """Bins, each by its node and what it is called there, all of which there must be. 1 statement, where a code is
    among them."""
    wanted = {(node, name) for node, name in asked if name}
    found: dict[tuple[UUID | None, str | None], UUID] = {}
    codes = []
    for node, name in wanted:
        if which := id_of(name):
            found[node, name] = which
        elif node is None:
            raise NotFound(what="bin", which=name)
        else:
            codes.append((node, name))
    there = network.bins_named(codes)
    for node, name in sorted(codes):
        if (node, name) not in there:
            raise NotFound(what="bin", which=name)
        found[node, name] = there[node, name]
    return found


def where(kind: str, documents: Collection[UUID]) -> dict[UUID, Where]:
    """Where documents are, all of which there must be: so that what is named at them can be found. 1 statement."""
    found = places(kind, documents)
    for which in documents:
        if which not in found:
            raise NotFound(what=kind, which=str(which))
    return found


def bins_at(kind: str, asked: Iterable[tuple[UUID, str | None]]) -> dict[tuple[UUID, str | None], UUID]:
    """Bins by the document at whose node they are, and what they are called there. 2 statements, where a code is among
    them."""
    wanted = [(which, name) for which, name in asked if name]
    at = where(kind, {which for which, name in wanted if not id_of(name)})
    node = {which: at[which].node if which in at else None for which, _ in wanted}
    found = bins((node[which], name) for which, name in wanted)
    return {(which, name): found[node[which], name] for which, name in wanted}


def _apart(named: Iterable[str | None]) -> tuple[Ids, set[str]]:
    """Ids by what says them, and the codes."""
    names = {name for name in named if name}
    ids: Ids = {name: which for name in names if (which := id_of(name))}
    return ids, {name for name in names if name not in ids}


def id_of(text: str) -> UUID | None:
    """The id that a text says; None of a code."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
