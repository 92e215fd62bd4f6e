"""Classes of return reasons by the words of a comment: multinomial naive Bayes, fitted anew whenever it is asked. Pure.

Only words that several customers wrote are counted, so that no model tells what one of them wrote. What it says
depends on the examples alone: not on their order, on chance or on the clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp, log
from typing import NamedTuple

VERSION = "naive Bayes 1"
CUSTOMERS_MIN = 5
"""Customers who wrote a word, from which on it is counted: one who returns often names nobody to the model."""
FOLDS = 5
SMOOTHING = 1.0
WORDS_TOLD = 6

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LETTERS_MIN = 3

DEGREES = frozenset({
    # English, German, Spanish
    "too", "not", "no", "never", "isn't", "doesn't", "don't", "didn't", "wasn't", "won't", "can't", "very",
    "zu", "nicht", "kein", "keine", "keinen", "nie", "sehr",
    "demasiado", "muy", "sin", "nunca",
})  # fmt: skip
"""Words that turn the next one: they are told together with it."""

IDLE = frozenset({
    "the", "and", "for", "was", "were", "with", "this", "that", "have", "has", "had", "are", "but", "you", "your",
    "our", "its", "from", "they", "them", "there", "been", "will", "would", "when", "what", "which", "item",
    "product", "order", "please", "just", "only", "also", "than", "then", "she", "her", "his", "him",
    "der", "die", "das", "und", "ist", "war", "sind", "den", "dem", "des", "ein", "eine", "einen", "einem",
    "einer", "ich", "wir", "sie", "mit", "fur", "auf", "von", "aus", "bei", "nach", "wie", "als", "auch", "aber",
    "noch", "nur", "habe", "haben", "hat", "hatte", "wurde", "werden", "bitte", "artikel", "produkt",
    "bestellung",
    "el", "la", "los", "las", "un", "una", "unos", "unas", "que", "por", "para", "con", "del", "pero", "como",
    "este", "esta", "esto", "fue", "era", "son", "han", "hay", "producto", "pedido", "favor",
})  # fmt: skip
"""Words of English, German and Spanish that say nothing of a reason."""

_ENDINGS = ("iendo", "ando", "ungen", "ung", "ing", "ados", "adas", "ado", "ada", "ed", "es", "en", "er", "em", "os",
            "as", "s", "e", "o", "a")  # fmt: skip
_STEM_MIN = 4


def words_of(text: str) -> list[str]:
    """The words of a comment in English, German or Spanish: folded to plain letters and cut to their stems, each with
    the degree or negation before it as one."""
    return [stem for stem, _ in _read(text)]


def _read(text: str) -> Iterator[tuple[str, str]]:
    """The words of a comment, each with how it was written."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss").replace("’", "'"))
    plain = "".join(one for one in folded if not unicodedata.combining(one))
    degree = ""
    for word in _WORD.findall(plain):
        if word in DEGREES:
            degree = word
            continue
        if len(word) >= _LETTERS_MIN and word not in IDLE:
            stem = _stem(word)
            yield stem, word
            if degree:
                yield f"{degree} {stem}", f"{degree} {word}"
        degree = ""


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_MIN:
            return word[: -len(ending)]
    return word


class Example(NamedTuple):
    """A line of a return whose reason is known: what was written by whom, of which category and SKU."""

    key: str
    customer: str
    text: str
    category: str
    sku: str
    reason: str

    @property
    def features(self) -> tuple[str, ...]:
        return features(self.text, self.category, self.sku)


def features(text: str, category: str, sku: str) -> tuple[str, ...]:
    """What of a return speaks for a reason; marks tell categories and SKUs from words."""
    return (*words_of(text), *([f"#{category}"] if category else ()), *([f"@{sku}"] if sku else ()))


@dataclass(frozen=True, slots=True)
class Model:
    """Counts of words by reason, of words that enough customers wrote."""

    examples: int
    documents: dict[str, int]
    counts: dict[str, dict[str, int]]
    totals: dict[str, int]
    words: frozenset[str]

    @property
    def reasons(self) -> list[str]:
        return sorted(self.documents)

    def prior(self, reason: str) -> float:
        return log((self.documents[reason] + SMOOTHING) / (self.examples + SMOOTHING * len(self.documents)))

    def weight(self, word: str, reason: str) -> float:
        """The logarithm of how often a word of a return for this reason is this one."""
        seen = self.counts[reason].get(word, 0)
        return log((seen + SMOOTHING) / (self.totals[reason] + SMOOTHING * max(1, len(self.words))))

    def chances(self, found: Iterable[str]) -> dict[str, float]:
        """How likely each reason is; they sum to 1. Words that the model does not know say nothing."""
        known = [word for word in found if word in self.words]
        scores = {
            reason: self.prior(reason) + sum(self.weight(word, reason) for word in known)
            for reason in self.reasons
        }
        highest = max(scores.values())
        raised = {reason: exp(score - highest) for reason, score in scores.items()}
        total = sum(raised.values())
        return {reason: one / total for reason, one in raised.items()}


