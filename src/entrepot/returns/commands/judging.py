"""Returns are judged as they go: what makes one suspicious is kept, and a person is asked before it is refunded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.returns.commands.judge_facts import Head, facts, heads, marks
from entrepot.returns.fraud import FraudPolicy, Stage, Suspicion, asked
from entrepot.returns.fraud import judge as found_by_rules
from entrepot.returns.states import FRAUD
from entrepot.work.commands.open_items import OpenItem, open_items

ITEM = "suspected return"
ROLE = "operations lead"


class _Judged(NamedTuple):
    """A return with what is new about it."""

    of: Head
    version: int
    state: str
    fresh: tuple[Suspicion, ...]

    @property
    def is_opened(self) -> bool:
        return self.state == "open" != self.of.state


def judge(
    cause: Cause,
    stage: Stage,
    returns: Mapping[UUID, int],
    known: policies.InForce,
    documents: Sequence[UUID] = (),
) -> None:
    """Judge locked returns, given with their companies, whose rows are written; at receipt and inspection `documents`
    are these. The caller has read the policies.

    No statement where every rule of the stage is switched off, 14 at most.
    """
    in_force = known.of_all(returns.values(), FraudPolicy)
    wanted = [key for key, company in returns.items() if asked(in_force[company][1], stage)]
    if not wanted:
        return
    found = heads(wanted)
    if stage == "authorized" and (rows := marks(found, in_force)):
        sql.write("returns_mark", _MARK, rows)
    told = facts(stage, found, in_force, documents, cause.at)
    judged = []
    for key, one in found.items():
        version, policy = in_force[one.company]
        fresh = tuple(each for each in found_by_rules(told[key], policy, stage) if each.rule not in one.known)
        judged.append(_Judged(one, version, _state(one.state or "clean", fresh), fresh))
    _write(cause, stage, judged)


def _state(before: str, fresh: Sequence[Suspicion]) -> str:
    """What is confirmed already stays so."""
    if not any(one.mode == "enforce" for one in fresh):
        return before
    after = FRAUD.step(before, "flag")
    return before if isinstance(after, Refused) else after


def _write(cause: Cause, stage: Stage, judged: Sequence[_Judged]) -> None:
    changed = [one for one in judged if one.state != one.of.state]
    if changed:
        sql.run(_STORE, sql.columns(_JUDGMENT, [_row(cause, one) for one in changed]))
    sql.write("returns_suspicion", _SUSPICION, [
        (one.of.id, each.rule, stage, each.mode, each.reason, wire.dump(each.facts), one.version, cause.at)
        for one in judged for each in one.fresh
    ])  # fmt: skip
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", None,
              {"suspected": [each.rule for each in one.fresh], "review": one.state})
        for one in judged if one.fresh
    ])  # fmt: skip
    open_items(cause, requests=[_item(one) for one in judged if one.is_opened])


def _row(cause: Cause, one: _Judged) -> tuple[Any, ...]:
    return (
        one.of.id, one.of.company, one.of.channel, one.of.tier, one.of.country, one.state, one.version, cause.at,
        cause.at if one.is_opened else None,
    )  # fmt: skip


def _item(one: _Judged) -> OpenItem:
    rules = [each for each in one.fresh if each.mode == "enforce"]
    return OpenItem(
        company=one.of.company, type=ITEM, subject_kind="return", subject=one.of.id,
        reason=Said("Return {0}: {1}", one.of.number, rules[0].reason), role=ROLE, priority=60,
        facts={"return": one.of.id, "rules": [each.rule for each in rules]}, value_minor=one.of.value,
        tier=one.of.tier or None,
    )  # fmt: skip


_MARK = ("return_id", "fingerprint", "company_id", "order_id", "who", "asked_at")
_SUSPICION = ("return_id", "rule", "stage", "mode", "reason", "facts", "policy_version", "found_at")
_JUDGMENT = (
    "returns",
    "companies",
    "channels",
    "tiers",
    "countries",
    "states",
    "versions",
    "times",
    "opened",
)

# Whoever was judged before and is suspicious again waits anew, and what was decided is in the events.
_STORE = """
INSERT INTO returns_judgment AS j (return_id, company_id, channel_id, tier, country, state, policy_version, judged_at,
                                   opened_at, decided_by, note)
SELECT *, '', '' FROM unnest(
    %(returns)s::uuid[], %(companies)s::smallint[], %(channels)s::uuid[], %(tiers)s::text[], %(countries)s::text[],
    %(states)s::text[], %(versions)s::int[], %(times)s::timestamptz[], %(opened)s::timestamptz[])
ON CONFLICT (return_id) DO UPDATE SET state = excluded.state, opened_at = COALESCE(excluded.opened_at, j.opened_at),
    policy_version = excluded.policy_version, decided_by = '', decided_at = NULL, note = ''
"""
