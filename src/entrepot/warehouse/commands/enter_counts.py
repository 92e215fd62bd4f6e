"""Report what was counted: what agrees is done, what differs is posted, counted again, or waits for a third person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import take_duty
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.kernel.money import round_half_away
from entrepot.stock import queries as stock
from entrepot.stock.commands.count import Balance, CountPosted, PostCount, count, lock_balances
from entrepot.stock.commands.move import At
from entrepot.stock.commands.plates import see_plates
from entrepot.stock.models import STATUSES
from entrepot.warehouse import counting, errors
from entrepot.warehouse.commands.missing import reopen
from entrepot.warehouse.commands.plan_counts import classes_of
from entrepot.warehouse.commands.start_counts import Task, duty_of, lock_tasks
from entrepot.work.commands.open_items import OpenItem, open_items

UNITS_MAX = 10**6


@dataclass(frozen=True, slots=True)
class Counted:
    """Units that stand there. One of each serial; goods that nobody expected are named like any other."""

    sku: UUID
    units: int
    lot: str = ""
    serial: str = ""
    status: str = "sellable"
    expires_on: date | None = None
    occurred_at: datetime | None = None
    """When these were counted, where not with all the rest; what was scanned before the count began tells nothing."""


@dataclass(frozen=True, slots=True)
class EnterCount:
    """What was counted of a task. `unknown` are goods that no scan tells: what is on their label, and how many.

    `occurred_at` is when it was counted; without it, now. What moved after it is no difference. `plates` are those that
    were seen: what is missing is taken off others first.
    """

    task: UUID
    counted: tuple[Counted, ...]
    unknown: tuple[tuple[str, int], ...] = ()
    occurred_at: datetime | None = None
    key: str | None = None
    plates: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class CountEntered:
    """`done`, or somebody else counts it again (`recount`), or it waits for approval (`waiting`). No figures."""

    task: UUID
    number: str
    state: str


class _Line(NamedTuple):
    id: UUID
    task: UUID
    sku: UUID
    lot: str
    serial: str
    status: str
    state: str
    counted: int | None

    @property
    def name(self) -> tuple[UUID, str, str, str]:
        return self.sku, self.lot, self.serial, self.status

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "recount")


class _Result(NamedTuple):
    """What was counted of one kind of goods; `line` is None where nobody expected it there."""

    task: Task
    line: _Line | None
    key: At
    units: int
    at: datetime
    expires_on: date | None


@command("warehouse.enter_counts")
def enter_counts(cause: Cause, /, *, requests: Sequence[EnterCount]) -> list[CountEntered | Refused]:
    """What came of each count, by the policy in force: lines that agree are done; a difference within tolerance is
    posted; a larger one is counted again by somebody else, then waits for the approval of a third person.

    A difference is one to the records of the moment of counting. What picks have a claim on and is missing, and a
    serial that stands elsewhere by the records, is never posted here. Unknown goods become a work item.
    Locks: the tasks in id order, then as `stock.count`, the plates that were seen, then the orders displaced.
    Refuses: NotFound; WrongState (nobody has begun it); warehouse.count_of_another; warehouse.count_withdrawn;
    warehouse.not_counted; Invalid (units, a serial twice, an unknown SKU, a time before the count began or to come).
    Again: by key.
    18 statements; 1 more where plates were seen, 1 where serials were counted, those of `stock.count` where something
    is posted, 5 where promises were displaced, 1 where units were found.
    """
    found = lock_tasks([one.task for one in requests])
    lines: dict[UUID, list[_Line]] = defaultdict(list)
    for row in sql.run(_LINES, {"tasks": list(found)}):
        lines[row[1]].append(_Line(*row))
    serials: dict[UUID, list[tuple[UUID, str, str, str]]] = defaultdict(list)
    for task, *one in sql.run(_SERIALS, {"tasks": list(found)}):
        serials[task].append(tuple(one))  # type: ignore[arg-type]
    skus = {sku: (company, lots) for sku, company, lots in sql.run(_SKUS, {"skus": _skus(requests)})}

    answers: list[Refused | None] = []
    results: dict[UUID, list[_Result]] = {}
    bins: set[UUID] = set()
    for request in requests:
        task = found.get(request.task)
        refusal = _refusal(cause, request, task, bins)
        if refusal is None and task is not None:
            refusal = _misfit(request, task, skus, lines[task.id])
        if refusal is None and task is not None:
            results[task.id] = _results(cause, request, task, lines[task.id], serials[task.id])
            bins.add(task.bin)
        answers.append(refusal)
    states: dict[UUID, str] = {}
    if results:
        entry = _Entry(cause, found, results)
        whole(take_duty(cause, requests=[duty_of(found[task], cause.actor.name) for task in results]))
        entered = [one for one, refused in zip(requests, answers, strict=True) if refused is None]
        see_plates([plate for one in entered for plate in one.plates], cause.at)
        states = entry.write()
    unknown = [one for one, answer in zip(requests, answers, strict=True) if answer is None and one.unknown]
    open_items(cause, requests=[_unknown_goods(one, found[one.task]) for one in unknown])
    return [
        answer or CountEntered(one.task, found[one.task].number, states[one.task])
        for one, answer in zip(requests, answers, strict=True)
    ]


def _skus(requests: Sequence[EnterCount]) -> list[UUID]:
    return sorted({said.sku for one in requests for said in one.counted})


def _refusal(cause: Cause, request: EnterCount, task: Task | None, bins: Container[UUID]) -> Refused | None:
    if task is None:
        return NotFound(what="count", which=request.task)
    if task.state == "withdrawn":
        return errors.CountWithdrawn(count=task.number, bin=task.bin_code)
    if task.state != "counting" or task.bin in bins:
        found = "reported in this call" if task.bin in bins else task.state
        return WrongState(subject="count", found=found, event="enter", expected="counting")
    if task.counter != cause.actor.name:
        return errors.CountOfAnother(count=task.number, counter=task.counter)
    at = request.occurred_at or cause.at
    latest = max([at, *(one.occurred_at for one in request.counted if one.occurred_at)])
    if at < task.started_at or latest > cause.at:  # type: ignore[operator]
        found = str(latest if latest > cause.at else at)
        return Invalid(field="occurred_at", expected=f"a time from {task.started_at} to now", found=found)
    if any(units < 1 or not label.strip() for label, units in request.unknown):
        return Invalid(field="unknown", expected="a label and units", found=str(request.unknown))
    return None


def _misfit(
    request: EnterCount, task: Task, skus: Mapping[UUID, tuple[int, str]], lines: Sequence[_Line]
) -> Refused | None:
    """Why what was said can't be a count of the task, or what it leaves out."""
    names = {(one.sku, one.lot, one.serial, one.status) for one in request.counted}
    if len(names) < len(request.counted):
        return Invalid(field="counted", expected="each of the goods once", found="some twice")
    known = {line.name for line in lines}
    for one in request.counted:
        company, lots = skus.get(one.sku, (0, ""))
        if not 0 <= one.units <= (1 if one.serial else UNITS_MAX):
            return Invalid(
                field="units", expected=Said("0 to {0}, of a serial 0 or 1", UNITS_MAX), found=one.units
            )
        if (
            company != task.company
            or one.status not in STATUSES
            or one.status in ("researching", "in_transit")
        ):
            return Invalid(
                field="counted", expected="known SKUs as they are", found=f"{one.sku} {one.status}"
            )
        if (
            one.units
            and lots != "none"
            and not one.lot
            and (one.sku, "", one.serial, one.status) not in known
        ):
            return Invalid(field="lot", expected="the lot, since the SKU is kept by lot", found="none")
    goods = {(sku, lot, status) for sku, lot, _, status in names}
    missing = [
        line for line in lines
        if line.is_open
        and (line.name not in names if line.serial else (line.sku, line.lot, line.status) not in goods)
    ]  # fmt: skip
    if missing:
        what = ", ".join(f"{one.sku} {one.lot} {one.serial}".strip() for one in missing[:5])
        return errors.NotCounted(count=task.number, missing=what)
    return None


