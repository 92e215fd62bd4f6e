"""Returns under lock, how far they are, and what changes with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty
from entrepot.access.rules import apart
from entrepot.kernel import money, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, offer
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.ledger.currency_queries import rate_on
from entrepot.orders.commands.note_returns import note_returns
from entrepot.returns import errors, holding, repairing, rules, states
from entrepot.returns.arrivals import TO_TAKE_IN
from entrepot.returns.commands import labels_gone
from entrepot.returns.commands.left import above
from entrepot.returns.refusing import DECISIONS
from entrepot.returns.rules import DUTY
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(slots=True)
class Line:
    """A locked line; its counts change as a batch is decided."""

    id: UUID
    line: UUID
    sku: UUID
    reason: str
    quantity: int
    cancelled: int
    received: int
    inspected: int
    disposed: int
    refunded: int
    exchanged: int = 0
    missing: int = 0
    refused: int = 0
    repaired: int = 0
    doubts: int = 0
    """Inspected units that somebody has to decide about before they are refunded."""
    repairing: int = 0
    """Units that are in repair: their customer gets them again, or something else is agreed on first."""
    refund_at: str = ""
    """From where its units are refunded, as was said when it was asked for; '' leaves it to the policy."""

    @property
    def units(self) -> rules.Units:
        return rules.Units(
            self.quantity,
            self.cancelled,
            self.received,
            self.inspected,
            self.disposed,
            self.refunded,
            self.missing,
            self.refused,
            self.repaired,
        )

    @property
    def left(self) -> int:
        """Units that may be refunded or exchanged still, but for those that somebody has to decide about and those in
        repair."""
        return max(0, self.units.unpaid - self.doubts - self.repairing)

    @property
    def undecided(self) -> int:
        """Units that nothing has become of: neither paid for nor refused, and in no repair."""
        return max(0, self.units.unpaid - self.repairing)

    @property
    def to_come(self) -> int:
        return self.units.to_come


@dataclass(slots=True)
class Return:
    """A locked return with its lines; `open_refunds` are those not paid and not rejected, and `exchanges` such as wait
    for what comes back. `fraud` is the state of its judgment (`states.FRAUD`), '' where nobody judged it; `holds` are
    amounts on the card that are not done with, `open_holds` such as nobody has decided about; of what is `scanned` a
    carrier told. `home` is the company's own currency, of which a unit of the order's cost `rate` when it was placed:
    None where nobody recorded one, and for orders in the own one. `waits`: goods of it lie in a bin, to be taken in."""

    id: UUID
    number: str
    company: int
    order: UUID
    currency: str
    node: UUID
    asked: str
    state: str
    without_refund: bool
    open_refunds: int
    customer: UUID | None = None
    exchanges: int = 0
    fraud: str = ""
    holds: int = 0
    scanned: bool = False
    open_holds: int = 0
    home: str = ""
    rate: Decimal | None = None
    waits: bool = False
    lines: dict[UUID, Line] = field(default_factory=dict)
    sides: list[tuple[str, str]] = field(default_factory=list)

    @property
    def units(self) -> rules.Units:
        return rules.total(line.units for line in self.lines.values())

    @property
    def is_ahead(self) -> bool:
        """Whether units were refunded that have not come."""
        return any(line.units.ahead > 0 for line in self.lines.values())

    @property
    def doubts(self) -> int:
        """Units that somebody has to decide about."""
        return sum(line.doubts for line in self.lines.values())

    @property
    def repairing(self) -> int:
        """Units that are in repair."""
        return sum(line.repairing for line in self.lines.values())

    def in_its(self, minor: int | None) -> int | None:
        """An amount of a policy, which is in the company's own currency, in that of the order; nothing where nobody
        knows what that is worth."""
        return None if minor is None else money.out_of_own(minor, self.rate, self.home, self.currency)

    def apart(self, side: str, person: str) -> Refused | None:
        """The refusal where a person has taken another side of the duties on this return."""
        if any(whose == person and taken != side for taken, whose in self.sides):
            return apart(self.duty(side, person))
        return None

    def held_back(self) -> Refused | None:
        """The refusal where nothing of it may be refunded, because of fraud or while that is not decided."""
        if self.fraud not in states.BLOCKS:
            return None
        refusal = errors.UnderReview if self.fraud == "open" else errors.FraudConfirmed
        return refusal(number=self.number)

    def milestone(self, line: Line, refund_at: str) -> str:
        """What units of a line have to have reached to be refunded; `refund_at` where nothing was said of it."""
        return rules.milestone_of(line.refund_at or refund_at, scanned=self.scanned)

    def duty(self, side: str, person: str) -> Duty:
        return Duty(self.id, DUTY, side, person, self.number)


def lock_returns(returns: Collection[UUID], beside: Collection[UUID] = ()) -> dict[UUID, Return]:
    """Returns by id, with their lines and duties; their orders are locked in id order, and with one that sent goods
    again the one that had sent them (`left.lock_sent`). Orders `beside` them are locked with them. 4 statements."""
    params = {"returns": list(returns), "beside": list(beside)}
    sql.run(_LOCK, params)
    found = {row[0]: Return(*row) for row in sql.run(_RETURNS, params | _HOLDS)}
    for owner, *line in sql.run(_LINES, params):
        found[owner].lines[line[0]] = Line(*line)
    for document, side, person in sql.run(_DUTIES, params | {"pair": DUTY}):
        found[document].sides.append((side, person))
    return found


def lock_inspected(inspections: Collection[UUID]) -> dict[UUID, Return]:
    """The returns of inspections, as `lock_returns`. 5 statements."""
    return lock_returns([row[0] for row in sql.run(_RETURNS_OF, {"inspections": list(inspections)})])


def in_force(cause: Cause, companies: Iterable[int]) -> dict[int, tuple[int, rules.Policy]]:
    """Version and body of each company's policy; version 0 is the default. 1 statement."""
    return policies.of_companies(companies, rules.Policy, cause.at)


