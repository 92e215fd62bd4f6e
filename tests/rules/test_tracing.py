"""Where carriers tell of a parcel."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage import tracing, tracking


@pytest.mark.parametrize(
    ("number", "carrier", "page"),
    [
        ("1Z5R89390357567127", "UPS", "https://www.ups.com/track?tracknum=1Z5R89390357567127"),
        ("1z 5r8 939 0357567127", "ups ground", "https://www.ups.com/track?tracknum=1Z5R89390357567127"),
        ("1Z5R89390357567127", "Our van", "https://www.ups.com/track?tracknum=1Z5R89390357567127"),
        ("1Z5R89390357567128", "UPS", ""),  # mistyped
        ("1Z5R89390357567127", "DPD", ""),  # another carrier's
        (
            "RB123456785GB",
            "Royal Mail",
            "https://www.royalmail.com/track-your-item#/tracking-results/RB123456785GB",
        ),
        ("RB123456785GB", "Our van", ""),  # of a post, and nobody says which
        ("SH-100001-1", "Our van", ""),
        ("", "UPS", ""),
    ],
)
def test_a_page_is_told_where_it_is_certain_whose_the_number_is(number: str, carrier: str, page: str) -> None:
    assert tracing.page(number, carrier) == page


def test_every_page_is_of_a_carrier_that_is_known() -> None:
    for carrier, address in tracing.PAGES.items():
        assert tracking.known_carrier(carrier) == carrier
        assert address.count("{number}") == 1 and urlsplit(address).scheme == "https"


@given(st.text(max_size=70), st.sampled_from(["", "UPS", "DHL Paket", "Royal Mail", "Van"]))
def test_nothing_of_a_number_leads_elsewhere(number: str, carrier: str) -> None:
    page = tracing.page(number, carrier)
    hosts = {urlsplit(one).netloc for one in tracing.PAGES.values()}
    assert page == "" or (urlsplit(page).netloc in hosts and page.isascii() and " " not in page)
