"""What if: a draft of a sourcing profile over recorded orders, beside the profile that is in force. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entrepot.kernel import money, policies
from entrepot.kernel.errors import Invalid, Refused
from entrepot.network import queries as network
from entrepot.simulation import recorded
from entrepot.simulation.comparison import Comparison, compare, yardstick
from entrepot.simulation.errors import NothingDecided
from entrepot.simulation.replay import House, Profiles, profile_of, replay
from entrepot.sourcing.rules import Profile

RATES = ("km_minor", "handling_minor", "split_minor", "late_day_minor", "scarcity_minor")


@dataclass(frozen=True, slots=True)
class Report:
    """A draft tried: what it was tried on, by which rates costs are told, and what came out.

    `version` is that of the profile in force which the draft would take the place of; 0 where the defaults hold.
    `measured_by` says whose rates both sides are priced by: the draft's, or those in force where the draft has none.
    Kept as JSON: what is added later needs a default.
    """

    scope: str
    profile: Profile
    version: int
    since: datetime
    until: datetime
    waiting: int
    """Orders that waited for stock when the window began."""
    measured_by: str
    rates: Mapping[str, float]
    strangers: tuple[str, ...]
    """Nodes that the draft names and that serve none of the orders: slips of the pen, perhaps."""
    found: Comparison
    not_followed: tuple[str, ...] = ()
    """Settings of either profile that the replay does not know: live orders would follow them."""


def tried(
    company: int, draft: Profile, scope: str, since: datetime, until: datetime, at: datetime,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report | Refused:  # fmt: skip
    """Replay the window twice: by what is in force at `at`, and by the draft in its place.

    `tell` hears how many decisions are done, and of how many. About 25 statements, all of them questions.
    """
    problem = _misfit(company, scope, since, until)
    if problem:
        return problem
    versions = policies.in_force(company, Profile, at)
    window = recorded.read(company, since, until, {one: number for one, (number, _) in versions.items()})
    if window is None:
        return _nothing(company, since, until)
    active: Profiles = {one: body for one, (_, body) in versions.items()}
    done, total = 0, 2 * len(window.record.orders)

    def heard(orders: int) -> None:
        nonlocal done
        done += orders
        tell(done, total)

    before = replay(window.record, active, heard)
    after = replay(window.record, {**active, scope: draft}, heard)
    measure, measured_by = yardstick(draft, profile_of(active, scope))
    version, _ = versions.get(scope) or versions.get("") or (0, draft)
    return Report(
        scope, draft, version, since, until, len(window.record.waiting), measured_by,
        {name: getattr(measure, name) for name in RATES}, _strangers(draft, window.record.house),
        compare(window.record, before, after, window.recorded, measure),
        tuple(name for name in NOT_FOLLOWED if any(_is_set(one, name) for one in (draft, profile_of(active, scope)))),
    )  # fmt: skip


NOT_FOLLOWED = ("units_per_day", "shipments_of", "tier_priority", "margin_from_percent", "substitutes")
"""What a replay would need customers, costs and other SKUs for. Limits of preorders are not replayed either."""


def _is_set(profile: Profile, name: str) -> bool:
    return bool(getattr(profile, name) != getattr(_PLAIN, name))


_PLAIN = Profile()


def _misfit(company: int, scope: str, since: datetime, until: datetime) -> Refused | None:
    if until <= since:
        return Invalid(
            field="to", expected=f"after {_day(since)}, where the window begins", found=_day(until)
        )
    known = network.channels(company=company)
    if scope and scope not in known:
        return Invalid(
            field="scope", expected=f"a channel ({', '.join(sorted(known))}), or none", found=scope
        )
    return None


def _nothing(company: int, since: datetime, until: datetime) -> Refused:
    span = recorded.first_and_last(company)
    hint = "No order has been decided yet at all."
    if span:
        hint = f"Choose days from {_day(span[0])} to {_day(span[1])}: the first and the last decision."
    return NothingDecided(since=_day(since), until=_day(until - timedelta(microseconds=1)), hint=hint)


def _strangers(draft: Profile, house: House) -> tuple[str, ...]:
    known = {node.code for nodes in house.nodes.values() for node in nodes}
    return tuple(sorted({*draft.excluded_nodes, *draft.orders_per_day} - known))


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def summary(report: Report, currency: str) -> str:
    """What came out, in a sentence, as a draft keeps it."""
    found = report.found
    one, other = found.before.figures, found.after.figures
    costs = [money.text(side.cost_minor, currency) for side in (one, other)]
    return (
        f"{one.orders:,} orders, {found.changed_count:,} go another way: shipments {one.shipments:,} → "
        f"{other.shipments:,}, cost {costs[0]} → {costs[1]} {currency}, late {one.late:,} → {other.late:,}, "
        f"units that wait {one.waiting:,} → {other.waiting:,}"
    )
