"""Interchanges of X12 as text, and the functional acknowledgement (997) of one that came. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from entrepot.channels.x12.envelope import Interchange

Elements = Sequence[str]
SEPARATOR, COMPONENT, END = "*", ">", "~"


def written(
    sender: tuple[str, str],
    receiver: tuple[str, str],
    control: str,
    at: datetime,
    groups: Sequence[tuple[str, str, Sequence[tuple[str, str, Sequence[Elements]]]]],
    *,
    is_test: bool = False,
) -> str:
    """An interchange: groups of (code, control number, sets), each set (kind, control number, segments)."""
    day, clock = at.strftime("%y%m%d"), at.strftime("%H%M")
    header = (
        "ISA", "00", " " * 10, "00", " " * 10, f"{sender[0]:2}", f"{sender[1]:15}", f"{receiver[0]:2}",
        f"{receiver[1]:15}", day, clock, "U", "00401", f"{control:0>9}", "0", "T" if is_test else "P", COMPONENT,
    )  # fmt: skip
    lines: list[Elements] = [header]
    for code, group, sets in groups:
        lines.append(("GS", code, sender[1], receiver[1], at.strftime("%Y%m%d"), clock, group, "X", "004010"))
        for kind, number, segments in sets:
            lines += [("ST", kind, number), *segments, ("SE", str(len(segments) + 2), number)]
        lines.append(("GE", str(len(sets)), group))
    lines.append(("IEA", str(len(groups)), f"{control:0>9}"))
    return "".join(SEPARATOR.join(line) + END + "\n" for line in lines)


def acknowledgement(one: Interchange, refused: Mapping[tuple[str, str], object], at: datetime) -> str:
    """The 997 of an interchange: each set accepted, or rejected where (group, set) is among `refused`. It bears the
    control numbers of what it answers, so that the other side knows which."""
    sets = []
    for place, group in enumerate(one.groups, 1):
        told = [
            (
                ("AK2", each.kind, each.control),
                ("AK5", "R", "5") if (group.control, each.control) in refused else ("AK5", "A"),
            )
            for each in group.sets
        ]
        accepted = sum(how == ("AK5", "A") for _, how in told)
        word = "A" if accepted == len(told) else "P" if accepted else "R"
        count = str(len(told))
        segments = [
            ("AK1", group.code, group.control),
            *(line for pair in told for line in pair),
            ("AK9", word, count, count, str(accepted)),
        ]
        sets.append(("997", f"{place:04}", segments))
    return written(
        one.receiver, one.sender, one.control, at, [("FA", one.control.lstrip("0") or "0", sets)], is_test=one.is_test
    )  # fmt: skip
