"""The parts of the reference that are read from the code, as Markdown, so that they say what the code does.

A page of docs/reference has the prose, and `<!-- name -->` where a part goes.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import itertools
import json
import os
import pkgutil
import re
import typing
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "entrepot"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
os.environ.setdefault("ENTREPOT_SECRET_KEY", "only the documentation is built")

SETTINGS = {
    "DATABASE_URL": "The PostgreSQL server to use, as `postgresql://user@host:5432/name`, version 15 to 18. Without"
    " it, Entrepot runs a server of its own.",
    "DEMO_SERVE": "`0`: `entrepot demo` ends after the summary.",
    "DJANGO_SETTINGS_MODULE": "Set by the command itself to `entrepot.settings`.",
    "ENTREPOT_DATABASE": "The name of the database. The option `--database` sets it. Without it, the one that"
    " `DATABASE_URL` names, or `entrepot`.",
    "ENTREPOT_DB_ROLE": "Set by the command itself: the role that its connections take, so that append-only tables"
    " can't be changed.",
    "ENTREPOT_DEBUG": "`1`: Django's pages for errors, with their traces. Never where others can reach it.",
    "ENTREPOT_EASYPOST_KEY": "The API key of an account with EasyPost. Without it nothing is asked of EasyPost.",
    "ENTREPOT_EASYPOST_URL": "Where EasyPost answers, if not at `https://api.easypost.com/v2`.",
    "ENTREPOT_EASYPOST_SECRET": "The secret by which EasyPost signs its webhooks. Without it none is taken.",
    "ENTREPOT_FONTS": "Fonts of this machine (.ttf, .otf; several with a colon between) for letters that papers have"
    " none of otherwise, such as Thai or Devanagari: `/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf`."
    " One that is gone or is none is left out, and `entrepot doctor` tells.",
    "ENTREPOT_HOME": "The folder of this installation: secret key, files, the embedded server's data.",
    "ENTREPOT_HOSTS": "Names under which the console is reached, separated by commas.",
    "ENTREPOT_IDLE_MINUTES": "Minutes without doing anything after which who entered enters anew; 0, as without it:"
    " none. A page that renews itself is no doing.",
    "ENTREPOT_IDLE_MINUTES_SCAN": "The same for handhelds (`/scan/`); as `ENTREPOT_IDLE_MINUTES` without it.",
    "ENTREPOT_KARRIO_ACCOUNTS": "Accounts with carriers for the extra `[carriers]`, as JSON: karrio's name of each with"
    ' its credentials, such as `{"ups": {"client_id": "…", "client_secret": "…"}}`.',
    "ENTREPOT_LOG_LEVEL": "What is logged to standard error. `DEBUG` writes a line for each command.",
    "ENTREPOT_MAIL_FROM": "The sender of mails.",
    "ENTREPOT_MAIL_HOST": "The mail server (SMTP) that reports are sent by. Without it none is.",
    "ENTREPOT_MAIL_PASSWORD": "The password at the mail server.",
    "ENTREPOT_MAIL_PORT": "The port of the mail server.",
    "ENTREPOT_MAIL_TLS": "`starttls` or `tls`: speak TLS with the mail server.",
    "ENTREPOT_MAIL_USER": "The user name at the mail server.",
    "ENTREPOT_ORIGINS": "Origins whose forms are trusted, with scheme, separated by commas:"
    " `https://entrepot.example.com`.",
    "ENTREPOT_POSTGRES": "Settings of the embedded server, as `name=value` separated by spaces, over the shipped ones.",
    "ENTREPOT_SECOND_FACTOR": "Who goes no further without a second factor: `administrators`, or `everybody`. Without"
    " it each may set one up.",
    "ENTREPOT_SESSION_HOURS": "Hours after which who entered enters anew, whatever they did meanwhile; 14 without it.",
    "ENTREPOT_SECRET_KEY": "Signs sessions. Without it, one is made once and kept in the home folder. Processes on"
    " several machines need the same.",
    "ENTREPOT_TLS": "`1`: a proxy in front speaks TLS and sets `X-Forwarded-Proto`. Cookies are then sent over TLS"
    " only, and HTTP is redirected.",
    "ENTREPOT_URL": "Where people reach the console: what links in mails begin with.",
    "ENTREPOT_VAULT_KEY": "Locks the keys of people in the vault of personal data. Without it, `ENTREPOT_SECRET_KEY`"
    " does, or what is kept in the home folder. Nobody can read the vault without it.",
    "ENTREPOT_WEBHOOKS_LOCAL": "`1`: webhooks may go to this machine and its network too, and without TLS. For tests"
    " and closed networks.",
    "XDG_DATA_HOME": "Where the home folder stands if `ENTREPOT_HOME` is not set.",
    "ENTREPOT_STRIPE_KEY": "The secret key of an account with Stripe. Without it nothing is asked of Stripe.",
    "ENTREPOT_STRIPE_SECRET": "The secret by which Stripe signs its webhooks. Without it none is taken.",
    "ENTREPOT_SHOPIFY_SHOPS": "Shops that are asked for statements: JSON, channel → `url` and `token`.",
    "ENTREPOT_STRIPE_URL": "Where Stripe answers, if not at `https://api.stripe.com/v1`.",
}
"""What each environment variable is for. Which there are is read from the code, and both must agree."""


class Drift(Exception):  # noqa: N818
    """The code has something that the documentation does not describe, or the other way round."""


def ready() -> None:
    """Set Django up and import every module of every room, so that all registries are complete."""
    import django

    django.setup()
    for room in rooms():
        package = importlib.import_module(f"entrepot.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"entrepot.{room}."):
            if ".migrations" not in found.name and not found.name.endswith(".wsgi"):
                importlib.import_module(found.name)


def rooms() -> list[str]:
    """The rooms, lowest first."""
    from django.conf import settings as django_settings

    return list(django_settings.ROOMS)


def _is_own(thing: Any) -> bool:
    """Whether something is the package's, and not a test's."""
    return str(thing.__module__).startswith("entrepot.")


# ---- Markdown


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: Any) -> str:
    return f"`{text}`" if str(text) else ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(map(code, words))


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _doc(thing: type) -> str:
    """What somebody wrote about a class; '' where Python made it up."""
    text = thing.__doc__ or ""
    is_made_up = text.startswith(f"{thing.__name__}(") or text == "Built-in immutable sequence."
    return "" if is_made_up else inspect.cleandoc(text)


def _attribute_doc(module: ModuleType, name: str) -> str:
    """The string that stands below `name = …` in a module."""
    for node, after in itertools.pairwise(ast.parse(inspect.getsource(module)).body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        is_named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if is_named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return " ".join(str(after.value.value).split())
    return ""


# ---- commands


def commands_by_room() -> str:
    return table(
        ("room", "commands"),
        (
            (room, ", ".join(f"[{name}](#{slug(name)})" for name in names))
            for room, names in _commands_by_room().items()
        ),
    )


def commands() -> str:
    from entrepot.access.rules import ROLES
    from entrepot.kernel.command import commands as known

    text = []
    for name in itertools.chain(*_commands_by_room().values()):
        giving = sorted(role for role, names in ROLES.items() if name in names)
        text += _command(name, inspect.unwrap(known[name]), giving)
    return "\n\n".join(text)


def _commands_by_room() -> dict[str, list[str]]:
    from entrepot.kernel.command import commands as known

    found: dict[str, list[str]] = {room: [] for room in rooms()}
    for name, function in sorted(known.items()):
        if _is_own(inspect.unwrap(function)):
            found[str(inspect.unwrap(function).__module__).split(".")[1]].append(name)
    return {room: names for room, names in found.items() if names}


def _command(name: str, function: Callable[..., Any], giving: Sequence[str]) -> list[str]:
    hints = typing.get_type_hints(function)
    (request,) = typing.get_args(hints["requests"])
    (answer,) = typing.get_args(hints["return"])
    answers = [one for one in (typing.get_args(answer) or (answer,)) if one.__name__ != "Refused"]
    may = (
        ", ".join(giving)
        if giving
        else "no role, only the system's own actors, superusers and other commands"
    )
    where = f"In `{function.__module__}.{function.__name__}`. May be given by: {may}."
    shapes = itertools.chain(*map(_shape, (request, *answers)))
    return [f"## {name}", _described(function), where, *shapes]


def _described(function: Callable[..., Any]) -> str:
    """The docstring, with its facts as a list."""
    parts = re.split(r"(?<!, )(?=\b(?:Locks|Refuses|Again): )", inspect.getdoc(function) or "")
    facts = [re.sub(r"^(Locks|Refuses|Again): ", r"**\1**: ", " ".join(part.split())) for part in parts[1:]]
    return "\n\n".join([parts[0].strip(), "\n".join(f"* {fact}" for fact in facts)]).strip()


def _shape(kind: type) -> list[str]:
    """The fields of a request or an answer."""
    doc = " ".join(_doc(kind).split())
    rows = list(_fields(kind))
    text = [f"**{kind.__name__}**. {doc}".rstrip(". ") + "."]
    return [*text, _table_of_fields(rows)] if rows else text


def _table_of_fields(rows: Sequence[tuple[str, str, str]]) -> str:
    """Without the column of defaults where nothing has one."""
    if any(default for _, _, default in rows):
        return table(("field", "type", "default"), rows)
    return table(("field", "type"), [row[:2] for row in rows])


def _fields(kind: type) -> Iterator[tuple[str, str, str]]:
    if dataclasses.is_dataclass(kind):
        for one in dataclasses.fields(kind):
            default = "" if one.default is dataclasses.MISSING else repr(one.default)
            if one.default_factory is not dataclasses.MISSING:
                default = repr(one.default_factory())
            yield code(one.name), code(_type_name(one.type)), code(default)
    else:
        defaults = getattr(kind, "_field_defaults", {})
        for name in getattr(kind, "_fields", ()):
            default = repr(defaults[name]) if name in defaults else ""
            yield code(name), code(_type_name(kind.__annotations__[name])), code(default)


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


# ---- states


def machines() -> str:
    text = []
    for module, name, machine in _machines():
        about = f"`{module.__name__}.{name}`. {_attribute_doc(module, name)}".strip()
        drawing = f"```mermaid\n{machine.mermaid()}\n```"
        rows = (
            (
                code(one.event),
                ", ".join(map(code, one.sources)),
                code(one.target),
                "yes" if one.needs_reason else "",
            )
            for one in machine.transitions
        )
        text += [f"## {machine.subject.capitalize()}", about, drawing]
        text.append(table(("event", "from", "to", "needs a reason"), rows))
    return "\n\n".join(text)


def _machines() -> Iterator[tuple[ModuleType, str, Any]]:
    from entrepot.kernel.states import Machine

    declaring = [name for name, tree in _trees("machine(") if any(_calls(tree, "machine"))]
    for name in sorted(declaring, key=lambda name: rooms().index(name.split(".")[0])):
        module = importlib.import_module(f"entrepot.{name}")
        for variable, value in vars(module).items():
            if isinstance(value, Machine):
                yield module, variable, value


def statuses() -> str:
    return _listed(_orders_rules().STATUSES)


def derived_status() -> str:
    """The table by which the status follows from the places of units."""
    rows = (
        (code(status), ", and ".join(" or ".join(map(code, group)) for group in groups))
        for status, groups in _orders_rules().DERIVED
    )
    return table(("status", "where units stand"), rows)


def status_life() -> str:
    """How the status of an order of two units goes on, as each takes the steps of a unit; drawn from both tables."""
    from entrepot.orders.states import UNIT

    rules = _orders_rules()
    start = (UNIT.initial, UNIT.initial)
    seen, edges = [start], {}
    for units in seen:  # grows on the way
        for unit, rest in (units, units[::-1]):
            for event in UNIT.events:
                after = UNIT.step(unit, event)
                if event in NOT_DRAWN or not isinstance(after, str):
                    continue
                then = tuple(sorted((after, rest), key=rules.PLACES.index))
                before, now = (_status(rules, one) for one in (units, then))
                if before != now:
                    edges.setdefault((before, now), {})[event] = None
                if then not in seen:
                    seen.append(then)
    rank = rules.STATUSES.index
    lines = [
        f"    {before} --> {after}: {event}"
        for before, after in sorted(edges, key=lambda edge: (rank(edge[0]), rank(edge[1])))
        for event in edges[before, after]
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {_status(rules, start)}", *lines, "```"])


NOT_DRAWN = ("cancel", "perform")
"""Steps of units that would only crowd the drawing: a cancelled unit stands nowhere, and services are performed."""


def _status(rules: Any, units: Iterable[str]) -> str:
    return str(rules.derive_status("confirmed", "", rules.Totals(**Counter(units))))


def payment_states() -> str:
    return _listed(_orders_rules().PAYMENTS)


def holds() -> str:
    rows = ((name, *map(_words, kind)) for name, kind in _orders_rules().HOLDS.items())
    return table(("hold", "decided by", "blocks", "priority of its work item", "waits for"), rows)


def _orders_rules() -> Any:
    return importlib.import_module("entrepot.orders.rules")


def _words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


# ---- events, queues, messages


def event_columns() -> str:
    from entrepot.kernel import models

    fields = models.Event._meta.concrete_fields
    return table(("column", "kind"), ((code(one.column), code(one.get_internal_type())) for one in fields))


def events() -> str:
    """Every place in the code where an event is made, by its subject."""
    found = set()
    for module, tree in _trees("Event("):
        for call in _calls(tree, "Event"):
            if call.args:
                subject = _constant(call.args[0]) or f"(`{ast.unparse(call.args[0])}`)"
                before, after = (
                    _argument(call, place, name) for place, name in ((3, "before"), (4, "after"))
                )
                found.add((subject, code(before), code(after), code(module)))
    return table(("subject", "before", "after", "announced in"), sorted(found))


def queues() -> str:
    from entrepot.kernel import worker

    served, offered = worker.queues(), _offered()
    rows = (
        (code(name), _served_by(served.get(name)), ", ".join(sorted(map(code, offered.get(name, ())))))
        for name in sorted({*served, *offered})
    )
    return table(("queue", "served by", "offered in"), rows)


def destinations() -> str:
    from entrepot.kernel import relay

    rows = ((code(name), _served_by(send)) for name, send in sorted(relay.destinations().items()))
    return table(("destination", "sent by"), rows)


def webhook_events() -> str:
    from entrepot.channels.webhooks import EVENTS

    rows = (
        (code(name), one.tells + ".", code(one.kind), ", ".join(map(code, one.states)) or "any, as the first")
        for name, one in sorted(EVENTS.items())
    )
    return table(("event", "tells", "kind", "state after"), rows)


def waits() -> str:
    from entrepot.kernel.delivery import RETRY_AFTER

    return ", ".join(f"{wait.total_seconds() / 60:g}" for wait in RETRY_AFTER) + "."


def _served_by(function: Callable[..., Any] | None) -> str:
    return f"`{function.__module__}.{function.__name__}`" if function else "people"


def _trees(*words: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules in whose text one of the words stands: to parse them all takes most of a build."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text()
        if "migrations" not in path.parts and any(word in text for word in words):
            name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(text)


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _argument(call: ast.Call, place: int, name: str) -> str:
    given = next((one.value for one in call.keywords if one.arg == name), None)
    if given is None and len(call.args) > place:
        given = call.args[place]
    return _constant(given) if given is not None else ""


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _offered() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for module, tree in _trees("offer("):
        for call in _calls(tree, "offer"):
            if call.args and (queue := _constant(call.args[0])):
                found[queue].add(module)
    return found


# ---- errors


def error_kinds() -> str:
    from entrepot.web.api.problems import STATUS_OF_KIND

    return table(("kind", "status"), ((kind, str(int(status))) for kind, status in STATUS_OF_KIND.items()))


def errors() -> str:
    from entrepot.kernel.errors import Refused
    from entrepot.web.api.problems import STATUS_OF_KIND

    rows = (
        (
            code(name),
            one.kind,
            str(int(STATUS_OF_KIND[one.kind])),
            re.sub(r"((?:\{\w+\})+)", r"`\1`", one.says),
        )
        for name, one in sorted(Refused.known.items())
        if _is_own(one)
    )
    return table(("code", "kind", "status", "says"), rows)


# ---- API


def api_description() -> str:
    return str(_openapi()["info"]["description"]).strip()


def api_addresses() -> str:
    rows = (
        (
            method.upper(),
            f"[{path}](#{slug(f'{method} {path}')})",
            operation.get("description", "").split("\n\n")[0],
        )
        for path, method, operation in _operations()
    )
    return table(("method", "address", ""), rows)


def api_operations() -> str:
    return "\n\n".join(itertools.chain(*(_operation(*one) for one in _operations())))


def api_schemas() -> str:
    schemas = _openapi()["components"]["schemas"]
    return "\n\n".join(itertools.chain(*(_schema(name, one) for name, one in sorted(schemas.items()))))


@cache
def _openapi() -> dict[str, Any]:
    from entrepot.web.api.house import api

    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/"), default=str))
    return found


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in _openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    text = [f"## {method.upper()} {path}", operation.get("description", "")]
    parameters = [
        (code(one["name"]), one["in"], _json_type(one["schema"]), _yes(one.get("required")), one.get("description", ""))
        for one in operation.get("parameters", [])
    ]  # fmt: skip
    if parameters:
        text.append(table(("parameter", "in", "type", "required", ""), parameters))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        text.append(f"Takes: {_json_type(body['schema'])}.")
    answers = (
        (status, _json_type(next(iter(one["content"].values()))["schema"]) if one.get("content") else "")
        for status, one in sorted(operation["responses"].items())
    )
    return [*text, table(("status", "answers"), answers)]


def _schema(name: str, one: dict[str, Any]) -> list[str]:
    required = set(one.get("required", ()))
    rows = (
        (code(field), _json_type(kind), _yes(field in required), _limits(kind))
        for field, kind in one.get("properties", {}).items()
    )
    about = [" ".join(one["description"].split())] if one.get("description") else []
    return [f"### {name}", *about, table(("field", "type", "required", ""), rows)]


def _yes(given: object) -> str:
    return "yes" if given else ""


def _json_type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](#{slug(name)})"
    if choices := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_json_type, choices)))
    if schema.get("type") == "array":
        return f"list of {_json_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


LIMITS = {
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "minimum": "from {}",
    "maximum": "to {}", "minItems": "at least {}", "maxItems": "at most {}",
}  # fmt: skip


def _limits(schema: dict[str, Any]) -> str:
    """Defaults, bounds and allowed words of a field."""
    own = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), {}) | schema
    said = [text.format(own[name]) for name, text in LIMITS.items() if name in own]
    if "enum" in own:
        said.append("one of " + ", ".join(map(code, own["enum"])))
    if schema.get("default") not in (None, "", []):
        said.append(f"default {code(schema['default'])}")
    if examples := own.get("examples"):
        said.append(f"such as {code(examples[0])}")
    if schema.get("description"):
        said.append(schema["description"])
    return "; ".join(said)


# ---- command line


def cli_verbs() -> str:
    rows = ((f"[{one.prog}](#{slug(one.prog)})", about) for one, about in _parsers()[1:])
    return table(("verb", ""), rows)


def cli() -> str:
    text = []
    for one, _ in _parsers()[1:]:
        text += [f"## {one.prog}", f"```text\n{_help(one)}\n```"]
    return "\n\n".join(text)


def make_verbs() -> str:
    verbs = re.findall(r"^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return table(("verb", ""), ((f"`make {verb}`", about) for verb, about in verbs))


def _help(parser: argparse.ArgumentParser) -> str:
    """The same text in terminals of every width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        return parser.format_help().strip()
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _parsers() -> list[tuple[argparse.ArgumentParser, str]]:
    """The command's parser and those of its verbs, each with its help."""
    from entrepot import cli as command_line

    return list(_with_verbs(command_line._parser(), ""))


