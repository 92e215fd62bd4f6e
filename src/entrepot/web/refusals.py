"""Refusals as people read them: what they tell of by its id is called by its code or number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from entrepot.insight import finding
from entrepot.kernel.errors import Refused, Said

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ASKED = frozenset({"which"})
"""What somebody asked for and there is not, which may be another company's."""


def named(company: int, refusals: Sequence[Refused]) -> list[Refused]:
    """The refusals with codes and numbers where they have ids of the company's own. One statement, where they have
    any."""
    ids = {UUID(found) for one in refusals for text in _texts(one) for found in _ID.findall(text)}
    names = {str(which): name for which, name in finding.called(company, ids).items()}
    return [_renamed(one, names) for one in refusals] if names else list(refusals)


def _texts(one: Refused) -> Iterable[str]:
    for name, fact in one.facts.items():
        if name not in ASKED and isinstance(fact, (str, UUID, Said)):
            yield str(fact)


def _renamed(one: Refused, names: Mapping[str, str]) -> Refused:
    return type(one)(**{
        name: fact if name in ASKED else _with_names(fact, names) for name, fact in one.facts.items()
    })  # fmt: skip


def _with_names(fact: Any, names: Mapping[str, str]) -> Any:
    if isinstance(fact, Said):
        return Said(fact.says, *(_with_names(of, names) for of in fact.facts))
    return (
        _ID.sub(lambda found: names.get(found[0], found[0]), str(fact))
        if isinstance(fact, (str, UUID))
        else fact
    )
