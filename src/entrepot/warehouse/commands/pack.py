"""Pack picked fulfillments: cartons, their weight, their contents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.orders.commands.progress import Progress, progress
from entrepot.warehouse import errors, packing, proof, rules
from entrepot.warehouse.cartons import OWN, not_in
from entrepot.warehouse.commands import serials
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.packing import Box, Contents, Packing
from entrepot.warehouse.states import STEPS
from entrepot.work.commands.open_items import OpenItem, open_items

WEIGHT_MAX = VOLUME_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PackedPart:
    """One of several packages: its carton, units by order line, and what the scale says."""

    carton: str
    contents: tuple[tuple[UUID, int], ...]
    weight_g: int | None = None


@dataclass(frozen=True, slots=True)
class PackFulfillment:
    """What was picked goes into the carton named, or into the `parts` said; without either, as is proposed, or by
    volume and weight where nothing can be.

    Without `weight_g` a package weighs what the catalog says of its contents, the carton, and its dunnage. A weight
    that is off is taken only with a `weight_note`, which says why it is right. `serials` are those of units whose SKU
    has them noted when it is sent, each as (order line, serial number); none of a unit that was picked by its own. What
    has `gone` before the house knew of it can go without. `scanned` are units by the codes of their SKUs, where a
    node's policy asks for them.
    """

    fulfillment: UUID
    carton: str | None = None
    weight_g: int | None = None
    parts: tuple[PackedPart, ...] = ()
    weight_note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    serials: tuple[tuple[UUID, str], ...] = ()
    gone: bool = False
    scanned: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PackUnproved(PackFulfillment):
    """What is packed without the scans or the weight that the policy asks for, and why."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class PackageMade:
    package: UUID
    number: str
    carton: str
    weight_g: int


@dataclass(frozen=True, slots=True)
class FulfillmentPacked:
    """The first package, and those `more` that the fulfillment took."""

    fulfillment: UUID
    package: UUID
    number: str
    carton: str
    weight_g: int
    more: tuple[PackageMade, ...] = ()


class _Weighed(NamedTuple):
    """A box with its weight; `expected_g` where it was on a scale, `is_off`: taken all the same."""

    box: Box
    weight_g: int
    expected_g: int | None = None
    is_off: bool = False


class _Decided(NamedTuple):
    """The packages of a fulfillment, and what they lack of the proof that is asked for."""

    weighed: list[_Weighed]
    lacks: Sequence[Refused] = ()


class _Packed(NamedTuple):
    """A fulfillment as it will be written."""

    request: PackFulfillment
    fulfillment: Fulfillment
    packages: list[tuple[PackageMade, _Weighed]]
    at: datetime
    unproved: Sequence[Refused] = ()


@command("warehouse.pack")
def pack(cause: Cause, /, *, requests: Sequence[PackFulfillment]) -> list[FulfillmentPacked | Refused]:
    """Closed packages for each fulfillment, ready for the carrier. A package whose weight is off, and that is taken
    with a note, is a work item; stock stays as it is.

    Locks: the orders with their fulfillments, in the orders' id order.
    Refuses: NotFound; WrongState; Invalid (weight; parts together with a carton or a weight; serials);
    warehouse.lot_expired; warehouse.carton_unknown; warehouse.not_in_carton; warehouse.not_all_packed;
    warehouse.weight_off; warehouse.serials_needed; warehouse.serial_is_out; stock.serial_elsewhere;
    work.scan_serial_twice; Invalid (more scanned than was picked); warehouse.scans_needed; warehouse.weight_needed.
    Again: by key. 11 statements; 1 or 2 more where weights are off, 4 or 5 where serial numbers are noted, 1 where what
    is worth much is weighed.
    """
    return _pack(cause, requests, needs_proof=True)


@command("warehouse.pack_unproved")
def pack_unproved(cause: Cause, /, *, requests: Sequence[PackUnproved]) -> list[FulfillmentPacked | Refused]:
    """As `warehouse.pack`, without the scans and the weights that a node's policy asks for. The log has the reason, and
    what was missing.

    Locks: as `warehouse.pack`. Refuses: Invalid (no reason); what `warehouse.pack` refuses but for
    warehouse.scans_needed and warehouse.weight_needed. Again: by key. The statements of `warehouse.pack`.
    """
    told = iter(_pack(cause, [one for one in requests if one.reason.strip()], needs_proof=False))
    expected = "why it is packed without proof"
    return [
        next(told) if one.reason.strip() else Invalid(field="reason", expected=expected, found="nothing")
        for one in requests
    ]