def _with_verbs(parser: argparse.ArgumentParser, about: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    yield parser, about
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, one in action.choices.items():
                yield from _with_verbs(one, helps.get(name, ""))


# ---- settings


def settings() -> str:
    found = environment()
    if undescribed := sorted(set(found) - set(SETTINGS)):
        raise Drift(f"docs/generate.py says nothing about {', '.join(undescribed)}: add them to SETTINGS.")
    if gone := sorted(set(SETTINGS) - set(found)):
        raise Drift(f"docs/generate.py describes {', '.join(gone)}, which no code reads any more.")
    rows = ((code(name), code(default), SETTINGS[name]) for name, default in sorted(found.items()))
    return table(("variable", "default", "what it does"), rows)


def environment() -> dict[str, str]:
    """Every environment variable that the package reads, with its default where one is written there."""
    found: dict[str, str] = {}
    for _, tree in _trees("environ", "getenv", "_flag(", "_names(", "_fonts("):
        for node in ast.walk(tree):
            name = default = ""
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in READERS:
                name = _constant(node.args[0])
                default = _constant(node.args[1]) if len(node.args) > 1 else ""
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                name = _constant(node.slice)
            if name:
                found[name] = found.get(name) or default
    return found


READERS = {
    "os.environ.get",
    "os.environ.setdefault",
    "os.environ.pop",
    "os.getenv",
    "_flag",
    "_names",
    "_fonts",
}


def server_settings() -> str:
    from entrepot import postgres

    shipped = postgres.shipped_settings() | {"shared_buffers": "an eighth of the memory, from 64 to 512 MB"}
    return table(("setting", "value"), ((code(name), value) for name, value in shipped.items()))


# ---- roles, policies, accounts


def roles() -> str:
    from entrepot.access import rules

    rows = ((role, _listed(names) if names else "nothing") for role, names in rules.ROLES.items())
    return table(("role", "may give"), rows)


def of_no_role() -> str:
    rules = importlib.import_module("entrepot.access.rules")
    return f"{_attribute_doc(rules, 'OF_NO_ROLE')}\n\n{_listed(rules.OF_NO_ROLE)}"


def pairs() -> str:
    from entrepot.access import rules

    rows = ((code(pair), *sides) for pair, sides in rules.PAIRS.items())
    return table(("pair", "one side", "the other side"), rows)


def policies() -> str:
    from entrepot.kernel import policies as kernel

    text = []
    for kind, body in sorted(kernel.bodies.items()):
        if _is_own(body):
            fields = _table_of_fields(list(_fields(body)))
            text += [f"## {kind}", " ".join(_doc(body).split()), fields]
    return "\n\n".join(text)


def accounts() -> str:
    from entrepot.ledger import rules

    rows = ((str(number), name, kind, _yes(clearing)) for number, name, kind, clearing in rules.CHART)
    return table(("account", "name", "type", "clearing"), rows)


def posting_rules() -> str:
    from entrepot.ledger import rules

    names = {number: f"{number} {name}" for number, name, _, _ in rules.CHART}
    rows = (
        (code(event), code(kind), names[debit], names[credit]) for event, kind, debit, credit in rules.RULES
    )
    return table(("event", "source kind", "debit", "credit"), rows)


PARTS: dict[str, Callable[[], str]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        commands_by_room, commands, machines, statuses, derived_status,
        status_life, payment_states, holds, event_columns, events, webhook_events, queues,
        destinations, waits, error_kinds, errors, api_description, api_addresses, api_operations, api_schemas,
        cli_verbs, cli, make_verbs, settings, server_settings, roles, of_no_role, pairs, policies, accounts,
        posting_rules,
    )
}  # fmt: skip
"""What may stand in a page as `<!-- name -->`."""


PART = r"<!-- ([a-z-]+) -->"


def fill(text: str) -> str:
    """A page with its parts."""
    if unknown := set(re.findall(PART, text)) - set(PARTS):
        raise Drift(f"docs/generate.py makes no part {', '.join(sorted(unknown))}.")
    return re.sub(PART, lambda found: PARTS[found[1]](), text)
