"""catalog.register_kits"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from entrepot.catalog import queries
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from tests.registers import (
    COMPANY,
    NOW,
    answers_its_key,
    content,
    counts,
    done,
    refuses,
    stands_when_repeated,
)
from tests.sizes import MANY

pytestmark = pytest.mark.django_db

TABLE = "catalog_component"
SET = RegisterKit(COMPANY, "SET", (Component("MUG", 4), Component("POT")))
DESK = RegisterKit(COMPANY, "DESK", (Component("PEN", 2), Component("MUG")))


@pytest.fixture(autouse=True)
def skus(db):
    prices = {"MUG": "12.95", "POT": "30", "PEN": "3", "SET": "70", "DESK": "15"}
    requests = [
        RegisterSku(COMPANY, code, code.title(), list_price=Decimal(price)) for code, price in prices.items()
    ]
    done(register_skus, RegisterSku(2, "MUG", "Of others"))
    return {one.code: one.id for one in done(register_skus, *requests)}


def parts(kit):
    return [(one.code, one.units) for one in queries.components(kit=kit)]


def test_a_kit_is_made_of_its_components_in_their_order(skus):
    made, _ = done(register_kits, SET, DESK)

    assert (made.id, made.code) == (skus["SET"], "SET")
    assert parts(skus["SET"]) == [("MUG", 4), ("POT", 1)]
    assert [(one.code, one.units) for one in queries.kits_with(sku=skus["MUG"])] == [("DESK", 1), ("SET", 4)]
    assert queries.kits_with(sku=skus["SET"]) == parts(skus["MUG"]) == []
    assert queries.discrepancies() == []


def test_a_changed_kit_has_its_new_components_and_no_others_and_the_log_tells(skus):
    done(register_kits, SET)
    done(register_kits, replace(SET, components=(Component("POT", 2), Component("PEN"))))

    assert parts(skus["SET"]) == [("POT", 2), ("PEN", 1)]
    told = sql.run(
        "SELECT subject_id, payload::text FROM kernel_event WHERE command = 'catalog.register_kits'"
    )
    assert told == [(skus["SET"], '{"changed": ["components"]}')] * 2


def test_without_components_it_is_a_kit_no_more_and_may_be_part_of_one(skus):
    done(register_kits, SET)
    done(register_kits, replace(SET, components=()), RegisterKit(COMPANY, "DESK", (Component("SET"),)))
    assert (parts(skus["SET"]), parts(skus["DESK"])) == ([], [("SET", 1)])


@pytest.mark.parametrize(
    "components",
    [
        (Component("SET"),),  # itself
        (Component("MUG", 0),),
        (Component("MUG", -1), Component("POT")),
        (Component("MUG", 1_001),),
        (Component("MUG"), Component("POT"), Component("MUG", 2)),
        (Component("MUG"),) * 101,
    ],
)
def test_what_can_be_no_kit_is_refused_and_its_neighbor_is_not(components):
    refuses(register_kits, replace(SET, components=components), Invalid, DESK, TABLE)


@pytest.mark.parametrize("bad", [replace(SET, code="NONE"), replace(SET, components=(Component("NONE"),))])
def test_what_the_catalog_does_not_know_is_refused(bad):
    refuses(register_kits, bad, NotFound, DESK, TABLE)


def test_a_sku_of_another_company_is_unknown():
    refuses(register_kits, replace(SET, company=2, code="MUG"), NotFound, DESK, TABLE)


def test_there_is_no_kit_of_kits_from_above_nor_from_below():
    done(register_kits, SET)
    refuses(register_kits, RegisterKit(COMPANY, "DESK", (Component("SET"),)), Invalid, SET, TABLE)
    refuses(register_kits, RegisterKit(COMPANY, "MUG", (Component("PEN"),)), Invalid, SET, TABLE)


def test_nor_by_two_requests_of_one_list(skus):
    answers = register_kits(
        Cause(Actor("ines", everything=True), NOW),
        requests=[SET, RegisterKit(COMPANY, "DESK", (Component("SET"),))],
    )
    assert [type(one).__name__ for one in answers] == ["KitRegistered", "Invalid"]
    assert parts(skus["DESK"]) == []


def test_registering_again_changes_nothing():
    stands_when_repeated(register_kits, [SET, DESK], TABLE)


def test_a_key_gets_its_answer_again():
    answers_its_key(register_kits, SET, DESK, TABLE)


def test_who_may_not_is_refused():
    before = content(TABLE)
    (answer,) = register_kits(Cause(Actor("eve"), NOW), requests=[SET])
    assert isinstance(answer, NotPermitted)
    assert content(TABLE) == before


@pytest.mark.counts("catalog.register_kits")
def test_statements_do_not_grow_with_the_batch(statements):
    done(register_skus, *(RegisterSku(COMPANY, f"K{i}", "A kit") for i in range(MANY + 11)))
    kits = [replace(SET, code=f"K{i}") for i in range(MANY + 11)]
    batches = [kits[:1], kits[1:11], kits[11:]]
    assert counts(statements, register_kits, batches) == [6] * 3  # lock, look, clear, write, events, offer
