"""warehouse.pack"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.orders import queries as orders
from entrepot.shipping import queries as shipping
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.stock import queries as stock
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import errors, packing, queries
from entrepot.warehouse.commands.pack import (
    FulfillmentPacked,
    PackedPart,
    PackFulfillment,
    PackUnproved,
    pack,
    pack_unproved,
)  # fmt: skip
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, packed, picked, placed, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def test_what_was_picked_goes_into_the_smallest_carton_that_holds_it(house: Floor):
    order = house.order((0, 2), (1, 3)).order  # five things of 250 g and 500 cm³
    (work_,) = picked(order)

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, occurred_at=NOW + timedelta(hours=2))])

    assert (answer.carton, answer.weight_g) == ("S", 5 * 250 + 90)
    (package,) = queries.packages(order)
    assert (package.id, package.number, package.units) == (answer.package, answer.number, 5)
    assert package.packed_at == NOW + timedelta(hours=2)
    assert orders.order(order).status == "packed"
    assert queries.of_order(order)[0].state == "packed"
    assert (queued("pack"), queued("ship")) == ([], [work_])


def test_the_packer_says_which_carton_and_what_the_scale_says(house: Floor):
    (work_,) = picked(house.order((0, 1)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "XL", 1234)])
    assert isinstance(answer, FulfillmentPacked)
    assert (answer.carton, answer.weight_g) == ("XL", 1234)


def test_refusals_leave_everything_as_it_was(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    (early,) = released(house.order((0, 1)).order)
    unknown = ids.uuid7()

    answers = pack(
        SYSTEM,
        requests=[
            PackFulfillment(unknown),
            PackFulfillment(early),
            PackFulfillment(work_, "HUGE"),
            PackFulfillment(work_, weight_g=0),
        ],
    )

    assert answers == [
        NotFound(what="fulfillment", which=str(unknown)),
        WrongState(subject="fulfillment", found="released", event="pack", expected="picked"),
        errors.CartonUnknown(carton="HUGE", known="XS, S, M, L, XL, PALLET, OWN"),
        Invalid(field="weight_g", expected="more than 0", found=0),
    ]
    assert queries.packages(order) == []
    assert orders.order(order).status == "picked"


def test_a_fulfillment_is_packed_once(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    first, second = pack(SYSTEM, requests=[PackFulfillment(work_), PackFulfillment(work_)])
    assert isinstance(first, FulfillmentPacked)
    assert second == WrongState(subject="fulfillment", found="packed", event="pack", expected="picked")
    assert len(queries.packages(order)) == 1


def test_a_key_gets_its_answer_again(house: Floor):
    order = house.order((0, 1)).order
    (work_,) = picked(order)
    first = pack(SYSTEM, requests=[PackFulfillment(work_, key="k")])
    assert pack(SYSTEM, requests=[PackFulfillment(work_, key="k")]) == first
    assert len(queries.packages(order)) == 1


def with_cartons(house: Floor) -> None:
    """Cartons of the retailer's own: one of the things (100 × 100 × 50 mm) fills the small one, eight the middle."""
    register_cartons(
        SYSTEM,
        requests=[
            RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30, 10),
            RegisterCarton(COMPANY, "eight", 200, 200, 100, 5_000, 120, 40),
        ],
    )


def test_the_carton_proposed_is_taken_and_noted(house: Floor):
    with_cartons(house)
    order = house.order((0, 2)).order
    (work_,) = picked(order)

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_)])

    assert isinstance(answer, FulfillmentPacked)
    assert (answer.carton, answer.weight_g, answer.more) == ("eight", 2 * 250 + 120, ())
    (package,) = queries.packages(order)
    assert (package.carton, package.proposed, package.volume_cm3) == ("eight", "eight", 4_000)


