"""kernel.shapes: what of a policy's body stands in no shape"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import policies, shapes, wire
from entrepot.kernel.errors import Invalid
from entrepot.returns.admission import Admission, Rule
from entrepot.web.policy_form import form, read

FRAUD, RETURNS, ADMISSION = "returns.fraud", "returns", "returns.authorization"


@pytest.mark.parametrize(
    ("kind", "body", "field", "expected", "found"),
    [
        (FRAUD, {"velocity": "on"}, "velocity", "one of enforce, warn, off", "on"),
        (FRAUD, {"wardrobing_grades": ["B", "E"]}, "wardrobing_grades 2", "one of A, B, C, D", "E"),
        (RETURNS, {"late": "perhaps"}, "late", "one of review, decline", "perhaps"),
        (RETURNS, {"dispositions": {"E": "restock"}}, "dispositions", "one of A, B, C, D", "E"),
        (ADMISSION, {"rules": [{"name": "x", "counted_from": "birth"}]}, "rules 1: counted_from",
         "one of delivery, order, nothing", "birth"),
    ],
)  # fmt: skip
def test_a_word_that_is_none_of_those_to_choose_from_is_refused_with_all_of_them(
    kind: str, body: object, field: str, expected: str, found: str
) -> None:
    assert policies.misfit(kind, body) == Invalid(field=field, expected=expected, found=found)


def test_a_name_that_nobody_reads_is_refused_instead_of_passed_over() -> None:
    """A rule for one category, misspelled, would be a rule for all goods."""
    refused = policies.misfit(
        ADMISSION, {"rules": [{"name": "no gloves", "catgories": ["gloves"], "answer": "no"}]}
    )
    assert refused is not None
    assert (refused.facts["field"], refused.facts["found"]) == ("rules 1", "catgories")
    assert "categories" in refused.facts["expected"]

    told = policies.misfit(RETURNS, {"window": 30})
    assert told is not None
    assert (told.facts["field"], told.facts["found"]) == ("body", "window")


def test_a_form_says_the_same_of_what_is_written_as_json() -> None:
    body = Admission(rules=(Rule("no gloves", categories=("gloves",), answer="no"),))
    filled = {one.name: one.text for one in form(body)}
    assert read(Admission, filled) == body
    answer = read(Admission, filled | {"rules": filled["rules"].replace("categories", "catgories")})
    assert isinstance(answer, Invalid)
    assert (answer.facts["field"], answer.facts["found"]) == ("rules 1", "catgories")


@pytest.mark.parametrize("kind", sorted(policies.bodies))
def test_what_a_shape_says_by_itself_fits_it(kind: str) -> None:
    body = policies.bodies[kind]
    assert shapes.misfit(body, json.loads(wire.dump(body()))) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(policies.bodies)), JSON)
def test_whatever_is_given_is_answered_and_nothing_nobody_reads_gets_through(
    kind: str, given_body: object
) -> None:
    refused = policies.misfit(kind, given_body)
    if refused is None:
        assert isinstance(given_body, dict)
        assert set(given_body) <= {one.name for one in form(policies.bodies[kind]())}