def _results(
    cause: Cause,
    request: EnterCount,
    task: Task,
    lines: Sequence[_Line],
    serials: Sequence[tuple[UUID, str, str, str]],
) -> list[_Result]:
    """What was said of each line and of other goods; a serial of the records that was not scanned is not there."""
    at = request.occurred_at or cause.at
    said = {(one.sku, one.lot, one.serial, one.status): one for one in request.counted}
    wanted = {line.name: line for line in lines if line.is_open}
    closed = {line.name for line in lines if not line.is_open}
    names = [name for name in dict.fromkeys((*wanted, *said, *serials)) if name not in closed]
    results = []
    for name in names:
        sku, lot, serial, status = name
        one, line = said.get(name), wanted.get(name)
        key = At(sku, task.node, task.bin, task.company, status, lot, serial)
        scanned = one.occurred_at if one else None
        moment = scanned if scanned and task.started_at <= scanned else at  # type: ignore[operator]
        results.append(
            _Result(task, line, key, one.units if one else 0, moment, one.expires_on if one else None)
        )
    return results


class _Entry:
    """The results of counts, against the records of their moments."""

    def __init__(
        self, cause: Cause, tasks: Mapping[UUID, Task], results: Mapping[UUID, Sequence[_Result]]
    ) -> None:
        self.cause, self.tasks, self.results = cause, tasks, results
        self.rows = [one for of_task in results.values() for one in of_task]
        companies = sorted(
            {one.task.company for one in self.rows} | {tasks[task].company for task in results}
        )
        self.rules = policies.InForce(companies, [counting.Counting], cause.at)
        self.classes = classes_of(companies, self.rules, cause.at)
        self.seen = self._balances()
        self.costs = stock.unit_costs({(one.task.company, one.key.sku, one.key.node) for one in self.rows})

    def _balances(self) -> list[Balance]:
        wanted = [(one.key, one.at, one.task.after_move or 0) for one in self.rows]
        units, companies = [one.units for one in self.rows], [one.task.company for one in self.rows]
        stands: dict[tuple[UUID, str], str] = {}
        found = []
        for one, seen in zip(self.rows, lock_balances(companies, wanted, units), strict=True):
            serial = one.key.sku, one.key.serial
            found.append(seen._replace(elsewhere=seen.elsewhere or stands.get(serial, "")))
            if one.key.serial and one.units:
                stands[serial] = one.task.bin_code
        return found

    def write(self) -> dict[UUID, str]:
        """Post what may be, write the lines and what each task is now."""
        outcomes = [self._outcome(one, seen) for one, seen in zip(self.rows, self.seen, strict=True)]
        posted = self._post(outcomes)
        old, new = [], []
        of_task: dict[UUID, list[str]] = {task: [] for task in self.results}
        for place, (one, seen, state) in enumerate(zip(self.rows, self.seen, outcomes, strict=True)):
            units = posted.get(place, 0)
            row = self._row(one, seen, state, units)
            if one.line is not None:
                old.append((one.line.id, *row))
            elif seen.expected or one.units:
                new.append((ids.uuid7(), *self._names(one), seen.expected == 0, one.expires_on, *row))
            of_task[one.task.id].append(state)
        sql.change(_STORE, sql.columns(("ids", *_RESULT), old))
        sql.write("warehouse_countline", (*_NAMES, *_RESULT), new)
        return self._close(of_task)

    def _outcome(self, one: _Result, seen: Balance) -> str:
        _, policy = self.rules.of(one.task.company, counting.Counting, one.task.node_code)
        again = one.line is not None and one.line.counted is not None
        value = self._value(one, seen)
        facts = counting.Seen(
            seen.expected, one.units, value, seen.stands.claimed, bool(self._unsure(one, seen))
        )
        return counting.outcome(facts, policy, again)

    def _value(self, one: _Result, seen: Balance) -> int:
        cost = self.costs[one.task.company, one.key.sku, one.key.node]
        return round_half_away(cost * abs(one.units - seen.expected))

    @staticmethod
    def _unsure(one: _Result, seen: Balance) -> str:
        if one.key.serial and seen.elsewhere and one.units > seen.expected:
            return Said("the serial stands in {0} by the records", seen.elsewhere)
        if seen.corrected and one.units != seen.expected:
            return Said("stock was corrected since it was counted")
        return ""

    def _post(self, outcomes: Sequence[str]) -> dict[int, int]:
        """Post what is within tolerance; what of goods that are being looked for was there is sellable again."""
        places = [
            i for i, (state, seen) in enumerate(zip(outcomes, self.seen, strict=True))
            if state == "posted" or (state == "agreed" and seen.stands.lost_then)
        ]  # fmt: skip
        reasons = {"posted": counting.WITHIN, "agreed": counting.FOUND_AGAIN}
        requests = [_posting(self.rows[i], reasons[outcomes[i]]) for i in places]
        answers = count(self.cause, requests=requests) if requests else []
        assert all(isinstance(one, CountPosted) for one in answers), answers
        good = [one for one in answers if isinstance(one, CountPosted)]
        reopen(self.cause, [lost for one in good for lost in one.displaced])
        return {place: one.posted for place, one in zip(places, good, strict=True)}

    def _names(self, one: _Result) -> tuple[object, ...]:
        abc = self.classes.get(one.task.company, {}).get(one.key.sku, "C")
        return (
            one.task.id, one.task.company, one.task.bin, one.key.sku, one.key.lot, one.key.serial, one.key.status, abc,
        )  # fmt: skip

    def _row(self, one: _Result, seen: Balance, state: str, posted: int) -> tuple[object, ...]:
        first = one.line.counted if one.line else None
        cause = counting.WITHIN if state == "posted" else ""
        return (
            state, seen.expected, one.units, first, one.at, self.cause.actor.name, one.task.after_move,
            self._value(one, seen), posted, self._unsure(one, seen), cause,
        )  # fmt: skip

    def _close(self, of_task: Mapping[UUID, Sequence[str]]) -> dict[UUID, str]:
        earlier: dict[UUID, list[str]] = defaultdict(list)
        for task, state in sql.run(_UNDECIDED, {"tasks": list(of_task)}):
            earlier[task].append(state)
        states = {task: counting.state_of([*found, *earlier[task]]) for task, found in of_task.items()}
        sql.change(_CLOSE, {**sql.columns(("tasks", "states"), list(states.items())), "at": self.cause.at})
        announce(
            self.cause,
            [Event("count", task, self.tasks[task].company, "counting", state) for task, state in states.items()],
        )  # fmt: skip
        open_items(
            self.cause,
            requests=[_differs(self.tasks[task]) for task, state in states.items() if state == "waiting"],
        )
        return states


