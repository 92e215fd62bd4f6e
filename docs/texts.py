"""What there is to translate: the texts of templates and code, what refusals and policies say, and words for states and
kinds.

`make texts` brings `src/entrepot/locale/*/LC_MESSAGES/django.po` in step with them: what is new is added without a
translation, what is gone is dropped, and the number of those without a translation is told.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from inspect import getmembers
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from docs import generate
from entrepot import languages

PACKAGE = generate.SOURCE

_MARKS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip

_KEPT = ("expected", "wanted", "what", "why")
"""Names under which code keeps a fact in words before a refusal is made of it."""

_REASONS = {"Found": 1, "NewHold": 4, "OpenItem": 4, "Plan": 3}
"""What keeps a reason with it, and the place of that among its arguments."""

_HEAD = """\
# Kept in step with the pages by `make texts`.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def texts() -> Catalog:
    """Every text of templates and code, every sentence of a refusal and its facts, what policies and their fields are
    for, every word for a state or kind, and the names of accounts."""
    from entrepot.web import words

    catalog = Catalog()
    for path, line, text, context in _marked():
        catalog.add(text, locations=[(path.relative_to(PACKAGE).as_posix(), line)], context=context)
    for text in sorted({*_refusals(), *_facts(), *_policies(), *_words()} - {""}):
        catalog.add(text)
    for name in sorted(words.ACCOUNTS):
        catalog.add(name, context="account")
    return catalog


def _marked() -> Iterator[tuple[Path, int, str | tuple[str, ...], str | None]]:
    from django.utils.translation import templatize

    for path in sorted(PACKAGE.rglob("*.html")):
        # What templatize leaves is calls among letters; indented as the page was, Python could not read it.
        source = "\n".join(line.strip() for line in templatize(path.read_text()).split("\n"))
        yield from _found(path, source.encode())
    for path, source in _modules(_called(_MARKS)):
        yield from _found(path, source)


