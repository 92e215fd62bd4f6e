"""What it would have cost to serve an order from each node that was looked at, where costs did not decide: worked out
when somebody asks, so that nobody who allocates waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.sourcing import cost
from entrepot.sourcing.explain import Candidate, Explanation, LineExplained
from entrepot.sourcing.facts import Facts, Line
from entrepot.sourcing.loading import load_orders

Terms = Mapping[str, Mapping[str, int]]
"""Minor units by code of a node and by term."""


def with_costs(order: UUID, reasons: Mapping[str, Any], at: datetime, found: Explanation) -> Explanation:
    """The explanation of a decision of a moment, with what all of the order and each line would cost from each node.

    Tables of carriers, measures of goods and work that waits are those of today; cut-offs count as of the moment, and
    rates are those that were in force. Of a cancelled order nothing is told. About 12 statements.
    """
    about = load_orders([order]).get(order)
    known = {number: (line, sku) for number, line, sku in sql.run(_LINES, {"order": order})}
    if about is None or not found.lines or not {line.number for line in found.lines} <= known.keys():
        return found
    lines = [
        Line(known[one.number][0], one.number, known[one.number][1], one.units, 0) for one in found.lines
    ]
    facts = Facts([about], at)
    costs = facts.for_telling(about.company)
    costs.weigh({line.sku for line in lines})
    nodes = facts.nodes(about)
    ids = {node.code: node.id for node in cost.all_of(nodes)}
    free = _free(reasons, {line.number: line.sku for line in lines}, ids)
    priced = costs.wanted(about, lines, nodes, free, facts)
    told = _Told(priced, ids, knows_free=bool(free) or not priced.profile.scarcity_minor)
    return replace(
        found,
        candidates=_priced(found.candidates, told.terms()),
        lines=tuple(told.line(one, found.lines) for one in found.lines),
        costs_decided=False,
    )


def _free(
    reasons: Mapping[str, Any], skus: Mapping[int, UUID], ids: Mapping[str, UUID]
) -> dict[tuple[UUID, UUID], int]:
    """What was free at the nodes that were asked, as far as the decision recorded it."""
    codes = [code for code, _ in reasons.get("candidates", ())]
    return {
        (skus[number], ids[code]): units
        for number, _, there in reasons.get("lines", ())
        for code, units in zip(codes, there, strict=True)
        if code in ids and number in skus
    }


def _priced(candidates: Sequence[Candidate], terms: Terms) -> tuple[Candidate, ...]:
    return tuple(one._replace(costs=terms.get(one.node)) for one in candidates)


class _Told:
    """An order with its prices, and the nodes by code. Scarcity is told only where it is known what was free."""

    def __init__(self, priced: cost.Wanted, ids: Mapping[str, UUID], *, knows_free: bool) -> None:
        self.priced, self.ids, self.knows_free = priced, ids, knows_free
        self.nodes = [node for node in cost.all_of(priced.nodes) if node.id in priced.shipping]

    def _known(self, terms: dict[str, int]) -> dict[str, int]:
        return terms if self.knows_free else {term: n for term, n in terms.items() if term != "scarcity"}

    def terms(self) -> Terms:
        return {node.code: self._known(self.priced.terms(node)) for node in self.nodes}

    def line(self, one: LineExplained, lines: Sequence[LineExplained]) -> LineExplained:
        """What a line adds at each node while the others come from where they do; a single one is the whole order."""
        if len(lines) == 1:
            return one._replace(candidates=_priced(one.candidates, self.terms()))
        place = [each.number for each in lines].index(one.number)
        line = self.priced.lines[place]
        others = {
            self.ids[code]
            for each in lines
            for code, _ in each.served
            if each.number != one.number and code in self.ids
        }
        terms = {node.code: self._known(self.priced.terms_of_line(line, node, others)) for node in self.nodes}
        return one._replace(candidates=_priced(one.candidates, terms))


_LINES = """
SELECT number::int, id, sku_id FROM orders_line
WHERE order_id = %(order)s::uuid AND sku_id IS NOT NULL AND instead_of IS NULL
"""