def _posting(one: _Result, reason: str) -> PostCount:
    key = one.key
    return PostCount(
        one.task.company, key.sku, key.node, one.task.bin, one.units, one.at, one.task.after_move or 0, one.task.id,
        reason, key.status, key.lot, key.serial, one.expires_on,
    )  # fmt: skip


def _differs(task: Task) -> OpenItem:
    reason = Said(
        "Bin {0} was counted, and differs from the records by more than may be posted", task.bin_code
    )
    facts = {"count": task.number, "bin": task.bin_code}
    return OpenItem(
        task.company,
        "count difference",
        "count",
        task.id,
        reason,
        "inventory manager",
        facts,
        due_in_hours=24,
    )


def _unknown_goods(one: EnterCount, task: Task) -> OpenItem:
    goods = "; ".join(f"{units} of '{label}'" for label, units in one.unknown)
    reason = Said("Goods that no scan tells stand in bin {0}: {1}", task.bin_code, goods)
    facts = {"count": task.number, "bin": task.bin_code, "goods": goods}
    return OpenItem(
        task.company, "unknown goods", "count", task.id, reason, "inventory manager", facts, due_in_hours=48
    )


_RESULT = (
    "state", "expected", "counted", "first_counted", "counted_at", "counted_by", "after_move", "value_minor", "posted",
    "why_unsure", "cause",
)  # fmt: skip
_NAMES = (
    "id", "task_id", "company_id", "bin_id", "sku_id", "lot", "serial", "status", "abc", "surplus", "expires_on",
)  # fmt: skip

