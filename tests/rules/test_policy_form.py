"""Bodies of policies as forms: what a form shows is what it reads, and what differs is told."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kernel import policies, wire
from entrepot.kernel.errors import Invalid
from entrepot.orders.holding import Holding
from entrepot.orders.validation import Validation
from entrepot.purchasing.receiving import Plan, Quality
from entrepot.purchasing.reordering import Reordering
from entrepot.returns import proposing
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.rules import Policy as Returns
from entrepot.sourcing.commands import peg, rebalance  # noqa: F401  register their policies
from entrepot.sourcing.rules import DropShip, Offline, Profile
from entrepot.sourcing.substitutes import Set, Substitutes
from entrepot.web.policy_form import differences, form, purpose, read
from entrepot.web.policy_form import filled as filled_again
from entrepot.work.commands import steering  # noqa: F401  registers its policies


def filled(body: Any) -> dict[str, str]:
    return {one.name: one.text for one in form(body)}


def own() -> list[str]:
    return sorted(kind for kind, body in policies.bodies.items() if body.__module__.startswith("entrepot."))


@pytest.mark.parametrize("kind", own())
def test_every_policy_can_be_asked_for_and_says_what_it_is(kind: str) -> None:
    body = policies.bodies[kind]

    assert read(body, filled(body())) == body()
    assert purpose(body)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Profile,
        choose_by=st.sampled_from(("preference", "cost", "line")),
        same_country_first=st.booleans(),
        priority_weight=st.floats(0, 1e6),
        excluded_nodes=st.lists(st.sampled_from(("LDN", "MAN", "GLA"))).map(tuple),
        distance_max_km=st.one_of(st.none(), st.integers(0, 9_999)),
        orders_per_day=st.dictionaries(st.sampled_from(("LDN", "MAN")), st.integers(1, 9_999)),
        split_minor=st.integers(0, 10**9),
    )
)
def test_what_a_form_shows_is_what_it_reads(profile: Profile) -> None:
    assert read(Profile, filled(profile)) == profile


@pytest.mark.parametrize(
    ("kind", "name", "text", "expected"),
    [
        (Profile, "split_minor", "two", "a whole number"),
        (Profile, "split_minor", "", "a whole number"),
        (Profile, "km_minor", "1,5", "a number"),
        (Profile, "km_minor", "NaN", "a number"),
        (Profile, "solve_seconds", "Infinity", "a number"),
        (Returns, "expected_percent", "NaN", "a number"),
        (Profile, "choose_by", "luck", "one of preference, cost, line"),
        (Profile, "same_country_first", "maybe", "yes or no"),
        (Profile, "orders_per_day", "LDN 400", "lines as NAME = value"),
        (Profile, "orders_per_day", "LDN = many", "lines as NAME = value"),
        (Holding, "due_hours", "soon", "a whole number"),
    ],
)
def test_what_does_not_fit_is_said_with_its_field(kind: type, name: str, text: str, expected: str) -> None:
    answer = read(kind, filled(kind()) | {name: text})

    assert answer == Invalid(field=name, expected=expected, found=text or "nothing")


def test_what_is_nested_too_deep_is_said_with_its_field() -> None:
    answer = read(Profile, filled(Profile()) | {"offline": "[" * 100_000})
    assert isinstance(answer, Invalid)
    assert answer.facts["field"] == "offline"


def test_words_and_pairs_are_read_as_people_write_them() -> None:
    found = read(
        Profile,
        filled(Profile()) | {"excluded_nodes": "LDN,, MAN \n GLA", "orders_per_day": "LDN = 400\n\nMAN=7 "},
    )

    assert (found.excluded_nodes, found.orders_per_day) == (("LDN", "MAN", "GLA"), {"LDN": 400, "MAN": 7})


def test_pairs_of_numbers_with_a_point_are_read_too() -> None:
    text = "A = 98.5\nC=90"
    found = read(Reordering, filled(Reordering()) | {"service_by_class": text, "service_of": "MUG-BLUE = 99"})

    assert (found.service_by_class, found.service_of) == ({"A": 98.5, "C": 90}, {"MUG-BLUE": 99})
    wrong = read(Reordering, filled(Reordering()) | {"service_by_class": "D = 98"})
    assert isinstance(wrong, Invalid) and wrong.facts["field"].startswith("service_by_class")


def test_what_differs_is_told_in_words_and_what_an_old_version_lacks_is_its_default() -> None:
    old = {"nodes_per_order_max": 3, "excluded_nodes": [], "kinds_refused": []}
    new = {"nodes_per_order_max": 1, "excluded_nodes": ["LDN", "MAN"], "distance_max_km": 9}

    found = {one.name: (one.one, one.other) for one in differences(Profile, old, new)}

    assert found == {
        "nodes_per_order_max": ("3", "1"), "excluded_nodes": ("–", "LDN, MAN"), "distance_max_km": ("–", "9"),
    }  # fmt: skip
    assert differences(Validation, {}, json.loads(wire.dump(Validation()))) == []


def test_a_field_is_explained_by_what_stands_below_it() -> None:
    told = {one.name: one.help for one in form(Profile())}

    assert told["split_minor"] == "Penalty of each shipment after the first of an order."
    assert told["priority_weight"] == "", "what stands below another field is not told of it"
    assert {one.name: one.label for one in form(Profile())}["late_day_minor"] == "Late day, in minor units"


# ---- several things of several fields


def posted(body: Any) -> dict[str, str]:
    """The form as a browser sends it: of what has rows, each cell."""
    found: dict[str, str] = {}
    for one in form(body):
        cells = [cell for row in one.rows for cell in row]
        found |= {cell.name: cell.text for cell in cells} if cells else {one.name: one.text}
    return found


WORDS = st.text(st.sampled_from('ab", \n'), max_size=6)
OFFLINE = Offline("LDN", date(2026, 12, 28), date(2026, 12, 30), "stock-taking")
SENDS = DropShip("ACME", "first", ("MUG", "TEA"), (), 2, stated_only=True)


@given(
    st.lists(st.builds(Offline, st.sampled_from(("LDN", "MAN")), st.dates(), st.none() | st.dates(), st.just("x"))),
    st.lists(st.builds(
        DropShip, st.sampled_from(("ACME", "BOLT")), st.sampled_from(("first", "last")),
        st.lists(WORDS).map(tuple), st.just(()), st.none() | st.integers(0, 99),
        st.booleans(),
    )),
)  # fmt: skip
def test_what_rows_show_is_what_they_read(offline: list[Offline], drop_ship: list[DropShip]) -> None:
    profile = Profile(offline=tuple(offline), drop_ship=tuple(drop_ship))
    assert read(Profile, posted(profile)) == profile


ROWS = {
    "sourcing.profile": Profile(offline=(OFFLINE, Offline("MAN", date(2026, 12, 1))), drop_ship=(SENDS,)),
    "sourcing.substitutes": Substitutes((Set(("MUG", "TEA, green"), ("CUP",)), Set(("PEN",), ("INK",), "lower"))),
    "purchasing.quality": Quality((Plan(), Plan("MUG"), Plan(category="cups", sample_percent=20))),
    "returns.authorization": Admission(
        (Rule("all"), Rule("pens", promotions=("SPRING, 2026",), hazardous=False, label=True, answer="no"))
    ),
    "returns.dispositions": proposing.Dispositions(
        (
            proposing.Rule("pens", ("second_grade", "liquidate"), grades=("B",)),
            proposing.Rule("all", ("restock",)),
        )
    ),
}  # fmt: skip


def test_each_policy_of_rows_is_tried_with_some() -> None:
    assert set(ROWS) == {
        kind for kind in own() for one in form(policies.bodies[kind]()) if one.widget == "rows"
    }


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_what_is_kept_as_it_was_shown_changes_nothing(kind: str) -> None:
    body = ROWS[kind]
    sent = posted(body)

    assert read(type(body), sent) == body
    again = {
        cell.name: cell.text
        for one in filled_again(type(body), sent)
        for cell in (*(one,), *(cell for row in one.rows for cell in row))
    }
    assert read(type(body), again) == body, "also after it came back refused"


def test_a_row_of_defaults_is_told_and_dropped_where_it_was_emptied() -> None:
    (told,) = differences(Quality, {}, wire_of(Quality((Plan(), Plan("MUG")))))
    assert told.other == "as by default\nSKU: MUG"

    emptied = dict.fromkeys(posted(Quality((Plan(),))), "") | {"plans.0.kept": "yes"}
    assert read(Quality, emptied) == Quality()
    assert read(Quality, posted(Quality((Plan("MUG"),))) | {"plans.0.sku": ""}) == Quality()


def test_words_that_hold_a_comma_stand_in_quotes() -> None:
    shown = posted(Profile(drop_ship=(DropShip("ACME", skus=("TEA, green", "MUG", '5" PLATE')),)))
    assert shown["drop_ship.0.skus"] == '"TEA, green", MUG, 5" PLATE'


def test_rows_are_added_emptied_and_left_as_they_are_offered() -> None:
    sent = posted(Profile(offline=(OFFLINE, Offline("MAN", date(2026, 12, 1)))))
    sent |= {"offline.0.node": "", "offline.0.since": "", "offline.0.until": "", "offline.0.why": ""}
    sent |= {
        "offline.7.node": " GLA ",
        "offline.7.since": "2026-12-24",
        "offline.7.until": "",
        "offline.7.why": "",
    }
    sent |= {"drop_ship.0.supplier": "ACME"}

    found = read(Profile, sent)

    assert found.offline == (Offline("MAN", date(2026, 12, 1)), Offline("GLA", date(2026, 12, 24)))
    assert found.drop_ship == (DropShip("ACME"),)


@pytest.mark.parametrize(
    ("changes", "where", "expected", "given"),
    [
        ({"offline.1.since": "28.12."}, "offline, since of row 2", "a day as 2026-03-01", "28.12."),
        ({"offline.2.node": "GLA"}, "offline, since of row 3", "a day as 2026-03-01", "nothing"),
        ({"offline.2.since": "2026-12-28"}, "offline, node of row 3", "something", "nothing"),
        ({"drop_ship.0.supplier": "A", "drop_ship.0.lead_days": "soon"}, "drop_ship, lead days of row 1",
         "a whole number", "soon"),
        ({"drop_ship.0.supplier": "A", "drop_ship.0.ask": "never"}, "drop_ship, ask of row 1", "one of first, last",
         "never"),
    ],
)  # fmt: skip
def test_what_does_not_fit_in_a_row_is_said_with_its_place(
    changes: dict[str, str], where: str, expected: str, given: str
) -> None:
    sent = posted(Profile(offline=(OFFLINE, OFFLINE))) | changes
    answer = read(Profile, sent)

    assert answer == Invalid(field=where, expected=expected, found=given)
    again = {cell.name: cell.text for one in filled_again(Profile, sent) for row in one.rows for cell in row}
    assert changes.items() <= again.items(), "it comes back as it was sent"


def test_rows_are_told_one_a_line_without_what_is_as_by_default() -> None:
    two = {
        "offline": [wire_of(OFFLINE), {"node": "MAN", "since": "2026-12-01"}],
        "drop_ship": [wire_of(SENDS)],
    }
    found = {one.name: (one.one, one.other) for one in differences(Profile, {}, two)}

    assert found == {
        "offline": (
            "–",
            "Node: LDN; Since: 28 Dec 2026; Until: 30 Dec 2026; Why: stock-taking\nNode: MAN; Since: 1 Dec 2026",
        ),
        "drop_ship": ("–", "Supplier: ACME; Ask: first; SKUs: MUG, TEA; Lead days: 2; Stated only: yes"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "one", "other", "told"),
    [
        (Validation, {"payment": "enforce"}, {"payment": "warn"}, {"payment": ("durchsetzen", "warnen")}),
        (Validation, {"address_required": False}, {"address_required": True}, {"address_required": ("nein", "ja")}),
        (Validation, {"review_signals": []}, {"review_signals": ["high_risk", "own_word"]},
         {"review_signals": ("–", "hohes Risiko, own_word")}),
        (Validation, {"review_signals": []}, {"review_signals": ["Orders"]}, {"review_signals": ("–", "Orders")}),
        (Returns, {"dispositions": {"A": "restock"}}, {"dispositions": {"A": "second_grade"}},
         {"dispositions": ("A = wieder einlagern", "A = zweite Wahl")}),
        (Profile, {"excluded_nodes": []}, {"excluded_nodes": ["lost"]}, {"excluded_nodes": ("–", "lost")}),
    ],
)  # fmt: skip
def test_words_of_ours_are_told_in_the_language_of_the_page_and_codes_as_they_are(
    kind: type, one: dict[str, Any], other: dict[str, Any], told: dict[str, tuple[str, str]]
) -> None:
    with translation.override("de"):
        assert {each.name: (each.one, each.other) for each in differences(kind, one, other)} == told


def test_what_is_sent_is_a_code_in_every_language() -> None:
    with translation.override("de"):
        assert {one.name: one.text for one in form(Validation())} == filled(Validation())
        assert {one.told for one in form(Validation()) if one.name == "payment"} == {"durchsetzen"}


def wire_of(body: Any) -> Any:
    return json.loads(wire.dump(body))
