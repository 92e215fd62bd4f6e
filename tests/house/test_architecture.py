"""The house rules that neither lint nor types see: who writes which table, furniture of rooms, commands' papers."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from entrepot.kernel.command import commands
from entrepot.ledger import rules, versions

SOURCE = Path(__file__).parents[2] / "src" / "entrepot"
ORDER = {room: i for i, room in enumerate(settings.ROOMS)}
READS_ALL = {"insight"}
"""The one room that may read every table."""

PUBLISHED = {
    "kernel": "delivery event inbox policy policydraft ready",
    "access": "duty",
    "work": "item",
    "catalog": "component listprice packaging sku",
    "network": "bin channel channelnode layout node zone",
    "parties": "address company customer giftmessage offer person supplier",
    "tax": "exemption jurisdiction rate",
    "carriage": "service",
    "ledger": "account balance clearingitem costing exposure line manualentry manualline match matchpart measurement "
    "period valuation writedown",
    "stock": "allocation bucket move plate plateunits position preorder published reservation ringfence supply "
    "transfer transferline unpublished",
    "payments": "attempt creditgrant dispute payment",
    "orders": "attachment credit creditline draft file filecontent fingerprint hold line listing note order promotion",
    "sourcing": "backorder decision dropship rejection",
    "purchasing": "claim dropship dropshipline landedcost order orderline receipt receiptline",
    "warehouse": "carton fulfillment package packageline packedserial picktask",
    "shipping": "carrierevent claim label parcel purchase reshipment shipment shipmentline",
    "returns": "cohort departure departureitem exchange hold holdline judgment label line mark photo refund refundline "
    "return returnphoto sold suspicion workorder",
}
"""The tables of a room that statements of the rooms above may read. Who changes one looks above for its name; all
others are the room's own affair, and insight's."""

TABLE = rf"\b({'|'.join(settings.ROOMS)})_([a-z]+)\b"
WRITTEN = re.compile(rf"(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE)\s+{TABLE}")
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


def read_of_others() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The files that name a table of another room, each with its room, by that room and the table."""
    tables = "|".join(model._meta.db_table for model in apps.get_models() if model._meta.app_label in ORDER)
    named = re.compile(rf"\b(?:{tables})\b")
    found = defaultdict(set)
    for room, path in sources():
        if room not in READS_ALL:
            for table in named.findall(path.read_text()):
                owner, _, name = table.partition("_")
                if owner != room:
                    found[owner, name].add((room, str(path.relative_to(SOURCE))))
    return found


def test_a_room_reads_its_own_tables_and_what_rooms_below_publish() -> None:
    wrong = [
        f"{path} reads {owner}_{name}: ask a query of {owner}, or publish the table here"
        for (owner, name), readers in read_of_others().items()
        for room, path in sorted(readers)
        if ORDER[owner] > ORDER[room] or name not in PUBLISHED.get(owner, "").split()
    ]

    assert wrong == []


def test_what_is_published_is_read() -> None:
    published = {(owner, name) for owner, names in PUBLISHED.items() for name in names.split()}

    assert published - read_of_others().keys() == set()


def test_no_room_uses_the_models_of_another() -> None:
    """Between rooms travel ids and frozen dataclasses; only what a model is made of, and its constants, is shared."""
    used = re.compile(r"from entrepot\.(\w+)\.(?:\w+_)?models import (.+)")
    wrong = [
        f"{path.relative_to(SOURCE)} imports {name} of {owner}"
        for room, path in sources()
        for owner, names in used.findall(path.read_text())
        if owner != room
        for name in names.strip("()").split(", ")
        if name[:1].isupper() and not name.isupper()
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


def test_a_policy_stands_under_its_kind_where_its_shape_is_defined() -> None:
    """Whoever can name a shape can read policies of it, whatever else was imported."""
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for _, path in sources()
        if "shape(" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Call)
        and ast.unparse(node.func.func).endswith("shape")
    ]
    assert found == []


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


OF_RESULT = {code for code, _, kind, _ in rules.CHART if kind in versions.RESULTS}
SAYS_WHERE_TO = {
    "ledger/rules.py": "the chart and the rules themselves",
    "insight/margins.py": "every account has its component: what goes to another account is of that one's",
    "settlement/rules.py": "says in words where the rules that are delivered go",
    "settlement/bank.py": "proposes an account for an entry by hand",
}
"""Where numbers of accounts of income and expense stand that no rule is held to, and why."""


def test_posting_rules_keep_to_the_accounts_that_others_ask_for_by_number():
    asked_for = {
        (f"{path.relative_to(SOURCE)}", int(code))
        for _, path in sources()
        for code in re.findall(r"(?<![\w.])([45]\d{3})(?![\w.])", path.read_text())
        if int(code) in OF_RESULT
    }
    assert {where for where, _ in asked_for} >= SAYS_WHERE_TO.keys(), "one of them names none any more"
    free = {
        (where, code) for where, code in asked_for if code not in versions.READ_BY_NAME | versions.TAKEN_BACK
    }
    assert {one for one in free if one[0] not in SAYS_WHERE_TO} == set()
