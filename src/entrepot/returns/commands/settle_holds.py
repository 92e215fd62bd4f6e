"""What becomes of an amount on a customer's card: what it is for is given, and it is let go, taken, or placed anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.payments.commands.capture import Capture, Void, capture, void
from entrepot.payments.commands.hold import AmountAsked, HoldAmount, hold
from entrepot.payments.commands.refund import Refund as GiveBack
from entrepot.payments.commands.refund import refund as give_back
from entrepot.returns import holding
from entrepot.returns.commands.held import Held, Known
from entrepot.returns.commands.pay import rates_as_sold
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.holding import Move
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class SettleHolds:
    """Look at what is held for a return: a provider answered, goods came or were inspected, or a day is over."""

    return_id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class HoldsSettled:
    """How many of the return's holds went on."""

    return_id: UUID
    changed: int


@command("returns.settle_holds")
def settle_holds(cause: Cause, /, *, requests: Sequence[SettleHolds]) -> list[HoldsSettled | Refused]:
    """Holds as their providers, the goods and the clock say.

    What a hold secures is given as soon as it stands. What came back as it should lets it go; what did not come back in
    time, or not as it should, is taken and posted; what ends soon is placed anew, taken or let go by policy; what was
    taken for goods that came after all is given back.

    Locks: the orders, then their payments, in id order. Refuses: NotFound. Again: changes nothing.
    104 statements at most.
    """
    known = Known(cause, [one.return_id for one in requests])
    changed: dict[UUID, Held] = {}
    for one in known.holds:
        if _answered(one):
            changed[one.id] = one
    _give(cause, [one for one in changed.values() if one.state == "placed" and one.is_fresh])
    moves = [(one, known.move(one, cause.at)) for one in known.holds if not one.is_fresh]
    acting = [(one, move) for one, move in moves if move.what != "wait"]
    act(cause, acting)
    changed |= {one.id: one for one, _ in acting}
    write(cause, list(changed.values()))
    return [
        HoldsSettled(one.return_id, sum(held.return_id == one.return_id for held in changed.values()))
        if one.return_id in known.returns
        else NotFound(what="return", which=str(one.return_id))
        for one in requests
    ]


# ---- what providers answered


def _answered(one: Held) -> bool:
    """Whether the provider's answer takes a hold further; it is noted."""
    latest = one.latest
    if one.state in ("asked", "renewing") and latest.state == "authorized":
        one.expires_at, one.why = latest.expires_at, ""
        one.is_fresh = one.state == "asked"
        one.step("place" if one.is_fresh else "renewed")
        one.outdated = [each.payment for each in one.payments[:-1] if each.state == "authorized"]
        return True
    if one.state == "asked" and latest.state == "failed":
        one.why = latest.error
        one.step("decline")
        return True
    if one.state == "renewing" and latest.state == "failed":
        one.renewable, one.why = False, latest.error
        one.step("not_renewed")
        return True
    return _taken(one)


def _taken(one: Held) -> bool:
    """Whether what was asked to be taken has been, or was refused."""
    if one.state not in ("taking", "failed"):
        return False
    captured = sum(each.captured_minor for each in one.payments)
    if captured:
        one.taken, one.booking = captured, captured
        one.step("took")
        return True
    if one.state == "taking" and any(each.failed for each in one.payments):
        one.step("fail")
        return True
    return False


# ---- what is given


def _give(cause: Cause, placed: Sequence[Held]) -> None:
    """The refunds of holds that stand, and the exchanges that waited for them."""
    money = [one for one in placed if one.kind == "refund"]
    wanted = [Refund(one.return_id, one.wanted, occurred_at=cause.at) for one in money]
    for one, answer in zip(money, refund(cause, requests=wanted) if wanted else (), strict=True):
        if isinstance(answer, Refunded):
            one.refund = answer.refund
        else:
            one.why = str(answer)
    sent = [one for one in placed if one.kind == "exchange"]
    if sent:
        sql.run(_SEND, {"refunds": [one.refund for one in sent]})
        offer("exchange", [(one.return_id, 0, cause.at) for one in sent])


# ---- what is done


def act(cause: Cause, moves: Sequence[tuple[Held, Move]]) -> None:
    """Carry out what was decided about holds, with their providers and in the books."""
    for one, move in moves:
        one.why = move.why
        _does(one, move)
    if any(one.renews for one, _ in moves):
        _renew(cause, [one for one, _ in moves if one.renews])
    taking = [(one, move) for one, move in moves if move.what == "take"]
    if taking:
        whole(capture(cause, requests=[Capture(one.id, move.minor) for one, move in taking]))
    back = [(one, move) for one, move in moves if move.what == "give_back"]
    if back:
        whole(give_back(cause, requests=[GiveBack(one.id, move.minor, None, one.id) for one, move in back]))
    lapsed = [one for one, move in moves if move.what == "lapse"]
    if lapsed:
        open_items(cause, requests=[_item(one) for one in lapsed])