def _modules(pattern: str) -> Iterator[tuple[Path, bytes]]:
    """The modules in whose text something stands: to read them all by their grammar takes most of the time."""
    stands = re.compile(pattern.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if stands.search(source):
            yield path, source


def _called(names: Collection[str]) -> str:
    return rf"\b(?:{'|'.join(names)})\s*\("


def _found(path: Path, source: bytes) -> Iterator[tuple[Path, int, str | tuple[str, ...], str | None]]:
    for line, text, _comments, context in extract("python", io.BytesIO(source), keywords=_MARKS):
        yield path, line, text, context


def _refusals() -> Iterator[str]:
    from entrepot.kernel.errors import Refused

    return (refusal.says for refusal in Refused.known.values())


def _facts() -> Iterator[str]:
    """Words that refusals are given as facts, where they stand in the code as they are said."""
    from entrepot.kernel.errors import Refused
    from entrepot.web import words

    refusals = {one.__name__ for one in Refused.known.values()}
    is_kept = rf"\b(?:{'|'.join(_KEPT)})\s*[,)\]=]"  # a name that is assigned, maybe among others
    for _path, source in _modules(f"{_called([*refusals, *_REASONS, 'Said'])}|{is_kept}"):
        for node in ast.walk(ast.parse(source)):
            for name, value in _given(node, refusals):
                found = list(_literals(value))
                yield from (words.spaced(words.named(one)) if name in words.NAMES else one for one in found)


def _given(node: ast.AST, refusals: Collection[str]) -> Iterator[tuple[str, ast.AST]]:
    """Facts by their names: given to a refusal, or kept under such a name for one."""
    from entrepot.web import words

    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == "Said":
            yield from (("expected", one) for one in node.args)
        elif called in _REASONS:
            yield from (("why", one) for one in node.args[_REASONS[called] :][:1])
            yield from (("why", one.value) for one in node.keywords if one.arg == "reason")
        elif called in refusals:
            yield from ((one.arg, one.value) for one in node.keywords if one.arg in words.IN_WORDS)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            pairs = (
                zip(target.elts, node.value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                else [(target, node.value)]
            )
            yield from (
                (name.id, value) for name, value in pairs if isinstance(name, ast.Name) and name.id in _KEPT
            )


def _literals(node: ast.AST) -> Iterator[str]:
    """What an expression may be, as far as it is written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if any(map(str.isalpha, node.value)):
            yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _literals(one)


def _policies() -> Iterator[str]:
    """What policies are for, and their fields."""
    from entrepot.kernel import policies
    from entrepot.web import policy_form, words

    for kind, body in policies.bodies.items():
        yield policy_form.title(kind)
        yield policy_form.purpose(body)
        for one in policy_form.form(body()):
            for each in (one, *(cell for row in one.rows for cell in row)):
                yield from (each.label, each.help, *map(words.spaced, each.choices))
            yield from policy_form.words_of_ours(body(), one.name)


def _words() -> Iterator[str]:
    """Names of states and kinds that are written as they are, those of machines and those that tables know; why an
    invoice has no tax, what duties are kept apart, what webhooks tell, and why a service is taken or is not."""
    from entrepot.access.duties import CONFLICTS
    from entrepot.carriage.rules import BARRED
    from entrepot.channels.webhooks import DEAD, EVENTS, GONE_FOR_GOOD
    from entrepot.kernel.worker import queues
    from entrepot.returns import rules as returns
    from entrepot.returns.admission import CONDITIONS
    from entrepot.returns.portal import STEPS
    from entrepot.settlement.clearing import MEANS
    from entrepot.settlement.evidence import WANTED
    from entrepot.settlement.ubl import REASONS
    from entrepot.shipping.shopping import NOT_QUOTED, WHY, Candidate
    from entrepot.warehouse.labor import PROFILES
    from entrepot.warehouse.waves import FULL
    from entrepot.web import words
    from entrepot.work.rules import ROOT_CAUSES, TOPICS

    yield from (*BARRED.values(), *WHY.values(), *NOT_QUOTED.values())
    yield from (told for _code, told in REASONS.values())
    yield from (*words.OF_RETURNS, *CONDITIONS)
    yield from (words.spaced(text) for one in CONFLICTS for text in (one.first, one.second, one.risk))
    yield from (words.spaced(text) for text in (DEAD, GONE_FOR_GOOD, *(one.tells for one in EVENTS.values())))
    yield from (*TOPICS, *ROOT_CAUSES, *STEPS, *PROFILES, *WANTED, FULL)
    yield from (told for sides in (*MEANS.values(), *WANTED.values()) for told in sides)
    yield from (one.group for one in returns.REASONS.values())
    plain = [name for name in queues() if "." not in name]  # others name where messages come from
    yield from map(words.spaced, (*Candidate._fields, "barred", "candidates", *plain))
    for one in CONFLICTS:
        yield from (*one.name.split(" × "), *one.kept.split("×"))
    names = {
        *_of_terms(),
        *_of_machines(),
        *_of_tables(),
        *_work(),
        *(state for states in words.TONES.values() for state in states),
    }
    yield from (words.spaced(name) for name in names if name and name not in words.WORDS)


def _work() -> Iterator[str]:
    """What items of work are about, as they are opened in the code, and who is asked."""
    from entrepot.access.rules import ROLES
    from entrepot.shipping.rules import EXCEPTIONS

    yield from ROLES
    yield from (f"parcel {kind}" for kind in EXCEPTIONS)
    yield from (f"payment {kind} failed" for kind in ("authorize", "capture", "refund", "void"))
    for name, tree in generate._trees("OpenItem("):
        module = import_module(f"entrepot.{name}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"OpenItem", "_item"}:
                given = [*node.args[:2], *(one.value for one in node.keywords if one.arg == "type")]
                yield from (text for one in given for text in _named(one, vars(module)))


def _of_terms() -> Iterator[str]:
    """What an item's priority is made of."""
    for _name, tree in generate._trees("Term("):
        for call in generate._calls(tree, "Term"):
            yield from _literals(call.args[0])


def _named(node: ast.AST, known: Mapping[str, Any]) -> Iterator[str]:
    """The texts that an expression may be, with what its module knows by name."""
    if isinstance(node, ast.IfExp):
        yield from (*_named(node.body, known), *_named(node.orelse, known))
    elif isinstance(node, ast.Subscript):
        found = known.get(getattr(node.value, "id", ""))
        yield from (one for one in found.values() if isinstance(one, str)) if isinstance(found, dict) else ()
    elif isinstance(node, ast.Name):
        found = known.get(node.id)
        yield from [found] if isinstance(found, str) else []
    else:
        yield from _literals(node)


def _of_machines() -> Iterator[str]:
    from entrepot.kernel.states import Machine

    for path in PACKAGE.glob("*/states.py"):
        if path.parent.name == "kernel":
            continue
        for _name, machine in getmembers(import_module(f"entrepot.{path.parent.name}.states")):
            if isinstance(machine, Machine):
                yield from (*machine.states, *machine.events)


def _of_tables() -> Iterator[str]:
    from django.apps import apps
    from django.db.models import CheckConstraint

    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, CheckConstraint):
                yield from _listed(constraint.condition)


def _listed(condition: object) -> Iterator[str]:
    for child in getattr(condition, "children", ()):
        if isinstance(child, tuple):
            field, value = child
            if field.endswith("__in"):
                yield from (one for one in value if isinstance(one, str))
        else:
            yield from _listed(child)


def renew(language: str) -> Catalog:
    """The catalog of a language brought in step with the texts there are; what is new has no translation yet."""
    kept, now = languages.read(language), texts()
    for text in now:
        found = kept.get(text.id, text.context) if text.id else None
        if found is not None:
            text.string = found.string
    file = languages.po_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(_HEAD.format(language=language).encode())
        write_po(stream, now, width=0, no_location=True, omit_header=True, sort_output=True)
    return now


def _strings(text: Message) -> tuple[str, ...]:
    return (text.string,) if isinstance(text.string, str) else tuple(text.string or ("",))


def main() -> None:
    generate.ready()
    for language in languages.TRANSLATED:
        missing = [text for text in renew(language) if text.id and not all(_strings(text))]
        print(f"{language}: {len(missing)} texts without a translation")


if __name__ == "__main__":
    main()
