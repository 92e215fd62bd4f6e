"""Build plates: put goods that stand loose in a bin on a pallet or a carton with a number of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.rules import bin_out
from entrepot.stock import plating
from entrepot.stock.commands.move import At, lock_buckets
from entrepot.stock.commands.plates import lock_plates, make_plates, set_content
from entrepot.stock.errors import NotThere, PlateOnItsWay
from entrepot.warehouse.errors import PlateElsewhere
from entrepot.warehouse.plates import PlatePolicy

DRAWS = 10
"""How often a number of which the plate still holds something is drawn anew; then the last one stands."""


class PlateLine(NamedTuple):
    """Units alike that stand in the bin on no plate."""

    sku: UUID
    quantity: int
    lot: str = ""
    serial: str = ""
    status: str = "sellable"


@dataclass(frozen=True, slots=True)
class BuildPlate:
    """A plate in a bin, with units that stand there loose, each (SKU, quantity[, lot[, serial[, status]]]). Without a
    `number` (an SSCC) it gets one of the company's own; more is put on a plate that stands there already."""

    company: int
    bin: UUID
    lines: tuple[PlateLine | tuple[Any, ...], ...]
    number: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlateBuilt:
    plate: UUID
    number: str
    units: int


class _Plan(NamedTuple):
    request: BuildPlate
    number: str
    lines: list[tuple[At, int]]


@command("warehouse.build_plates")
def build_plates(cause: Cause, /, *, requests: Sequence[BuildPlate]) -> list[PlateBuilt | Refused]:
    """Plates with what stood loose in their bins. No unit moves.

    Locks: the numbers of the plates in their order, then the buckets in id order.
    Refuses: NotFound (bin); network.bin_out; Invalid (lines, number, no prefix for own ones in the policy
    `warehouse.plates`); warehouse.plate_elsewhere; stock.plate_on_its_way; stock.not_there (less stands loose).
    Again: by key. 7 statements; 1 more where numbers of the company's own are drawn, and 1 where those of its prefix
    were used up once; 2 for each further draw.
    """
    places = {row[0]: row[1:] for row in sql.run(_BINS, {"ids": list({one.bin for one in requests})})}
    numbers, refused = numbers_of(cause, [(one.company, one.number) for one in requests])
    standing = lock_plates(
        (one.company, number) for one, number in zip(requests, numbers, strict=True) if number
    )
    at = {i: _at(one, places) for i, one in enumerate(requests)}
    buckets = lock_buckets(key for found in at.values() for key, _ in found)
    loose = {key: bucket.quantity - bucket.plated for key, bucket in buckets.items()}
    stands = {name: plate.bin for name, plate in standing.items()}
    codes = {plate.number: plate.bin_code for plate in standing.values()}
    for i, (one, number) in enumerate(zip(requests, numbers, strict=True)):
        plate = standing.get((one.company, number))
        if plate and plate.is_on_its_way:
            refused.setdefault(i, PlateOnItsWay(plate=number, node=plate.node_code))

    answers: list[PlateBuilt | Refused] = []
    plans: list[_Plan] = []
    for i, (one, number) in enumerate(zip(requests, numbers, strict=True)):
        refusal = (
            refused.get(i)
            or _misfit(one, places)
            or _elsewhere(one, number, stands, codes)
            or _lacks(at[i], loose)
        )
        if refusal:
            answers.append(refusal)
            continue
        stands[one.company, number] = one.bin
        codes[number] = str(places[one.bin][2])
        for key, units in at[i]:
            loose[key] -= units
        plans.append(_Plan(one, number, at[i]))
        answers.append(PlateBuilt(one.bin, number, sum(units for _, units in at[i])))
    made = _write(cause, plans, {key: bucket.id for key, bucket in buckets.items()}) if plans else {}
    return [
        PlateBuilt(made[one.company, answer.number], answer.number, answer.units)
        if isinstance(answer, PlateBuilt)
        else answer
        for one, answer in zip(requests, answers, strict=True)
    ]


