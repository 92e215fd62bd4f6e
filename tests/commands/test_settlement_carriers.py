"""settlement.take_carrier_invoices, settlement.decide_charges"""

from __future__ import annotations

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.settlement import carrier_queries, errors
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_charges import ChargeDecided, DecideCharge, decide_charges
from entrepot.settlement.commands.take_carrier_invoices import (
    CarrierInvoiceTaken,
    TakeCarrierInvoice,
    take_carrier_invoices,
)
from entrepot.shipping import queries as shipping
from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.shipping.live import Bought
from entrepot.warehouse.commands.pack import PackedPart, PackFulfillment, pack
from entrepot.work import queries as work
from tests.back import lines_of, sent, trackings
from tests.floor import COMPANY, SYSTEM, Floor, balance, someone
from tests.seconds import the_database_refuses
from tests.sizes import MANY, SIZES
from tests.walk import a_house, picked, placed, shipped

pytestmark = pytest.mark.django_db
OTHER = someone("controller two")


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 2_000)
    return house


def numbers(house: Floor, count: int = 1) -> list[str]:
    """Tracking numbers of shipments that cost 300 each."""
    return [shipping.shipment(one).tracking for one in shipped(*placed(house, count, (0, 1)))]


def an_invoice(name: str, *lines: Billed, **changes) -> TakeCarrierInvoice:
    facts = {"total_minor": sum(line.amount_minor for line in lines)} | changes
    return TakeCarrierInvoice(COMPANY, "Post", name, "GBP", lines=lines, **facts)


def take(*invoices: TakeCarrierInvoice) -> list:
    return take_carrier_invoices(SYSTEM, requests=invoices)


def test_what_matches_settles_the_accrual_and_what_does_not_is_in_question(house: Floor):
    one, two, three = numbers(house, 3)
    assert balance(2150) == -900

    (taken,) = take(
        an_invoice(
            "F-1", Billed(one, 300), Billed(two, 306), Billed(three, 420, weight_g=1_200), Billed("X9", 80)
        )
    )

    assert isinstance(taken, CarrierInvoiceTaken)
    assert (taken.state, taken.lines, taken.in_question, taken.question_minor) == ("open", 4, 2, 200)
    assert (balance(2150), balance(5510), balance(1170), balance(2000)) == (0, 6, 200, -1106)
    (item,) = work.of_subject(taken.invoice)
    assert (item.role, item.type) == ("controller", "carrier invoice to check")
    why = [line.why for line in carrier_queries.charges(COMPANY, in_question=True)]
    assert why[0].startswith("weighed again: 1200 g")
    assert why[1] == "no parcel of ours has this number"
    assert carrier_queries.unbilled(COMPANY) == []


def test_an_invoice_is_taken_once_and_not_otherwise(house: Floor):
    (number,) = numbers(house)
    first, again, other, wrong = take(
        an_invoice("F-1", Billed(number, 300)), an_invoice("F-1", Billed(number, 300)),
        an_invoice("F-1", Billed(number, 310)), an_invoice("F-2", Billed(number, 300), total_minor=301),
    )  # fmt: skip
    assert (first.fresh, again.fresh, first.invoice) == (True, False, again.invoice)
    assert isinstance(other, errors.InvoiceTakenOtherwise)
    assert isinstance(wrong, errors.InvoiceDoesNotAddUp)
    (second,) = take(an_invoice("F-3", Billed(number, 300)))
    (charge,) = carrier_queries.charges(COMPANY, second.invoice)
    assert (charge.state, charge.expected_minor, charge.why) == ("differs", 0, "charged before")
    assert balance(2150) == 0


def test_labels_bear_their_part_and_a_voided_one_nothing(house: Floor):
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(shipment, ("AA-1",))])
    void_labels(SYSTEM, requests=[VoidLabel(printed.labels[0].label, "torn")])
    print_labels(SYSTEM, requests=[PrintLabels(shipment, ("AA-2",))])

    (taken,) = take(an_invoice("F-1", Billed("AA-2", 300), Billed("AA-1", 300)))

    told = [(one.tracking, one.state, one.why) for one in carrier_queries.charges(COMPANY, taken.invoice)]
    assert told == [("AA-2", "matched", ""), ("AA-1", "differs", "its label was voided")]