def test_what_fits_is_said_by_the_inside_and_what_it_counts_as_by_the_outside(house: Floor):
    tight = RegisterCarton(
        COMPANY, "two", 100, 100, 100, 5_000, 30, 10, outer_length_mm=106, outer_width_mm=106, outer_height_mm=109
    )  # fmt: skip
    register_cartons(SYSTEM, requests=[tight])
    order = house.order((0, 2)).order

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])

    assert isinstance(answer, FulfillmentPacked)
    (package,) = queries.packages(order)
    assert (package.carton, package.proposed, package.volume_cm3) == (
        "two",
        "two",
        1_225,
    )  # 106 × 106 × 109 mm


def test_dunnage_is_part_of_what_a_package_weighs(house: Floor):
    with_cartons(house)
    filled = packing.Packing(weight_tolerance_percent=0, weight_tolerance_g=5, dunnage_g_per_liter=15)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.packing", filled, NOW)])
    one, other = picked(house.order((0, 2)).order, house.order((0, 2)).order)

    (off,) = pack(SYSTEM, requests=[PackFulfillment(other, "eight", 2 * 250 + 120)])
    by_catalog, by_scale = pack(SYSTEM, requests=[PackFulfillment(one), PackFulfillment(other, "eight", 668)])

    assert by_catalog.weight_g == 2 * 250 + 120 + 45, "three of four liters are filled"
    assert (type(off), off.facts["expected"]) == (errors.WeightOff, 665)
    assert by_scale.weight_g == 668


def test_another_carton_than_the_proposed_one_is_noted(house: Floor):
    with_cartons(house)
    order = house.order((0, 1)).order
    pack(SYSTEM, requests=[PackFulfillment(picked(order)[0], "eight")])
    (package,) = queries.packages(order)
    assert (package.carton, package.proposed) == ("eight", "one")


def test_what_one_carton_does_not_hold_goes_in_several_and_ships_together(house: Floor):
    with_cartons(house)
    order = house.order((0, 5), (1, 4)).order
    (work_,) = packed(order)

    packages = queries.packages(order)
    assert sorted((one.carton, one.units) for one in packages) == [("eight", 8), ("one", 1)]
    ship(SYSTEM, requests=[ShipFulfillment(work_)])
    (left,) = shipping.of_order(order)
    assert left.units == 9
    # slow costs 300 up to a kilogram and 600 above: 2,120 g and 280 g are charged one by one
    assert left.cost_minor == 600 + 300
    assert queued("ship") == []


def test_a_carton_that_is_too_large_for_every_carrier_is_not_proposed(house: Floor):
    """Half a cubic metre counts as 100 kg, and the services carry 30."""
    huge = RegisterCarton(COMPANY, "huge", 1_000, 1_000, 500, 30_000, 30)
    register_cartons(SYSTEM, requests=[huge, RegisterCarton(COMPANY, "dear", 100, 100, 50, 5_000, 30, 999)])
    order = house.order((0, 1)).order
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    assert isinstance(answer, FulfillmentPacked)
    assert answer.carton == "dear"


def test_what_fits_no_carton_goes_as_it_is(house: Floor):
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "tiny", 50, 50, 50, 5_000, 30)])
    order = house.order((0, 2)).order
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    assert isinstance(answer, FulfillmentPacked)
    assert [answer.carton, *(one.carton for one in answer.more)] == ["OWN", "OWN"]
    assert [(one.weight_g, one.volume_cm3) for one in queries.packages(order)] == [(250, 500), (250, 500)]


def test_what_nobody_measured_goes_by_volume_and_nothing_is_proposed(house: Floor):
    with_cartons(house)
    register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "SKU-000", "Thing SKU-000", weight_g=250)])
    order = house.order((0, 1)).order
    pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    (package,) = queries.packages(order)
    assert (package.carton, package.proposed) == ("one", "")


