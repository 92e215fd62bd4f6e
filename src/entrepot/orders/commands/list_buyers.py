"""Block buyers, trust them, and take that back: by a person's word, beside the lists of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import errors, listing
from entrepot.parties import fingerprints


@dataclass(frozen=True, slots=True)
class ListBuyer:
    """Something that orders name, to be `blocked` or `trusted` from now on: `customer:` and a code, or a fingerprint.
    `order` is where it was seen."""

    company: int
    side: str
    entry: str
    reason: str
    order: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BuyerListed:
    listing: UUID
    side: str
    entry: str


@dataclass(frozen=True, slots=True)
class UnlistBuyer:
    """A listing that counts no more, and why."""

    listing: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BuyerUnlisted:
    listing: UUID
    side: str
    entry: str


def entry_of(customer: str, email: str, card: str) -> str:
    """How a customer stands on a list, or a mail address or the token of a card: these by their fingerprints."""
    if customer:
        return listing.of_customer(customer)
    return fingerprints.of_email(email) if email else fingerprints.of_card(card)


@command("orders.list_buyers")
def list_buyers(cause: Cause, /, *, requests: Sequence[ListBuyer]) -> list[BuyerListed | Refused]:
    """Customers, cards, addresses and mail addresses blocked or trusted: orders that come from now on are asked.

    What is placed already stays as it is. A customer need not be known yet.

    Locks: the names of the entries, in their order. Refuses: Invalid (side, entry, no reason; an entry twice);
    NotFound (the order); orders.already_listed, with how, since when and by whom. Again: by key. 3 statements.
    """
    wanted = [(one.company, listing.plain(one.entry)) for one in requests]
    orders = sql.run(_ORDERS, {"orders": sorted({one.order for one in requests if one.order})})
    companies: dict[UUID, int] = dict(orders)  # type: ignore[arg-type]
    refusals = [
        listing.misfit(one.side, one.entry, one.reason) or _strange(one, companies) for one in requests
    ]
    seen: set[tuple[int, str]] = set()
    for place, name in enumerate(wanted):
        if refusals[place] is None and name in seen:
            refusals[place] = Invalid(field="entry", expected="each once in a call", found=name[1])
        elif refusals[place] is None:
            seen.add(name)
    fresh = {
        name: (ids.uuid7(), *name, one.side, listing.kept(one.entry), one.reason.strip(), one.order,
               cause.actor.name, cause.at)
        for name, one, refused in zip(wanted, requests, refusals, strict=True)
        if refused is None
    }  # fmt: skip
    rows = [fresh[name] for name in sorted(fresh)]
    written = {key for (key,) in sql.run(_INSERT, sql.columns(_COLUMNS, rows))}
    taken = {name for name, row in fresh.items() if row[0] not in written}
    standing = _standing(taken)
    answers: list[BuyerListed | Refused] = []
    happened = []
    for name, one, refused in zip(wanted, requests, refusals, strict=True):
        if refused is not None:
            answers.append(refused)
        elif name in taken:
            answers.append(_already(one, standing))
        else:
            key, entry = fresh[name][0], fresh[name][4]
            happened.append(
                Event("listing", key, one.company, "", one.side, reason=one.reason, payload=_about(entry, one.order))
            )  # fmt: skip
            answers.append(BuyerListed(key, one.side, entry))
    announce(cause, happened)
    return answers


@command("orders.unlist_buyers")
def unlist_buyers(cause: Cause, /, *, requests: Sequence[UnlistBuyer]) -> list[BuyerUnlisted | Refused]:
    """Listings that count no more; they stay to be read.

    Locks: the listings in id order. Refuses: NotFound; Invalid (no reason; a listing twice); WrongState (taken back
    already). Again: by key. 2 statements.
    """
    found = {row[0]: _Listed(*row) for row in sql.run(_LOCK, {"ids": [one.listing for one in requests]})}
    answers: list[BuyerUnlisted | Refused] = []
    ended, happened, seen = [], [], set()
    for one in requests:
        refused = _not_to_end(one, found.get(one.listing), one.listing in seen)
        seen.add(one.listing)
        if refused is not None:
            answers.append(refused)
            continue
        was, why = found[one.listing], one.reason.strip()
        ended.append((was.id, why))
        happened.append(Event("listing", was.id, was.company, was.side, "taken back", reason=why))
        answers.append(BuyerUnlisted(was.id, was.side, was.entry))
    if ended:
        params = sql.columns(("ids", "reasons"), ended) | {"by": cause.actor.name, "at": cause.at}
        sql.change(_END, params)
    announce(cause, happened)
    return answers


class _Listed(NamedTuple):
    id: UUID
    company: int
    side: str
    entry: str
    listed_by: str
    listed_at: datetime
    ended_at: datetime | None


def _strange(one: ListBuyer, companies: Mapping[UUID, int]) -> Refused | None:
    if one.order is None or companies.get(one.order) == one.company:
        return None
    return NotFound(what="order", which=str(one.order))


def _standing(names: set[tuple[int, str]]) -> dict[tuple[int, str], _Listed]:
    if not names:
        return {}
    rows = sql.run(_STANDING, sql.columns(("companies", "entries"), sorted(names)))
    return {(row[1], listing.plain(row[3])): _Listed(*row) for row in rows}


def _already(one: ListBuyer, standing: Mapping[tuple[int, str], _Listed]) -> Refused:
    was = standing.get((one.company, listing.plain(one.entry)))
    if was is None:  # taken back between the two statements
        return WrongState(subject=one.entry, found="changed meanwhile", event="list", expected="not listed")
    return errors.AlreadyListed(
        entry=was.entry, side=was.side, since=was.listed_at.isoformat(), by=was.listed_by, listing=str(was.id)
    )


def _about(entry: str, order: UUID | None) -> dict[str, str]:
    """What the log keeps: what kind it is and where it was seen, and never whom it names."""
    told = {"kind": listing.kind_of(entry)}
    return told | {"order": str(order)} if order else told


def _not_to_end(one: UnlistBuyer, was: _Listed | None, is_again: bool) -> Refused | None:  # noqa: FBT001
    if was is None:
        return NotFound(what="listing", which=str(one.listing))
    if is_again:
        return Invalid(field="listing", expected="each once in a call", found=str(one.listing))
    if not one.reason.strip():
        return Invalid(field="reason", expected="why it counts no more", found="nothing")
    if was.ended_at is not None:
        return WrongState(subject=was.entry, found="taken back", event="take back", expected=was.side)
    return None


_COLUMNS = ("ids", "companies", "plains", "sides", "entries", "reasons", "orders", "people", "times")

_ORDERS = "SELECT id, company_id::int FROM orders_order WHERE id = ANY(%(orders)s::uuid[])"

# Names are claimed in their order, so that batches that overlap wait for each other and don't lock each other out.
_INSERT = """
INSERT INTO orders_listing (id, company_id, plain, side, entry, reason, order_id, listed_by, listed_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(plains)s::text[], %(sides)s::text[],
                     %(entries)s::text[], %(reasons)s::text[], %(orders)s::uuid[], %(people)s::text[],
                     %(times)s::timestamptz[])
ON CONFLICT (company_id, plain) WHERE ended_at IS NULL DO NOTHING RETURNING id
"""

_STANDING = """
SELECT t.id, t.company_id::int, t.side, t.entry, t.listed_by, t.listed_at, t.ended_at
FROM unnest(%(companies)s::smallint[], %(entries)s::text[]) AS d(company, entry)
JOIN orders_listing AS t ON t.company_id = d.company AND t.plain = d.entry AND t.ended_at IS NULL
"""

_LOCK = """
SELECT id, company_id::int, side, entry, listed_by, listed_at, ended_at FROM orders_listing
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_END = """
UPDATE orders_listing AS t SET ended_at = %(at)s::timestamptz, ended_by = %(by)s::text, ended_because = d.reason
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE t.id = d.id
"""
