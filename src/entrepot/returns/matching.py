"""What a rule of a policy is for: all that it names; what it does not name, it does not ask. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from entrepot.returns.rules import REASONS

REASONS_NAMED = {*REASONS, *(one.group for one in REASONS.values())}
"""How a rule may name reasons: by their codes, or by root causes."""


def check_names(rule: str, lists: Iterable[tuple[str, Sequence[str], Collection[str]]]) -> None:
    """Nothing is named in a list that is not known; by (list, what it names, what is known)."""
    for name, found, known in lists:
        if not set(found) <= set(known):
            raise ValueError(f"{rule}: {name}: expected some of {', '.join(sorted(known))}")


def names_of(reason: str) -> set[str]:
    """By what a rule may name a reason."""
    return {reason, REASONS[reason].group}


def is_named(lists: Iterable[tuple[Sequence[str], Collection[str]]]) -> bool:
    """Whether each list that names something names some of what there is."""
    return all(not wanted or not set(wanted).isdisjoint(found) for wanted, found in lists)


def is_between(minor: int, least: int, below: int | None) -> bool:
    return least <= minor and (below is None or minor < below)
