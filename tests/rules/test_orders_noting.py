"""What is a note, and what a file is called."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.orders import noting, states


@pytest.mark.parametrize("text", ["", "  \n ", "a\x00b", "x" * (noting.TEXT_MAX + 1)])
def test_what_says_nothing_or_too_much_is_no_note(text: str) -> None:
    assert isinstance(noting.misfit_text(text), Invalid)


@pytest.mark.parametrize("text", ["a", " agreed by telephone\nwith her brother ", "x" * noting.TEXT_MAX])
def test_what_says_something_is_one(text: str) -> None:
    assert noting.misfit_text(text) is None


def test_nothing_is_withdrawn_for_no_reason() -> None:
    assert isinstance(noting.misfit_reason(" "), Invalid)
    assert noting.misfit_reason("of another order") is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Letter of 3 May.pdf", "Letter of 3 May.pdf"),
        ("C:\\Users\\ada\\Letter.pdf", "Letter.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: b\u202egnp.exe", "aSet-Cookie: bgnp.exe"),
        ("/", ""),
    ],
)
def test_a_file_is_called_what_its_sender_calls_it_without_folders(said: str, name: str) -> None:
    assert noting.name_of(said) == name


@given(st.text())
def test_a_name_is_one_short_line_and_the_name_of_a_name_is_itself(said: str) -> None:
    name = noting.name_of(said)
    assert len(name) <= noting.NAME_MAX and "/" not in name and "\\" not in name
    assert not any(unicodedata.category(one).startswith("C") for one in name)
    assert noting.name_of(name) == name


def test_a_note_ends_once() -> None:
    assert states.NOTE.states == (noting.STANDING, noting.CORRECTED, noting.WITHDRAWN)
