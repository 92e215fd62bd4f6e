"""Erase people: their key is destroyed, and what was sealed with it says nothing any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class ErasePeople:
    """Persons of the vault, customers, and gift messages of orders; without addresses that the law wants kept."""

    people: tuple[UUID, ...]
    customers: tuple[UUID, ...] = ()
    keep: tuple[UUID, ...] = ()
    orders: tuple[UUID, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PeopleErased:
    addresses: int
    kept: int


def lock_people(people: Sequence[UUID]) -> None:
    """Nobody writes another address with their keys until the transaction ends. 1 statement."""
    sql.run(_LOCK, {"people": sorted(set(people))})


@command("parties.erase")
def erase(cause: Cause, /, *, requests: Sequence[ErasePeople]) -> list[PeopleErased | Refused]:
    """Addresses emptied, codes of customers that mean nothing, and no key where no address is left. What else names
    them by id stands as it was.

    No event: whoever asks for it leaves one.

    Locks: the persons in id order. Refuses: nothing. Again: finds nothing to erase. 5 statements.
    """
    everybody = sorted({person for one in requests for person in one.people})
    keep = sorted({address for one in requests for address in one.keep})
    lock_people(everybody)
    found: dict[UUID, list[int]] = {}
    for person, emptied, kept in sql.run(_EMPTY, {"people": everybody, "keep": keep}):
        found[person] = [emptied, kept]
    sql.run(_FORGET_KEYS, {"people": everybody, "at": cause.at})
    sql.run(_FORGET_CODES, {"customers": sorted({each for one in requests for each in one.customers})})
    sql.run(_FORGET_GIFTS, {"orders": sorted({order for one in requests for order in one.orders})})
    return [
        PeopleErased(*(sum(found.get(person, [0, 0])[i] for person in set(one.people)) for i in range(2)))
        for one in requests
    ]


def drop_addresses(cause: Cause, addresses: Collection[UUID]) -> None:
    """Addresses emptied that nothing names any more, with the keys of whom no other address is left.

    Called inside a command that has taken their ids from the rows that named them: no list of a customer's data leads
    to them afterwards. Somebody of whom an address is written at this moment keeps their key. 3 statements, none
    without addresses.
    """
    if not addresses:
        return
    people = sql.run(_DROP, {"addresses": sorted(addresses)})
    left = sql.run(_UNUSED, {"people": sorted({person for (person,) in people})})
    sql.run(_END, {"people": [person for (person,) in left], "at": cause.at})


_LOCK = "SELECT id FROM parties_person WHERE id = ANY(%(people)s::uuid[]) ORDER BY id FOR UPDATE"

_EMPTY = """
WITH emptied AS (
    UPDATE parties_address SET sealed = NULL, region = '', place = '', billed = '', mailbox = '', phone = '',
           called = ''
    WHERE person_id = ANY(%(people)s::uuid[]) AND sealed IS NOT NULL AND id <> ALL(%(keep)s::uuid[])
    RETURNING person_id
)
SELECT a.person_id, (SELECT count(*) FROM emptied AS e WHERE e.person_id = a.person_id)::int,
       count(*) FILTER (WHERE a.sealed IS NOT NULL AND a.id = ANY(%(keep)s::uuid[]))::int
FROM parties_address AS a WHERE a.person_id = ANY(%(people)s::uuid[]) GROUP BY a.person_id
"""

# A statement of its own, which sees what the one before has emptied. Whoever comes back is somebody new.
_FORGET_KEYS = """
UPDATE parties_person AS p SET mark = '', key = CASE WHEN d.stays THEN p.key END,
       erased_at = CASE WHEN NOT d.stays THEN COALESCE(p.erased_at, %(at)s::timestamptz) END
FROM (SELECT q.id, EXISTS (SELECT FROM parties_address AS a WHERE a.person_id = q.id AND a.sealed IS NOT NULL) AS stays
      FROM parties_person AS q WHERE q.id = ANY(%(people)s::uuid[])) AS d
WHERE p.id = d.id
"""

_DROP = """
UPDATE parties_address SET sealed = NULL, region = '', place = '', billed = '', mailbox = '', phone = '', called = ''
WHERE id = ANY(%(addresses)s::uuid[]) RETURNING person_id
"""

# Who is locked by somebody else has another address in a moment.
_UNUSED = """
SELECT id FROM parties_person WHERE id = ANY(%(people)s::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED
"""

# After the lock: it sees the addresses of whoever held it before.
_END = """
UPDATE parties_person AS p SET mark = '', key = NULL, erased_at = COALESCE(p.erased_at, %(at)s::timestamptz)
WHERE p.id = ANY(%(people)s::uuid[])
  AND NOT EXISTS (SELECT FROM parties_address AS a WHERE a.person_id = p.id AND a.sealed IS NOT NULL)
"""

_FORGET_GIFTS = "DELETE FROM parties_giftmessage WHERE order_id = ANY(%(orders)s::uuid[])"

_FORGET_CODES = """
UPDATE parties_customer SET code = 'erased-' || id::text, since = NULL, substitutes = ''
WHERE id = ANY(%(customers)s::uuid[])
"""
