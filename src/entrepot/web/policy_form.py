"""Bodies of policies as forms and as words: a field of the dataclass is a field of the form. Pure."""

from __future__ import annotations

import ast
import inspect
import json
import math
import textwrap
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from entrepot.kernel import bounds, policies, shapes, wire
from entrepot.kernel.errors import Invalid, Refused

Widget = Literal["choice", "switch", "number", "decimal", "text", "words", "pairs", "json"]


class Field(NamedTuple):
    """A field of a policy: what it is for, how it is asked, and what stands in it."""

    name: str
    help: str
    widget: Widget
    text: str
    choices: tuple[str, ...]
    is_optional: bool
    bounds: bounds.Bounds | None = None  # of a number

    @property
    def label(self) -> str:
        return label(self.name)


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
    words = name.removesuffix("_minor").replace("_", " ").capitalize()
    return f"{words}, in minor units" if name.endswith("_minor") else words


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a type is asked for."""

    widget: Widget
    is_optional: bool = False
    choices: tuple[str, ...] = ()


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
    plain: dict[Any, Widget] = {
        bool: "switch",
        int: "number",
        float: "decimal",
        Decimal: "decimal",
        str: "text",
    }
    return _Shape(plain.get(hint, "json"))


def _is_word(hint: Any) -> bool:
    return hint in (str, int) or get_origin(hint) is Literal


def form(body: Any) -> list[Field]:
    """The fields of a body as they are asked for, with what it says."""
    kind: type = type(body)
    hints, told, values = typing.get_type_hints(kind), _helps(kind), msgspec.to_builtins(body)
    found = []
    for one in fields(body):
        shape = _shape(hints[one.name])
        text = _written(values[one.name], shape.widget)
        within = bounds.of_field(one.name, policies.own_bounds.get(kind, {}))
        counts = shape.widget in ("number", "decimal") or get_args(hints[one.name]) == (str, int)
        found.append(
            Field(
                one.name, told.get(one.name, ""), shape.widget, text, shape.choices, shape.is_optional,
                within if counts else None,
            )
        )  # fmt: skip
    return found


def read(kind: type, posted: Mapping[str, str]) -> Any | Refused:
    """The body that a form says, or the first field that does not fit."""
    hints, values = typing.get_type_hints(kind), {}
    for one in fields(kind):
        text = posted.get(one.name, "").replace("\x00", "").strip()
        try:
            raw = _raw(text, _shape(hints[one.name]))
            if unknown := shapes.misfit(hints[one.name], raw, one.name):
                return unknown
            values[one.name] = msgspec.convert(raw, hints[one.name], strict=False)
        except (msgspec.ValidationError, ValueError, RecursionError) as error:
            return Invalid(
                field=one.name, expected=_expected(hints[one.name], str(error)), found=text or "nothing"
            )
    try:
        return kind(**values)
    except ValueError as error:
        return Invalid(field="the policy", expected="fields that fit each other", found=str(error))


def differences(kind: type, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Difference]:
    """Fields in which two bodies differ, in words. A field that a body does not have is as its default says."""
    hints, told = typing.get_type_hints(kind), _helps(kind)
    usual = json.loads(wire.dump(kind()))
    found = []
    for field in fields(kind):
        before, after = ({**usual, **body}[field.name] for body in (one, other))
        widget = _shape(hints[field.name]).widget
        texts = [_written(value, widget) or "–" for value in (before, after)]
        if before != after and texts[0] != texts[1]:  # a list and a tuple of the same say the same
            found.append(Difference(field.name, told.get(field.name, ""), *texts))
    return found


def _written(value: Any, widget: Widget) -> str:
    if value is None:
        return ""
    if widget == "switch":
        return "yes" if value else "no"
    if widget == "words":
        return ", ".join(value)
    if widget == "pairs":
        return "\n".join(f"{name} = {one}" for name, one in value.items())
    return json.dumps(value, indent=1) if widget == "json" else str(value)


def _raw(text: str, shape: _Shape) -> Any:
    if not text and shape.is_optional:
        return None
    if shape.widget == "switch":
        return {"yes": True, "no": False}[text] if text in ("yes", "no") else text
    if shape.widget == "words":
        return [word for word in (part.strip() for part in text.replace("\n", ",").split(",")) if word]
    if shape.widget == "pairs":
        return dict(_pair(line) for line in text.splitlines() if line.strip())
    if shape.widget == "decimal" and not math.isfinite(float(text)):
        raise ValueError("a number that has an end")
    return json.loads(text or "null") if shape.widget == "json" else text


def _pair(line: str) -> tuple[str, str]:
    name, sign, value = line.partition("=")
    if not sign or not value.strip():
        raise ValueError("lines as NAME = value")
    return name.strip(), value.strip()


def _expected(hint: Any, error: str) -> str:
    shape = _shape(hint)
    told = {
        "choice": f"one of {', '.join(shape.choices)}", "switch": "yes or no", "number": "a whole number",
        "decimal": "a number", "pairs": "lines as NAME = value",
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