_LINES = """
SELECT id, task_id, sku_id, lot, serial, status, state, counted FROM warehouse_countline
WHERE task_id = ANY(%(tasks)s::uuid[]) ORDER BY task_id, id
"""

_SERIALS = """
SELECT DISTINCT l.task_id, b.sku_id, b.lot, b.serial, l.status
FROM warehouse_countline AS l
JOIN stock_bucket AS b ON b.bin_id = l.bin_id AND b.sku_id = l.sku_id AND b.lot = l.lot AND b.serial <> ''
 AND (b.status = l.status OR (b.status = 'researching' AND l.status = 'sellable'))
WHERE l.task_id = ANY(%(tasks)s::uuid[]) AND l.state = 'open' AND l.serial = ''
  AND b.quantity > 0
"""

_SKUS = "SELECT id, company_id::int, lot_policy FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])"

_STORE = """
UPDATE warehouse_countline AS l SET state = d.state, expected = d.expected, counted = d.counted,
    first_counted = d.first_counted, counted_at = d.counted_at, counted_by = d.counted_by, after_move = d.after_move,
    value_minor = d.value_minor, posted = d.posted, why_unsure = d.why_unsure, cause = d.cause
FROM unnest(%(ids)s::uuid[], %(state)s::text[], %(expected)s::int[], %(counted)s::int[], %(first_counted)s::int[],
            %(counted_at)s::timestamptz[], %(counted_by)s::text[], %(after_move)s::bigint[], %(value_minor)s::bigint[],
            %(posted)s::int[], %(why_unsure)s::text[], %(cause)s::text[])
     AS d(id, state, expected, counted, first_counted, counted_at, counted_by, after_move, value_minor, posted,
          why_unsure, cause)
WHERE l.id = d.id
"""

_UNDECIDED = """
SELECT task_id, state FROM warehouse_countline WHERE task_id = ANY(%(tasks)s::uuid[]) AND state = 'waiting'
"""

_CLOSE = """
UPDATE warehouse_counttask AS t SET state = d.state, counted_at = %(at)s::timestamptz
FROM unnest(%(tasks)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE t.id = d.id
"""
