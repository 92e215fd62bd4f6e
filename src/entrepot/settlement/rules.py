"""What a line of a payout belongs to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import money
from entrepot.kernel.errors import Refused, Said, one_of
from entrepot.kernel.shapes import shape
from entrepot.payments.providers import MARKETPLACES
from entrepot.settlement import errors

SIGNS = {
    "charge": 1, "refund": -1, "refund_reversal": 1, "chargeback": -1, "chargeback_reversal": 1, "fee": 0,
    "reserve_held": -1, "reserve_released": 1,
}  # fmt: skip
"""Kinds of lines, and which way their money goes: 1 to us. A reserve is what a provider holds back of a payout, and
brings with a later one: it is of no document of ours."""
RESERVES = ("reserve_held", "reserve_released")
SEVERAL = ("charge", "refund", "refund_reversal")
"""Kinds of lines that may be several things told as one. A chargeback is one dispute, whose fee is booked with it."""
PARTS_MAX = 100


@shape("settlement.payouts")
@dataclass(frozen=True, slots=True)
class Providers:
    """Which providers of payouts are marketplaces, by their names: what they keep is what selling there costs (5200),
    what others keep are bank charges (5210)."""

    marketplaces: tuple[str, ...] = tuple(sorted(MARKETPLACES))


def cost(kind: str, *, of_marketplace: bool) -> str:
    """The kind under which a `fee` or `difference` of a payout is posted."""
    return f"marketplace_{kind}" if of_marketplace else kind


class PayoutLine(NamedTuple):
    """A line as the provider reports it: amounts in minor units, positive; `reference` is the provider's own."""

    kind: str
    reference: str
    amount_minor: int
    fee_minor: int = 0


class Known(NamedTuple):
    """What we know under a provider's reference and kind: an attempt or dispute, its amount, what was asked for of it,
    and the fee that is booked with it already, below zero where it came back."""

    id: UUID
    amount_minor: int
    asked_minor: int
    fee_minor: int = 0


class Matched(NamedTuple):
    """A line with what it belongs to. `difference` is what it should have brought to us more than it did; of its fee so
    much is `booked` already."""

    line: PayoutLine
    state: str
    known: UUID | None
    difference: int
    why: str
    booked: int = 0

    @property
    def reserved(self) -> int:
        """What the line adds to the reserve that the provider holds: of what is released, what it held."""
        if self.line.kind not in RESERVES:
            return 0
        return -SIGNS[self.line.kind] * (self.line.amount_minor + self.difference)


def misfit(external_id: str, lines: Sequence[PayoutLine], net_minor: int, currency: str) -> Refused | None:
    """Why a report can't be one."""
    if not lines:
        return errors.NotALine(external_id=external_id, field="lines", expected="at least one", found="none")
    for line in lines:
        if line.kind not in SIGNS:
            return errors.NotALine(
                external_id=external_id, field="kind", expected=one_of(SIGNS), found=line.kind
            )
        if line.amount_minor < 0 or (line.amount_minor > 0 and not SIGNS[line.kind]):
            expected = "0 for a fee, else not below 0"
            found = money.told(line.amount_minor, currency)
            return errors.NotALine(external_id=external_id, field="amount", expected=expected, found=found)
    net = gross(lines) - sum(line.fee_minor for line in lines)
    if net != net_minor:
        return errors.DoesNotAddUp(
            external_id=external_id, expected=money.told(net_minor, currency), found=money.told(net, currency)
        )
    return None


def gross(lines: Sequence[PayoutLine]) -> int:
    """What lines bring before fees."""
    return sum(SIGNS[line.kind] * line.amount_minor for line in lines)


def difference(kind: str, known_minor: int, paid_minor: int) -> int:
    """What a line should have brought to us more than it did."""
    return SIGNS[kind] * (known_minor - paid_minor)


def misfit_parts(amounts: Sequence[int], whole: int) -> str:
    """What parts of a line have to be, where these are not; '' where they are: all of them go the way of the line."""
    if len(amounts) > PARTS_MAX:
        return "at most {1} parts"
    return "" if amounts and min(amounts) > 0 and sum(amounts) == whole else "parts above 0 that make {0}"


