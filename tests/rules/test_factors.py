"""The second factor: codes by RFC 6238, each for one use, and codes on paper."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.access import factors

SECRET = base64.b32encode(b"12345678901234567890").decode()
MOMENTS = st.integers(946_684_800, 4_102_444_800).map(lambda one: datetime.fromtimestamp(one, UTC))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert factors.code_of(SECRET, factors.step_of(at)) == code
    assert factors.step_used(SECRET, code, at, 0) == seconds // 30


@given(MOMENTS, st.integers(-3, 3))
def test_a_code_is_taken_about_its_half_minute_and_never_again(at: datetime, away: int) -> None:
    step = factors.step_of(at)
    code = factors.code_of(SECRET, step + away)
    found = factors.step_used(SECRET, code, at, 0)
    if abs(away) <= 1:
        assert found is not None and abs(found - step) <= 1
        assert factors.step_used(SECRET, code, at, step + 1) is None
        assert factors.step_used(SECRET, code, at + timedelta(seconds=30), found) in (
            None,
            found + 1,
            found + 2,
        )
    else:
        near = {factors.code_of(SECRET, step + around) for around in factors.AROUND}
        assert (found is not None) == (code in near)


@given(st.text(max_size=12))
def test_what_is_no_code_opens_nothing(text: str) -> None:
    at = datetime(2026, 11, 27, tzinfo=UTC)
    near = {factors.code_of(SECRET, factors.step_of(at) + around) for around in factors.AROUND}
    assert (factors.step_used(SECRET, text, at, 0) is not None) == (text in near)


def test_codes_on_paper_differ_and_are_read_as_people_write_them() -> None:
    papers = factors.on_paper()
    assert len(set(papers)) == factors.ON_PAPER
    assert factors.digest(factors.tidy(f" {papers[0].upper()[:9]} {papers[0][9:]}")) == factors.digest(
        papers[0]
    )
    assert factors.digest("123456") is None
    assert factors.is_secret(factors.fresh()) and not factors.is_secret("abc") and not factors.is_secret("é")


def test_a_phone_reads_whose_code_it_is() -> None:
    address = urlsplit(factors.address(SECRET, "Hearth & Home", "ada@x"))
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path == "/Hearth%20%26%20Home:ada%40x" and "+" not in address.query
    assert parse_qs(address.query) == {
        "secret": [SECRET], "issuer": ["Hearth & Home"], "algorithm": ["SHA1"], "digits": ["6"], "period": ["30"],
    }  # fmt: skip
