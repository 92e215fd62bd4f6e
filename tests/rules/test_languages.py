"""In which language a paper is written."""

import pytest

from entrepot import languages


@pytest.mark.parametrize(
    ("country", "language"), [("AT", "de"), ("MX", "es"), ("GB", "en"), ("", "en"), ("JP", "en")]
)
def test_a_paper_is_in_the_language_of_where_it_goes(country, language):
    assert languages.of_country(country) == language


def test_no_country_reads_two_languages():
    countries = [one for own in languages.OF_COUNTRIES.values() for one in own]
    assert len(countries) == len(set(countries))
    assert set(languages.OF_COUNTRIES) == set(languages.TRANSLATED)
