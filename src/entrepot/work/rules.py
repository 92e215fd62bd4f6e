"""When an item is due, how urgent it is, and who may take it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import holidays

from entrepot.access.rules import ROLES, stands_for
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, Said, one_of
from entrepot.kernel.shapes import shape
from entrepot.work.errors import ChangedMeanwhile, ClaimedByAnother, OfAnotherRole
from entrepot.work.states import ITEM

URGENT = 80
HOURS_BY_PRIORITY = ((URGENT, 4), (50, 24), (0, 72))
"""Hours to closing where neither a target nor the caller says how many, by the least priority they hold for."""
HOURS_MAX = 10_000
MIDNIGHT, DAY_S = time(0), 86_400
ALL_DAY = ((MIDNIGHT, MIDNIGHT),)

SNOOZE_MAX = timedelta(days=366)
ROOT_CAUSES = (
    "customer", "channel", "catalog", "stock record", "damage", "supplier", "carrier", "payment provider", "policy",
    "our mistake", "no fault",
)  # fmt: skip
"""Why an exception arose, where no policy says otherwise."""
CAUSE_OF_ROOMS = "hold "
"""How the causes begin that a room gives itself, when it ends the exception by what it does: `hold released`."""

TOPICS = (
    "delivery question", "missing parcel", "damaged goods", "wrong goods", "wish to change", "complaint",
    "other question",
)  # fmt: skip
"""What customers ask about: the types of cases."""

NOBODY = "nobody"
"""How the owner of an item is told that has none."""

K = TypeVar("K", bound=Hashable)


# ---- targets and business time


@cache
def _zones() -> set[str]:
    return available_timezones()


def parts_of(country: str) -> Sequence[str]:
    """The parts of a country that have holidays of their own."""
    return countries().get(country, ())


@cache
def countries() -> Mapping[str, Sequence[str]]:
    """Countries whose holidays are known, with their parts."""
    return holidays.list_supported_countries()


@shape("work.calendar")
@dataclass(frozen=True, slots=True)
class Calendar:
    """When work is done: spans of local time by weekday, Monday first, but for holidays and own closed days.

    A span that ends at 00:00 ends at midnight. Holidays are those of a country (`GB`) and of its part (`SCT`).
    """

    zone: str = "UTC"
    weekdays: tuple[tuple[tuple[time, time], ...], ...] = (ALL_DAY,) * 7
    country: str = ""
    part: str = ""
    closed: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if self.zone not in _zones():
            raise ValueError(f"zone: expected a name such as Europe/London, found {self.zone}")
        if len(self.weekdays) != 7 or not any(self.weekdays):
            raise ValueError("weekdays: expected spans for seven days, Monday first, and one of them open")
        for spans in self.weekdays:
            edges = [moment for begin, end in spans for moment in (_seconds(begin), _seconds(end) or DAY_S)]
            if edges != sorted(edges) or any(begin == end != MIDNIGHT for begin, end in spans):
                raise ValueError(
                    "weekdays: expected spans in order that end after they begin, at most at 00:00"
                )
        if self.country and self.country not in countries():
            raise ValueError(f"country: expected a code whose holidays are known, found {self.country}")
        if self.part and self.part not in countries().get(self.country, ()):
            raise ValueError(f"part: expected a part of {self.country or 'a country'}, found {self.part}")


@dataclass(frozen=True, slots=True)
class Target:
    """Hours of business time in which an item of a type should be closed."""

    hours: int
    calendar: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.hours <= HOURS_MAX:
            raise ValueError(f"hours: expected 0 to {HOURS_MAX}, found {self.hours}")


@shape("work.targets")
@dataclass(frozen=True, slots=True)
class Targets:
    """Service-level targets. Types without one have the hours that whoever opens them asks for, in `calendar`.

    A calendar that nobody has set runs round the clock; the one without a name is for whatever names none. What is
    overdue by more than `escalate_after_hours` of the same calendar goes to the role that `escalates_to` names for its
    type, or to the one of ''.
    """

    by_type: Mapping[str, Target] = field(default_factory=dict)
    calendar: str = ""
    escalate_after_hours: int | None = None
    escalates_to: Mapping[str, str] = field(default_factory=lambda: {"": "operations lead"})

    def __post_init__(self) -> None:
        unknown = sorted(set(self.escalates_to.values()) - set(ROLES))
        if unknown:
            raise ValueError(f"escalates_to: expected roles, found {', '.join(unknown)}")


NO_TARGETS = Targets()
ROUND_THE_CLOCK: Mapping[str, Calendar] = {}


def due_at(
    opened_at: datetime,
    priority: int,
    hours: int | None,
    *,
    kind: str = "",
    targets: Targets = NO_TARGETS,
    calendars: Mapping[str, Calendar] = ROUND_THE_CLOCK,
) -> datetime:
    """When an item should be closed: by the target of its type, the hours asked for, or those of its priority."""
    target = targets.by_type.get(kind)
    if target is not None:
        hours = target.hours
    elif hours is None:
        hours = next(
            (hours for least, hours in HOURS_BY_PRIORITY if priority >= least), HOURS_BY_PRIORITY[-1][1]
        )
    calendar = _calendar_of(kind, targets, calendars)
    return in_business_time(opened_at, hours, calendar) if calendar else opened_at + timedelta(hours=hours)


def _calendar_of(kind: str, targets: Targets, calendars: Mapping[str, Calendar]) -> Calendar | None:
    """When the hours of a type count; None where they count round the clock."""
    target = targets.by_type.get(kind)
    return calendars.get((target and target.calendar) or targets.calendar)


def overdue_since(at: datetime, targets: Targets, calendars: Mapping[str, Calendar]) -> dict[str, datetime]:
    """By type, and for all others by '', the moment before which whatever was due is overdue for too long by now; none
    where the policy names no limit."""
    hours = targets.escalate_after_hours
    if hours is None:
        return {}
    kinds = {kind: _calendar_of(kind, targets, calendars) for kind in ("", *targets.by_type)}
    since = {calendar: business_time_ago(at, hours, calendar) for calendar in set(kinds.values())}
    return {kind: since[calendar] for kind, calendar in kinds.items()}


def business_time_ago(at: datetime, hours: float, calendar: Calendar | None) -> datetime:
    """The last moment, to the second, from which no more than so many hours of the calendar have passed."""
    at, back = at.astimezone(UTC), timedelta(hours=hours)
    if calendar is None or in_business_time(at, hours, calendar) <= at:
        return at - back
    step = max(back, timedelta(days=1))
    while in_business_time(at - step, hours, calendar) > at:
        step *= 2
    near, far = 0, round(step.total_seconds())
    while far - near > 1:
        middle = (near + far) // 2
        if in_business_time(at - timedelta(seconds=middle), hours, calendar) > at:
            near = middle
        else:
            far = middle
    return at - timedelta(seconds=far)


def in_business_time(start: datetime, hours: float, calendar: Calendar) -> datetime:
    """The moment at which so many hours have passed in which the calendar is open."""
    left = timedelta(hours=hours)
    for begins, ends in _open_spans(start, calendar):
        here = max(begins, start)
        if here <= ends and here + left <= ends:
            return here + left
        left -= max(ends - here, timedelta())
    raise AssertionError("a calendar is open on one day of the week at least")


def _seconds(moment: time) -> int:
    return (moment.hour * 60 + moment.minute) * 60 + moment.second


def _open_spans(start: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """Open spans from the day of a moment on, in order and apart; local times as moments, so that the clocks' change
    makes a span shorter or longer, and never lets two of them overlap."""
    zone = ZoneInfo(calendar.zone)
    day = start.astimezone(zone).date() - timedelta(days=1)
    end_before = datetime.min.replace(tzinfo=UTC)
    while True:
        if not _is_closed(day, calendar):
            for opens, closes in calendar.weekdays[day.weekday()]:
                last = day + timedelta(days=1) if closes == MIDNIGHT else day
                begins = max(datetime.combine(day, opens, zone).astimezone(UTC), end_before)
                ends = max(datetime.combine(last, closes, zone).astimezone(UTC), begins)
                end_before = ends
                yield begins, ends
        day += timedelta(days=1)


def _is_closed(day: date, calendar: Calendar) -> bool:
    return day in calendar.closed or (
        calendar.country != "" and day in public_holidays(calendar.country, calendar.part, day.year)
    )


@cache
def public_holidays(country: str, part: str, year: int) -> Mapping[date, str]:
    """The holidays of a country, or of a part of it, in a year by their names there."""
    return MappingProxyType(dict(holidays.country_holidays(country, subdiv=part or None, years=year)))


# ---- priority


class Term(NamedTuple):
    """One part of an item's priority: what was seen, and the points that it is worth."""

    name: str
    value: Any
    points: int


