"""Bodies of policies as forms and in the reader's words: a field of the dataclass is a field of the form."""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from django.utils.translation import gettext

from entrepot.kernel import bounds, policies, shapes, wire
from entrepot.kernel.errors import Invalid, Refused
from entrepot.web import format as fmt
from entrepot.web import words

Widget = Literal[
    "choice", "switch", "number", "decimal", "text", "date", "words", "pairs", "rows", "json", "hidden"
]  # fmt: skip

BLANKS = 2
"""Empty rows below those that there are, to write more into."""
KEPT = "kept"
"""Sent with a row that says nothing but defaults: it tells it from one that was only offered."""

_WORD = re.compile(r'\s*"((?:[^"]|"")*)"[^\S\n]*(?=[,\n]|$)|([^,\n]+)')
"""A word of several: in quotes as it stands there, each quote in it doubled; else up to the next comma or line."""


_OF_OURS = frozenset({
    "asks", "causes", "claim", "conditions", "dispositions", "escalates_to", "hours_by_reason", "kinds_last",
    "kinds_refused", "of_all", "outcomes", "reasons", "reship", "retired", "review_signals", "tender_order",
    "waived_reasons",
})  # fmt: skip
"""Fields of several words that are words of ours; elsewhere they are codes and names of the house."""

_ABBREVIATIONS = {
    "cm3": "cm³", "eori": "EORI", "gs1": "GS1", "km": "km", "mm": "mm", "sku": "SKU", "skus": "SKUs",
}  # fmt: skip


class Field(NamedTuple):
    """A field of a policy: what it is for, how it is asked, and what stands in it; `rows` of several things each, the
    fields of each, named `FIELD.PLACE.NAME`. `told` is what stands in it, in words."""

    name: str
    help: str
    widget: Widget
    text: str
    choices: tuple[str, ...]
    is_optional: bool
    bounds: bounds.Bounds | None = None  # of a number
    rows: tuple[tuple[Field, ...], ...] = ()
    told: str = ""

    @property
    def label(self) -> str:
        return label(self.name.rpartition(".")[2])

    @property
    def in_words(self) -> str:
        """What is typed as codes of ours, in the language of the page."""
        return self.told if self.widget in ("words", "pairs") and self.told != self.text else ""


class Difference(NamedTuple):
    """A field in which two bodies differ."""

    name: str
    help: str
    one: str
    other: str

    @property
    def label(self) -> str:
        return label(self.name)


def title(kind: str) -> str:
    """A kind of policy as people call it: `sourcing.profile` is `Sourcing: profile`."""
    room, _, rest = kind.partition(".")
    return f"{room.capitalize()}: {rest.replace('_', ' ')}" if rest else room.capitalize()


