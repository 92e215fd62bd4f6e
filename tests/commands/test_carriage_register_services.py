"""carriage.register_services"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from entrepot.carriage import queries
from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.rules import Zone, lane_of
from entrepot.kernel import sql, wire
from entrepot.kernel.errors import Invalid
from tests.registers import COMPANY, answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

POST = RegisterService(
    COMPANY, "post", "post-48", "Second class", 3, 20_000, "GBP", (("GB", "GB", "UK"), ("GB", "*", "world")),
    (("UK", 2000, 289), ("UK", 20_000, 799), ("world", 2000, 1250)),
)  # fmt: skip
NEXT = replace(POST, code="post-24", name="First class", transit_days=1)
TABLES = ("carriage_carrier", "carriage_service", "carriage_zone", "carriage_rate")


def services() -> dict[str, object]:
    return {service.code: service for service in queries.services(companies=[COMPANY])[COMPANY]}


def test_a_service_stands_with_its_carrier_zones_and_rates():
    (answer,) = done(register_services, POST)
    found = services()["post-48"]
    assert (found.id, found.carrier, found.transit_days, found.divisor, found.currency) == (
        answer.id,
        "post",
        3,
        5000,
        "GBP",
    )
    assert found.zones == {("GB", "GB"): "UK", ("GB", "*"): "world"}
    assert found.rates == {"UK": [(2000, 289), (20_000, 799)], "world": [(2000, 1250)]}
    assert queries.services(companies=[2]) == {2: []}


def test_two_services_share_their_carrier():
    done(register_services, POST, NEXT)
    assert sql.run("SELECT code FROM carriage_carrier") == [("post",)]


def test_a_service_has_exactly_the_tables_given_last():
    (first,) = done(register_services, POST)
    (second,) = done(register_services, replace(POST, zones=(("*", "*", "all"),), rates=(("all", 500, 100),)))
    assert first == second
    assert (services()["post-48"].zones, services()["post-48"].rates) == (
        {("*", "*"): "all"},
        {"all": [(500, 100)]},
    )
    told = sql.run(
        "SELECT payload::text FROM kernel_event WHERE subject_id = %(one)s ORDER BY seq", {"one": first.id}
    )
    assert told[-1] == ('{"changed": ["zones", "rates"]}',)


def test_a_zone_of_postal_codes_stands_and_is_kept_with_its_days():
    by_code = (*POST.zones, Zone("GB", "GB", "UK", "LS", "IV", 5), Zone("GB", "GB", "UK", "", "IV"))
    (answer,) = done(register_services, replace(POST, zones=by_code))
    found = services()["post-48"]
    assert lane_of(found, "GB", "GB", "ls1 4ap", "iv12-3ab") == ("GBLS", "GBIV")
    assert lane_of(found, "GB", "GB", "M1 1AA", "IV12 3AB") == ("GB", "GBIV")
    assert (found.days, found.exactness) == ({("GBLS", "GBIV"): 5}, [(3, 3), (3, 1), (1, 1), (0, 1)])
    (kept,) = queries.versions(COMPANY, answer.id)
    assert set(kept.stood.zones) == set(by_code) == set(queries.known(COMPANY)[0].stands.zones)


def test_a_version_of_countries_alone_is_read_as_it_was_kept():
    (answer,) = done(register_services, POST)
    body = {**json.loads(wire.dump(POST)), "zones": [["GB", "GB", "UK"], ["GB", "*", "world"]]}
    insert = """
INSERT INTO carriage_version (id, company_id, service_id, version, body, author, at)
SELECT gen_random_uuid(), company_id, service_id, 2, %(body)s::jsonb, author, at FROM carriage_version RETURNING id
"""
    sql.run(insert, {"body": json.dumps(body)})
    assert queries.versions(COMPANY, answer.id)[0].stood == replace(POST, key=None)


def test_a_service_out_of_use_is_not_quoted():
    done(register_services, POST, replace(NEXT, active=False))
    assert list(services()) == ["post-48"]


@pytest.mark.parametrize(
    "change",
    [
        {"code": ""}, {"carrier": " "}, {"currency": "gbp"}, {"transit_days": -1}, {"max_weight_g": 0}, {"divisor": -1},
        {"zones": (("GB", "Germany", "UK"),)}, {"zones": (("GB", "GB", "UK"), ("GB", "GB", "world"))},
        {"zones": (("GB", "GB", "UK", "", "IV"), ("GB", "GB", "world", "", "IV"))},
        {"zones": (("GB", "GB", "UK", "", "iv"),)}, {"zones": (("GB", "*", "UK", "", "IV"),)},
        {"zones": (("GB", "GB", "UK", "", "", 366),)}, {"zones": (("GB", "GB", "UK", "900-905"),)},
        {"rates": (("UK", 1, 1),)}, {"rates": (("UK", 5, 1), ("UK", 5, 2), ("world", 1, 1))},
        {"rates": (("UK", 0, 1), ("world", 1, 1))}, {"rates": (("UK", 1, -1), ("world", 1, 1))},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(change):
    refuses(register_services, replace(POST, **change), Invalid, NEXT, *TABLES)


def test_registering_again_changes_nothing():
    stands_when_repeated(register_services, [POST, NEXT], *TABLES)


def test_a_key_gets_its_answer_again():
    answers_its_key(register_services, POST, NEXT, *TABLES)


@pytest.mark.counts("carriage.register_services")
def test_statements_do_not_grow_with_the_batch(statements):
    batches = [[replace(POST, code=f"{n}-{i}", carrier=f"c{n}-{i}") for i in range(n)] for n in SIZES]
    assert counts(statements, register_services, batches) == [13, 13, 13]
