"""Write what was decided about the orders of a batch: promises, lines, decisions, backorders, and who is to know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import offer
from entrepot.kernel.errors import Said
from entrepot.orders.commands import progress
from entrepot.orders.commands.cancel import settle
from entrepot.orders.commands.substitute import Substitute, substitute
from entrepot.sourcing import drop_ship, rules, substitutes
from entrepot.sourcing.commands.end_slipped import end_slipped
from entrepot.sourcing.facts import Line, Order, Version
from entrepot.sourcing.planning import Decided
from entrepot.sourcing.reasons import reasons_of
from entrepot.stock.commands import allocate as stock
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


class Batch:
    """Rows of all orders of a call, gathered to be written in a fixed number of statements."""

    def __init__(self, cause: Cause, times: dict[UUID, datetime]) -> None:
        self.cause, self.times = cause, times
        self.promises: list[stock.Promised] = []
        self.steps: list[progress.Progress] = []
        self.substitutes: list[Substitute] = []
        self.decisions: list[tuple[Any, ...]] = []
        self.still_waiting: list[tuple[Any, ...]] = []  # decisions that may be those that stand already
        self.waiting: list[tuple[Any, ...]] = []
        self.settled: list[UUID] = []
        self.served: dict[UUID, int] = {}
        self.default_dates: dict[UUID, date] = {}  # of what waits for nothing that is expected
        self.waited_for: set[UUID] = set()  # SKUs whose backorders come or go
        self.passed: list[tuple[Any, ...]] = []
        self.to_order: dict[UUID, tuple[int, datetime]] = {}
        self.recalls: list[tuple[UUID, int, datetime]] = []
        self.cancelled: dict[UUID, datetime] = {}  # orders of which a policy cancels something
        self.offers: list[tuple[UUID, int, datetime]] = []
        self.items: list[OpenItem] = []

    def add(
        self,
        order: Order,
        lines: Sequence[Line],
        decided: Decided,
        version: Version,
        half: Collection[int] = (),
    ) -> None:
        """`half` are the kits that are called back: what is short of them is decided when that is done."""
        plan = decided.plan
        if half:
            self.recalls.append((order.id, order.priority, order.promise_at or order.placed_at))
        self.default_dates[order.id] = (
            self.cause.at + timedelta(days=version.profile.default_lead_days)
        ).date()
        self.promises += decided.promised
        skus = {line.id: line.sku for line in lines}
        taken: dict[UUID, int] = defaultdict(int)
        for share in plan.shares:
            if share.sku == skus[share.line]:
                taken[share.line] += share.quantity
        cancels = rules.cancels_rest(plan, order.policy)
        instead = {one.line: (by, one) for by, one in decided.instead.items()}
        for line in lines:
            by = instead.get(line.id)
            left = self._pass_on(order, line, [one for one in decided.passed if one.line == line.id])
            left = self._exchange(order, left, *by) if by else left
            if line.kit in half:
                left = left._replace(open=max(0, taken[line.id] - left.backordered))
            self._step(order, line, left, taken[line.id], cancels=cancels)
        missing = sum(line.quantity for line in plan.short)
        has_waited = not any(line.open for line in lines)
        why = reasons_of(order, lines, decided, version)
        self.tell(order, plan, why, version, missing, has_waited=has_waited)

    def tell(
        self,
        order: Order,
        plan: rules.Plan,
        why: dict[str, Any],
        version: Version,
        missing: int,
        *,
        has_waited: bool,
    ) -> None:
        """Note the decision, and who is to know of it; `has_waited` where all of it waited already."""
        outcome = rules.outcome_of(plan, order.policy)
        decision = (
            order.company, order.id, version.number, outcome, wire.dump(why), self.times[order.id],
        )  # fmt: skip
        if has_waited and outcome == "backordered":
            self.still_waiting.append(decision)
        else:
            self.decisions.append(decision)
        if plan.shares or plan.chosen:
            self.offers.append((order.id, order.priority, order.promise_at or order.placed_at))
        if missing and not rules.cancels_rest(plan, order.policy):
            self.items.append(
                OpenItem(
                    company=order.company,
                    type="backorder",
                    subject_kind="order",
                    subject=order.id,
                    reason=Said("{0} units wait for stock: {1}", missing, plan.why),
                    role="inventory manager",
                    facts={"units": missing},
                    due_in_hours=48,
                    occurred_at=self.times[order.id],
                    value_minor=order.total_minor,
                    tier=order.tier or None,
                    promise_at=order.promise_at,
                )
            )

    def _pass_on(self, order: Order, line: Line, passed: Sequence[drop_ship.Passed]) -> Line:
        """Give units of a line to suppliers; returns what is left of the line."""
        for one in passed:
            waited = min(one.quantity, line.backordered)
            for place, units in (("backordered", waited), ("open", one.quantity - waited)):
                if units:
                    self.steps.append(progress.Progress(line.id, order.id, place, "with_supplier", units))
            line = line._replace(
                open=line.open - one.quantity + waited, backordered=line.backordered - waited
            )
            self.passed.append((
                ids.uuid7(), order.company, order.id, line.id, line.sku, one.supplier, one.quantity, one.lead_days,
                self.times[order.id],
            ))  # fmt: skip
            self.to_order[order.id] = (order.priority, order.promise_at or order.placed_at)
        return line

    def _exchange(self, order: Order, line: Line, by: UUID, one: substitutes.Instead) -> Line:
        """Send something else for units of a line; returns what is left of the line."""
        waited = min(one.quantity, line.backordered)
        places = tuple(
            (place, units)
            for place, units in (("backordered", waited), ("open", one.quantity - waited))
            if units
        )
        self.substitutes.append(Substitute(order.id, line.id, by, one.option.sku, one.option.price, places))
        self.steps.append(progress.Progress(by, order.id, "open", "allocated", one.quantity))
        return line._replace(open=line.open - one.quantity + waited, backordered=line.backordered - waited)

    def _step(self, order: Order, was: Line, line: Line, taken: int, *, cancels: bool) -> None:
        """Allocate out of the backordered units first: they have waited longer. `line` is `was` without what something
        else is sent for."""
        from_backorder = min(taken, line.backordered)
        from_open = taken - from_backorder
        rest = line.open - from_open
        left_over = "cancelled" if cancels else "backordered"
        waited_in_vain = line.backordered - from_backorder if cancels else 0
        for source, target, units in (
            ("backordered", "allocated", from_backorder),
            ("open", "allocated", from_open),
            ("open", left_over, rest),
            ("backordered", "cancelled", waited_in_vain),
        ):
            if units:
                self.steps.append(progress.Progress(line.id, order.id, source, target, units))
        if cancels and (rest or waited_in_vain):
            self.cancelled[order.id] = self.times[order.id]
        waiting = 0 if cancels else line.backordered - from_backorder + rest
        if waiting or was.backordered:
            self.waited_for.add(line.sku)
        if waiting:
            self.waiting.append(
                (
                    line.id,
                    order.company,
                    order.id,
                    line.sku,
                    waiting,
                    order.priority,
                    order.placed_at,
                    self.default_dates[order.id],
                )
            )
        elif was.backordered:
            self.settled.append(line.id)
            self.served[order.id] = order.company

    def _changed(self) -> list[tuple[Any, ...]]:
        """Of what still waits, the decisions that say something else than the last one on their order: each SKU that
        moves asks again about all that wait for it, and most of the time nothing comes of it."""
        if not self.still_waiting:
            return []
        rows = [decision[1:5] for decision in self.still_waiting]
        found = sql.run(_DECIDED_SO, sql.columns(("orders", "versions", "outcomes", "reasons"), rows))
        same = {order for (order,) in found}
        return [decision for decision in self.still_waiting if decision[1] not in same]

    def write(self) -> None:
        stock.write_promises(self.promises)
        substitute(self.cause, requests=self.substitutes, times=self.times)
        progress.progress(self.cause, requests=self.steps, times=self.times)
        sql.write("sourcing_decision", _DECISION_COLUMNS, self.decisions + self._changed())
        if self.passed:
            sql.write("sourcing_dropship", _PASSED_COLUMNS, self.passed)
            offer("drop_ship", [(order, *urgent) for order, urgent in self.to_order.items()])
        if self.waiting:
            names = ("lines", "companies", "orders", "skus", "units", "priorities", "times", "defaults")
            sql.run(_WAIT, sql.columns(names, self.waiting))
        if self.settled:
            sql.run(
                "DELETE FROM sourcing_backorder WHERE line_id = ANY(%(lines)s::uuid[])",
                {"lines": self.settled},
            )
        offer("release", self.offers)
        offer("recall", self.recalls)
        settle(self.cause, self.cancelled, "not to be had, and the order's policy is not to wait")
        offer("peg", [(sku, 5, self.cause.at) for sku in self.waited_for])
        if self.items:
            open_items(self.cause, requests=self.items)
        short = {item.subject for item in self.items}
        exchanged = {one.order for one in self.substitutes}
        why = {
            order: "something else is sent"
            if order in exchanged
            else "a supplier sends it"
            if order in self.to_order
            else "stock came"
            for order in self.served
        }
        end_slipped(self.cause, dict.fromkeys(self.cancelled, "cancelled") | why)
        served = [(order, company) for order, company in self.served.items() if order not in short]
        if served:
            resolve_subjects(
                self.cause,
                requests=[
                    ResolveSubject(company, "backorder", order, why[order], occurred_at=self.times[order])
                    for order, company in served
                ],
            )


_PASSED_COLUMNS = (
    "id", "company_id", "order_id", "line_id", "sku_id", "supplier_id", "quantity", "lead_days", "passed_at",
)  # fmt: skip

_DECISION_COLUMNS = ("company_id", "order_id", "profile_version", "outcome", "reasons", "decided_at")

# What was left where nothing of it could be promised moves with every other order: it changes nothing that is said.
_DECIDED_SO = """
SELECT d.order_id
FROM unnest(%(orders)s::uuid[], %(versions)s::int[], %(outcomes)s::text[], %(reasons)s::text[])
     AS d(order_id, version, outcome, reasons)
CROSS JOIN LATERAL (SELECT profile_version, outcome, reasons FROM sourcing_decision AS s
                    WHERE s.order_id = d.order_id ORDER BY s.id DESC LIMIT 1) AS last
WHERE (last.profile_version, last.outcome) = (d.version, d.outcome)
  AND last.reasons - ARRAY['turns', 'able', 'served'] = d.reasons::jsonb - ARRAY['turns', 'able', 'served']
"""

# Promised for the first expected supply of the SKU, or by the profile's lead time where nothing is on its way.
_WAIT = """
INSERT INTO sourcing_backorder (line_id, company_id, order_id, sku_id, quantity, priority, ordered_at, promised_on)
SELECT d.line, d.company, d.order_id, d.sku, d.units, d.priority, d.ordered_at,
       COALESCE((SELECT min(s.expected_on) FROM stock_supply AS s WHERE s.sku_id = d.sku), d.by_default)
FROM unnest(%(lines)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(skus)s::uuid[], %(units)s::int[],
            %(priorities)s::smallint[], %(times)s::timestamptz[], %(defaults)s::date[])
     AS d(line, company, order_id, sku, units, priority, ordered_at, by_default)
ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity, priority = excluded.priority
"""
