"""A customer wants to send something back: may he, and where to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.orders.commands.note_returns import note_returns
from entrepot.orders.commands.progress import lock
from entrepot.returns import admission, errors, reasons, rules
from entrepot.returns.admission import Admission
from entrepot.returns.commands import weighing
from entrepot.returns.commands.admitting import SHAPES, Line, Nodes, Order, facts, lines_of, orders_of
from entrepot.returns.commands.judging import judge
from entrepot.returns.commands.lock import axes
from entrepot.returns.commands.weighing import Asked, Weighing
from entrepot.returns.holding import InstantPolicy
from entrepot.returns.keeping import Sum
from entrepot.returns.rules import DUTY
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Item:
    """Units of an order line that shall come back, and why: a code of the house (`rules.REASONS`), of the company's own
    (policy `returns.reasons`), or another system's, as `amazon:DEFECTIVE`.

    `condition` is what the customer says of it, lot and serial number what stands on it. `found_by` says how a credit
    of a history found its sale: exact, latest.
    """

    line: UUID
    quantity: int
    reason: str = "not_given"
    note: str = ""
    found_by: str = ""
    condition: str = ""
    lot: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Authorize:
    """A request to return. `node` is where it comes to (by default where the rules send it, else where the order last
    left from; where only suppliers sent it, the first node of its channel); `insist` is why it is taken although the
    policy says otherwise; `external_id` is the channel's own name for the return."""

    order: UUID
    items: tuple[Item, ...]
    asked: str = "refund"
    node: UUID | None = None
    insist: str = ""
    external_id: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What was answered for a line: outcomes that are offered, the fee, what a store credit is raised by, whether the
    house sends a label, from where units are refunded and a replacement is sent, and which rights of a consumer stand.
    `until` is the last day of the days for it, as they are counted now; None where they are over.
    """

    line: UUID
    outcomes: tuple[str, ...]
    fee_percent: int
    bonus_percent: int
    label: bool
    refund_at: str
    send_at: str
    withdraws: bool
    conforms: bool
    claims: bool
    until: date | None


@dataclass(frozen=True, slots=True)
class Authorized:
    """The return, its state (authorized, or requested where a person decides), its lines as the items stand, where it
    goes to, and the terms of each line."""

    return_id: UUID
    number: str
    state: str
    lines: tuple[UUID, ...]
    reasons: tuple[str, ...]
    node: UUID
    terms: tuple[LineTerms, ...]


class _Item(NamedTuple):
    """A line of a return that will be written, with what was answered for it."""

    id: UUID
    item: Item
    line: Line
    reason: reasons.Named
    terms: admission.Terms
    version: int
    kept: Sum | None = None


class _Draft(NamedTuple):
    """A return that will be written."""

    id: UUID
    number: str
    request: Authorize
    order: Order
    node: UUID
    state: str
    reasons: tuple[str, ...]
    at: datetime
    version: int
    offer: bool
    hold: bool
    lines: tuple[_Item, ...]

    @property
    def answer(self) -> Authorized:
        terms = tuple(
            LineTerms(
                one.id,
                one.terms.outcomes,
                one.terms.fee_percent,
                one.terms.bonus_percent,
                one.terms.label,
                one.terms.refund_at,
                one.terms.send_at,
                one.terms.withdraws,
                one.terms.conforms,
                one.terms.claims,
                admission.until(one.terms, self.at.date()),
            )
            for one in self.lines
        )
        lines = tuple(one.id for one in self.lines)
        return Authorized(self.id, self.number, self.state, lines, self.reasons, self.node, terms)


@command("returns.authorize")
def authorize(cause: Cause, /, *, requests: Sequence[Authorize]) -> list[Authorized | Refused]:
    """Returns of units that left, authorized by the policies of the day; where they say so a person decides, or no.

    Whoever asks for it here neither receives it nor approves its refunds. What the policy `returns.fraud` suspects
    is not refunded until somebody has decided (`returns.decide_fraud`).
    Locks: the orders in id order. Refuses: NotFound (order, line, node); Invalid (reason, quantity, asked, condition);
    returns.more_than_sold; returns.too_late; returns.not_allowed; returns.not_offered; returns.several_nodes;
    returns.no_customer; returns.duplicate. Again: by key, and by the channel's own name. 16 statements at most; 14 more
    where returns are judged, and 9 where a rule weighs goods against their way back.
    """
    known = _Known(cause, requests)
    answers: list[Authorized | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        decided = _decide(cause, request, known)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        for item in request.items:
            known.left[item.line] -= item.quantity
        _note_weighed(decided, known)
        drafts.append(decided)
        answers.append(decided.answer)
    if drafts:
        _write(cause, drafts, known.in_force)
    return answers


def consider(cause: Cause, requests: Sequence[Authorize]) -> list[Authorized | Refused]:
    """What `authorize` would answer, with nothing written: without a number, and with keys that name nothing. 7
    statements at most; 9 more where a rule weighs goods against their way back."""
    known = _Known(cause, requests, writes=False)
    decided = [_decide(cause, request, known) for request in requests]
    return [one if isinstance(one, Refused) else one.answer for one in decided]


class _Known:
    """What a batch is decided by; units that are left change as it is."""

    def __init__(self, cause: Cause, requests: Sequence[Authorize], *, writes: bool = True) -> None:
        wanted = list({request.order for request in requests})
        if writes:
            lock(wanted)
        self.orders = orders_of(wanted)
        self.lines = lines_of({item.line for request in requests for item in request.items})
        self.left = {line: one.left for line, one in self.lines.items()}
        external = [request.order for request in requests if request.external_id]
        rows = sql.run(_KNOWN, {"orders": external}) if external else []
        self.names: dict[tuple[UUID, str], str] = {(order, name): number for order, name, number in rows}
        companies = {one.company for one in self.orders.values()}
        first = min((one.placed_at for one in self.orders.values()), default=cause.at)
        shapes = (*SHAPES, *weighing.SHAPES)
        self.in_force = policies.InForceSince(companies, shapes, min(first, cause.at), cause.at)
        weighs = any(rule.keep_when_cheaper for one in self.in_force.bodies(Admission) for rule in one.rules)
        self.weighing = Weighing(self.orders, self.lines) if weighs else None
        named = [request.node for request in requests if request.node]
        sent = {rule.node for one in self.in_force.bodies(Admission) for rule in one.rules if rule.node}
        self.nodes = Nodes(named, companies, sent)
        self.numbers = iter(ids.numbers("RMA", len(requests)) if writes else [""] * len(requests))


# ---- decide


def _decide(cause: Cause, request: Authorize, known: _Known) -> _Draft | Refused:
    order = known.orders.get(request.order)
    refused = _misfit(request, order, known)
    if refused or order is None:
        return refused or NotFound(what="order", which=str(request.order))
    at = request.occurred_at or cause.at
    items = _items(request, order, known, at)
    if isinstance(items, Refused):
        return items
    items = _weighed(request, order, items, known)
    lines = [(found, one.terms) for found, one in items]
    decision = admission.decide(
        order.number, lines, request.asked, insist=request.insist, goes_to=request.node is not None
    )
    if isinstance(decision, Refused):
        return decision
    node = request.node or _node(order, decision.node, known)
    if isinstance(node, Refused):
        return node
    number = next(known.numbers)
    if request.external_id:
        known.names[request.order, request.external_id] = number
    version = known.in_force.of(order.company, rules.Policy)[0]
    is_due = request.asked == "keep" or (
        any(one.terms.refund_at == "authorized" for _, one in items)
        and request.asked in ("refund", "store_credit")
    )
    instant = request.asked == "refund" and known.in_force.of(order.company, InstantPolicy)[1].refunds
    return _Draft(
        ids.uuid7(), number, request, order, node, decision.state, decision.reasons, at, version,
        is_due and decision.state == "authorized", instant and decision.state == "authorized",
        tuple(one for _, one in items),
    )  # fmt: skip


def _misfit(request: Authorize, order: Order | None, known: _Known) -> Refused | None:
    """Why a request is none, whatever the policies say."""
    if order is None:
        return NotFound(what="order", which=str(request.order))
    if request.node and known.nodes.company.get(request.node) != order.company:
        return NotFound(what="node of the company", which=str(request.node))
    if request.asked not in rules.ASKED:
        return Invalid(field="asked", expected=one_of(rules.ASKED), found=request.asked)
    if request.asked == "store_credit" and order.customer is None:
        return errors.NoCustomer(order=order.number)
    name = (request.order, request.external_id)
    if request.external_id and name in known.names:
        return errors.DuplicateReturn(
            external_id=request.external_id, order=order.number, number=known.names[name]
        )
    for item in request.items:
        if item.line not in known.lines or known.lines[item.line].order != request.order:
            return NotFound(what=Said("line of goods in order {0}", order.number), which=str(item.line))
        if item.condition and item.condition not in admission.CONDITIONS:
            expected = f"one of {', '.join(admission.CONDITIONS)}"
            return Invalid(field="condition", expected=expected, found=item.condition)
    return None


def _items(
    request: Authorize, order: Order, known: _Known, at: datetime
) -> list[tuple[admission.Facts, _Item]] | Refused:
    """The lines with what the policies answer for each."""
    offered = known.in_force.of(order.company, reasons.Reasons)[1]
    named = [reasons.named(offered, item.reason) for item in request.items]
    for item, one in zip(request.items, named, strict=True):
        if one is None:
            codes = reasons.offered(offered, [known.lines[item.line].category])
            return Invalid(field="reason", expected=one_of(codes), found=item.reason)
    found = [one for one in named if one is not None]
    wanted = [
        rules.Wanted(item.line, item.quantity, one.code, known.left[item.line])
        for item, one in zip(request.items, found, strict=True)
    ]
    refused = rules.misfit_wanted(wanted)
    if refused:
        return refused
    return_minor = sum(known.lines[item.line].unit_minor * item.quantity for item in request.items)
    items = []
    for item, reason in zip(request.items, found, strict=True):
        line = known.lines[item.line]
        told = partial(
            facts, order, item.line, line, at, reason=reason.code, condition=item.condition,
            named=(item.lot, item.serial), units=item.quantity, return_minor=return_minor,
        )  # fmt: skip
        about, terms, version = _answer(order, request.asked, told, known.in_force)
        items.append((about, _Item(ids.uuid7(), item, line, reason, terms, version)))
    return items


def _answer(
    order: Order, asked: str, told: Callable[..., admission.Facts], in_force: policies.InForceSince
) -> tuple[admission.Facts, admission.Terms, int]:
    """The facts of a line, what is answered, and by which version: that of today, that of the day on which it was sold,
    or the better one, as today's says. What was sold before there was any policy is answered by today's."""
    now, company, channel = datetime.max.replace(tzinfo=UTC), order.company, order.channel_code

    def at(moment: datetime) -> tuple[admission.Facts, admission.Terms, int]:
        version, admitting = in_force.then(moment, company, Admission, channel)
        about = told(transit_days=admitting.transit_days)
        usual = in_force.then(moment, company, rules.Policy)[1]
        exchanges = in_force.then(moment, company, rules.ExchangePolicy)[1]
        return about, admission.terms(usual, admitting, about, exchanges), version

    today, how = at(now), in_force.of(company, Admission, channel)[1].version_of
    if how == "request" or not in_force.begun(order.placed_at, company):
        return today
    sale = at(order.placed_at)
    if how == "better" and admission.better(asked, today[1], sale[1]) is today[1]:
        return today
    if sale[1] == today[1]:
        return today
    terms = sale[1]._replace(reasons=(*sale[1].reasons, _OF_THE_SALE)) if sale[1].answer == "yes" else sale[1]
    return sale[0], terms, sale[2]


_OF_THE_SALE = "as was said on the day of the order"


def _weighed(
    request: Authorize, order: Order, items: list[tuple[admission.Facts, _Item]], known: _Known
) -> list[tuple[admission.Facts, _Item]]:
    """The lines, which may be kept where each is to be weighed and all together are not worth their way back."""
    if known.weighing is None or not all(one.terms.weighed for _, one in items):
        return items
    code = items[0][1].terms.node
    node = request.node or (known.nodes.by_code[order.company].get(code) if code else order.node)
    asked = [
        Asked(about.line, one.item.quantity, about.condition, about.category, about.since_delivery)
        for about, one in items
    ]
    found = known.weighing.sum_of(request.order, order, node, asked, known.in_force)
    if found is None:
        return items
    return [
        (about, one._replace(terms=admission.kept(one.terms) if found.keeps else one.terms, kept=found))
        for about, one in items
    ]


def _note_weighed(one: _Draft, known: _Known) -> None:
    """What is asked for later in the batch is weighed with it."""
    keeps = one.request.asked == "keep"
    if known.weighing is None or (keeps and not all(i.kept for i in one.lines)):
        return
    units = [Asked(i.item.line, i.item.quantity, i.item.condition, i.line.category, 0) for i in one.lines]
    known.weighing.note(one.request.order, units, kept=keeps)


def _node(order: Order, code: str, known: _Known) -> UUID | Refused:
    """Where it comes to: what a rule named, else where the order last left from."""
    if code:
        node = known.nodes.by_code[order.company].get(code)
        return node or NotFound(what="node of the policy returns.authorization", which=code)
    if order.node is None:
        expected = "where it comes to: suppliers sent the order, and its channel has no node"
        return Invalid(field="node", expected=expected, found="none")
    return order.node


# ---- write


def _write(cause: Cause, drafts: Sequence[_Draft], in_force: policies.InForce) -> None:
    who = cause.actor.name
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "request", who) for one in drafts]))
    sql.write("returns_return", _RETURN, [_row(cause, one) for one in drafts])
    sql.write("returns_line", _LINE, [
        (
            i.id, one.id, one.request.order, i.item.line, i.line.sku, i.item.quantity, 0, 0, 0, 0, 0, i.reason.code,
            i.item.note, i.item.found_by,
        )
        for one in drafts
        for i in one.lines
    ])  # fmt: skip
    sql.write("returns_terms", _TERMS, [_terms(one, i) for one in drafts for i in one.lines])
    _count(drafts)
    announce(cause, [
        Event("return", one.id, one.order.company, "", one.state, one.at,
              {"order": one.request.order, "number": one.number, "units": sum(i.item.quantity for i in one.lines)})
        for one in drafts
    ])  # fmt: skip
    times = {one.request.order: one.at for one in drafts}
    note_returns(cause, axes(times), times)
    review = [one for one in drafts if one.state == "requested"]
    if review:
        open_items(cause, requests=[_item(one) for one in review])
    judge(cause, "authorized", {one.id: one.order.company for one in drafts}, in_force)
    offer("decide_refund", [(one.id, 0, one.at) for one in drafts if one.offer])
    offer("hold", [(one.id, 0, one.at) for one in drafts if one.hold])


def _row(cause: Cause, one: _Draft) -> tuple[Any, ...]:
    order, request = one.order, one.request
    return (
        one.id, one.number, order.company, request.order, order.channel, order.customer, request.external_id,
        order.currency, one.node, request.asked, one.state, wire.dump(one.reasons), one.version,
        cause.actor.name, one.at, one.at,
    )  # fmt: skip


def _terms(one: _Draft, i: _Item) -> tuple[Any, ...]:
    item, terms = i.item, i.terms
    return (
        i.id, one.id, i.reason.own, item.condition, item.lot, item.serial, terms.answer, wire.dump(terms.outcomes),
        terms.window_days, terms.days, terms.counted_from, terms.fee_percent, terms.bonus_percent, terms.label,
        terms.refund_at, terms.send_at, terms.by_law, terms.withdraws, terms.conforms, terms.claims,
        wire.dump([*terms.reasons, *terms.objections]), i.version, wire.dump(i.kept._asdict() if i.kept else {}),
    )  # fmt: skip


def _count(drafts: Sequence[_Draft]) -> None:
    sums: dict[UUID, list[Any]] = {}
    for one in drafts:
        for i in one.lines:
            line = i.item.line
            row = sums.setdefault(line, [line, i.line.order, one.order.company, i.line.shipped, 0])
            row[4] += i.item.quantity
    sql.run(
        _AUTHORIZED, sql.columns(("lines", "orders", "companies", "shipped", "units"), list(sums.values()))
    )


def _item(one: _Draft) -> OpenItem:
    return OpenItem(
        company=one.order.company, type="return to review", subject_kind="return", subject=one.id,
        reason=Said(
            "Return {0} of order {1}: {2}",
            one.number, one.order.number, one.reasons[0],
        ), role="customer service",
        facts={"order": one.request.order, "return": one.id}, occurred_at=one.at,
    )  # fmt: skip


_RETURN = (
    "id", "number", "company_id", "order_id", "channel_id", "customer_id", "external_id", "currency", "node_id",
    "asked", "state", "reasons", "policy_version", "requested_by", "requested_at", "changed_at",
)  # fmt: skip
_LINE = (
    "id", "return_id", "order_id", "line_id", "sku_id", "quantity", "cancelled", "received", "inspected", "disposed",
    "refunded", "reason", "note", "found_by",
)  # fmt: skip
_TERMS = (
    "return_line_id", "return_id", "own_reason", "condition", "lot", "serial", "answer", "outcomes", "window_days",
    "days", "counted_from", "fee_percent", "bonus_percent", "label", "refund_at", "send_at", "by_law", "withdraws",
    "conforms", "claims", "reasons", "policy_version", "kept",
)  # fmt: skip

_KNOWN = """
SELECT order_id, external_id, number FROM returns_return
WHERE order_id = ANY(%(orders)s::uuid[]) AND external_id <> ''
"""

_AUTHORIZED = """
INSERT INTO returns_sold AS s (line_id, order_id, company_id, shipped, authorized, received, refunded, goods_minor,
                               tax_minor, shipping_minor)
SELECT line, owner, company, shipped, units, 0, 0, 0, 0, 0
FROM unnest(%(lines)s::uuid[], %(orders)s::uuid[], %(companies)s::smallint[], %(shipped)s::int[], %(units)s::int[])
     AS d(line, owner, company, shipped, units)
ORDER BY line
ON CONFLICT (line_id) DO UPDATE SET authorized = s.authorized + excluded.authorized, shipped = excluded.shipped
"""