def test_hazardous_goods_go_apart_where_nothing_is_proposed(house: Floor):
    """Nobody registered cartons; and where some did, nobody measured one of the goods."""
    sql.run("UPDATE catalog_sku SET hazardous = true WHERE code = %(code)s", {"code": house.codes[0]})
    order = house.order((0, 2), (1, 1)).order
    pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    assert sorted((one.carton, one.units) for one in queries.packages(order)) == [("XS", 1), ("XS", 2)]
    with_cartons(house)
    sql.run("UPDATE catalog_sku SET length_mm = 0 WHERE code = %(code)s", {"code": house.codes[1]})
    order = house.order((0, 2), (1, 1)).order
    pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    assert sorted((one.carton, one.units) for one in queries.packages(order)) == [("eight", 2), ("one", 1)]


def test_what_is_too_much_for_one_proposal_goes_into_as_many_cartons_as_it_takes(house: Floor):
    with_cartons(house)
    order = house.order((0, 251)).order
    pack(SYSTEM, requests=[PackFulfillment(picked(order)[0])])
    packages = queries.packages(order)
    assert sorted({(one.carton, one.units) for one in packages}) == [("eight", 3), ("eight", 8)]
    assert sum(one.units for one in packages) == 251


def test_a_carton_that_can_not_hold_it_is_refused_and_says_why(house: Floor):
    with_cartons(house)
    sql.run("UPDATE catalog_sku SET hazardous = true WHERE code = %(code)s", {"code": house.codes[0]})
    order = house.order((0, 1), (1, 1)).order
    (work_,) = picked(order)
    first, second = (one.line for one in packing.contents([work_])[work_])
    apart = (PackedPart("one", ((first, 1),)), PackedPart("one", ((second, 1),), 6_000))
    answers = pack(SYSTEM, requests=[
        PackFulfillment(work_, "eight"), PackFulfillment(work_, "OWN"),
        PackFulfillment(work_, parts=apart, weight_note="counted"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [errors.NotInCarton] * 3
    assert f"{house.codes[0]} is hazardous and goes apart from other goods" in str(answers[0])
    assert "it may hold 5000 g, these are 5970 g" in str(answers[2])
    (plain,) = picked(house.order((1, 2)).order)
    (small,) = pack(SYSTEM, requests=[PackFulfillment(plain, "one")])
    assert "the goods take 1000 cm³, it holds 500 cm³" in str(small)
    assert queries.packages(order) == []


def test_what_expired_since_it_was_picked_is_neither_packed_nor_sent(house: Floor):
    """It may go on its last day; from the next on, at its node, it may not."""
    where = house.nodes[0]
    lot = Receive(
        COMPANY, house.skus[2], where, house.bins[where, "pick"], 9, 900, "test receipt", ids.uuid7(), lot="L1",
        expires_on=NOW.date(),
    )  # fmt: skip
    receive(SYSTEM, requests=[lot])
    first, second = picked(house.order((2, 1)).order, house.order((2, 2)).order)
    tomorrow = replace(SYSTEM, at=NOW + timedelta(days=1))
    assert isinstance(pack(SYSTEM, requests=[PackFulfillment(first)])[0], FulfillmentPacked)
    (late,) = pack(tomorrow, requests=[PackFulfillment(second)])
    assert isinstance(late, errors.LotExpired)
    assert (late.facts["units"], late.facts["lot"], late.facts["expires_on"]) == (2, "L1", NOW.date())
    (stays,) = ship(tomorrow, requests=[ShipFulfillment(first)])
    assert isinstance(stays, errors.LotExpired)
    assert not isinstance(ship(SYSTEM, requests=[ShipFulfillment(first)])[0], Refused)


def test_the_packer_says_what_is_in_each_of_several(house: Floor):
    with_cartons(house)
    order = house.order((0, 2), (1, 1)).order
    (work_,) = picked(order)
    first, second = (one.line for one in packing.contents([work_])[work_])
    parts = (PackedPart("one", ((first, 1),), 285), PackedPart("eight", ((first, 1), (second, 1))))

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, parts=parts)])

    assert isinstance(answer, FulfillmentPacked)
    assert [(one.carton, one.weight_g, one.units) for one in queries.packages(order)] == [
        ("one", 285, 1),
        ("eight", 620, 2),
    ]