def _does(one: Held, move: Move) -> None:
    if move.what == "give_back":
        one.returned += move.minor
        one.booking -= move.minor
        return
    one.step(move.what)
    one.renews = move.what == "renew"
    one.released = move.what in ("release", "lapse")


def _renew(cause: Cause, holds: Sequence[Held]) -> None:
    """Ask for as much again, on the card that the order was paid with."""
    asked = hold(cause, requests=[HoldAmount(one.order, one.id, one.amount, one.currency) for one in holds])
    for one, answer in zip(holds, asked, strict=True):
        if isinstance(answer, AmountAsked):
            one.payment = answer.payment
        else:
            one.renewable, one.why = False, str(answer)
            one.step("not_renewed")


# ---- write


def write(cause: Cause, changed: Sequence[Held]) -> None:
    """Write holds that went on, let go what is no longer needed, and post what was taken and given back."""
    if not changed:
        return
    rows = [
        (
            one.id, one.state, one.refund, one.payment, one.taken, one.returned, one.why[:300], one.renewable,
            one.expires_at, cause.at if one.is_closed else None,
        )
        for one in changed
    ]  # fmt: skip
    sql.run(_STORE, sql.columns(
        ("ids", "states", "refunds", "payments", "taken", "returned", "why", "renewable", "ends", "closed"), rows
    ))  # fmt: skip
    declined = [one.id for one in changed if one.state == "declined"]
    if declined:
        sql.run(_DECLINED, {"ids": declined})
    gone = [Void(one.id) for one in changed if one.released or (one.state == "taken" and one.booking > 0)]
    gone += [Void(one.id, payment) for one in changed for payment in one.outdated]
    if gone:
        void(cause, requests=gone)
    booked = [one for one in changed if one.booking]
    if booked:
        sold = rates_as_sold({one.order for one in booked})
        whole(post(cause, requests=[_posting(cause, one, sold.get(one.order)) for one in booked]))
    announce(cause, [
        Event("card_hold", one.id, one.company, one.before, one.state, None,
              {"taken_minor": one.taken, "returned_minor": one.returned}, one.why)
        for one in changed
    ])  # fmt: skip
    # Goods may have come while the provider was asked, and what was refunded meanwhile needs no security.
    offer("hold", [(one.return_id, 0, cause.at) for one in changed if not one.is_closed])


def _posting(cause: Cause, one: Held, as_sold: Decimal | None) -> Posting:
    """What was taken undoes so much of the refund, at the rate of the sale as the refund was, and what is given back
    does it again."""
    now = holding.split(one.taken - one.returned, one.weights)
    before = holding.split(one.taken - one.returned - one.booking, one.weights)
    event, sign = ("card_hold.taken", 1) if one.booking > 0 else ("card_hold.returned", -1)
    amounts = [
        (kind, sign * (after - earlier))
        for kind, after, earlier in zip(("hold.goods", "hold.shipping", "hold.tax"), now, before, strict=True)
        if after != earlier
    ]
    return Posting(one.company, event, "card_hold", one.id, one.currency, amounts, cause.at, as_sold=as_sold)


def _item(one: Held) -> OpenItem:
    return OpenItem(
        company=one.company, type="hold lapsed", subject_kind="return", subject=one.return_id, role="controller",
        reason=Said(
            "Hold {0} ended at the bank before return {1} was back: nothing secures it.",
            one.number, one.return_number,
        ),
        priority=70, facts={"hold": one.id, "amount_minor": one.amount, "currency": one.currency}, dedupe=str(one.id),
    )  # fmt: skip


_SEND = """
UPDATE returns_exchange SET send_at = 'authorized'
WHERE refund_id = ANY(%(refunds)s::uuid[]) AND state = 'agreed' AND send_at = 'secured'
"""

_STORE = """
UPDATE returns_hold AS h SET state = d.state, refund_id = d.refund, payment_id = d.payment, taken_minor = d.taken,
       returned_minor = d.returned, why = d.why, renewable = d.renewable, expires_at = d.ends, closed_at = d.closed
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(refunds)s::uuid[], %(payments)s::uuid[], %(taken)s::bigint[],
            %(returned)s::bigint[], %(why)s::text[], %(renewable)s::bool[], %(ends)s::timestamptz[],
            %(closed)s::timestamptz[])
     AS d(id, state, refund, payment, taken, returned, why, renewable, ends, closed)
WHERE h.id = d.id
"""

_DECLINED = "UPDATE returns_holdline SET lives = FALSE WHERE hold_id = ANY(%(ids)s::uuid[])"
"""What was declined may be asked for again with an exchange of the same units."""