def numbers_of(cause: Cause, wanted: Sequence[tuple[int, str]]) -> tuple[list[str], dict[int, Refused]]:
    """The number of each plate, given or one of the company's own, '' where it can get none; and why. 1 statement; as
    `build_plates` says where own ones are drawn."""
    numbers = [plating.number_of(number) for _, number in wanted]
    own = [i for i, number in enumerate(numbers) if not number]
    in_force = policies.of_companies({company for company, _ in wanted}, PlatePolicy, cause.at)
    refused: dict[int, Refused] = {}
    for i, ((company, _), number) in enumerate(zip(wanted, numbers, strict=True)):
        policy = in_force[company][1]
        refusal = (
            plating.misfit_number(number)
            if number
            else plating.misfit_prefix(policy.gs1_prefix, policy.extension)
        )
        if refusal:
            refused[i], numbers[i] = refusal, ""
    drawn = {i: (wanted[i][0], in_force[wanted[i][0]][1]) for i in own if i not in refused}
    for _ in range(DRAWS):
        anew = _draw(drawn, numbers)
        held = (
            {tuple(row) for row in sql.run(_HELD, sql.columns(("companies", "numbers"), anew))}
            if anew
            else set()
        )
        drawn = {i: one for i, one in drawn.items() if (one[0], numbers[i]) in held}
        if not drawn:
            break
    return numbers, refused


def _draw(drawn: Mapping[int, tuple[int, PlatePolicy]], numbers: list[str]) -> list[tuple[int, str]]:
    """Give each its next number; those, with their company, that were given before. 1 statement."""
    anew = []
    for (i, (company, policy)), text in zip(drawn.items(), ids.numbers("SSCC", len(drawn)), strict=True):
        serial = int(text.partition("-")[2])
        numbers[i] = plating.sscc(policy.gs1_prefix, policy.extension, serial)
        if plating.is_anew(policy.gs1_prefix, serial):
            anew.append((company, numbers[i]))
    return anew


def _at(one: BuildPlate, places: Mapping[UUID, tuple[Any, ...]]) -> list[tuple[At, int]]:
    if one.bin not in places:
        return []
    units: Counter[At] = Counter()
    for line in (PlateLine(*line) for line in one.lines):
        units[At(line.sku, places[one.bin][0], one.bin, one.company, line.status, line.lot, line.serial)] += (
            line.quantity
        )
    return list(units.items())


def _misfit(one: BuildPlate, places: Mapping[UUID, tuple[Any, ...]]) -> Refused | None:
    if places.get(one.bin, (None, None))[1] != one.company:
        return NotFound(what="bin", which=str(one.bin))
    if out := bin_out(*places[one.bin][2:4]):
        return out
    if not one.lines or any(PlateLine(*line).quantity < 1 for line in one.lines):
        return Invalid(
            field="lines", expected="at least one, each of some units", found="none, or one without units"
        )
    return None


def _elsewhere(
    one: BuildPlate, number: str, stands: Mapping[tuple[int, str], UUID | None], codes: Mapping[str, str]
) -> Refused | None:
    where = stands.get((one.company, number))
    return PlateElsewhere(plate=number, bin=codes[number]) if where not in (None, one.bin) else None


def _lacks(lines: Sequence[tuple[At, int]], loose: Mapping[At, int]) -> Refused | None:
    for key, units in lines:
        if loose.get(key, 0) < units:
            where = Said("bin {0}, loose", key.bin)
            return NotThere(wanted=units, sku=str(key.sku), where=where, found=loose.get(key, 0))
    return None


def _write(cause: Cause, plans: Sequence[_Plan], buckets: Mapping[At, UUID]) -> dict[tuple[int, str], UUID]:
    made = make_plates(cause, {(one.request.company, one.number) for one in plans})
    content: Counter[tuple[UUID, UUID]] = Counter()
    for plan in plans:
        for key, units in plan.lines:
            content[made[plan.request.company, plan.number], buckets[key]] += units
    set_content(content)
    announce(
        cause,
        [
            Event(
                "plate", made[plan.request.company, plan.number], plan.request.company,
                occurred_at=plan.request.occurred_at,
                payload={"units": sum(units for _, units in plan.lines), "to": plan.request.bin},
            )
            for plan in plans
        ],
    )  # fmt: skip
    return made


_BINS = "SELECT id, node_id, company_id::int, code, kind FROM network_bin WHERE id = ANY(%(ids)s::uuid[])"

_HELD = """
SELECT p.company_id::int, p.number FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
JOIN stock_plate AS p ON p.company_id = d.company AND p.number = d.number
WHERE EXISTS (SELECT FROM stock_plateunits AS u WHERE u.plate_id = p.id)
"""
