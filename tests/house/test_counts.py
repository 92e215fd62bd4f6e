"""Every command takes a fixed number of statements, and a test shows it: marked `counts`, checked by `statements`."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from entrepot.access import registry

MARK = "pytest.mark.counts"
TESTS = Path(__file__).parents[1]

OTHERWISE = {
    "channels.receive_supply": "a request is all that arrives at one time, and is sent before the next one comes",
}
"""Commands that are not asked a thousand things at once, and why; what one request works through is counted instead."""


@cache
def _marks() -> list[tuple[str, ast.Call]]:
    marks = []
    for file in TESTS.rglob("test_*.py"):
        if MARK not in (text := file.read_text()):
            continue
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "counts" and ast.unparse(node.func) == MARK:
                for name in node.args:
                    assert isinstance(name, ast.Constant), (
                        f"{file.name}: a mark names commands as they are called"
                    )
                    marks.append((str(name.value), node))
    return marks


def test_every_command_is_counted_at_1_10_and_many_requests():
    counted = {name for name, mark in _marks() if not mark.keywords}
    commands = {name for name in registry.command_names() if not name.startswith("test.")}
    assert not (missing := sorted(commands - counted - set(OTHERWISE))), "\n".join(missing)
    assert sorted(counted - commands) == [], "marks that name no command"
    assert sorted(counted & set(OTHERWISE)) == [], "they are counted after all"


def test_what_is_counted_otherwise_is_counted():
    assert sorted({name for name, mark in _marks() if mark.keywords}) == sorted(OTHERWISE)