def offer_refunds(
    cause: Cause,
    reached: str,
    returns: Iterable[Return],
    times: Mapping[UUID, datetime],
    known: policies.InForce | None = None,
) -> None:
    """Let the refunds of returns be decided where one is asked for and the policy waits for nothing more, and exchanges
    be settled. 1 statement, none where the caller has read the policies; 1 more of what was just authorized.
    """
    returns = list(returns)
    offer("exchange", [(one.id, 0, times.get(one.id, cause.at)) for one in returns if one.exchanges])
    asked = [one for one in returns if one.asked in ("refund", "store_credit", "keep")]
    if reached == "authorized":
        _offer_holds(cause, [one for one in asked if one.asked == "refund"], times)
    companies = [one.company for one in asked]
    rule = known.of_all(companies, rules.Policy) if known else in_force(cause, companies)
    offer("decide_refund", [
        (one.id, 0, times.get(one.id, cause.at))
        for one in asked
        if reached in _waits_for(one, rule[one.company][1])
    ])  # fmt: skip


def _offer_holds(cause: Cause, returns: Sequence[Return], times: Mapping[UUID, datetime]) -> None:
    """Let amounts be held on cards where the policy gives refunds before goods are back."""
    instant = policies.of_companies((one.company for one in returns), holding.InstantPolicy, cause.at)
    offer("hold", [
        (one.id, 0, times.get(one.id, cause.at)) for one in returns if instant[one.company][1].refunds
    ])  # fmt: skip


def _waits_for(one: Return, policy: rules.Policy) -> set[str]:
    """The milestones from which its lines are refunded."""
    if one.asked == "keep":
        return {"authorized"}
    return {one.milestone(line, policy.refund_at) for line in one.lines.values()}


def store(cause: Cause, changed: Iterable[Return], times: Mapping[UUID, datetime]) -> None:
    """Write the counts of locked returns, and the states that follow from them. 5 statements at most."""
    changed = list(changed)
    if not changed:
        return
    offer("hold", [(one.id, 0, times.get(one.id, cause.at)) for one in changed if one.holds])
    sql.run(
        _STORE_LINES,
        sql.columns(
            (
                "ids",
                "cancelled",
                "received",
                "inspected",
                "disposed",
                "refunded",
                "missing",
                "refused",
                "repaired",
                "exchanged",
            ),
            [(line.id, *line.units[1:], line.exchanged) for one in changed for line in one.lines.values()],
        ),
    )
    steps = []
    for one in changed:
        after = rules.derive_state(
            one.state,
            one.units,
            one.open_refunds,
            without_refund=one.without_refund,
            keeps=one.asked == "keep",
        )
        if after != one.state:
            steps.append(Step(one, one.state, after))
            one.state = after
    if steps:
        move(cause, steps, times)