def differs(known_minor: int, paid_minor: int, currency: str) -> Said:
    return Said(
        "we know {0}, the payout says {1}",
        money.told(known_minor, currency),
        money.told(paid_minor, currency),
    )


def match(
    lines: Sequence[PayoutLine],
    known: Mapping[tuple[str, str], Sequence[Known]],
    paid_out: set[tuple[UUID, str]],
    currency: str,
    reserve: int = 0,
    step: int = 1,
) -> list[Matched]:
    """Each line with the attempt or dispute of its kind and reference, which is paid out once; fees belong to none.

    Where several share a reference, lines of the very amount choose first, then the largest; so the order of the lines
    does not matter. `paid_out` are the (id, kind) that earlier payouts have settled; it grows. `reserve` is what the
    provider holds of payouts that were taken before: no more than that and what these lines hold can be released.
    What a line differs by since its provider takes a currency in steps of so many minor units is explained by that.
    """
    of_reference: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        of_reference[line.kind, line.reference].append(place)

    chosen: dict[int, Known] = {}
    for (kind, reference), places in of_reference.items():
        left = [one for one in known.get((kind, reference), ()) if (one.id, kind) not in paid_out]
        found = _choose({place: lines[place] for place in places}, left) if left else {}
        paid_out.update((one.id, kind) for one in found.values())
        chosen |= found
    matched = []
    reserve += sum(line.amount_minor for line in lines if line.kind == "reserve_held")
    for place, line in enumerate(lines):
        if line.kind == "reserve_released":
            matched.append(_released(line, reserve, currency))
            reserve += matched[-1].reserved
        else:
            matched.append(_matched(line, chosen.get(place), known, currency, step))
    return matched


def _released(line: PayoutLine, reserve: int, currency: str) -> Matched:
    off = min(0, reserve - line.amount_minor)
    if not off:
        return Matched(line, "matched", None, 0, "")
    why = Said(
        "{0} were held back, {1} are released",
        money.told(reserve, currency),
        money.told(line.amount_minor, currency),
    )
    return Matched(line, "differs" if reserve else "unmatched", None, off, why)


def _choose(lines: Mapping[int, PayoutLine], left: Iterable[Known]) -> dict[int, Known]:
    """Lines of one kind and reference, each with one of what is known under it, as far as that goes."""
    places = sorted(lines, key=lambda place: (-lines[place].amount_minor, -lines[place].fee_minor))
    free = sorted(left, key=lambda one: (-one.asked_minor, one.id))
    chosen: dict[int, Known] = {}
    for is_exact in (True, False):
        for place in places:
            amount = lines[place].amount_minor
            one = next((one for one in free if not is_exact or one.asked_minor == amount), None)
            if one and place not in chosen:
                chosen[place] = one
                free.remove(one)
    return chosen


def _matched(
    line: PayoutLine,
    one: Known | None,
    known: Mapping[tuple[str, str], Sequence[Known]],
    currency: str,
    step: int,
) -> Matched:
    sign = SIGNS[line.kind]
    if not sign or line.kind == "reserve_held":
        return Matched(line, "matched", None, 0, "")
    if one is None:
        why = Said("no {0} is known under {1}", line.kind.replace("_", " "), line.reference or "no reference")
        if known.get((line.kind, line.reference)):
            why = Said("{0} was paid out before", line.reference)
        return Matched(line, "unmatched", None, -sign * line.amount_minor, why)
    off = difference(line.kind, one.amount_minor, line.amount_minor)
    if not off:
        return Matched(line, "matched", one.id, 0, "", one.fee_minor)
    why = differs(one.amount_minor, line.amount_minor, currency)
    if line.amount_minor == one.asked_minor or (abs(off) < step and one.amount_minor % step):
        why = Said("{0}: it takes steps of {1}", why, money.told(step, currency))
        return Matched(line, "explained", one.id, off, why, one.fee_minor)
    return Matched(line, "differs", one.id, off, why, one.fee_minor)