def fit(examples: Iterable[Example]) -> Model:
    """The model of some examples, whatever their order."""
    documents: Counter[str] = Counter()
    having: dict[str, set[str]] = {}
    counts: dict[str, Counter[str]] = {}
    for one in examples:
        found = one.features
        documents[one.reason] += 1
        for word in found:
            having.setdefault(word, set()).add(one.customer)
        counts.setdefault(one.reason, Counter()).update(found)
    words = frozenset(word for word, who in having.items() if len(who) >= CUSTOMERS_MIN)
    kept = {
        reason: {word: many for word, many in sorted(of.items()) if word in words}
        for reason, of in sorted(counts.items())
    }
    totals = {reason: sum(of.values()) for reason, of in kept.items()}
    return Model(documents.total(), dict(sorted(documents.items())), kept, totals, words)


class Bar(NamedTuple):
    """Of examples held out whose likeliest reason was up to `until` likely, how often it was right."""

    until: float
    right: float


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model with what it was worth on examples that it had not seen: how often it was right, how often the commonest
    reason alone would have been, and how its likelihoods are to be read."""

    model: Model
    accuracy: float
    baseline: float
    bars: tuple[Bar, ...]

    @property
    def is_worth_asking(self) -> bool:
        return self.accuracy > self.baseline

    def confidence(self, chance: float) -> float:
        """How often what is so likely was right on examples held out."""
        return next((bar.right for bar in self.bars if chance <= bar.until), self.bars[-1].right)


def classifier(examples: Sequence[Example], examples_min: int) -> Classifier | None:
    """The classifier of examples; None for too few of them, or for a single reason."""
    if len(examples) < max(examples_min, FOLDS) or len({one.reason for one in examples}) < 2:
        return None
    tried = sorted(_held_out(examples))
    accuracy = sum(right for _, right in tried) / len(tried)
    model = fit(examples)
    baseline = max(model.documents.values()) / model.examples
    return Classifier(model, accuracy, baseline, tuple(_bars(tried)))


def _held_out(examples: Sequence[Example]) -> Iterator[tuple[float, bool]]:
    """For each example, how likely a model of the other folds says its likeliest reason is, and whether it is right."""
    folds: list[list[Example]] = [[] for _ in range(FOLDS)]
    for one in examples:
        folds[sha256(one.key.encode()).digest()[0] % FOLDS].append(one)
    for place, held in enumerate(folds):
        others = [one for i, fold in enumerate(folds) if i != place for one in fold]
        model = fit(others)
        for one in held if model.documents else ():
            reason, chance = likeliest(model.chances(one.features))
            yield chance, reason == one.reason


def likeliest(chances: dict[str, float]) -> tuple[str, float]:
    """The likeliest reason; of equals the first by name."""
    return min(chances.items(), key=lambda pair: (-pair[1], pair[0]))


def _bars(tried: Sequence[tuple[float, bool]]) -> list[Bar]:
    """Likelihoods held out, in bars that are the more often right the more likely they are: neighbors that are not are
    taken together. Each counts one wrong answer more than there was, so that few examples leave doubt."""
    found: list[tuple[float, int, int]] = []  # until, right, examples
    for chance, right in tried:
        found.append((chance, int(right), 1))
        while len(found) > 1 and (found[-2][0] == found[-1][0] or _share(found[-2]) >= _share(found[-1])):
            (_, right_before, before), (until, right_last, last) = found[-2:]
            found[-2:] = [(until, right_before + right_last, before + last)]
    return [Bar(one[0], _share(one)) for one in found]


def _share(bar: tuple[float, int, int]) -> float:
    return bar[1] / (bar[2] + 1)


class Word(NamedTuple):
    """A word of a comment and by how much it speaks for a reason, against the one that comes next."""

    word: str
    weight: float


class Answer(NamedTuple):
    """The reason that a comment speaks for, against the next one. `common` is what the reasons' frequency alone
    says; it and all words add up to `sum`, the logarithm of how much likelier it is."""

    reason: str
    confidence: float
    chance: float
    next: str
    words: tuple[Word, ...]
    common: float
    sum: float

    @property
    def others(self) -> float:
        """What the words say together that are not told."""
        return self.sum - self.common - sum(one.weight for one in self.words)


def classify(by: Classifier, text: str, category: str, sku: str) -> Answer | None:
    """What a comment says; None where no word of it is known."""
    found = features(text, category, sku)
    known = [word for word in found if word in by.model.words]
    if not any(word[0] not in "#@" for word in known):
        return None
    chances = by.model.chances(known)
    reason, chance = likeliest(chances)
    other = likeliest({name: one for name, one in chances.items() if name != reason})[0]
    written = dict(_read(text))
    weights = [
        Word(written.get(word, word), many * (by.model.weight(word, reason) - by.model.weight(word, other)))
        for word, many in sorted(Counter(known).items())
    ]
    common = by.model.prior(reason) - by.model.prior(other)
    told = sorted(weights, key=lambda one: (-abs(one.weight), one.word))[:WORDS_TOLD]
    total = common + sum(one.weight for one in weights)
    return Answer(reason, by.confidence(chance), chance, other, tuple(told), common, total)