def _pack(
    cause: Cause, requests: Sequence[PackFulfillment], *, needs_proof: bool
) -> list[FulfillmentPacked | Refused]:
    facts = _Facts(cause, requests)
    decided: list[_Decided | Refused] = []
    done: set[UUID] = set()
    for request in requests:
        one = facts.found.get(request.fulfillment)
        answer = _refusal(request, one, done) or facts.decide(request, needs_proof=needs_proof)
        if not isinstance(answer, Refused):
            done.add(request.fulfillment)
        decided.append(answer)

    numbers = iter(
        ids.numbers("PK", sum(len(one.weighed) for one in decided if not isinstance(one, Refused)))
    )
    packed: list[_Packed] = []
    answers: list[FulfillmentPacked | Refused] = []
    for request, answer in zip(requests, decided, strict=True):
        if isinstance(answer, Refused):
            answers.append(answer)
            continue
        made = [
            PackageMade(ids.uuid7(), next(numbers), one.box.carton.code, one.weight_g)
            for one in answer.weighed
        ]
        packages = list(zip(made, answer.weighed, strict=True))
        at = request.occurred_at or cause.at
        packed.append(_Packed(request, facts.found[request.fulfillment], packages, at, answer.lacks))
        first, *more = made
        answers.append(
            FulfillmentPacked(
                request.fulfillment, first.package, first.number, first.carton, first.weight_g, tuple(more)
            )
        )
    if packed:
        _write(cause, packed, facts.inside)
    return answers


# ---- decide


class _Facts:
    """What is known of the fulfillments of requests, locked. 5 statements; 1 more where what is worth much is weighed,
    and those that serial numbers take."""

    def __init__(self, cause: Cause, requests: Sequence[PackFulfillment]) -> None:
        self.at = cause.at
        self.found = lock_fulfillments([one.fulfillment for one in requests])
        self.inside = packing.contents(self.found)
        companies = {one.company for one in self.found.values()}
        self.cartons = packing.cartons(companies)
        self.in_force = policies.in_force_of(sorted(companies), Packing, cause.at)
        self.expiring = packing.Expiring.of(self.found)
        self.noting = serials.Noting([one.serials for one in requests], self.inside)
        bodies = [body for scopes in self.in_force.values() for _, body in scopes.values()]
        by_value = any(body.weigh == "above_value" for body in bodies)
        self.values = packing.values(self.found) if by_value else {}

    def decide(self, request: PackFulfillment, *, needs_proof: bool) -> _Decided | Refused:
        """The packages of a fulfillment that is picked, or why it is not packed."""
        one = self.found[request.fulfillment]
        inside = self.inside[one.id]
        policy = policies.of_scope(self.in_force.get(one.company, {}), one.node_code, Packing())
        gone_off = None if request.gone else self.expiring.refusal(one.id, request.occurred_at or self.at)
        weighed = gone_off or _decide(request, one, inside, self.cartons[one.company], policy)
        if isinstance(weighed, Refused):
            return weighed
        if request.gone:
            return _Decided(weighed)
        wrong = self.noting.refusal(request.serials, one, inside) or _foreign(request, inside)
        if wrong:
            return wrong
        lacks = _lacks(request, one, inside, len(weighed), policy, self.values.get(one.id, 0))
        return lacks[0] if lacks and needs_proof else _Decided(weighed, lacks)


def _refusal(request: PackFulfillment, one: Fulfillment | None, done: Collection[UUID]) -> Refused | None:
    if one is None:
        return NotFound(what="fulfillment", which=str(request.fulfillment))
    step = STEPS["pack"]["packed" if one.id in done else one.state]
    if isinstance(step, Refused):
        return step
    if request.parts and (request.carton is not None or request.weight_g is not None):
        return Invalid(
            field="parts", expected="none where a carton or a weight is said", found=len(request.parts)
        )
    weights = [request.weight_g, *(part.weight_g for part in request.parts)]
    wrong = [weight for weight in weights if weight is not None and not 0 < weight <= WEIGHT_MAX]
    return Invalid(field="weight_g", expected="more than 0", found=wrong[0]) if wrong else None