@shape("work.priority")
@dataclass(frozen=True, slots=True)
class Priority:
    """What facts are worth in points. A point is an hour of waiting, so that age needs no weight of its own.

    An order is worth a point for each `minor_per_point` of its value, up to `value_points_max`; a customer what
    `points_by_tier` says; a promise `promise_points`, less one for each hour that was left until it.
    """

    minor_per_point: int = 0
    value_points_max: int = 100
    points_by_tier: Mapping[str, int] = field(default_factory=dict)
    promise_points: int = 0


def static_terms(
    priority: int,
    opened_at: datetime,
    policy: Priority,
    *,
    value_minor: int | None = None,
    tier: str | None = None,
    promise_at: datetime | None = None,
) -> tuple[Term, ...]:
    """The terms that stand when an item is opened; a fact that nobody knew has none."""
    found = [Term("urgency", priority, priority)]
    if value_minor is not None:
        points = value_minor // policy.minor_per_point if policy.minor_per_point else 0
        found.append(Term("value", value_minor, max(0, min(points, policy.value_points_max))))
    if tier:
        found.append(Term("tier", tier, policy.points_by_tier.get(tier, 0)))
    if promise_at is not None:
        left = max(0, (promise_at - opened_at) // timedelta(hours=1))
        found.append(Term("promise", promise_at.isoformat(), max(0, policy.promise_points - left)))
    return tuple(found)


def terms_at(static: Iterable[Term], opened_at: datetime, at: datetime) -> tuple[Term, ...]:
    """All terms at a moment: those of its opening, and the hours that it has waited."""
    hours = max(0, (at - opened_at) // timedelta(hours=1))
    return (*static, Term("age", hours, hours))


def points_of(terms: Iterable[Term]) -> int:
    return sum(term.points for term in terms)


def urgency_of(terms: Iterable[Term]) -> int:
    """What somebody says of it, or the type of the exception, whatever else is known."""
    return sum(term.points for term in terms if term.name == "urgency")


def raised(terms: Sequence[Term], points: int) -> tuple[Term, ...]:
    """The terms with so much urgency that they come to so many points; as they are where they do already."""
    others = tuple(term for term in terms if term.name != "urgency")
    urgency = points - points_of(others)
    if urgency <= urgency_of(terms):
        return tuple(terms)
    return (Term("urgency", urgency, urgency), *others)


def ranked_at(opened_at: datetime, points: int) -> datetime:
    """The place in the queue: since when an item without points would have to wait to be as urgent.

    All items age alike, so that the order of any two never changes, and nothing is rewritten as time passes.
    """
    return opened_at - timedelta(hours=points)


# ---- who does what


def first_of_each(names: Iterable[K]) -> dict[K, int]:
    """The position at which each name occurs first: later ones in a batch mean the same item."""
    places: dict[K, int] = {}
    for position, name in enumerate(names):
        places.setdefault(name, position)
    return places


def misfit_person(
    item: UUID,
    role: str,
    owner: str,
    person: str,
    may: Callable[[str], bool],
    roles: Collection[str] = (),
) -> Refused | None:
    """Why somebody may not decide about an item: it waits for another role, and was not given to them."""
    if owner == person or stands_for(may, role, roles):
        return None
    return OfAnotherRole(item=item, role=role)


def misfit_meanwhile(item: UUID, *seen: tuple[str, object, object]) -> Refused | None:
    """Why an act that was meant for an item as somebody saw it does not fit it now: fields by their names in words,
    each with what was seen and what is found. Whoever saw None in a field does not mind."""
    for name, expected, found in seen:
        if expected is not None and expected != found:
            return ChangedMeanwhile(item=item, field=name, expected=_told(expected), found=_told(found))
    return None


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value or NOBODY


def misfit_heir(owner: str, actor: str, may: Callable[[str], bool], known: Container[str]) -> Refused | None:
    """Why somebody can't be given what another role is asked for: they may take no work, or whoever asks may not give
    them work. '' is nobody."""
    if owner and owner not in known:
        return NotFound(what="person", which=owner)
    if owner in ("", actor) or may("work.assign"):
        return None
    return NotPermitted(actor=actor, command="work.assign")


def decide_claim(item: UUID, state: str | None, owner: str, claimant: str) -> str | Refused:
    """The state after a claim. Whoever has claimed it already keeps it."""
    if state is None:
        return NotFound(what="work item", which=item)
    if state == "claimed":
        return state if owner == claimant else ClaimedByAnother(item=item, owner=owner)
    return ITEM.step(state, "claim")


def decide_step(item: UUID, state: str | None, event: str) -> str | Refused:
    """The state after another event of the item's life."""
    if state is None:
        return NotFound(what="work item", which=item)
    return ITEM.step(state, event)


def decide_assign(item: UUID, state: str | None, person: str, known: Container[str]) -> str | Refused:
    """The state after somebody is given the item, whoever had it."""
    if person not in known:
        return NotFound(what="person", which=person)
    return decide_step(item, state, "assign")


def decide_snooze(item: UUID, state: str | None, until: datetime | None, at: datetime) -> str | Refused:
    """The state while an item sleeps until a moment; None wakes it."""
    if until is not None and not at < until <= at + SNOOZE_MAX:
        return Invalid(
            field="until",
            expected=Said("a time to come, within {0} days", SNOOZE_MAX.days),
            found=until.isoformat(),
        )
    return decide_step(item, state, "snooze")


def decide_escalate(
    item: UUID, state: str | None, role: str, to: str, known: Container[str], owner: str = ""
) -> str | Refused:
    """The state after another role is asked, and after `owner` is given the item, where one is named."""
    if to not in known or (state is not None and to == role):
        return Invalid(field="role", expected="a role other than the item's", found=to)
    after = decide_step(item, state, "escalate")
    return ITEM.step(after, "assign") if owner and isinstance(after, str) else after


def asked_when_overdue(kind: str, role: str, targets: Targets) -> str | None:
    """The role that is asked when an item of a type is overdue for too long; None where it is asked already."""
    to = targets.escalates_to.get(kind) or targets.escalates_to.get("")
    return to if to != role else None


@shape("work.causes")
@dataclass(frozen=True, slots=True)
class Causes:
    """Why exceptions arise, to choose from: by type, or `of_all` for the types that have no list of their own."""

    of_all: tuple[str, ...] = ROOT_CAUSES
    by_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[str, ...]:
        return self.by_type.get(kind) or self.of_all


def misfit_cause(cause: str, kind: str, causes: Causes, *, of_room: bool = False) -> Refused | None:
    """Why something can't be the root cause of an item of a type; a room has its own beside those of the list."""
    if cause in causes.of(kind) or (of_room and cause.startswith(CAUSE_OF_ROOMS)):
        return None
    return Invalid(field="root_cause", expected=one_of(causes.of(kind)), found=cause)


UNPAID = frozenset({"payment refund failed", "payment capture failed", "payment void failed"})
"""Types of items that stand for money that has not gone through: asked for again, they close by themselves."""


def misfit_note(kind: str, note: str) -> Refused | None:
    """Why an item of a type can't be closed without a word: nobody would be paid by it, and nobody would know why."""
    if kind not in UNPAID or note.strip():
        return None
    return Invalid(
        field="note",
        expected="how it was settled, since the money has not gone through; or ask the provider again",
        found="nothing",
    )


def misfit_topic(topic: str) -> Refused | None:
    """Why a case can't be about something."""
    if topic in TOPICS:
        return None
    return Invalid(field="topic", expected=one_of(TOPICS), found=topic)


def misfit_link(items: tuple[UUID, UUID], companies: Sequence[int | None]) -> Refused | None:
    """Why two items can't be linked; an item without a company is not there."""
    absent = next((item for item, company in zip(items, companies, strict=True) if company is None), None)
    if absent is not None:
        return NotFound(what="work item", which=absent)
    if items[0] == items[1] or len(set(companies)) > 1:
        return Invalid(field="other", expected="another item of the same company", found=str(items[1]))
    return None
