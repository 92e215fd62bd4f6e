"""Plain values as PostgreSQL text, for arrays and COPY: psycopg's own way costs a Python call for each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, SafeUUID

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

_KEPT_MAX = 50_000


def _uuid(value: UUID) -> str:
    return f"{value.int:032x}"


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _bytes(value: bytes) -> str:
    return "\\x" + value.hex()


_PLAIN: dict[type, Callable[[Any], str]] = {
    UUID: _uuid, int: str, bool: {True: "t", False: "f"}.__getitem__, float: repr, Decimal: _decimal, datetime: str,
    date: str, time: str,
}  # fmt: skip
"""Types whose text needs no escaping."""


def array(values: Sequence[Any]) -> str:
    """The literal of an array of values of one type, None among them or not."""
    kind = next((type(value) for value in values if value is not None), None)
    if kind is UUID:
        return "{" + ",".join(["NULL" if value is None else f"{value.int:032x}" for value in values]) + "}"
    if kind is int:
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    text = _QUOTED.get(kind, _quoted) if kind else str
    return "{" + ",".join(["NULL" if value is None else text(value) for value in values]) + "}"


def _quoted(value: Any) -> str:
    if not isinstance(value, str):
        value = _PLAIN.get(type(value), str)(value)
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if '"' in value:
        value = value.replace('"', '\\"')
    return f'"{value}"'


_QUOTED: dict[type, Callable[[Any], str]] = {
    bool: _PLAIN[bool], float: repr, Decimal: _decimal, bytes: lambda value: _quoted(_bytes(value)),
}  # fmt: skip


def copy_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows in the text form of COPY."""
    forms = _COPY
    lines = ["\t".join([forms[type(value)](value) for value in row]) for row in rows]
    lines.append("")
    return "\n".join(lines)


def _escaped(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value


class _Forms(dict[type, Callable[[Any], str]]):
    """Knows subclasses (enumerations, for one) by their base, once each."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        for base in kind.__mro__[1:]:
            if base in self and base is not object:
                self[kind] = self[base]
                return self[kind]
        raise TypeError(f"{kind.__name__} has no text for COPY")


_COPY = _Forms(
    _PLAIN | {str: _escaped, type(None): lambda _: "\\N", bytes: lambda value: "\\" + _bytes(value)},
)


class _Remembered(Loader):
    """Loads keys, the same object for the same key: so that dictionaries mostly find them by identity."""

    format = Format.BINARY
    kept: dict[bytes, UUID] = {}

    def load(self, data: Buffer) -> UUID:
        raw = bytes(data)
        found = self.kept.get(raw)
        if found is None:
            found = _make(raw)
            if len(self.kept) >= _KEPT_MAX:
                self.kept.clear()
            self.kept[raw] = found
        return found


def _make(raw: bytes) -> UUID:
    """A UUID without the checks of its constructor, which the database has made."""
    key = object.__new__(UUID)
    object.__setattr__(key, "int", int.from_bytes(raw, "big"))
    object.__setattr__(key, "is_safe", SafeUUID.unknown)
    return key


def register() -> None:
    """Have every connection of this process load keys this way."""
    psycopg.adapters.register_loader("uuid", _Remembered)
