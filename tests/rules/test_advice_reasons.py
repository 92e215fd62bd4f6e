"""Classes of return reasons: words, the classifier and how sure it is."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight import classifying
from entrepot.insight.classifying import Example

SAID = {
    "too_small": (
        "It is much too small, the sleeves are short",
        "viel zu klein, passt nicht",
        "demasiado pequeño, no cabe",
    ),
    "defective": (
        "It stopped working, broken motor",
        "defekt, der Motor geht nicht",
        "no funciona, está roto el motor",
    ),
    "damaged_in_transit": (
        "box crushed and the glass shattered",
        "Karton zerdrückt, Glas zerbrochen",
        "caja aplastada, vidrio roto",
    ),
}
KNOWN = ["small", "large", "broken", "motor", "glass", "nicht", "zu", "klein", "roto"]


def some(many: int, seed: int = 7, noise: float = 0.0) -> list[Example]:
    chance = random.Random(seed)
    names = sorted(SAID)
    found = []
    for n in range(many):
        reason = names[n % len(names)]
        said = SAID[chance.choice(names) if chance.random() < noise else reason]
        found.append(Example(f"r{n}", f"c{n}", chance.choice(said), "clothes", f"S-{n % 4}", reason))
    return found


def test_words_are_folded_and_degrees_stay_with_what_they_turn():
    assert classifying.words_of("The sleeves are TOO small!") == ["sleev", "small", "too small"]
    assert "zu klein" in classifying.words_of("Viel zu klein") and "klein" in classifying.words_of(
        "kleine Größe"
    )
    assert "demasiado pequen" in classifying.words_of("demasiado pequeño")
    assert classifying.words_of("12345 a@b.c 0171/55") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("these are too small for me", "too_small"),
        ("Motor defekt", "defective"),
        ("el vidrio llegó roto, caja aplastada", "damaged_in_transit"),
    ],
)
def test_a_comment_is_told_in_three_languages(text, reason):
    by = classifying.classifier(some(300), 200)
    assert by is not None and by.accuracy > 0.95 > by.baseline
    answer = classifying.classify(by, text, "clothes", "S-1")
    assert answer is not None and answer.reason == reason and answer.confidence > 0.8
    assert answer.sum == pytest.approx(answer.common + sum(one.weight for one in all_words(by, text, answer)))


def all_words(by, text, answer):
    found = [one for one in classifying.features(text, "clothes", "S-1") if one in by.model.words]
    return [
        classifying.Word(one, by.model.weight(one, answer.reason) - by.model.weight(one, answer.next))
        for one in found
    ]


def test_too_few_examples_or_one_reason_say_nothing():
    assert classifying.classifier(some(199), 200) is None
    assert classifying.classifier([one._replace(reason="defective") for one in some(300)], 200) is None
    by = classifying.classifier(some(300), 200)
    assert by is not None and classifying.classify(by, "qwertz asdfgh", "clothes", "S-1") is None


def test_confidence_is_what_was_right_on_examples_held_out():
    """A model says of nearly everything that it is sure; what it had not seen tells how often it is right."""
    by = classifying.classifier(some(600, noise=0.4), 200)
    assert by is not None
    answer = classifying.classify(by, SAID["too_small"][0], "clothes", "S-1")
    assert answer is not None and answer.chance > 0.9 and 0.6 < answer.confidence < 0.85


def test_a_word_of_few_customers_is_not_in_the_model():
    secret = [
        Example(f"s{n}", f"w{n % 4}", "Ruritania Hentzau too small", "clothes", "S-1", "too_small")
        for n in range(40)
    ]
    by = classifying.classifier([*some(300), *secret], 200)
    assert by is not None and not {"ruritania", "hentzau"} & by.model.words
    fifth = secret[0]._replace(key="s40", customer="w4")
    by = classifying.classifier([*some(300), *secret, fifth], 200)
    assert by is not None and {"ruritania", "hentzau"} & by.model.words


EXAMPLES = st.lists(
    st.builds(
        Example,
        key=st.text("abc0123", min_size=1, max_size=6),
        customer=st.sampled_from("abcdefgh"),
        text=st.lists(st.sampled_from(KNOWN), max_size=5).map(" ".join),
        category=st.sampled_from(["", "shoes"]),
        sku=st.sampled_from(["A", "B"]),
        reason=st.sampled_from(sorted(SAID)),
    ),
    min_size=20,
    max_size=60,
)  # fmt: skip


@given(EXAMPLES, st.randoms(use_true_random=False), st.text(max_size=40))
def test_it_depends_on_the_examples_alone_and_chances_sum_to_one(examples, chance, text):
    """Whatever their order: the same model, the same confidence, the same answer."""
    turned = list(examples)
    chance.shuffle(turned)
    by, other = classifying.classifier(examples, 20), classifying.classifier(turned, 20)
    assert by == other
    if by is not None:
        chances = by.model.chances(classifying.features(text, "shoes", "A"))
        assert sum(chances.values()) == pytest.approx(1) and min(chances.values()) >= 0
        assert classifying.classify(by, text, "shoes", "A") == classifying.classify(other, text, "shoes", "A")
        rights = [bar.right for bar in by.bars]
        assert rights == sorted(rights) and all(0 <= one < 1 for one in rights)


@given(EXAMPLES)
def test_only_words_of_enough_customers_are_counted(examples):
    model = classifying.fit(examples)
    for word in model.words:
        assert len({one.customer for one in examples if word in one.features}) >= classifying.CUSTOMERS_MIN
    assert all(set(of) <= model.words for of in model.counts.values())
