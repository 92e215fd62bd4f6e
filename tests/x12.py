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


def document(*notices: Lines, control: str = "1", sender: str = "MUGS") -> str:
    """An interchange with one group of these sets."""
    sets = [("856", f"{place:04}", lines) for place, lines in enumerate(notices, 1)]
    return written(("ZZ", sender), ("ZZ", "HOUSE"), control, AT, [("SH", "7", sets)])
