"""What if: a draft of a sourcing profile over recorded orders, beside the profile that is in force. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from entrepot.kernel import money, policies
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.network import queries as network
from entrepot.simulation import recorded
from entrepot.simulation.comparison import Comparison, compare, yardstick
from entrepot.simulation.errors import NothingDecided
from entrepot.simulation.replay import House, Profiles, Replayed, profile_of, replay
from entrepot.sourcing import naming
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
    """What the draft names and nothing has, slips of the pen perhaps: nodes that serve none of the orders, and kinds
    that none of those is of, suppliers, goods."""
    found: Comparison
    not_followed: tuple[str, ...] = ()
    """What live orders would follow and this replay could not, because no ledger keeps it: `carts`, `changes`,
    `customers`, `catalog`, `windows`, `half_kits`, `limits`, `suppliers`; in reports of before, settings of the
    profile."""
    concerns: Mapping[str, int] = field(default_factory=dict)
    """How many orders each of these may matter to."""


def tried(
    company: int, draft: Profile, scope: str, since: datetime, until: datetime, at: datetime,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report | Refused:  # fmt: skip
    """Replay the window twice: by what is in force at `at`, and by the draft in its place.

    `tell` hears how many decisions are done, and of how many. About 35 statements, all of them questions.
    """
    problem = _misfit(company, scope, since, until)
    if problem:
        return problem
    versions = policies.in_force(company, Profile, at)
    active: Profiles = {one: body for one, (_, body) in versions.items()}
    needs = recorded.Needs.of((draft, *active.values()))
    numbers = {one: number for one, (number, _) in versions.items()}
    window = recorded.read(company, since, until, numbers, needs)
    if window is None:
        return _nothing(company, since, until)
    done, total = 0, 2 * len(window.record.orders)

    def heard(orders: int) -> None:
        nonlocal done
        done += orders
        tell(done, total)

    before = replay(window.record, active, heard)
    after = replay(window.record, {**active, scope: draft}, heard)
    measure, measured_by = yardstick(draft, profile_of(active, scope))
    version, _ = policies.version_of(versions, scope, draft)
    concerns = {
        **window.unknown,
        **_left_to_people(before, after, window.record.let_go),
        **_with_suppliers([active, {**active, scope: draft}], before, window.record.house),
    }
    return Report(
        scope, draft, version, since, until, len(window.record.waiting), measured_by,
        {name: getattr(measure, name) for name in RATES}, _strangers(company, draft, scope, window.record.house),
        compare(window.record, before, after, window.recorded, measure), tuple(concerns), concerns,
    )  # fmt: skip


def _left_to_people(before: Replayed, after: Replayed, let_go: Mapping[UUID, datetime]) -> dict[str, int]:
    """Orders that a limit holds in a replay, and about which nobody decided in the record."""
    held = {fate.order.id for side in (before, after) for fate in side.orders if fate.was_held}
    return {"limits": len(held - let_go.keys())} if held - let_go.keys() else {}


def _with_suppliers(sides: Iterable[Profiles], replayed: Replayed, house: House) -> dict[str, int]:
    """Orders that live sourcing might have passed to suppliers by the profile of their channel, on either side: what
    suppliers had at the time is not kept."""
    passing = {
        channel
        for side in sides
        for channel, code in house.channels.items()
        if profile_of(side, code).drop_ship
    }
    found = sum(fate.order.channel in passing for fate in replayed.orders)
    return {"suppliers": found} if found else {}


def _misfit(company: int, scope: str, since: datetime, until: datetime) -> Refused | None:
    if until <= since:
        return Invalid(
            field="to", expected=Said("after {0}, where the window begins", _day(since)), found=_day(until)
        )
    known = network.channels(company=company)
    if scope and scope not in known:
        return Invalid(
            field="scope", expected=Said("a channel ({0}), or none", ", ".join(sorted(known))), found=scope
        )
    return None


def _nothing(company: int, since: datetime, until: datetime) -> Refused:
    span = recorded.first_and_last(company)
    hint = Said("No order has been decided yet at all.")
    if span:
        hint = Said("Choose days from {0} to {1}, the first and the last decision.", *map(_day, span))
    return NothingDecided(since=_day(since), until=_day(until - timedelta(microseconds=1)), hint=hint)


def _strangers(company: int, draft: Profile, scope: str, house: House) -> tuple[str, ...]:
    known = {node.code for nodes in house.nodes.values() for node in nodes}
    named = {
        *draft.excluded_nodes, *draft.orders_per_day, *draft.units_per_day, *(one.node for one in draft.offline),
    }  # fmt: skip
    (unknown,) = naming.unknown(company, [naming.Named(scope, draft)])
    return tuple(sorted((named - known).union(unknown)))


def whole_days(since: date, until: date) -> tuple[datetime, datetime]:
    """From the beginning of a day to the end of another: both count in full, by UTC."""
    began, last = (datetime.combine(day, time.min, UTC) for day in (since, until))
    return began, last + timedelta(days=1)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def summary(report: Report, currency: str) -> str:
    """What came out, in a sentence, as a draft keeps it."""
    found = report.found
    one, other = found.before.figures, found.after.figures
    costs = [money.text(side.cost_minor, currency) for side in (one, other)]
    figures = (
        one.orders, found.changed_count, one.shipments, other.shipments, one.late, other.late, one.waiting,
        other.waiting,
    )  # fmt: skip
    said = Said(
        "{0} orders, {1} go another way: shipments {2} → {3}, late {4} → {5}, units that wait {6} → {7}, "
        "cost {8} → {9} {10}",
        *(f"{units:,}" for units in figures),
        *costs,
        currency,
    )
    return str(said)
