"""Names that run from right to left within a sentence."""

from __future__ import annotations

import pytest

from entrepot.kernel.errors import Invalid
from entrepot.web import format as fmt
from entrepot.web import words


@pytest.mark.parametrize("name", ["محمد الفيصل", "שרה כהן, בע״מ", "ACME שרה"])
def test_what_runs_the_other_way_is_set_apart(name: str) -> None:
    assert fmt.apart(name) == f"\u2068{name}\u2069"
    assert f"\u2068{name}\u2069" in words.refusal(Invalid(field="name", expected="a code", found=name))


@pytest.mark.parametrize("name", ["", "Ada Byron", "Łódź", "日本", "42"])
def test_what_runs_as_the_page_stays_as_it_is(name: str) -> None:
    assert fmt.apart(name) == name
