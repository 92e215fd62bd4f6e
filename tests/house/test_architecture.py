"""The house rules that neither lint nor types see: who writes which table, furniture of rooms, commands' papers."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from entrepot.kernel.command import commands

SOURCE = Path(__file__).parents[2] / "src" / "entrepot"
ORDER = {room: i for i, room in enumerate(settings.ROOMS)}
READS_ALL = {"insight"}
"""The one room that may read every table."""

TABLE = rf"\b({'|'.join(settings.ROOMS)})_([a-z]+)\b"
WRITTEN = re.compile(rf"(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE)\s+{TABLE}")
READ = re.compile(rf"(?:FROM|JOIN|USING)\s+{TABLE}")
WRITE_CALL = re.compile(rf"sql\.(?:write|upsert)\(\s*\"{TABLE}\"")


def sources() -> list[tuple[str, Path]]:
    """Every module of every room, but migrations."""
    return [
        (room, path)
        for room in settings.ROOMS
        for path in sorted((SOURCE / room).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def test_a_room_writes_its_own_tables_only() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} writes {table}_{name}"
        for room, path in sources()
        for pattern in (WRITTEN, WRITE_CALL)
        for table, name in pattern.findall(path.read_text())
        if table != room
    ]

    assert wrong == []


def test_a_room_reads_tables_of_its_own_and_of_rooms_below() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)} reads {table}_{name}"
        for room, path in sources()
        if room not in READS_ALL
        for table, name in READ.findall(path.read_text())
        if ORDER[table] > ORDER[room]
    ]

    assert wrong == []


@pytest.mark.parametrize("room", settings.ROOMS)
def test_a_room_has_a_page_that_says_what_it_is(room: str) -> None:
    page = (SOURCE / room / "README.md").read_text()

    assert page.startswith(f"# {room}\n")
    assert len(page.splitlines()) < 120, "a page, not a book"


def test_every_command_says_what_a_caller_gets_and_what_it_costs() -> None:
    for _, path in sources():
        if path.parent.name == "commands" or path.name in ("policies.py", "drafts.py"):
            module = ".".join(("entrepot", *path.relative_to(SOURCE).with_suffix("").parts))
            import_module(module.removesuffix(".__init__"))
    silent = []
    for name, function in commands.items():
        text = inspect.getdoc(inspect.unwrap(function)) or ""
        if name.startswith("test."):
            continue
        if not re.search(r"statement", text, re.IGNORECASE) or not re.search(r"Again|again", text):
            silent.append(name)

    assert silent == []


def test_nothing_is_left_for_later() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for _, path in sources()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if left.search(line)
    ]

    assert found == []


def test_functions_stay_readable() -> None:
    """A function that grows beyond a screen has a table or a statement in it, or wants to be two."""
    long = []
    for _, path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 75:
                long += [f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"]

    assert long == []


def test_no_clock_but_the_edges() -> None:
    clock = re.compile(r"timezone\.now\(|datetime\.now\(|date\.today\(|time\.time\(")
    edges = {"web", "insight", "simulation", "channels"}
    found = [
        str(path.relative_to(SOURCE))
        for room, path in sources()
        if room not in edges and path.name not in ("tasks.py", "worker.py", "relay.py", "api.py")
        if clock.search(path.read_text())
    ]

    assert found == []