def label(name: str) -> str:
    """The name of a field as people write it."""
    parts = name.removesuffix("_minor").split("_")
    told = " ".join(_ABBREVIATIONS.get(part, part) for part in parts)
    told = told[:1].upper() + told[1:]
    return f"{told}, in minor units" if name.endswith("_minor") else told


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a type is asked for."""

    widget: Widget
    is_optional: bool = False
    choices: tuple[str, ...] = ()
    row: Any = None


def _shape(hint: Any) -> _Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (one for one in arguments if one is not type(None))
        found = _shape(inner)
        return _Shape(found.widget, True, found.choices)
    if origin is Literal:
        return _Shape("choice", choices=tuple(map(str, arguments)))
    if origin is tuple and arguments == (str, ...):
        return _Shape("words")
    if isinstance(origin, type) and issubclass(origin, Mapping) and all(map(_is_word, arguments)):
        return _Shape("pairs")
    if origin is tuple and arguments[1:] == (...,) and _is_plain(arguments[0]):
        return _Shape("rows", row=arguments[0])
    plain: dict[Any, Widget] = {
        bool: "switch",
        int: "number",
        float: "decimal",
        Decimal: "decimal",
        str: "text",
        date: "date",
    }
    return _Shape(plain.get(hint, "json"))


def _is_plain(kind: Any) -> bool:
    """Whether each field of a dataclass fits into a cell."""
    if not is_dataclass(kind):
        return False
    return all(_shape(one).widget not in ("json", "rows") for one in typing.get_type_hints(kind).values())


def _is_word(hint: Any) -> bool:
    return hint in (str, int, float) or get_origin(hint) is Literal


def form(body: Any) -> list[Field]:
    """The fields of a body as they are asked for, with what it says."""
    kind: type = type(body)
    hints, told, values = typing.get_type_hints(kind), _helps(kind), msgspec.to_builtins(body)
    found = []
    for one in fields(body):
        shape = _shape(hints[one.name])
        text = _written(values[one.name], shape.widget)
        within = bounds.of_field(one.name, policies.own_bounds.get(kind, {}))
        counts = shape.widget in ("number", "decimal") or get_args(hints[one.name])[1:] in ((int,), (float,))
        rows: tuple[tuple[Field, ...], ...] = ()
        if shape.widget == "rows":
            given = [*values[one.name], *[None] * BLANKS]
            rows = tuple(_row(f"{one.name}.{place}", shape.row, row) for place, row in enumerate(given))
        found.append(
            Field(
                one.name, told.get(one.name, ""), shape.widget, text, shape.choices, shape.is_optional,
                within if counts else None, rows, _told(values[one.name], shape, one.name),
            )
        )  # fmt: skip
    return found


def filled(kind: type, posted: Mapping[str, str]) -> list[Field]:
    """The form as it was sent, whether it can be read or not."""
    found = []
    for one in form(kind()):
        row = _shape(typing.get_type_hints(kind)[one.name]).row
        places = _places(one.name, posted) if row else []
        rows = tuple(_sent(f"{one.name}.{place}", row, posted) for place in places)
        if row:  # the last one is empty: others are made like it
            rows = (*rows, _cells(f"{one.name}.{max(places, default=-1) + 1}", row))
        found.append(one._replace(text=posted.get(one.name, ""), rows=rows, told=""))
    return found


def _row(name: str, kind: type, given: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """The cells of a row; one that is there and says nothing but defaults is marked as kept."""
    cells = _cells(name, kind, given)
    is_plain = given is not None and cells == _cells(name, kind)
    return (*cells, _kept(name)) if is_plain else cells


def _sent(name: str, kind: type, posted: Mapping[str, str]) -> tuple[Field, ...]:
    """The cells of a row as they were sent."""
    cells = tuple(cell._replace(text=posted.get(cell.name, "")) for cell in _cells(name, kind))
    return (*cells, _kept(name)) if _kept(name).name in posted else cells


def _kept(name: str) -> Field:
    return Field(f"{name}.{KEPT}", "", "hidden", "yes", (), False)


def _cells(name: str, kind: type, given: Mapping[str, Any] | None = None) -> tuple[Field, ...]:
    """The fields of one of several things; without one those of a new one."""
    hints, told, cells = typing.get_type_hints(kind), _helps(kind), []
    for one in fields(kind):
        shape = _shape(hints[one.name])
        text = _written(given[one.name], shape.widget) if given else _blank(one, shape)
        within = bounds.of_field(one.name, {}) if shape.widget in ("number", "decimal") else None
        about = told.get(one.name, "")
        cells.append(
            Field(f"{name}.{one.name}", about, shape.widget, text, shape.choices, shape.is_optional, within)
        )
    return tuple(cells)


def _blank(one: Any, shape: _Shape) -> str:
    """What stands in a field of a new row."""
    if one.default is not MISSING:
        return _written(msgspec.to_builtins(one.default), shape.widget)
    if one.default_factory is not MISSING:
        return _written(msgspec.to_builtins(one.default_factory()), shape.widget)
    return shape.choices[0] if shape.choices else "no" if shape.widget == "switch" else ""


def _places(name: str, posted: Mapping[str, str]) -> list[int]:
    """The places of the rows that were sent."""
    parts = (key.split(".") for key in posted if key.startswith(f"{name}."))
    return sorted({int(place) for _, place, *_ in parts if place.isascii() and place.isdigit()})


def read(kind: type, posted: Mapping[str, str]) -> Any | Refused:
    """The body that a form says, or the first field that does not fit."""
    hints, values = typing.get_type_hints(kind), {}
    for one in fields(kind):
        hint = hints[one.name]
        shape = _shape(hint)
        places = _places(one.name, posted) if shape.widget == "rows" else []
        if places:
            found = _rows(one.name, shape.row, posted, places)
        else:
            found = _value(_typed(posted, one.name), hint, one.name)
        if isinstance(found, Refused):
            return found
        values[one.name] = found
    try:
        return kind(**values)
    except ValueError as error:
        return Invalid(field="the policy", expected="fields that fit each other", found=str(error))


def _typed(posted: Mapping[str, str], name: str) -> str:
    return posted.get(name, "").replace("\x00", "").strip()


def _value(text: str, hint: Any, where: str) -> Any | Refused:
    """What a text says as a value of a field, or why it can't."""
    try:
        raw = _raw(text, _shape(hint))
        return shapes.misfit(hint, raw, where) or msgspec.convert(raw, hint, strict=False)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        return Invalid(field=where, expected=_expected(hint, str(error)), found=text or "nothing")


