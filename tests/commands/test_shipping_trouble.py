"""shipping.open_claims, advance_claims, reship, watch_silence, answer_trouble"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.shipping import customs, errors, parcels, queries, tasks
from entrepot.shipping.commands.claim import (
    AdvanceClaim,
    ClaimAdvanced,
    ClaimOpened,
    OpenClaim,
    advance_claims,
    open_claims,
)
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.reship import Reship, Reshipped, reship
from entrepot.shipping.commands.watch import (
    AnswerTrouble,
    SilenceWatched,
    TroubleAnswered,
    WatchSilence,
    answer_trouble,
    watch_silence,
)
from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
from entrepot.work import queries as work
from tests.back import HOME, sent
from tests.commands.test_shipping_take_tracking import take
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.walk import a_house, placed, queued, shipped

pytestmark = pytest.mark.django_db
LATER = replace(SYSTEM, at=NOW + timedelta(days=11))


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5_000)
    return house


def a_parcel(house: Floor, count: int = 1) -> list[UUID]:
    return shipped(*placed(house, count, (0, 1), address=HOME))


def policy(**changes) -> None:
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "shipping.trouble", changes, NOW)])


def open_one(shipment: UUID, kind: str = "lost", **changes) -> ClaimOpened:
    (answer,) = open_claims(SYSTEM, requests=[OpenClaim(shipment, kind, **changes)])
    assert isinstance(answer, ClaimOpened), answer
    return answer


def step(claim: ClaimOpened, name: str, amount: int | None = None, reason: str = ""):
    return advance_claims(SYSTEM, requests=[AdvanceClaim(claim.claim, name, amount, reason)])[0]


def test_a_claim_is_for_goods_and_carriage_and_has_its_last_day(house: Floor):
    (shipment,) = a_parcel(house)
    claim = open_one(shipment)
    assert (claim.amount_minor, claim.due_on) == (999 + 300, date(2027, 1, 22))
    (item,) = work.of_subject(claim.claim)
    assert (item.type, claim.number in item.reason) == ("claim to file", True)
    wanted = (OpenClaim(shipment, "lost"), OpenClaim(ids.uuid7(), "lost"), OpenClaim(shipment, "sad"),
              OpenClaim(shipment, "damaged", 0))  # fmt: skip
    again, none, odd, nothing = open_claims(SYSTEM, requests=wanted)
    assert isinstance(again, errors.Claimed)
    assert isinstance(none, NotFound)
    assert [type(one) for one in (odd, nothing)] == [Invalid] * 2


def test_a_claim_is_followed_to_its_credit_and_so_are_the_books(house: Floor):
    claim = open_one(a_parcel(house)[0])
    assert step(claim, "file") == ClaimAdvanced(claim.claim, "filed")
    assert work.of_subject(claim.claim)[0].state == "done"
    assert step(claim, "agree", 1_000) == ClaimAdvanced(claim.claim, "agreed")
    assert (balance(1180), balance(5520)) == (1_000, -1_000)
    assert step(claim, "credit", 900) == ClaimAdvanced(claim.claim, "credited")
    assert (balance(1180), balance(5520), balance(2000)) == (0, -900, 900)
    assert isinstance(step(claim, "refuse", reason="?"), WrongState)


def test_a_claim_that_is_refused_leaves_nothing_in_the_books(house: Floor):
    one, other = (open_one(shipment) for shipment in a_parcel(house, 2))
    step(one, "agree")
    assert balance(1180) == 1_299
    assert isinstance(step(one, "refuse"), Invalid)
    assert step(one, "refuse", reason="packed badly") == ClaimAdvanced(one.claim, "refused")
    assert (balance(1180), balance(5520)) == (0, 0)
    assert isinstance(step(other, "agree", 1_300), Invalid)
    assert isinstance(step(other, "forget"), Invalid)
    assert isinstance(advance_claims(SYSTEM, requests=[AdvanceClaim(ids.uuid7(), "file")])[0], NotFound)
    assert step(other, "drop", reason="it came after all").state == "dropped"


def test_goods_are_sent_again_once_at_no_charge(house: Floor):
    (shipment,) = a_parcel(house)
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    assert isinstance(again, Reshipped)
    assert again.holds == ()
    order = orders.order(again.order)
    assert (order.total_minor, order.status) == (0, "ready")
    before = balance(4000), balance(1100)
    shipped(again.order)
    assert (balance(4000), balance(1100)) == before
    assert orders.order(again.order).status == "shipped"
    second, none, silent = reship(
        SYSTEM, requests=[Reship(shipment, "lost"), Reship(ids.uuid7(), "lost"), Reship(shipment, " ")]
    )
    assert isinstance(second, errors.SentAgain)
    assert isinstance(none, NotFound)
    assert isinstance(silent, Invalid)
    homes = parties.addresses([one for (one,) in sql.run("SELECT address_id FROM orders_order")])
    assert [(one.name, one.line1) for one in homes.values()] == [("Ada Byron", "1 High Street")] * 2


def test_customs_are_told_what_goods_were_sold_at_also_where_they_are_sent_again(house: Floor):
    """And where those are lost as well, and sent a third time."""
    (first,) = a_parcel(house)
    sql.run("UPDATE orders_order SET country = 'CH'")
    told = [customs.of_fulfillment(queries.shipment(first).fulfillment, NOW)]
    sql.run("UPDATE orders_order SET country = 'GB'")
    sent = first
    for _ in range(2):
        (again,) = reship(SYSTEM, requests=[Reship(sent, "lost")])
        (sent,) = shipped(again.order)
        sql.run("UPDATE orders_order SET country = 'CH'")
        told.append(customs.of_fulfillment(queries.shipment(sent).fulfillment, NOW))
        sql.run("UPDATE orders_order SET country = 'GB'")
    assert told[0].value_minor > 0
    assert [one.value_minor for one in told] == [told[0].value_minor] * 3
    assert [[line.units for line in one.lines] for one in told] == [
        [line.units for line in told[0].lines]
    ] * 3


def test_what_the_carrier_lost_is_claimed_and_sent_again_as_the_policy_says(house: Floor):
    policy(reship=["lost"])
    (shipment,) = a_parcel(house)
    number = queries.shipment(shipment).tracking
    take(a_message(number, detail("failure", exact="lost")))
    assert queued("trouble") == [shipment]

    tasks.serve_trouble(SYSTEM, [shipment])

    assert sql.run("SELECT kind, state FROM shipping_claim") == [("lost", "open")]
    assert sql.run("SELECT shipment_id FROM shipping_reshipment") == [(shipment,)]
    again, twice, none = answer_trouble(
        SYSTEM, requests=[AnswerTrouble(shipment), AnswerTrouble(shipment), AnswerTrouble(ids.uuid7())]
    )
    assert again == twice == TroubleAnswered(shipment, (), reshipped=False)
    assert isinstance(none, NotFound)


def test_what_nobody_has_seen_for_days_is_lost_once(house: Floor):
    silent, seen, early, came = a_parcel(house, 4)
    deliver(SYSTEM, requests=[Delivered(came)])
    take(a_message(queries.shipment(seen).tracking, detail("in_transit", NOW + timedelta(days=4))))
    take(a_message(queries.shipment(early).tracking, detail("failure", exact="lost"), name="e"))
    watched = watch_silence(LATER, requests=[WatchSilence(COMPANY, key="n")])
    assert (
        watched
        == [SilenceWatched(COMPANY, 1)]
        == watch_silence(LATER, requests=[WatchSilence(COMPANY, key="n")])
    )
    assert watch_silence(LATER, requests=[WatchSilence(COMPANY)]) == [SilenceWatched(COMPANY, 0)]
    assert [one.kind for one in queries.carrier_events(silent)] == ["lost"]
    assert [one.type for one in work.of_subject(silent)] == ["parcel lost"]
    assert silent in queued("trouble")


def test_an_answer_is_given_again_for_its_key(house: Floor):
    (shipment,) = a_parcel(house)
    wanted = OpenClaim(shipment, "lost", key="c")
    (claim,) = open_claims(SYSTEM, requests=[wanted])
    assert open_claims(SYSTEM, requests=[wanted]) == [claim]
    filed = AdvanceClaim(claim.claim, "file", key="f")
    assert advance_claims(SYSTEM, requests=[filed]) == advance_claims(SYSTEM, requests=[filed])
    sent = Reship(shipment, "lost", key="r")
    assert reship(SYSTEM, requests=[sent]) == reship(SYSTEM, requests=[sent])


@pytest.mark.counts(
    "shipping.open_claims", "shipping.advance_claims", "shipping.reship", "shipping.watch_silence",
    "shipping.answer_trouble",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    policy(reship=["lost"], claim=["lost"])
    deliver(SYSTEM, requests=[Delivered(one) for one in sent(sold_house, 1)])
    for size in SIZES:
        parcels = sent(sold_house, size)
        with statements():
            claims = open_claims(
                SYSTEM, requests=[OpenClaim(one, "damaged", key=f"c{one}") for one in parcels]
            )
        with statements():
            advance_claims(
                SYSTEM, requests=[AdvanceClaim(one.claim, "agree", key=str(one.claim)) for one in claims]
            )
        with statements():
            reship(SYSTEM, requests=[Reship(one, "lost", key=f"r{one}") for one in parcels])
        silent = a_parcel(sold_house, size)
        with statements():
            watch_silence(LATER, requests=[WatchSilence(COMPANY, key=f"{size}-{i}") for i in range(size)])
        watch_silence(LATER, requests=[WatchSilence(COMPANY)])  # those that the first left
        with statements():
            answer_trouble(SYSTEM, requests=[AnswerTrouble(one, key=str(one)) for one in silent])


def troubled(kind: str, shipment: UUID, name: str = "t") -> None:
    take(a_message(queries.shipment(shipment).tracking, detail("failure", exact=kind), name=name))
    tasks.serve_trouble(SYSTEM, queued("trouble"))


def arrives(shipment: UUID) -> None:
    at = NOW + timedelta(days=3)
    take(a_message(queries.shipment(shipment).tracking, detail("delivered", at), name="arrived"))
    assert shipment in queued("trouble")
    tasks.serve_trouble(SYSTEM, [shipment])


def test_trouble_ends_with_the_arrival(house: Floor):
    (shipment,) = a_parcel(house)
    troubled("delayed", shipment)
    troubled("lost", shipment, "u")
    (claim,) = queries.claims(COMPANY)
    arrives(shipment)
    assert {one.type for one in work.of_subject(shipment) if one.state != "done"} == set()
    (dropped,) = queries.claims(COMPANY)
    assert (dropped.id, dropped.state, dropped.reason) == (claim.id, "dropped", "it arrived after all")
    assert all(one.state == "done" for one in work.of_subject(claim.id))


def test_what_went_on_meanwhile_is_a_work_item(house: Floor):
    policy(reship=["lost"])
    (shipment,) = a_parcel(house)
    troubled("lost", shipment)
    (claim,) = queries.claims(COMPANY)
    advance_claims(SYSTEM, requests=[AdvanceClaim(claim.id, "file")])
    arrives(shipment)
    assert [one.state for one in queries.claims(COMPANY)] == ["filed"], "the carrier has it on its desk"
    (item,) = [one for one in work.of_subject(claim.id) if one.state != "done"]
    assert item.type == "claim of what arrived"
    (other,) = [one for one in work.of_subject(shipment) if one.state != "done"]
    assert (other.type, "sent again with order SO-" in other.reason) == ("sent again and arrived", True)


def test_damage_stays_trouble_and_so_does_what_is_told_after_the_arrival(house: Floor):
    broken, refused = a_parcel(house, 2)
    troubled("damaged", broken)
    arrives(broken)
    assert [one.type for one in work.of_subject(broken) if one.state != "done"] == ["parcel damaged"]
    assert [one.state for one in queries.claims(COMPANY)] == ["open"]
    number = queries.shipment(refused).tracking
    take(a_message(number, detail("delivered", NOW + timedelta(days=2)), name="d"))
    take(a_message(number, detail("return_to_sender", NOW + timedelta(days=3)), name="r"))
    tasks.serve_trouble(SYSTEM, [refused])
    assert [one.type for one in work.of_subject(refused) if one.state != "done"] == [
        "parcel returned to sender"
    ]


def test_where_nobody_tells_silence_is_no_news(house: Floor):
    a_parcel(house)
    assert watch_silence(LATER, requests=[WatchSilence(COMPANY)]) == [SilenceWatched(COMPANY, 0)]
    deliver(SYSTEM, requests=[Delivered(a_parcel(house)[0])])
    assert watch_silence(LATER, requests=[WatchSilence(COMPANY)]) == [SilenceWatched(COMPANY, 1)]


def two_parcels(house: Floor) -> tuple[UUID, str, str]:
    """A shipment of two units, each in a carton of its own, and the numbers of their labels."""
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    (shipment,) = shipped(*placed(house, 1, (0, 2), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    first, second = (label.tracking for label in queries.labels(shipment=shipment))
    return shipment, first, second


def tell(number: str, name: str, *details: dict) -> None:
    take(a_message(number, *details, name=name))
    tasks.serve_trouble(SYSTEM, queued("trouble"))


def units_of(order: UUID) -> list[int]:
    return [one.quantity for one in orders.order(order).lines]


def test_one_lost_parcel_of_two_is_claimed_and_sent_again_by_itself(house: Floor):
    policy(reship=["lost"])
    shipment, first, second = two_parcels(house)
    tell(second, "l", detail("failure", exact="lost"))
    assert queries.claims(COMPANY) == []
    assert sql.run("SELECT FROM shipping_reshipment") == []
    (said,) = open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost")])
    assert isinstance(said, errors.ClaimInPart)
    assert said.facts == {"shipment": queries.shipment(shipment).number, "missing": second, "well": first}
    assert open_one(shipment, amount_minor=999).amount_minor == 999
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "lost")])
    assert units_of(again.order) == [1]


def test_a_second_lost_parcel_is_claimed_up_to_what_the_shipment_is_worth(house: Floor):
    shipment, first, second = two_parcels(house)
    tell(first, "l", detail("failure", exact="lost"))
    one = open_one(shipment, amount_minor=1_000)
    tell(second, "m", detail("failure", exact="lost"))
    worth = 2 * (999 + 300)
    whole, more, rest, none = open_claims(SYSTEM, requests=[
        OpenClaim(shipment, "lost"), OpenClaim(shipment, "lost", worth - 999),
        OpenClaim(shipment, "lost", worth - 1_000), OpenClaim(shipment, "lost", 1),
    ])  # fmt: skip
    assert (type(whole), whole.facts["number"]) == (errors.Claimed, one.number)
    assert (type(more), more.facts["field"]) == (Invalid, "amount_minor")
    assert (type(rest), rest.amount_minor) == (ClaimOpened, worth - 1_000)
    assert isinstance(none, errors.Claimed)


def test_each_kind_of_trouble_is_claimed_and_sent_again_by_itself(house: Floor):
    shipment, first, second = two_parcels(house)
    tell(first, "l", detail("failure", exact="lost"))
    tell(second, "w", detail("in_transit", exact="delayed"))
    assert isinstance(open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost")])[0], errors.ClaimInPart)
    assert units_of(reship(SYSTEM, requests=[Reship(shipment, "lost")])[0].order) == [1], "the late one comes"

    other, one, two = two_parcels(house)
    tell(one, "a", detail("failure", exact="lost"))
    tell(two, "b", detail("failure", exact="damaged"))
    for kind, missing in (("lost", one), ("damaged", two)):
        (said,) = open_claims(SYSTEM, requests=[OpenClaim(other, kind)])
        assert said.facts["missing"] == missing


def test_what_did_not_come_is_sent_again_and_all_where_all_is_lost(house: Floor):
    shipment, first, _ = two_parcels(house)
    tell(first, "d", detail("delivered", NOW + timedelta(days=1)))
    again = replace(SYSTEM, at=NOW + timedelta(days=2))
    (which,) = reship(again, requests=[Reship(shipment, "broken")])
    assert isinstance(which, errors.WhichParcels)
    (odd,) = reship(again, requests=[Reship(shipment, "broken", ("ODD",))])
    assert (type(odd), odd.facts["found"]) == (Invalid, "ODD")
    (named,) = reship(again, requests=[Reship(shipment, "broken", (first,))])
    assert units_of(named.order) == [1]

    policy(reship=["lost"])
    other, one, two = two_parcels(house)
    tell(one, "a", detail("failure", exact="lost"))
    assert sql.run("SELECT FROM shipping_claim") == []
    tell(two, "b", detail("failure", exact="lost"))
    ((order,),) = sql.run("SELECT order_id FROM shipping_reshipment WHERE shipment_id = %(h)s", {"h": other})
    assert units_of(order) == [2]
    assert [one.amount_minor for one in queries.claims(COMPANY)] == [2 * (999 + 300)]


def test_what_is_told_by_the_carriers_number_holds_for_labels_that_bear_ours(house: Floor):
    shipment, first, second = two_parcels(house)
    sql.run("UPDATE shipping_shipment SET tracking = 'TRK1' WHERE id = %(h)s RETURNING 1", {"h": shipment})
    sql.run("UPDATE shipping_label SET tracking = 'TRK1' WHERE tracking = %(n)s RETURNING 1", {"n": first})
    tell("TRK1", "l", detail("failure", exact="lost"))
    assert [one.kinds for one in parcels.of([shipment])[shipment]] == [{"lost"}] * 2, second
    tell("TRK1", "d", detail("delivered", NOW + timedelta(days=1)))
    assert all(one.came for one in parcels.of([shipment])[shipment])


def test_a_package_without_a_label_is_not_sent_again_unless_it_is_named(house: Floor):
    policy(reship=["lost"])
    register_cartons(SYSTEM, requests=[RegisterCarton(COMPANY, "one", 100, 100, 50, 5_000, 30)])
    (shipment,) = shipped(*placed(house, 1, (0, 3), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(shipment)])
    first, second, third = queries.labels(shipment=shipment)
    void_labels(SYSTEM, requests=[VoidLabel(third.id, "stays here")])
    tell(first.tracking, "a", detail("failure", exact="lost"))
    tell(second.tracking, "b", detail("failure", exact="lost"))
    assert sql.run("SELECT FROM shipping_reshipment") == [], "of the third nobody knows"
    assert isinstance(open_claims(SYSTEM, requests=[OpenClaim(shipment, "lost")])[0], errors.ClaimInPart)
    named = (first.tracking, third.package_number)
    assert units_of(reship(SYSTEM, requests=[Reship(shipment, "lost", named)])[0].order) == [2]

    (other,) = shipped(*placed(house, 1, (0, 3), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(other)])
    one, two, three = queries.labels(shipment=other)
    void_labels(SYSTEM, requests=[VoidLabel(three.id, "stays here")])
    tell(one.tracking, "c", detail("failure", exact="lost"))
    assert units_of(reship(SYSTEM, requests=[Reship(other, "lost")])[0].order) == [1], two.tracking