def test_parts_hold_all_that_was_picked_once(house: Floor):
    with_cartons(house)
    order = house.order((0, 2), (1, 1)).order
    (work_,) = picked(order)
    first, second = (one.line for one in packing.contents([work_])[work_])
    number = queries.of_order(order)[0].number

    def refused(*parts: PackedPart, **more: object) -> object:
        (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, parts=parts, **more)])
        assert queries.packages(order) == []
        return answer

    too_few = PackedPart("eight", ((first, 1), (second, 1)))
    assert refused(too_few) == errors.NotAllPacked(fulfillment=number, picked=2, packed=1)
    assert refused(too_few, too_few) == errors.NotAllPacked(fulfillment=number, picked=1, packed=2)
    stranger = PackedPart("eight", ((first, 2), (second, 1), (ids.uuid7(), 1)))
    assert isinstance(refused(stranger), errors.NotAllPacked)
    twice = PackedPart("eight", ((first, 1), (first, 1), (second, 1)))
    assert isinstance(refused(twice), errors.NotAllPacked)
    debt = PackedPart("eight", ((first, 3), (second, 1))), PackedPart("one", ((first, -1),))
    assert isinstance(refused(*debt), errors.NotAllPacked)
    all_of_it = PackedPart("huge", ((first, 2), (second, 1)))
    assert refused(all_of_it) == errors.CartonUnknown(carton="huge", known="eight, one, OWN")
    assert refused(all_of_it, carton="one") == Invalid(
        field="parts", expected="none where a carton or a weight is said", found=1
    )


def test_several_packages_are_not_weighed_as_one(house: Floor):
    with_cartons(house)
    (work_,) = picked(house.order((0, 9)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, weight_g=2_500)])
    assert answer == Invalid(field="weight_g", expected="one for each of 2 packages, as parts", found=2_500)


def test_a_weight_that_is_off_is_refused_and_with_a_note_it_is_work_for_the_supervisor(house: Floor):
    order = house.order((0, 2)).order
    (work_,) = picked(order)
    number = queries.of_order(order)[0].number
    before = stock.moves(document=work_)

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "S", 1_200)])

    assert answer == errors.WeightOff(
        fulfillment=number, carton="S", found=1_200, expected=590, tolerance=100
    )
    assert (queries.packages(order), orders.order(order).status) == ([], "picked")

    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "S", 1_200, weight_note="wet from the rain")])

    assert isinstance(answer, FulfillmentPacked)
    (package,) = queries.packages(order)
    assert (package.weight_g, package.expected_g) == (1_200, 590)
    (item,) = work.of_subject(package.id)
    assert (item.type, item.role, item.facts["expected_g"]) == ("weight off", "warehouse supervisor", 590)
    assert "wet from the rain" in item.reason
    assert stock.moves(document=work_) == before


def test_the_tolerance_is_a_policy(house: Floor):
    strict = packing.Packing(weight_tolerance_percent=0, weight_tolerance_g=5)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.packing", strict, NOW)])
    (work_,) = picked(house.order((0, 2)).order)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "S", 596)])
    assert isinstance(answer, errors.WeightOff)
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, "S", 585)])
    assert isinstance(answer, FulfillmentPacked)


@pytest.mark.counts("warehouse.pack")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        work_ = picked(*placed(house, size, (0, 2), (1, 1)))
        with statements() as ran:
            pack(SYSTEM, requests=[PackFulfillment(one, key=str(one)) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [16] * 3


def test_statements_do_not_grow_where_cartons_are_proposed(house: Floor, statements):
    with_cartons(house)
    counts = []
    for size in (1, 10, 300):
        work_ = picked(*placed(house, size, (0, 5), (1, 4)))
        with statements() as ran:
            pack(SYSTEM, requests=[PackFulfillment(one, key=str(one)) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [16] * 3


def test_what_fills_a_carton_is_none_of_what_it_may_hold(house: Floor):
    """The goods may be as heavy as the carton holds; what the scale says of all of it is checked by itself."""
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "tight", 200, 200, 100, 500, 30)])
    first, second, third = picked(*placed(house, 3, (0, 2)))  # 500 g of goods
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(first, "tight", 30 + 500 + 40)])
    assert isinstance(answer, FulfillmentPacked)
    assert answer.weight_g == 570
    heavy, noted = pack(SYSTEM, requests=[
        PackFulfillment(second, "tight", 900), PackFulfillment(third, "tight", 900, weight_note="counted"),
    ])  # fmt: skip
    assert isinstance(heavy, errors.WeightOff)
    assert isinstance(noted, errors.NotInCarton)


