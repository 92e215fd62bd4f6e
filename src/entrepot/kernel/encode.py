"""Plain values as PostgreSQL text, for arrays and COPY: psycopg's own way costs a Python call for each value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import repeat
from operator import is_
from types import NoneType
from typing import Any
from uuid import UUID

import msgspec
import psycopg

Texts = Callable[[Sequence[Any]], Sequence[str]]
"""The texts of values that are all of one type: a column at a time costs half of what a value at a time does."""


def parameter(value: Any) -> bytes | None:
    """One parameter of a statement: a list is an array."""
    if value is None:
        return None
    kind = type(value)
    text = value if kind is str else array(value) if kind is list else _SCALAR[kind]((value,))[0]
    if "\0" in text:
        raise psycopg.DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return text.encode()


def array(values: Sequence[Any]) -> str:
    """The literal of an array of values, None among them or not."""
    return "{" + ",".join(_texts(values, _ARRAY)) + "}" if values else "{}"


def copy_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows in the text form of COPY."""
    columns = [_texts(column, _COPY) for column in zip(*rows, strict=True)]
    return "\n".join([*map("\t".join, zip(*columns, strict=True)), ""])


def json(objects: Sequence[dict[str, Any]]) -> str:
    """Rows as a JSON array of objects; bytes in hex."""
    if any(type(value) is bytes for value in objects[0].values()):
        objects = [
            {name: f"\\x{value.hex()}" if type(value) is bytes else value for name, value in one.items()}
            for one in objects
        ]
    return _encoder.encode(objects).decode()


_encoder = msgspec.json.Encoder(enc_hook=str)


def _texts(values: Sequence[Any], forms: _Forms) -> Sequence[str]:
    first = values[0]
    if len(values) == 1:
        return forms[type(first)](values)
    if values[-1] is first and all(map(is_, values, repeat(first))):
        return list(forms[type(first)]((first,))) * len(values)
    kinds = set(map(type, values))
    if len(kinds) == 1:
        return forms[kinds.pop()](values)
    if len(kinds) == 2 and NoneType in kinds:
        null = forms[NoneType]((None,))[0]
        given = iter(_texts([value for value in values if value is not None], forms))
        return [null if value is None else next(given) for value in values]
    return [forms[type(value)]((value,))[0] for value in values]


class _Forms(dict[type, Texts]):
    """Knows subclasses (enumerations, for one) by their base, once each."""

    def __missing__(self, kind: type) -> Texts:
        for base in kind.__mro__[1:]:
            if base in self and base is not object:
                self[kind] = self[base]
                return self[kind]
        raise TypeError(f"{kind.__name__} has no text for PostgreSQL")


def _uuids(values: Sequence[UUID]) -> list[str]:
    return [value.int.to_bytes(16, "big").hex() for value in values]


def _moments(values: Sequence[datetime]) -> list[str]:
    """Rows of a batch share few moments, and the text of one costs as much as that of ten keys."""
    texts = {value: value.isoformat() for value in set(values)}
    return [texts[value] for value in values]


def _escaped(values: Sequence[str]) -> Sequence[str]:
    together = "".join(values)
    for sign, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        if sign in together:
            values = [value.replace(sign, escape) for value in values]
    return values


def _quoted(values: Sequence[str]) -> list[str]:
    together = "".join(values)
    for sign in ("\\", '"'):
        if sign in together:
            values = [value.replace(sign, f"\\{sign}") for value in values]
    return ['"' + value + '"' for value in values]


def _hex(values: Sequence[bytes]) -> list[str]:
    return [f"\\x{value.hex()}" for value in values]


_PLAIN: dict[type, Texts] = {
    UUID: _uuids,
    int: lambda values: [*map(int.__repr__, values)],
    bool: lambda values: ["t" if value else "f" for value in values],
    float: lambda values: [*map(repr, values)],
    Decimal: lambda values: [format(value, "f") for value in values],
    datetime: _moments,
    date: lambda values: [value.isoformat() for value in values],
    time: lambda values: [value.isoformat() for value in values],
}
"""Types whose text needs no escaping."""

_COPY = _Forms(
    _PLAIN
    | {
        str: _escaped,
        bytes: lambda values: _escaped(_hex(values)),
        NoneType: lambda values: ["\\N"] * len(values),
    }
)
_ARRAY = _Forms(
    _PLAIN
    | {
        str: _quoted,
        bytes: lambda values: _quoted(_hex(values)),
        NoneType: lambda values: ["NULL"] * len(values),
    }
)
_SCALAR = _Forms(_PLAIN | {str: lambda values: values, bytes: _hex})