class Step(NamedTuple):
    """A return that goes from one state to another."""

    of: Return
    before: str
    after: str
    reason: str = ""


def move(cause: Cause, steps: Sequence[Step], times: Mapping[UUID, datetime]) -> None:
    """Write the states of returns, and what their orders show of them. 4 statements; 1 more where nothing comes of
    some, whose labels are void then, and 6 where there were any; 3 where goods of one that ends wait, and 3 where
    somebody has to decide about its units."""
    at = cause.at
    rows = [
        (
            one.id,
            after,
            one.without_refund,
            times.get(one.id, at) if after in states.FINAL else None,
            times.get(one.id, at),
        )
        for one, _, after, _ in steps
    ]
    sql.run(_STORE, sql.columns(("ids", "states", "without", "closed", "changed"), rows))
    announce(
        cause,
        [
            Event("return", one.id, one.company, before, after, times.get(one.id), None, reason)
            for one, before, after, reason in steps
        ],
    )
    ended = [one.of for one in steps if one.after in states.FINAL]
    taken_in(cause, ended, times, "the return ended")
    # What decides about an amount on a card stays open.
    doubted = [one for one in ended if one.doubts and not one.open_holds]
    nothing_to_decide(cause, doubted, times, "the return ended")
    orders = {one.of.order: times.get(one.of.id, at) for one in steps}
    note_returns(cause, axes(orders), orders)
    nothing_comes = {
        one.of.id: one.reason or f"the return is {one.after}"
        for one in steps
        if one.before == "authorized" and one.after in states.FINAL and one.of.asked != "keep"
    }
    if nothing_comes:
        labels_gone.void(cause, nothing_comes)


def nothing_to_decide(
    cause: Cause, returns: Sequence[Return], times: Mapping[UUID, datetime], how: str
) -> None:
    """Nobody has to decide about units of returns any more. 3 statements, none for none."""
    if returns:
        resolve_subjects(cause, requests=[
            ResolveSubject(one.company, item, one.id, how, "", times.get(one.id, cause.at))
            for one in returns for item in DECISIONS
        ])  # fmt: skip


def taken_in(cause: Cause, returns: Iterable[Return], times: Mapping[UUID, datetime], how: str) -> None:
    """Goods of returns, that lay in a bin, wait no longer. 3 statements, none where none did."""
    waiting = [one for one in returns if one.waits]
    if waiting:
        resolve_subjects(cause, requests=[
            ResolveSubject(one.company, TO_TAKE_IN, one.id, how, "", times.get(one.id, cause.at))
            for one in waiting
        ])  # fmt: skip
    for one in waiting:
        one.waits = False


def give_back(units: Iterable[tuple[UUID, int]]) -> None:
    """Units of order lines may be asked for again (below zero: are authorized anew). 1 statement, none for none."""
    rows = [one for one in units if one[1]]
    if rows:
        sql.run(_GIVE_BACK, sql.columns(("lines", "units"), rows))