def _decide(
    request: PackFulfillment,
    one: Fulfillment,
    inside: Sequence[Contents],
    known: packing.Cartons,
    policy: Packing,
) -> list[_Weighed] | Refused:
    """The packages of a fulfillment with their weights."""
    proposed = packing.boxes(inside, known, policy)
    chosen: Sequence[Box | Refused] = proposed
    weights: list[int | None] = [request.weight_g]
    if request.parts:
        chosen = _parts(request, one, inside, known, proposed)
        weights = [part.weight_g for part in request.parts]
    elif request.carton is not None:
        code = proposed[0].proposed if len(proposed) == 1 else ""
        chosen = [_box(request.carton, {each.line: each.units for each in inside}, inside, known, code)]
    elif request.weight_g is None:
        weights = [None] * len(proposed)
    elif len(proposed) > 1:
        expected = f"one for each of {len(proposed)} packages, as parts"
        return Invalid(field="weight_g", expected=expected, found=request.weight_g)
    weighed = []
    for box, weight in zip(chosen, weights, strict=True):
        if isinstance(box, Refused):
            return box
        answer = _weigh(request, one, box, weight, inside, policy)
        if isinstance(answer, Refused):
            return answer
        goods = [(each.item, box.units.get(each.line, 0)) for each in inside]
        # Where the scale says what the catalog does, what fills the carton is none of what it may hold.
        is_as_known = answer.expected_g is not None and not answer.is_off
        wrong = None if request.gone else not_in(box.carton, goods, None if is_as_known else weight)
        if wrong:
            return errors.NotInCarton(fulfillment=one.number, carton=box.carton.code, why=wrong)
        weighed.append(answer)
    return weighed


def _counted(units: Iterable[tuple[str, int]]) -> Counter[str]:
    """Units by SKU."""
    found: Counter[str] = Counter()
    for sku, count in units:
        found[sku] += count
    return found


def _foreign(request: PackFulfillment, inside: Sequence[Contents]) -> Refused | None:
    """Why what was scanned is not what was picked."""
    picked, scanned = _counted((each.item.kind, each.units) for each in inside), _counted(request.scanned)
    wrong = proof.foreign(picked, scanned)
    if not wrong:
        return None
    expected = Said("1 to {0} units of {1}", picked[wrong], wrong) if picked[wrong] else Said("no {0}", wrong)
    return Invalid(field="scanned", expected=expected, found=scanned[wrong])


def _lacks(
    request: PackFulfillment,
    one: Fulfillment,
    inside: Sequence[Contents],
    packages: int,
    policy: Packing,
    value_minor: int,
) -> list[Refused]:
    """What is missing of the proof that the policy of the node asks for."""
    found: list[Refused] = []
    picked = _counted((each.item.kind, each.units) for each in inside)
    left = proof.unscanned(policy.verify, picked, _counted(request.scanned))
    if left:
        missing = ", ".join(f"{units} × {sku}" for sku, units in left.items())
        asked = Said("every unit") if policy.verify == "unit" else Said("each SKU")
        found.append(errors.ScansNeeded(fulfillment=one.number, asked=asked, missing=missing))
    weights = [part.weight_g for part in request.parts] or [request.weight_g]
    bare = packages - sum(weight is not None for weight in weights)
    if bare and proof.is_weighed(policy.weigh, policy.weigh_from_minor, value_minor):
        found.append(errors.WeightNeeded(fulfillment=one.number, missing=bare, packages=packages))
    return found


def _parts(
    request: PackFulfillment,
    one: Fulfillment,
    inside: Sequence[Contents],
    known: packing.Cartons,
    proposed: Sequence[Box],
) -> list[Box | Refused]:
    """The packages that the packer says, which together hold all that was picked."""
    picked = {each.line: each.units for each in inside}
    in_all: Counter[UUID] = Counter()
    for part in request.parts:
        for line, units in part.contents:
            in_all[line] += units
    named = [[line for line, _ in part.contents] for part in request.parts]
    nothing = not all(named) or any(units <= 0 for part in request.parts for _, units in part.contents)
    if nothing or in_all != picked or any(len(lines) != len(set(lines)) for lines in named):
        line = next((line for line in picked if picked[line] != in_all[line]), next(iter(picked)))
        return [errors.NotAllPacked(fulfillment=one.number, picked=picked[line], packed=in_all[line])] * len(
            named
        )
    codes = [box.proposed for box in proposed] if len(proposed) == len(named) else [""] * len(named)
    return [
        _box(part.carton, dict(part.contents), inside, known, code)
        for part, code in zip(request.parts, codes, strict=True)
    ]


def _box(
    code: str, counts: Mapping[UUID, int], inside: Sequence[Contents], known: packing.Cartons, proposed: str
) -> Box | Refused:
    """Units in the carton that somebody names."""
    if code == OWN:
        return Box(
            packing.as_they_are([(each.item, counts.get(each.line, 0)) for each in inside]),
            counts,
            None,
            proposed,
        )
    carton = known.find(code)
    if carton is None:
        return errors.CartonUnknown(carton=code, known=", ".join([*(one.code for one in known.usable), OWN]))
    return Box(carton, counts, None, proposed)