# ---- proof


def asks(scope: str = "", **facts: object) -> None:
    body = packing.Packing(**facts)  # type: ignore[arg-type]
    asked = policies.SetPolicy(COMPANY, "warehouse.packing", body, NOW, scope)
    (answer,) = policies.set_policy(SYSTEM, requests=[asked])
    assert not isinstance(answer, Refused), answer


def test_where_every_unit_is_scanned_none_is_packed_unseen(house: Floor):
    (work_,) = picked(house.order((0, 2), (1, 1)).order)
    first, second = house.codes[0], house.codes[1]
    asks(verify="unit")
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, scanned=((first, 1),))])
    assert isinstance(answer, errors.ScansNeeded)
    assert answer.facts["missing"] == f"1 × {first}, 1 × {second}"
    assert "every unit" in str(answer)
    (strange,) = pack(SYSTEM, requests=[PackFulfillment(work_, scanned=((first, 3), (second, 1)))])
    assert isinstance(strange, Invalid)
    assert (strange.facts["field"], strange.facts["found"]) == ("scanned", 3)
    every = ((first, 1), (second, 1), (first, 1))
    (done,) = pack(SYSTEM, requests=[PackFulfillment(work_, scanned=every)])
    assert isinstance(done, FulfillmentPacked)


def test_where_each_sku_is_scanned_one_unit_of_it_is_enough(house: Floor):
    (work_,) = picked(house.order((0, 2), (1, 1)).order)
    asks(verify="sku")
    one_of_each = ((house.codes[0], 1), (house.codes[1], 1))
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_, scanned=one_of_each[:1])])
    assert isinstance(answer, errors.ScansNeeded)
    assert answer.facts["missing"] == f"1 × {house.codes[1]}"
    (done,) = pack(SYSTEM, requests=[PackFulfillment(work_, scanned=one_of_each)])
    assert isinstance(done, FulfillmentPacked)


def test_where_all_is_weighed_each_package_has_a_weight(house: Floor):
    with_cartons(house)
    (work_,) = picked(house.order((0, 2)).order)
    (line,) = (one.line for one in packing.contents([work_])[work_])
    asks(weigh="always")
    parts = (PackedPart("one", ((line, 1),), 285), PackedPart("one", ((line, 1),)))
    answers = pack(SYSTEM, requests=[PackFulfillment(work_), PackFulfillment(work_, parts=parts)])
    assert [type(one) for one in answers] == [errors.WeightNeeded] * 2
    assert (answers[1].facts["missing"], answers[1].facts["packages"]) == (1, 2)
    weighed = (parts[0], replace(parts[1], weight_g=285))
    (done,) = pack(SYSTEM, requests=[PackFulfillment(work_, parts=weighed)])
    assert isinstance(done, FulfillmentPacked)


def test_what_is_worth_much_is_weighed_and_the_rest_is_not(house: Floor):
    cheap, dear = picked(house.order((0, 1)).order, house.order((0, 3)).order)
    value = packing.values([cheap, dear])
    assert 0 < value[cheap] < value[dear]
    asks(weigh="above_value", weigh_from_minor=value[dear])
    first, second = pack(SYSTEM, requests=[PackFulfillment(cheap), PackFulfillment(dear)])
    assert isinstance(first, FulfillmentPacked)
    assert isinstance(second, errors.WeightNeeded)


