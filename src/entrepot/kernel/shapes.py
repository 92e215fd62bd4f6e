"""The dataclasses that give policies their shapes, and what of a body stands in none of them. Pure, so that each shape
stands under its kind where it is defined: who can name a shape can read policies of it."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from entrepot.kernel.errors import Invalid, Said, one_of

T = TypeVar("T")

bodies: dict[str, type] = {}
"""The shape of each kind of policy."""

trials: dict[str, str] = {}
"""How drafts of a kind are tried, where the house can try them: of others a person says what came out."""

own_bounds: dict[type, dict[str, tuple[int, int]]] = {}
"""By shape, bounds of numbers that `kernel.bounds` can't tell from their names."""


def shape(kind: str, *, tried_by: str = "", **own: tuple[int, int]) -> Any:
    """Class decorator: policies of this kind have this shape, with defaults for every field. `own` are bounds;
    `tried_by` is the trial without which no draft of it comes into force, where there is one."""

    def register(body: type[T]) -> type[T]:
        bodies[kind] = body
        own_bounds[body] = own
        if tried_by:
            trials[kind] = tried_by
        return body

    return register


def misfit(hint: Any, given: Any, where: str = "") -> Invalid | None:
    """The first name or word of a body, as plain JSON, that its shape does not know: a field that would be passed over
    in silence, or a word that is none of those to choose from. Of everything else reading it tells."""
    return next(_misfits(hint, given, where), None)


def _misfits(hint: Any, given: Any, where: str) -> Iterator[Invalid]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        arms = [one for one in arguments if one is not type(None)]
        if given is not None and len(arms) == 1:
            yield from _misfits(arms[0], given, where)
    elif origin is Literal:
        if given not in arguments:
            yield Invalid(field=where or "body", expected=_among(arguments), found=given or "nothing")
    elif isinstance(given, Mapping):
        yield from _of_mapping(hint, given, where)
    elif isinstance(given, list | tuple) and arguments:
        for place, one in enumerate(given, 1):
            yield from _misfits(arguments[0], one, f"{where} {place}".strip())


def _of_mapping(hint: Any, given: Mapping[Any, Any], where: str) -> Iterator[Invalid]:
    if is_dataclass(hint):
        kind: Any = hint
        hints = _hints(kind)
        inside = f"{where}: " if where else ""
        for name, one in given.items():
            if name not in hints:
                yield Invalid(field=where or "body", expected=one_of(hints), found=name)
            else:
                yield from _misfits(hints[name], one, f"{inside}{name}")
    elif len(get_args(hint)) == len(("key", "value")):
        names, values = get_args(hint)
        for name, one in given.items():
            yield from _misfits(names, name, where)
            yield from _misfits(values, one, f"{where} {name}".strip())


def _among(words: tuple[Any, ...]) -> Said:
    """Where none of them may be chosen, that is said last."""
    return one_of([*filter(None, words), *(["nothing"] if "" in words else [])])


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
