"""web.reasons: what rules wrote down in English, told in the language of a page"""

from __future__ import annotations

import re

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from docs.texts import texts
from entrepot.kernel.errors import Said
from entrepot.orders.validation.facts import Found
from entrepot.web import format as fmt
from entrepot.web import reasons, words

TRIED = (
    "{0} orders, {1} go another way: shipments {2} → {3}, late {4} → {5}, units that wait {6} → {7}, "
    "cost {8} → {9} {10}"
)
"""What a trial of a sourcing profile came to."""
GERMAN = {
    "The channel reports {0}.": "Der Kanal meldet {0}.",
    "{0} units wait for stock: {1}": "{0} Stück warten auf Ware: {1}",
    "only part of it is free, at {0}": "nur ein Teil davon ist frei, in {0}",
    "Order {order}: {units} units have left the house.": "Auftrag {order}: {units} Stück haben das Haus verlassen.",
    "Expected on {0}, promised to the customer for {1}": "Erwartet am {0}, dem Kunden versprochen für den {1}",
    "The authorization is too old.": "Die Autorisierung ist zu alt.",
    "{0} of its units are {1}": "{0} seiner Stück sind {1}",
    "high risk": "hohes Risiko",
    "shipped": "versandt",
    "{0} sends {1} units to the customer": "{0} schickt dem Kunden {1} Stück",
    "no single node has all of it; together {0} do": "kein Knoten hat alles; zusammen haben es {0}",
    "{0}: {1}": "{0} – {1}",
    "line {0}: {1} of {2} units, on {3} instead of {4}": "Zeile {0}: {1} von {2} Stück, am {3} statt am {4}",
    "line {0}: {1} of {2} units": "Zeile {0}: {1} von {2} Stück",
    "{0}: the supplier confirms {1}": "{0}: bestätigt wird {1}",
    "{0} of {1} instead of {2}": "{0} von {1} statt {2}",
    "{0} is excluded": "{0} ist ausgeschlossen",
    "{0} has {1} of {2} units left": "{0} hat noch {1} von {2} Stück",
    "it waits longer for stock": "er wartet länger auf Ware",
    TRIED: "{0} Aufträge, {1} gehen anders: Sendungen {2} → {3}, zu spät {4} → {5}, Stück, die warten {6} → {7}, "
    "Kosten {8} → {9} {10}",
}


@pytest.fixture
def german(monkeypatch):
    def told(text: str) -> str:
        return GERMAN.get(text, text)

    found = reasons.made_of(GERMAN)
    monkeypatch.setattr(reasons, "sentences", lambda: found)
    for module in (reasons, words):
        monkeypatch.setattr(module, "gettext", told)
    monkeypatch.setitem(words.WORDS, "high_risk", "hohes Risiko")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (Said("The channel reports {0}.", "high_risk"), "Der Kanal meldet hohes Risiko."),
        (
            "N1 is excluded; N2 has 1 of 3 units left; it waits longer for stock",
            "N1 ist ausgeschlossen; N2 hat noch 1 von 3 Stück; er wartet länger auf Ware",
        ),
        (
            TRIED.format("1,200", "7", "1,300", "1,250", 3, 2, 0, 4, "900.00", "880.50", "GBP"),
            (
                "1,200 Aufträge, 7 gehen anders: Sendungen 1,300 → 1,250, zu spät 3 → 2, Stück, die warten 0 → 4, "
                "Kosten 900.00 → 880.50 GBP"
            ),
        ),
        ("The channel reports high_risk, odd_hours.", "Der Kanal meldet hohes Risiko, odd_hours."),
        (
            "3 units wait for stock: only part of it is free, at LEEDS",
            "3 Stück warten auf Ware: nur ein Teil davon ist frei, in LEEDS",
        ),
        (
            "The authorization is too old. The channel reports high_risk.",
            "Die Autorisierung ist zu alt. Der Kanal meldet hohes Risiko.",
        ),
        ("2 of its units are shipped", "2 seiner Stück sind versandt"),
        ("Order SO-7: 2 units have left the house.", "Auftrag SO-7: 2 Stück haben das Haus verlassen."),
        ("She called. The channel reports nothing", "She called. The channel reports nothing"),
        (
            "PO: the supplier confirms line 1: 5 of 9 units, on 2026-12-05 instead of 2026-12-04; line 2: 1 of 4 units",
            "PO: bestätigt wird Zeile 1: 5 von 9 Stück, am 5 Dec 2026 statt am 4 Dec 2026; Zeile 2: 1 von 4 Stück",
        ),
        ("Weg: damit", "Weg: damit"),
        (
            "no single node has all of it; together N1 and N2 do; ACME sends 2 units to the customer",
            "kein Knoten hat alles; zusammen haben es N1 and N2; ACME schickt dem Kunden 2 Stück",
        ),
        ("She called; nothing came of it", "She called; nothing came of it"),
        ("LEEDS: The authorization is too old.", "LEEDS: Die Autorisierung ist zu alt."),
        ("", ""),
    ],
)
def test_a_reason_is_told_with_its_facts_and_what_somebody_typed_stays(german, text, told):
    assert reasons.reason(text) == told


def test_a_day_in_a_reason_is_written_as_the_page_writes_days(german):
    text = "Expected on 2026-03-05, promised to the customer for 2026-03-04"
    with fmt.read_by(fmt.Reading(Locale("de"))):
        assert reasons.reason(text) == "Erwartet am 05.03.2026, dem Kunden versprochen für den 04.03.2026"


def test_a_fact_that_is_words_is_told_inside_of_another(german):
    inside = Said("only part of it is free, at {0}", "LEEDS")
    assert words.told(Said("{0} units wait for stock: {1}", 3, inside)) == (
        "3 Stück warten auf Ware: nur ein Teil davon ist frei, in LEEDS"
    )


@given(st.text(max_size=200))
def test_any_text_is_told_as_some_text(text):
    assert isinstance(reasons.reason(text), str)


@given(st.lists(st.text("abcXYZ -.,{}", min_size=1, max_size=20), min_size=2, max_size=2))
def test_a_sentence_is_known_again_whatever_its_facts_are(facts):
    says = "Not {0} but {1} was found here"
    (one,) = reasons.made_of([says])
    found = re.fullmatch(one.pattern, Said(says, *facts), re.DOTALL)
    assert found is not None


def test_rules_keep_their_reasons_as_sentences():
    reason = Found("exception", Said("Sold below the floor: {0}.", "MUG, PEN")).reason
    assert isinstance(reason, Said)
    assert reason == "Sold below the floor: MUG, PEN."


def test_what_a_trial_tells_stands_among_the_texts_to_translate():
    found = {message.id for message in texts()}
    assert TRIED in found
    assert {"{0} is excluded", "{0} ships too late", "{0} has {1} of {2} units left", "no limit holds it",
            "the same nodes serve other parts of it", "it waits less for stock"} <= found  # fmt: skip
