"""The console in other languages: nothing is left untranslated, and no translation loses a fact."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from docs import generate, texts
from entrepot import languages
from entrepot.kernel.errors import Invalid, WrongState, one_of
from entrepot.web import reasons, words

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")


@pytest.fixture(scope="module")
def wanted():
    generate.ready()
    return [text for text in texts.texts() if text.id]


@pytest.mark.parametrize("language", languages.TRANSLATED)
def test_every_text_has_a_translation_and_none_is_left_over(language, wanted):
    kept = {(text.id, text.context): text for text in languages.read(language) if text.id}
    keys = {(text.id, text.context) for text in wanted}
    lacking = [key[0] for key in keys if key not in kept or not all(_strings(kept[key]))]
    assert not lacking, "run `make texts`, then translate what it added"
    assert not kept.keys() - keys, "run `make texts`: these are gone from the pages"
    assert not [text.id for text in kept.values() if "fuzzy" in text.flags]


@pytest.mark.parametrize(
    "text",
    [
        "part backordered",  # a state
        "Export outside the EU",  # why there is no tax
        "There is no {what} {which}.",  # a refusal
        "an SSCC, 18 digits with their check digit",  # a fact of one
        "When and how much is ordered again.",  # what a policy is for
        "short pick",  # what an item of work is about, named where it is opened
        "transfer to send",  # likewise, by a constant
        "departure overdue",  # likewise, by a helper
        "warehouse supervisor",  # who is asked
        "holds lot {0}",  # why goods go to a bin
        "priority {0}, due {1}",  # why an order is in a wave
        "another carrier",  # why it is not
        "Sent ({0}), and no carrier says that it arrived.",  # what a bank is told
        "ready queue {0}",  # what moved a document
    ],
)
def test_texts_of_every_kind_are_found(text, wanted):
    assert text in {one.id for one in wanted}


def test_reasons_of_work_are_sentences_that_a_page_can_tell_again():
    """An f-string is English for ever: nothing knows what of it is a fact."""
    found = [
        f"{path.relative_to(texts.PACKAGE)}:{value.lineno}"
        for path, source in texts._modules("reason|NewHold|OpenItem")
        if "simulation" not in path.parts  # there buyers type
        for node in ast.walk(ast.parse(source))
        for value in _reasons(node)
        if isinstance(value, ast.JoinedStr) and _letters(value) >= reasons.LETTERS_LEAST
    ]
    assert not found, "make them Said(...)"


def _reasons(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"NewHold", "OpenItem"}:
        return [*node.args[4:5], *(one.value for one in node.keywords if one.arg == "reason")]
    if isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "reason" for one in node.targets):
        return [node.value]
    return []


def _letters(value: ast.JoinedStr) -> int:
    parts = (part.value for part in value.values if isinstance(part, ast.Constant))
    return sum(letter.isalpha() for part in parts for letter in part)


@pytest.mark.parametrize("language", languages.TRANSLATED)
def test_a_translation_has_the_facts_of_its_text(language):
    for text in languages.read(language):
        if not text.id:
            continue
        told = text.id if isinstance(text.id, str) else text.id[1]
        for one in _strings(text):
            assert _facts(one) <= _facts(told), one
            if isinstance(text.id, str):
                assert _facts(one) == _facts(told), one
        if isinstance(text.id, tuple):
            assert _facts(_strings(text)[-1]) == _facts(told), f"{told}: {_strings(text)}"
            assert min(map(len, _strings(text))) > 1, f"{told}: {_strings(text)}"


def _strings(text) -> tuple[str, ...]:
    return (text.string,) if isinstance(text.string, str) else text.string


def _facts(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def test_catalogs_are_compiled_once_and_anew_when_a_text_changes(tmp_path, monkeypatch):
    first = languages.compiled(tmp_path)
    made = (first / "de" / "LC_MESSAGES" / "django.mo").stat().st_mtime_ns
    assert languages.compiled(tmp_path) == first
    assert (first / "de" / "LC_MESSAGES" / "django.mo").stat().st_mtime_ns == made
    assert [one.name for one in (tmp_path / "locale").iterdir()] == [first.name], "no draft is left"
    other = tmp_path / "other"
    for language in languages.TRANSLATED:
        file = other / language / "LC_MESSAGES" / "django.po"
        file.parent.mkdir(parents=True)
        file.write_bytes(languages.po_file(language).read_bytes() + b'\nmsgid "new"\nmsgstr "neu"\n')
    monkeypatch.setattr(languages, "LOCALE", other)
    assert languages.compiled(tmp_path) != first


def test_a_refusal_is_told_in_the_language_of_the_page():
    one = WrongState(subject="order", found="held", event="release", expected="ready")
    other = Invalid(field="unit_price", expected=one_of(("pick", "ready")), found="<typed>")
    with translation.override("de"):
        told = words.refusal(one)
        assert all(words.word(fact) in told for fact in one.facts.values())
        assert words.refusal(other) == translation.gettext(other.says).format(
            field=words.word("unit_price"),
            expected=translation.gettext("one of {0}").format("pick, ready"),
            found="<typed>",
        )
    assert told != one.message
    assert other.message == "unit_price: expected one of pick, ready, found <typed>."


def test_who_enters_reads_the_language_of_the_browser_or_the_one_that_they_chose():
    browser = Client(headers={"Accept-Language": "de-AT"})
    page = browser.get("/login/").content.decode()
    assert '<html lang="de">' in page
    assert "Passwort" in page
    browser.post("/language/", {"language": "es", "next": "/login/"})
    page = browser.get("/login/").content.decode()
    assert '<html lang="es">' in page
    assert "Contraseña" in page


def test_every_step_of_the_way_back_has_words_of_its_own():
    """A timeline that people read does not say "returns · add return photos"."""
    folder = Path(words.__file__).parent.parent / "returns" / "commands"
    commands = {
        name for file in folder.glob("*.py") for name in re.findall(r'@command\("([\w.]+)"', file.read_text())
    }
    assert len(commands) > 30
    assert commands - words.WORDS.keys() == set()


def test_why_orders_are_cancelled_and_how_holds_end_can_be_translated() -> None:
    """Rules know no gettext: what forms offer of them stands among the words of pages."""
    from entrepot.orders import rules
    from entrepot.settlement.closing import KINDS

    told = [*rules.CANCEL_REASONS.values(), *rules.RESOLUTIONS.values(), *KINDS]
    assert [text for text in told if text not in words.WORDS] == []