def axes(orders: Collection[UUID]) -> dict[UUID, str]:
    """What each order shows of all its returns."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for order, state in sql.run(_STATES, {"orders": list(orders)}):
        found[order].add(state)
    return {order: rules.axis(found[order]) for order in orders}


_HOLDS = {"standing": list(states.HOLD_STANDING), "open": list(states.HOLD_OPEN)}

# By an array of keys: as a join it may be planned over every order, where statistics are old.
_LOCK = f"""
WITH RECURSIVE above AS ({above("SELECT order_id FROM returns_return WHERE id = ANY(%(returns)s::uuid[])")})
SELECT FROM orders_order WHERE id = ANY(ARRAY(SELECT id FROM above) || %(beside)s::uuid[]) ORDER BY id FOR UPDATE
"""

_RETURNS_OF = "SELECT DISTINCT return_id FROM returns_inspection WHERE id = ANY(%(inspections)s::uuid[])"

_RETURNS = f"""
SELECT r.id, r.number, r.company_id::int, r.order_id, r.currency, r.node_id, r.asked, r.state, r.without_refund,
       (SELECT count(*) FROM returns_refund AS f WHERE f.return_id = r.id AND f.state NOT IN ('paid', 'rejected')),
       r.customer_id, (SELECT count(*) FROM returns_exchange AS x WHERE x.return_id = r.id AND x.state = 'agreed'),
       COALESCE(j.state, ''),
       (SELECT count(*) FROM returns_hold AS h
        WHERE h.return_id = r.id AND h.state = ANY(%(standing)s::text[])),
       EXISTS (SELECT FROM returns_parcel AS p WHERE p.return_id = r.id AND p.scanned_at IS NOT NULL),
       (SELECT count(*) FROM returns_hold AS h WHERE h.return_id = r.id AND h.state = ANY(%(open)s::text[])),
       c.currency, {rate_on("r.company_id", "r.currency", "(o.placed_at AT TIME ZONE 'UTC')::date")},
       EXISTS (SELECT FROM work_item AS w
               WHERE w.company_id = r.company_id AND w.type = '{TO_TAKE_IN}' AND w.subject_id = r.id
                 AND w.state <> 'done')
FROM returns_return AS r JOIN parties_company AS c ON c.id = r.company_id JOIN orders_order AS o ON o.id = r.order_id
LEFT JOIN returns_judgment AS j ON j.return_id = r.id
WHERE r.id = ANY(%(returns)s::uuid[]) ORDER BY r.id
"""

_LINES = f"""
SELECT return_id, id, line_id, sku_id, reason, quantity, cancelled, received, inspected, disposed, refunded, exchanged,
       missing, refused, repaired,
       (SELECT COALESCE(sum(i.quantity), 0)::int FROM returns_inspection AS i
        WHERE i.return_id = l.return_id AND i.return_line_id = l.id AND i.verdict = 'open'),
       (SELECT COALESCE(sum(p.quantity), 0)::int FROM returns_repair AS p
        WHERE p.return_id = l.return_id AND p.return_line_id = l.id AND p.state NOT IN {repairing.ENDED}),
       COALESCE((SELECT t.refund_at FROM returns_terms AS t WHERE t.return_line_id = l.id), '')
FROM returns_line AS l WHERE return_id = ANY(%(returns)s::uuid[]) ORDER BY return_id, id
"""

_DUTIES = """
SELECT document, side, person FROM access_duty
WHERE document = ANY(%(returns)s::uuid[]) AND pair = %(pair)s::text
"""

_STORE_LINES = """
UPDATE returns_line AS l SET cancelled = d.cancelled, received = d.received, inspected = d.inspected,
       disposed = d.disposed, refunded = d.refunded, missing = d.missing, refused = d.refused, repaired = d.repaired,
       exchanged = d.exchanged
FROM unnest(%(ids)s::uuid[], %(cancelled)s::int[], %(received)s::int[], %(inspected)s::int[], %(disposed)s::int[],
            %(refunded)s::int[], %(missing)s::int[], %(refused)s::int[], %(repaired)s::int[],
            %(exchanged)s::int[])
     AS d(id, cancelled, received, inspected, disposed, refunded, missing, refused, repaired, exchanged)
WHERE l.id = d.id
  AND (l.cancelled, l.received, l.inspected, l.disposed, l.refunded, l.missing, l.refused, l.repaired, l.exchanged)
   <> (d.cancelled, d.received, d.inspected, d.disposed, d.refunded, d.missing, d.refused, d.repaired, d.exchanged)
"""

_STORE = """
UPDATE returns_return AS r SET state = d.state, without_refund = d.without, closed_at = d.closed, changed_at = d.changed
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(without)s::bool[], %(closed)s::timestamptz[],
            %(changed)s::timestamptz[]) AS d(id, state, without, closed, changed)
WHERE r.id = d.id
"""

_GIVE_BACK = """
UPDATE returns_sold AS s SET authorized = s.authorized - d.units
FROM (SELECT line, sum(units)::int AS units FROM unnest(%(lines)s::uuid[], %(units)s::int[]) AS d(line, units)
      GROUP BY line) AS d
WHERE s.line_id = d.line
"""

_STATES = "SELECT DISTINCT order_id, state FROM returns_return WHERE order_id = ANY(%(orders)s::uuid[])"
