"""Reasons that rules and commands wrote down in English, told in the language of a page.

They are kept as text: whatever reads the tables understands them. Here a text is known again by the sentence that it
was made of, of which the catalogs have all there are, and its facts are told each for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from string import Formatter
from typing import NamedTuple

from django.utils.translation import gettext, trans_real

from entrepot import languages
from entrepot.web import format as fmt
from entrepot.web import words

LETTERS_LEAST = 5
"""What a sentence must have of its own, lest any text were one of it."""
LONGEST = 1_000
"""Signs of a text that is looked at: what is longer was typed by somebody."""
LISTS = ("; ", ", ", " and ")
"""What stands between facts of a list."""


class Sentence(NamedTuple):
    """A text with places for facts."""

    says: str
    pattern: str
    letters: int  # of its own
    longest: str  # part of it: a text without that is none of it, which is quicker to see


def reason(text: str) -> str:
    """A reason in the language of the page; what somebody typed, and what is no sentence of ours, as it is."""
    if not text or len(text) > LONGEST:
        return text
    return _told_list(text) or _told(text) or _told_parts(text) or _told_of(text) or text


def fact(text: str) -> str:
    """A fact of a sentence: a sentence itself, a word of ours, a day, or a list of such; all else as it is. A list of
    sentences is no sentence that begins with the first and ends with the last of them."""
    signs = [sign for sign in LISTS if sign in text]
    for sign in signs:
        parts = [_told(part) for part in text.split(sign)]
        if all(parts):
            return sign.join(parts)
    if told := _told(text):
        return told
    if _DAY.fullmatch(text):
        return str(words.told_fact(date.fromisoformat(text)))
    if signs:
        return signs[0].join(map(fact, text.split(signs[0])))
    return str(words.told_fact(text))


def filled(says: str, *facts: str | int) -> str:
    """A sentence of ours with facts that are kept beside it."""
    told = (fmt.number(one) if isinstance(one, int) else reason(one) for one in facts)
    return gettext(says).format(*told)


def _told(text: str) -> str:
    """A text as one of our sentences, '' where it is none."""
    if (whole := gettext(text)) != text:
        return whole
    for one in sentences():
        if one.longest in text and (found := _compiled(one.pattern).fullmatch(text)):
            facts = {name: fact(value) for name, value in found.groupdict().items()}
            return _filled(gettext(one.says), facts)
    return ""


def _told_parts(text: str) -> str:
    """Several sentences, one after the other."""
    parts = _ENDS.split(text)
    told = [_told(part) for part in parts] if len(parts) > 1 else []
    return " ".join(one or part for one, part in zip(told, parts, strict=True)) if any(told) else ""


def _told_of(text: str) -> str:
    """A sentence about something that is named before it."""
    name, sign, rest = text.partition(": ")
    told = sign and (_told(rest) or _told_parts(rest))
    return f"{name}: {told}" if told else ""


def _told_list(text: str) -> str:
    """Clauses, one after the other; one may have the sign between them in itself."""
    before, sign, last = text.rpartition("; ")
    told = sign and _told(last)
    return f"{_told(before) or _told_list(before) or before}; {told}" if told else ""


_ENDS = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_DAY = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")


def _filled(says: str, facts: dict[str, str]) -> str:
    return "".join(
        literal + ("" if name is None else facts.get(f"f{name}", ""))
        for literal, name, _, _ in Formatter().parse(says)
    )


@cache
def sentences() -> tuple[Sentence, ...]:
    """All that have places for facts; those with more letters of their own first. Of the compiled catalogs, which a
    process reads anyway: the others take a second."""
    return made_of(
        text
        for language in languages.TRANSLATED
        for text in trans_real.translation(language)._catalog.keys()  # type: ignore[attr-defined]  # noqa: SIM118  that is no dict
        if isinstance(text, str)
    )


def made_of(texts: Iterable[str]) -> tuple[Sentence, ...]:
    found = [one for text in set(texts) if "{" in text and (one := _sentence(text)) is not None]
    return tuple(sorted(found, key=lambda one: (-one.letters, one.says)))


def _sentence(says: str) -> Sentence | None:
    pattern, letters, longest, seen = "", 0, "", set[str]()
    try:
        parts = list(Formatter().parse(says))
    except ValueError:  # a text with a brace that is none of ours
        return None
    for literal, name, _, _ in parts:
        pattern += re.escape(literal)
        letters += sum(map(str.isalpha, literal))
        longest = max(longest, literal, key=len)
        if name is None:
            continue
        if not re.fullmatch(r"\w+", name):
            return None
        pattern += f"(?P=f{name})" if name in seen else f"(?P<f{name}>.+?)"
        seen.add(name)
    if not seen or letters < LETTERS_LEAST:
        return None
    return Sentence(says, pattern, letters, longest)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Only when a text looks like its sentence: to do it for all of them takes as long as a page."""
    return re.compile(pattern, re.DOTALL)