def test_proof_is_asked_at_the_node_that_asks_for_it(house: Floor):
    (work_,) = picked(house.order((0, 1)).order)
    (node,) = sql.run(
        "SELECT n.code FROM warehouse_fulfillment AS f JOIN network_node AS n ON n.id = f.node_id"
        " WHERE f.id = %(id)s::uuid", {"id": work_},
    )[0]  # fmt: skip
    asks("elsewhere", verify="unit")
    asks(node, weigh="always")
    (answer,) = pack(SYSTEM, requests=[PackFulfillment(work_)])
    assert isinstance(answer, errors.WeightNeeded)


def test_a_supervisor_packs_without_proof_and_the_log_says_why(house: Floor):
    with_cartons(house)
    first, second = picked(house.order((0, 1)).order, house.order((0, 1)).order)
    asks(verify="unit", weigh="always")
    (unreasoned,) = pack_unproved(SYSTEM, requests=[PackUnproved(first, reason="  ")])
    assert isinstance(unreasoned, Invalid)
    assert unreasoned.facts["field"] == "reason"
    wanted = PackUnproved(first, reason="the scale is broken", key="u")
    (done,) = pack_unproved(SYSTEM, requests=[wanted])
    assert isinstance(done, FulfillmentPacked)
    assert pack_unproved(SYSTEM, requests=[wanted]) == [done]
    assert len(queries.packages(queries.fulfillment(first).order)) == 1
    proved = PackUnproved(second, weight_g=285, scanned=((house.codes[0], 1),), reason="not needed")
    assert isinstance(pack_unproved(SYSTEM, requests=[proved])[0], FulfillmentPacked)
    events = sql.run(
        "SELECT reason, payload FROM kernel_event"
        " WHERE subject_kind = 'fulfillment' AND state_after = 'packed' ORDER BY seq"
    )
    assert [reason for reason, _ in events] == ["the scale is broken", SYSTEM.reason], (
        "of what was proved nothing else is told"
    )
    assert events[0][1]["unproved"] == {
        "warehouse.scans_needed": f"1 × {house.codes[0]}", "warehouse.weight_needed": 1,
    }  # fmt: skip
    assert "unproved" not in events[1][1]


def test_what_is_not_proof_is_refused_without_it_too(house: Floor):
    (work_,) = picked(house.order((0, 1)).order)
    asks(verify="unit")
    foreign = PackUnproved(work_, scanned=(("POT", 1),), reason="in a hurry")
    (answer,) = pack_unproved(
        SYSTEM, requests=[foreign, replace(foreign, scanned=(), fulfillment=ids.uuid7())]
    )[:1]
    assert isinstance(answer, Invalid)
    assert "no POT" in str(answer)


def test_what_has_gone_is_not_asked_for_proof(house: Floor):
    (work_,) = picked(house.order((0, 1)).order)
    asks(verify="unit", weigh="always")
    (done,) = pack(SYSTEM, requests=[PackFulfillment(work_, gone=True)])
    assert isinstance(done, FulfillmentPacked)


def test_statements_do_not_grow_where_what_is_worth_much_is_weighed(house: Floor, statements):
    asks(verify="unit", weigh="above_value", weigh_from_minor=10**12)
    scans, counts = ((house.codes[0], 2), (house.codes[1], 1)), []
    for size in SIZES:
        work_ = picked(*placed(house, size, (0, 2), (1, 1)))
        with statements() as ran:
            pack(SYSTEM, requests=[PackFulfillment(one, key=str(one), scanned=scans) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [17] * 3


@pytest.mark.counts("warehouse.pack_unproved")
def test_statements_do_not_grow_where_nothing_is_proved(house: Floor, statements):
    asks(verify="unit", weigh="always")
    counts = []
    for size in SIZES:
        work_ = picked(*placed(house, size, (0, 2), (1, 1)))
        with statements() as ran:
            pack_unproved(
                SYSTEM, requests=[PackUnproved(one, key=str(one), reason="no scale") for one in work_]
            )
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [16] * 3
