"""Bins taken out of use, and into use again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.network.rules import OUT_KINDS
from entrepot.network.states import BIN


@dataclass(frozen=True, slots=True)
class SwitchBin:
    """A bin that is blocked or opened."""

    company: int
    bin: UUID
    step: Literal["block", "open"]
    why: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RetireBin:
    """A bin that is not there any more."""

    company: int
    bin: UUID
    why: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BinNow:
    bin: UUID
    state: str


@command("network.switch_bins")
def switch_bins(cause: Cause, /, *, requests: Sequence[SwitchBin]) -> list[BinNow | Refused]:
    """Bins that are passed by from now on, or are what they were before. What is being picked from them goes on.

    Locks: the bins in id order. Refuses: NotFound; WrongState. Again: it is so already (WrongState); by key.
    2 statements.
    """
    return _switch(cause, [(one.company, one.bin, one.step, one.why) for one in requests])


@command("network.retire_bins")
def retire_bins(cause: Cause, /, *, requests: Sequence[RetireBin]) -> list[BinNow | Refused]:
    """Bins that are not there any more. Whoever asks has seen that they are empty (`warehouse.retire_bins`).

    Locks: the bins in id order. Refuses: NotFound; WrongState. Again: it is so already (WrongState); by key.
    2 statements.
    """
    return _switch(cause, [(one.company, one.bin, "retire", one.why) for one in requests])


def lock_bins(bins: Sequence[UUID]) -> dict[UUID, tuple[int, str, str, str]]:
    """Bins with company, kind, what they were, and code, locked in id order. 1 statement."""
    return {
        key: (company, kind, was, code)
        for key, company, kind, was, code in sql.run(_LOCK, {"ids": list(bins)})
    }


def _switch(cause: Cause, wanted: Sequence[tuple[int, UUID, str, str]]) -> list[BinNow | Refused]:
    found = lock_bins([which for _, which, _, _ in wanted])
    state = {which: kind if kind in OUT_KINDS else "in use" for which, (_, kind, _, _) in found.items()}
    before = dict(state)
    answers: list[BinNow | Refused] = []
    done: dict[UUID, str] = {}
    for company, which, step, why in wanted:
        if which not in found or found[which][0] != company:
            answers.append(NotFound(what="bin", which=which))
            continue
        after = BIN.step(state[which], step)
        if isinstance(after, Refused):
            answers.append(after)
            continue
        state[which], done[which] = after, why.strip()
        answers.append(BinNow(which, after))
    rows = [(which, *_kinds(state[which], found[which][1], found[which][2])) for which in done]
    if rows:
        sql.run(_SWITCH, sql.columns(("ids", "kinds", "was"), rows))
    announce(
        cause,
        [
            Event("bin", which, found[which][0], before[which], state[which], reason=why)
            for which, why in sorted(done.items())
        ],
    )
    return answers


def _kinds(state: str, kind: str, was: str) -> tuple[str, str]:
    """The kind of a bin in a state, and what it will be again."""
    own = was or kind
    return (own, "") if state == "in use" else (state, own)


_LOCK = """
SELECT id, company_id::int, kind, was, code FROM network_bin WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_SWITCH = """
UPDATE network_bin AS b SET kind = d.kind, was = d.was
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(was)s::text[]) AS d(id, kind, was) WHERE b.id = d.id
"""