def _weigh(
    request: PackFulfillment,
    one: Fulfillment,
    box: Box,
    weight_g: int | None,
    inside: Sequence[Contents],
    tolerance: Packing,
) -> _Weighed | Refused:
    """What a box weighs by the scale, where it may be so; by the catalog, where nobody weighed it."""
    if weight_g is None:
        return _Weighed(box, packing.weight(box, inside, tolerance))
    units = [(box.units[each.line], each.item.weight_g) for each in inside if box.units.get(each.line)]
    around_g = box.carton.tare_g + packing.filling(box, inside, tolerance).grams
    check = rules.expected_weight(
        units, around_g, tolerance.weight_tolerance_percent, tolerance.weight_tolerance_g
    )
    if check is None or check.holds(weight_g):
        return _Weighed(box, weight_g, check.expected_g if check else None)
    if not request.weight_note.strip():
        return errors.WeightOff(
            fulfillment=one.number, carton=box.carton.code, found=weight_g, expected=check.expected_g,
            tolerance=check.tolerance_g,
        )  # fmt: skip
    return _Weighed(box, weight_g, check.expected_g, is_off=True)


# ---- write


def _write(cause: Cause, packed: Sequence[_Packed], inside: Mapping[UUID, Sequence[Contents]]) -> None:
    packages, lines, steps, happened, offers = [], [], [], [], []
    times: dict[UUID, datetime] = {}
    for request, one, made, at, unproved in packed:
        skus = {each.line: each.sku for each in inside[one.id]}
        for package, weighed in made:
            box = weighed.box
            packages.append((
                package.package, package.number, one.company, one.id, package.weight_g, package.carton,
                min(box.carton.carried_cm3, VOLUME_MAX), box.proposed, weighed.expected_g, at,
            ))  # fmt: skip
            lines += [(package.package, line, skus[line], units) for line, units in box.units.items()]
        steps += [Progress(each.line, one.order, "picked", "packed", each.units) for each in inside[one.id]]
        times[one.order] = at
        told: dict[str, Any] = {"package": made[0][0].package} | (
            {"more": [package.package for package, _ in made[1:]]} if len(made) > 1 else {}
        )
        if unproved:
            told["unproved"] = {lack.code: lack.facts["missing"] for lack in unproved}
        happened.append(
            Event("fulfillment", one.id, one.company, one.state, "packed", at, told, _why(request, unproved))
        )
        offers.append((one.id, one.priority, one.due))
    sql.write("warehouse_package", _PACKAGE, packages)
    sql.write("warehouse_packageline", _PACKAGE_LINE, lines)
    serials.note((one, request.serials, inside[one.id]) for request, one, *_ in packed)
    sql.change(_PACKED, {"ids": [one.fulfillment.id for one in packed]})
    progress(cause, requests=steps, times=times)
    ready.drop("pack", [one.fulfillment.id for one in packed])
    announce(cause, happened)
    open_items(cause, requests=_off(packed))
    offer("ship", offers)


def _why(request: PackFulfillment, unproved: Sequence[Refused]) -> str:
    """Why the weight is right, and why there is no proof."""
    why = request.reason if isinstance(request, PackUnproved) and unproved else ""
    return "; ".join(filter(None, (request.weight_note.strip(), why.strip())))


def _off(packed: Sequence[_Packed]) -> list[OpenItem]:
    """Work for the supervisor where a weight was off and taken: the pick, or the catalog, may be wrong."""
    return [
        OpenItem(
            one.company, "weight off", "package", package.package,
            Said(
                "{0} weighs {1} g where {2} g are expected: {3}",
                package.number, package.weight_g, weighed.expected_g, request.weight_note.strip(),
            ),
            "warehouse supervisor",
            {"weight_g": package.weight_g, "expected_g": weighed.expected_g, "fulfillment": one.number,
             "note": request.weight_note.strip()},
            one.priority, due_in_hours=8, occurred_at=at,
        )
        for request, one, made, at, _ in packed
        for package, weighed in made
        if weighed.is_off
    ]  # fmt: skip


_PACKAGE = (
    "id", "number", "company_id", "fulfillment_id", "weight_g", "carton", "volume_cm3", "proposed", "expected_g",
    "packed_at",
)  # fmt: skip
_PACKAGE_LINE = ("package_id", "line_id", "sku_id", "quantity")

_PACKED = "UPDATE warehouse_fulfillment SET state = 'packed' WHERE id = ANY(%(ids)s::uuid[])"
