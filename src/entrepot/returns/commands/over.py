"""Work about one repair or parcel of a return is over, while that about others of it goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


class Over(NamedTuple):
    """What is over: a type of work about `of`, a repair or parcel by which its item is named."""

    company: int
    type: str
    return_id: UUID
    of: UUID
    at: datetime


def resolve_over(cause: Cause, over: Iterable[Over], how: str) -> None:
    """Close the items of repairs or parcels, each by its name. 3 statements, none for none."""
    names: dict[tuple[int, str, UUID], set[str]] = defaultdict(set)
    times: dict[tuple[int, str, UUID], datetime] = {}
    for one in over:
        key = (one.company, one.type, one.return_id)
        names[key].add(str(one.of))
        times[key] = max(one.at, times.get(key, one.at))
    if names:
        resolve_subjects(cause, requests=[
            ResolveSubject(*key, how, "", times[key], dedupes=of) for key, of in names.items()
        ])  # fmt: skip
