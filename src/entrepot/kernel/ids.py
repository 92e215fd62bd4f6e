"""Keys of entities and the numbers that people read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, SafeUUID

import uuid_utils

from entrepot.kernel import sql

_set_int, _set_safe = vars(UUID)["int"].__set__, vars(UUID)["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


def uuid7() -> UUID:
    """A key that sorts by the time it was made."""
    # The constructor's checks would cost four times as much as all this, and a batch needs thousands of keys.
    key = object.__new__(UUID)
    _set_int(key, uuid_utils.uuid7().int)
    _set_safe(key, _UNKNOWN)
    return key


def since(at: datetime) -> UUID:
    """The least key that can have been made at a moment or later: rows from then on are found by their keys."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


class Block(NamedTuple):
    """Keys for rows that a statement makes: `first` and `last` of them all, and the `start` that they share, to which
    the statement adds eight hexadecimal digits."""

    start: str

    @property
    def first(self) -> UUID:
        return UUID(self.start + "0" * _COUNTED)

    @property
    def last(self) -> UUID:
        return UUID(self.start + "f" * _COUNTED)


_COUNTED = 8


def block() -> Block:
    """As many keys as a statement needs that has them numbered; as with `uuid7`, no other block shares any."""
    return Block(str(uuid7())[:-_COUNTED])


def numbers(prefix: str, count: int) -> list[str]:
    """`count` fresh numbers such as SO-100001, ascending. One statement; an undone transaction leaves a gap.

    Each prefix has a sequence `number_<prefix>`, made by its room's migration: taking from a sequence never waits
    for another transaction, as a counter row would.
    """
    if not count:
        return []
    statement = (
        f"SELECT array_agg(nextval('number_{prefix.lower()}')) FROM generate_series(1, %(count)s::bigint)"
    )
    return [f"{prefix}-{n}" for n in sorted(sql.run(statement, {"count": count})[0][0])]