def test_each_package_was_accrued_at_its_own_price_and_not_by_its_weight(house: Floor):
    """A carrier bills each at its rate: 3.00 for half a kilogram, 6.00 for five, whatever they weigh together."""
    (order,) = placed(house, 1, (0, 3))
    (work_,) = picked(order)
    (line,) = lines_of(order)
    parts = tuple(PackedPart("XS", ((line, 1),), grams) for grams in (5_000, 500, 700))
    pack(SYSTEM, requests=[PackFulfillment(work_, parts=parts, weight_note="heavy")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_)])
    print_labels(SYSTEM, requests=[PrintLabels(gone.shipment, ("AA-5", "AA-1", "AA-2"))])
    assert gone.cost_minor == 1_200

    (taken,) = take(an_invoice("F-1", Billed("AA-5", 600), Billed("AA-1", 300), Billed("AA-2", 300)))

    assert (taken.state, taken.in_question) == ("settled", 0)
    assert (balance(2150), balance(5510)) == (0, 0)


def test_what_was_billed_in_part_is_not_priced_anew_by_what_its_labels_cost(house: Floor):
    """The first label is billed at what was accrued for it; the second is bought after that."""
    (order,) = placed(house, 1, (0, 2))
    (work_,) = picked(order)
    (line,) = lines_of(order)
    parts = tuple(PackedPart("XS", ((line, 1),), grams) for grams in (5_000, 500))
    pack(SYSTEM, requests=[PackFulfillment(work_, parts=parts, weight_note="heavy")])
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_)])
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(gone.shipment, ("AA-5", "AA-1"))])
    first, second = (one.label for one in printed.labels)
    sql.run(
        "INSERT INTO shipping_purchase (label_id, company_id, shipment_id, source, service, state)"
        " SELECT id, company_id, shipment_id, 'easypost', 'parcel', 'asked' FROM shipping_label RETURNING 1"
    )
    record_purchases(SYSTEM, requests=[RecordPurchase(first, "buy", Bought("a", "AA-5", 450, "GBP", ""))])
    (taken,) = take(an_invoice("F-1", Billed("AA-5", 600)))
    assert (taken.state, balance(2150)) == ("settled", -300)

    record_purchases(SYSTEM, requests=[RecordPurchase(second, "buy", Bought("b", "AA-1", 250, "GBP", ""))])

    assert (shipping.shipment(gone.shipment).cost_minor, balance(2150)) == (900, -300)
    (last,) = take(an_invoice("F-2", Billed("AA-1", 250)))
    (charge,) = carrier_queries.charges(COMPANY, last.invoice)
    assert (charge.expected_minor, charge.difference_minor, balance(2150)) == (300, -50, 0)


def test_a_credit_on_an_invoice_is_decided_with_the_charge_that_it_is_for(house: Floor):
    (number,) = numbers(house)
    (first,) = take(an_invoice("F-1", Billed(number, 700)))
    (second,) = take(an_invoice("F-2", Billed("X9", 80), Billed(number, -400)))
    assert (second.state, second.in_question, second.question_minor) == ("open", 2, -320)
    assert (balance(2150), balance(1170), balance(2000)) == (0, 400 - 320, -700 + 320)
    decided = decide_charges(SYSTEM, requests=[
        DecideCharge(first.invoice, 1, "accept", "see the credit"), DecideCharge(second.invoice, 1, "accept", "ours"),
        DecideCharge(second.invoice, 2, "credit"), DecideCharge(second.invoice, 2, "accept", "they gave it back"),
    ])  # fmt: skip
    assert isinstance(decided[2], Invalid)
    assert decided[3] == ChargeDecided(second.invoice, 2, "accepted", "settled")
    assert (balance(1170), balance(5510), balance(2000)) == (0, 80, -380)


