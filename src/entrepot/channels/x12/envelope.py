"""Interchanges of X12: their separators, groups and sets, with every count and number checked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.kernel.errors import Said

WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
"""How many characters each element of ISA has: it alone is of fixed width, since it says what the separators are."""

LONGEST = 106
FOUND_MAX = 40


class X12Error(ValueError):
    """A document that can't be read: at which segment, what was expected and what was found."""

    def __init__(self, segment: int, name: str, expected: str, found: object) -> None:
        super().__init__(f"segment {segment} ({name}): expected {expected}, found {found}")
        self.segment, self.name, self.expected = segment, name, expected
        self.found = str(found)[:FOUND_MAX] or "nothing"


class Segment(NamedTuple):
    """A segment by its place in the document, counted from 1."""

    number: int
    name: str
    elements: tuple[str, ...]

    def at(self, place: int) -> str:
        """An element by its place in the standard, from 1; '' where it is not given."""
        return self.elements[place - 1].strip() if place <= len(self.elements) else ""

    def must(self, place: int, expected: str) -> str:
        if not (found := self.at(place)):
            raise self.fault(place, expected)
        return found

    def fault(self, place: int, expected: str, found: object = None) -> X12Error:
        return X12Error(
            self.number, f"{self.name}{place:02}", expected, self.at(place) if found is None else found
        )


@dataclass(frozen=True, slots=True)
class Set:
    """A transaction set: what kind of document it is, its control number, and what stands between ST and SE."""

    kind: str
    control: str
    opened: Segment
    segments: tuple[Segment, ...]

    def begin(self, name: str) -> Segment:
        """Its first segment, which has to be this one."""
        begin = self.segments[0] if self.segments else Segment(self.opened.number + 1, "end", ())
        if begin.name != name:
            raise X12Error(begin.number, begin.name, name, begin.name)
        return begin


@dataclass(frozen=True, slots=True)
class Group:
    code: str
    control: str
    sets: tuple[Set, ...]


@dataclass(frozen=True, slots=True)
class Interchange:
    """Who sends to whom, each with the qualifier of his number, and the groups of sets."""

    sender: tuple[str, str]
    receiver: tuple[str, str]
    control: str
    groups: tuple[Group, ...]
    is_test: bool = False

    def sets(self) -> list[tuple[Group, Set]]:
        return [(group, one) for group in self.groups for one in group.sets]


def text_of(data: bytes) -> str:
    """A file as text. Separators may be any byte: Latin-1 reads every one, and as the same sign."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read(text: str) -> Interchange:
    """One interchange, whole. Raises X12Error for what is cut off, counted wrong or not closed."""
    cursor = _Cursor(_segments(text))
    header = cursor.take("ISA")
    groups = []
    while cursor.peek().name == "GS":
        groups.append(_group(cursor))
    end = cursor.take("IEA")
    _counted(end, 1, len(groups), "groups")
    _same(end, 2, header.at(13))
    if not groups:
        raise end.fault(1, "at least one group (GS)", "none")
    if cursor.rest:
        left = cursor.peek()
        raise X12Error(left.number, left.name, "nothing behind IEA, an interchange a document", left.name)
    return Interchange(
        (header.at(5), header.at(6)), (header.at(7), header.at(8)), header.at(13), tuple(groups), header.at(15) == "T"
    )  # fmt: skip


class _Cursor:
    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments, self.place = segments, 0

    @property
    def rest(self) -> int:
        return len(self.segments) - self.place

    def peek(self) -> Segment:
        """The next segment; one without a name where the document is over."""
        return self.segments[self.place] if self.rest else Segment(len(self.segments) + 1, "", ())

    def take(self, name: str) -> Segment:
        found = self.peek()
        if found.name != name:
            raise X12Error(found.number, found.name or "end", name, found.name or "the end of the document")
        self.place += 1
        return found


def _group(cursor: _Cursor) -> Group:
    opened = cursor.take("GS")
    sets = []
    while cursor.peek().name == "ST":
        sets.append(_set(cursor))
    closed = cursor.take("GE")
    _counted(closed, 1, len(sets), "sets")
    _same(closed, 2, opened.at(6))
    return Group(opened.must(1, "a code such as SH"), opened.at(6), tuple(sets))


def _set(cursor: _Cursor) -> Set:
    opened = cursor.take("ST")
    inside: list[Segment] = []
    while cursor.peek().name not in ("SE", "ST", "GS", "GE", "IEA", "ISA", ""):
        inside.append(cursor.take(cursor.peek().name))
    closed = cursor.take("SE")
    _counted(closed, 1, len(inside) + 2, "segments")
    _same(closed, 2, opened.at(2))
    control = opened.must(2, "a control number")
    return Set(opened.must(1, "a kind of document such as 856"), control, opened, tuple(inside))


def _counted(closed: Segment, place: int, found: int, what: str) -> None:
    if not closed.at(place).isdigit() or int(closed.at(place)) != found:
        raise closed.fault(place, Said("{0}, the number of {1}", found, what))


def _same(closed: Segment, place: int, opened: str) -> None:
    if closed.at(place) != opened:
        raise closed.fault(place, Said("{0}, the number at the beginning", opened or "nothing"))


def _segments(text: str) -> list[Segment]:
    text = text.removeprefix("\ufeff").lstrip()
    if not text.startswith("ISA"):
        raise X12Error(1, "ISA", "ISA, the beginning of an interchange", text[:3])
    if len(text) < LONGEST:
        raise X12Error(1, "ISA", Said("{0} characters", LONGEST), len(text))
    separator, component, end = text[3], text[104], text[105]
    header = text[4:105].split(separator)
    for place, width in enumerate(WIDTHS, 1):
        found = header[place - 1] if place <= len(header) else ""
        if len(found) != width:
            raise X12Error(1, f"ISA{place:02}", Said("{0} characters", width), repr(found))
    if len(header) > len(WIDTHS):
        raise X12Error(1, "ISA", Said("{0} elements", len(WIDTHS)), len(header))
    if any(one.isalnum() for one in (separator, end)) or end in (separator, component):
        raise X12Error(1, "ISA16", "separators that are signs of their own", repr(component + end))
    pieces = text.split(end)
    if end.isspace():
        while len(pieces) > 1 and not pieces[-1].strip() and not pieces[-2].strip():
            pieces.pop()
    if pieces[-1].strip():
        raise X12Error(
            len(pieces), pieces[-1].strip()[:3], "a segment with its end", "the end of the document"
        )
    found_all = []
    for number, piece in enumerate(pieces[:-1], 1):
        name, *elements = piece.strip("\r\n").split(separator)
        if not (name.isalnum() and name.isascii() and name.isupper() and 2 <= len(name) <= 3):
            raise X12Error(number, "segment", "the name of a segment", name)
        found_all.append(Segment(number, name, tuple(elements)))
    return found_all
