"""Keys of entities and the numbers that people read."""

from __future__ import annotations

from uuid import UUID

import uuid_utils

from entrepot.kernel import encode, sql


def uuid7() -> UUID:
    """A key that sorts by the time it was made."""
    return encode.uuid(uuid_utils.uuid7().int)


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