def test_charges_in_question_are_accepted_disputed_and_credited(house: Floor):
    one, two = numbers(house, 2)
    (taken,) = take(an_invoice("F-1", Billed(one, 700), Billed(two, 500), Billed("X9", 80)))
    which = taken.invoice

    accepted, disputed, late, unknown, silent, odd, more = decide_charges(
        SYSTEM,
        requests=[
            DecideCharge(which, 1, "accept", "it was heavier"), DecideCharge(which, 2, "dispute", "we weighed 250 g"),
            DecideCharge(which, 1, "accept", "again"), DecideCharge(which, 9, "accept", "?"),
            DecideCharge(which, 3, "accept"), DecideCharge(which, 3, "forget", "?"),
            DecideCharge(which, 3, "credit", credited_minor=81),
        ],
    )  # fmt: skip
    assert accepted == ChargeDecided(which, 1, "accepted", "open")
    assert disputed == ChargeDecided(which, 2, "disputed", "open")
    assert isinstance(late, WrongState)
    assert isinstance(unknown, NotFound)
    assert [type(one) for one in (silent, odd, more)] == [Invalid] * 3
    assert (balance(1170), balance(5510)) == (280, 400)

    (answer,) = decide_charges(SYSTEM, requests=[DecideCharge(which, 3, "accept", "a parcel of the trial")])
    assert answer.invoice_state == "disputed"
    assert work.of_subject(which)[0].state == "done"
    (credited,) = decide_charges(SYSTEM, requests=[DecideCharge(which, 2, "credit", credited_minor=150)])
    assert credited == ChargeDecided(which, 2, "credited", "settled")
    assert (balance(1170), balance(5510), balance(2000)) == (0, 400 + 80 + 50, -1280 + 150)
    (row,) = carrier_queries.invoices(COMPANY)
    assert (row.expected_minor, row.variance_minor, row.in_question) == (600, 530, 0)


def test_who_took_an_invoice_does_not_accept_much_of_it(house: Floor):
    (taken,) = take(an_invoice("F-1", Billed("X9", 1_001), Billed("X8", 1_000)))
    wanted = [DecideCharge(taken.invoice, line, "accept", "fine") for line in (1, 2)]
    much, little = decide_charges(SYSTEM, requests=wanted)
    assert isinstance(much, DutiesApart)
    (silent,) = decide_charges(OTHER, requests=[DecideCharge(taken.invoice, 1, "accept", " ")])
    assert isinstance(silent, Invalid)
    assert [one.side for one in duties_of(taken.invoice)] == ["enter"], "who is refused has done nothing"
    assert isinstance(little, ChargeDecided)
    the_database_refuses(
        "settlement_carriercharge", "state = 'accepted'", f"invoice_id = '{taken.invoice}' AND number = 1",
        SYSTEM.actor.name,
    )  # fmt: skip
    (other,) = decide_charges(OTHER, requests=[wanted[0]])
    assert other.invoice_state == "settled"


def test_what_a_credit_leaves_as_a_cost_is_accepted_by_another_person_as_well(house: Floor):
    (taken,) = take(an_invoice("F-1", Billed("X9", 5_000), Billed("X8", 5_000), Billed("X7", 5_000)))
    given = [
        DecideCharge(taken.invoice, line, "credit", credited_minor=n) for line, n in ((1, 1), (2, 4_000))
    ]
    much, little = decide_charges(SYSTEM, requests=given)
    assert isinstance(much, DutiesApart)
    assert little == ChargeDecided(taken.invoice, 2, "credited", "open")
    (whole,) = decide_charges(SYSTEM, requests=[DecideCharge(taken.invoice, 3, "credit")])
    assert whole.state == "credited"
    the_database_refuses(
        "settlement_carriercharge", "state = 'credited', credited_minor = 1",
        f"invoice_id = '{taken.invoice}' AND number = 1", SYSTEM.actor.name,
    )  # fmt: skip
    (other,) = decide_charges(OTHER, requests=[given[0]])
    assert (other.state, other.invoice_state) == ("credited", "settled")
    assert ("approve", OTHER.actor.name) in {(one.side, one.person) for one in duties_of(taken.invoice)}


def test_an_answer_is_given_again_for_its_key(house: Floor):
    invoice = an_invoice("F-1", Billed("X9", 10), key="k")
    assert take(invoice) == take(invoice)
    which = take(invoice)[0].invoice
    wanted = DecideCharge(which, 1, "accept", "fine", key="d")
    assert decide_charges(SYSTEM, requests=[wanted]) == decide_charges(SYSTEM, requests=[wanted])
    assert balance(5510) == 10


@pytest.mark.counts("settlement.take_carrier_invoices", "settlement.decide_charges")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    parcels = iter(trackings(sent(sold_house, MANY + 11)))
    for size in SIZES:
        wanted = [
            an_invoice(
                f"{size}-{i}", Billed(next(parcels), 320), Billed(str(ids.uuid7()), 9), key=f"{size}-{i}"
            )
            for i in range(size)
        ]
        with statements():
            taken = take(*wanted)
        with statements():
            decide_charges(SYSTEM, requests=[DecideCharge(one.invoice, 2, "accept", "fine") for one in taken])
