"""Every role that code asks to look at something is one that people have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from entrepot.access.rules import ROLES

SRC = Path("src/entrepot")


def test_every_role_that_work_items_name_exists() -> None:
    found = {
        f"{path}:{call.lineno}: {role}": role
        for path in sorted(SRC.rglob("*.py"))
        if "OpenItem(" in (text := path.read_text())
        for tree in [ast.parse(text)]
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "OpenItem"
        for role in filter(None, _texts(_role(call), tree))
    }
    assert len(found) > 50 and set(found.values()) >= {"inventory manager", "controller"}, "they were read"
    assert [where for where, role in found.items() if role not in ROLES] == []


def _role(call: ast.Call) -> ast.expr:
    by_name = [one.value for one in call.keywords if one.arg == "role"]
    return by_name[0] if by_name else call.args[5]


def _texts(one: ast.expr, tree: ast.Module, place: int | None = None) -> Iterator[str]:
    """The texts that an expression can be, as far as its module says it; `place`: those of a tuple that it can be."""
    match one:
        case ast.Constant(value=str(text)) if place is None:
            yield text
        case ast.IfExp():
            yield from _texts(one.body, tree, place)
            yield from _texts(one.orelse, tree, place)
        case ast.Tuple() if place is not None:
            yield from _texts(one.elts[place], tree)
        case ast.List():
            for each in one.elts:
                yield from _texts(each, tree, place)
        case ast.Dict():
            for each in one.values:
                yield from _texts(each, tree, place)
        case ast.Subscript(slice=ast.Constant(value=int(at))):
            yield from _texts(one.value, tree, at)
        case ast.Subscript():
            yield from _texts(one.value, tree, place)
        case ast.Name():
            for value, at in _bound(one.id, tree):
                yield from _texts(value, tree, place if at is None else at)


def _bound(name: str, tree: ast.Module) -> Iterator[tuple[ast.expr, int | None]]:
    """What a name is bound to; with its place, where what is bound is a tuple."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value) | ast.comprehension(target=target, iter=value):
                if isinstance(target, ast.Name) and target.id == name:
                    yield value, None
                elif isinstance(target, ast.Tuple):
                    named = [getattr(one, "id", "") for one in target.elts]
                    if name in named:
                        yield value, named.index(name)
            case ast.AnnAssign(target=ast.Name(id=own), value=ast.expr() as value) if own == name:
                yield value, None
            case ast.ImportFrom(module=str(module)) if name in [one.asname or one.name for one in node.names]:
                yield ast.Constant(getattr(import_module(module), name)), None