def _rows(
    name: str, kind: type, posted: Mapping[str, str], places: Sequence[int]
) -> tuple[Any, ...] | Refused:
    """What stands in rows; those that were emptied, or are as they were offered and not marked as kept, are none."""
    hints, rows = typing.get_type_hints(kind), []
    for place in places:
        offered, row = _cells(f"{name}.{place}", kind), {}
        sent = [_typed(posted, cell.name) for cell in offered]
        is_kept = f"{name}.{place}.{KEPT}" in posted and any(sent)
        if not is_kept and all(text in ("", cell.text) for cell, text in zip(offered, sent, strict=True)):
            continue
        for cell, one, text in zip(offered, fields(kind), sent, strict=True):
            has_default = one.default is not MISSING or one.default_factory is not MISSING
            if not text and has_default:
                continue
            hint, where = hints[one.name], f"{name}, {cell.label.lower()} of row {place + 1}"
            if not text:
                return Invalid(field=where, expected=_expected(hint, "something"), found="nothing")
            found = _value(text, hint, where)
            if isinstance(found, Refused):
                return found
            row[one.name] = found
        try:
            rows.append(kind(**row))
        except ValueError as error:
            return Invalid(field=name, expected=str(error), found="nothing")
    return tuple(rows)


def differences(kind: type, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Fields in which two bodies differ, in words. A field that a body does not have is as its default says."""
    hints, told = typing.get_type_hints(kind), _helps(kind)
    usual = json.loads(wire.dump(kind()))
    found = []
    for field in fields(kind):
        before, after = ({**usual, **body}[field.name] for body in (one, other))
        shape = _shape(hints[field.name])
        texts = [_told(value, shape, field.name) or "–" for value in (before, after)]
        as_typed = [_written(value, shape.widget) for value in (before, after)]
        if before != after and as_typed[0] != as_typed[1]:  # a list and a tuple of the same say the same
            found.append(Difference(field.name, told.get(field.name, ""), *texts))
    return found


def _written(value: Any, widget: Widget) -> str:
    if value is None:
        return ""
    if widget == "switch":
        return "yes" if value else "no"
    if widget == "words":
        return ", ".join(map(_quoted, value))
    if widget == "pairs":
        return "\n".join(f"{name} = {one}" for name, one in value.items())
    return json.dumps(value, indent=1) if widget in ("json", "rows") else str(value)


def _quoted(word: str) -> str:
    """A word as it stands among others: in quotes where it would not be read as it is."""
    is_plain = word and word == word.strip() and not word.startswith('"') and not set(word) & {",", "\n"}
    return word if is_plain else '"{}"'.format(word.replace('"', '""'))


def _words(text: str) -> list[str]:
    found = []
    for one in _WORD.finditer(text):
        quoted, plain = one.groups()
        if quoted is not None:
            found.append(quoted.replace('""', '"'))
        elif plain.strip():
            found.append(plain.strip())
    return found


def _told(value: Any, shape: _Shape, name: str) -> str:
    """What stands in a field, in the language of the page: our words translated, codes as they are."""
    if value is None:
        return ""
    if shape.widget == "choice":
        return words.word(value)
    if shape.widget == "switch":
        return gettext("yes") if value else gettext("no")
    if shape.widget == "date":
        return fmt.day(date.fromisoformat(value))
    if shape.widget == "rows":
        return "\n".join(_told_row(given, shape.row) for given in value)
    if name in _OF_OURS and shape.widget == "words":
        return ", ".join(map(_ours, value))
    if name in _OF_OURS and shape.widget == "pairs":
        return "\n".join(f"{_ours(one)} = {_ours(str(other))}" for one, other in value.items())
    return _written(value, shape.widget)


def _told_row(given: Mapping[str, Any], kind: type) -> str:
    """One of several things, without what is as by default."""
    hints, said = typing.get_type_hints(kind), []
    for offered in _cells("", kind):
        name = offered.name.rpartition(".")[2]
        shape = _shape(hints[name])
        value = given.get(name)
        if _written(value, shape.widget) not in ("", offered.text):
            said.append(f"{gettext(offered.label)}: {_told(value, shape, name)}")
    return "; ".join(said) or gettext("as by default")


def _ours(text: str) -> str:
    return words.ours(text, _defaults())


@cache
def _defaults() -> frozenset[str]:
    """Words that policies say by default."""
    bodies = [body() for body in policies.bodies.values()]
    return frozenset(
        word for one in bodies for field in fields(one) for word in words_of_ours(one, field.name)
    )


def words_of_ours(body: Any, name: str) -> list[str]:
    """Our words that a field of a body says, as they are looked up to be translated."""
    value = getattr(body, name)
    if name not in _OF_OURS:
        return []
    found = (*value, *(value.values() if isinstance(value, Mapping) else ()))
    return [str(one) for one in found if one not in words.WORDS]


def _raw(text: str, shape: _Shape) -> Any:
    if not text and shape.is_optional:
        return None
    if shape.widget == "switch":
        return {"yes": True, "no": False}[text] if text in ("yes", "no") else text
    if shape.widget == "words":
        return _words(text)
    if shape.widget == "pairs":
        return dict(_pair(line) for line in text.splitlines() if line.strip())
    if shape.widget == "decimal" and not math.isfinite(float(text)):
        raise ValueError("a number that has an end")
    return json.loads(text or "null") if shape.widget in ("json", "rows") else text


def _pair(line: str) -> tuple[str, str]:
    name, sign, value = line.partition("=")
    if not sign or not value.strip():
        raise ValueError("lines as NAME = value")
    return name.strip(), value.strip()


def _expected(hint: Any, error: str) -> str:
    shape = _shape(hint)
    told = {
        "choice": f"one of {', '.join(shape.choices)}", "switch": "yes or no", "number": "a whole number",
        "decimal": "a number", "pairs": "lines as NAME = value", "date": "a day as 2026-03-01",
    }  # fmt: skip
    return told.get(shape.widget, error)


@cache
def _helps(kind: type) -> dict[str, str]:
    """The sentence below each field of the dataclass, else the remark beside it, by its name."""
    source = textwrap.dedent(inspect.getsource(kind))
    body, lines = ast.parse(source).body[0], source.splitlines()
    assert isinstance(body, ast.ClassDef)
    beside = {
        node.target.id: _remark(lines[node.lineno - 1 : node.end_lineno])
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return beside | {
        node.target.id: " ".join(str(after.value.value).split())
        for node, after in pairwise(body.body)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }


def _remark(lines: Sequence[str]) -> str:
    """What is remarked at the end of the lines of a field, as a sentence."""
    found = [line.rpartition("  # ")[2].strip() for line in lines if "  # " in line]
    text = next((one for one in found if not one.startswith(("type:", "noqa", "fmt:"))), "")
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""


def purpose(kind: type) -> str:
    """What a policy steers: the first paragraph of what stands with its dataclass."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split()).replace("`", "")
