"""Ship notices of X12 as a supplier would write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from entrepot.channels.x12.render import written

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
Lines = list[tuple[str, ...]]


@dataclass
class Level:
    code: str
    lines: Lines
    inside: list[Level] = field(default_factory=list)


def order(number: str, *inside: Level) -> Level:
    return Level("O", [("PRF", number)], list(inside))


def pallet(sscc: str, *inside: Level) -> Level:
    return Level("T", [("MAN", "GM", f"00{sscc}")], list(inside))


def package(sscc: str, *inside: Level) -> Level:
    return Level("P", [("MAN", "GM", f"00{sscc}")], list(inside))


def item(
    code: str, units: int, *, named: str = "BP", lot: str = "", expires_on: str = "", serials: Sequence[str] = (),
    status: str = "",
) -> Level:  # fmt: skip
    sent = ("SN1", "", str(units), "EA", "", "", "", "", status) if status else ("SN1", "", str(units), "EA")
    lines: Lines = [("LIN", "", named, code), sent]
    lines += [("REF", "LT", lot)] if lot else []
    lines += [("DTM", "036", expires_on)] if expires_on else []
    return Level("I", lines + [("REF", "SE", one) for one in serials])


def notice(
    reference: str, *inside: Level, arrives: str = "20260305", purpose: str = "00", tracking: str = "1Z9"
) -> Lines:
    """The segments of a set: its levels numbered in their order."""
    top = Level(
        "S", [("TD5", "B", "2", "UPSM"), ("REF", "CN", tracking), ("DTM", "017", arrives)], list(inside)
    )
    lines: Lines = [("BSN", purpose, reference, "20260302", "0930", "0001")]
    numbers = iter(range(1, 10_000))

    def told(one: Level, parent: str) -> Iterator[tuple[str, ...]]:
        own = str(next(numbers))
        yield ("HL", own, parent, one.code)
        yield from one.lines
        for each in one.inside:
            yield from told(each, own)

    lines += told(top, "")
    units = sum(int(one[2]) for one in lines if one[0] == "SN1")
    return [*lines, ("CTT", str(next(numbers) - 1), str(units))]


def answer(order: str, kind: str, *items: Lines, reference: str = "AB-1", purpose: str = "00") -> Lines:
    """The segments of an answer (855) to an order."""
    begin: Lines = [("BAK", purpose, kind, order, "20260302", "", "", "", reference)]
    return [*begin, *(line for one in items for line in one), ("CTT", str(len(items)))]


def answered(
    line: str, units: int, *parts: tuple[str, int, str], code: str = "", price: str = "", unit: str = "EA"
) -> Lines:
    """An item of an answer: what becomes of how many units, on which day."""
    named = ("BP", code) if code else ()
    head = ("PO1", line, str(units), unit, price, "", *named)
    return [
        head,
        *(("ACK", status, str(count), unit, "067" if day else "", day) for status, count, day in parts),
    ]


def answers(*sets: Lines, control: str = "1", sender: str = "MUGS") -> str:
    """An interchange of answers."""
    told = [("855", f"{place:04}", lines) for place, lines in enumerate(sets, 1)]
    return written(("ZZ", sender), ("ZZ", "HOUSE"), control, AT, [("PR", "9", told)])


def document(*notices: Lines, control: str = "1", sender: str = "MUGS") -> str:
    """An interchange with one group of these sets."""
    sets = [("856", f"{place:04}", lines) for place, lines in enumerate(notices, 1)]
    return written(("ZZ", sender), ("ZZ", "HOUSE"), control, AT, [("SH", "7", sets)])
