"""channels.save_mapping, and the import of a file of orders"""

from __future__ import annotations

import json

import pytest

from entrepot.channels import queries
from entrepot.channels.commands.save_mapping import MappingSaved, SaveMapping, save_mapping
from entrepot.channels.spreadsheet import importer, parse, read, write
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.orders.validation import Validation
from entrepot.parties import queries as parties
from tests.selling import CAUSE, COMPANY, a_seller, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

COLUMNS = (("order", "No"), ("sku", "Item"), ("quantity", "Pcs"), ("unit_price", "Each"))
FILE = b"""Order,SKU,Qty,Price,Customer,Shipping,Campaign,Coupon,Line discount,Country
A,MUG,2,10.00,C1,3.00,spring,MUG1,1.00,GB
A,PEN,1,5.125,,,,,,
B,NEW,1,1.00,,,,,,GB
C,MUG,none,1.00,,,,,
"""
TABLES = (
    "orders_order",
    "orders_line",
    "orders_hold",
    "work_item",
    "kernel_event",
    "kernel_ready",
    "parties_customer",
)


@pytest.fixture(autouse=True)
def seller(db):
    a_seller(channels=("shop", "mail"))


def run(data: bytes = FILE, *, tries: bool = False) -> importer.Report:
    sheet = read.read(data)
    mapping = parse.propose(sheet.header)
    return importer.run(
        CAUSE, company=COMPANY, channel="shop", currency="GBP", sheet=sheet, mapping=mapping, tries=tries
    )


def test_a_file_is_placed_order_by_order_and_its_faults_are_told():
    report = run()

    assert [(one.order, one.status, one.total_minor) for one in report.outcomes] == [
        ("A", "ready", 27_13), ("B", "inventory hold", 1_00),
    ]  # fmt: skip
    assert [(one.row, one.column, one.found, one.order) for one in report.wrong] == [(5, "Qty", "none", "C")]
    assert (report.orders, report.placed, report.held, report.refused) == (3, 2, 1, 1)
    (known,) = orders.orders_page(COMPANY, text="A")
    order = orders.order(known.id)
    assert (order.customer, order.campaign, order.total_minor) == ("C1", "spring", 27_13)
    assert [(one.code, one.amount_minor, one.line) for one in order.promotions] == [("MUG1", 1_00, 1)]


def test_a_trial_answers_the_same_and_writes_nothing():
    before = {table: rows(table) for table in TABLES}

    tried = run(tries=True)

    assert {table: rows(table) for table in TABLES} == before
    placed = run()
    assert [(one.order, one.status, one.total_minor) for one in tried.outcomes] == [
        (one.order, one.status, one.total_minor) for one in placed.outcomes
    ]
    assert tried.wrong == placed.wrong


def test_the_same_file_again_changes_nothing():
    first, again = run(), run()

    assert (again.placed, again.duplicates) == (0, 2)
    assert [one.number for one in again.outcomes] == [one.number for one in first.outcomes]
    assert rows("orders_order") == 2


def test_a_run_that_was_stopped_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 1)
    noted = importer._note
    monkeypatch.setattr(importer, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(importer, "_note", noted)

    report = run()

    assert (report.placed, report.duplicates, rows("orders_order")) == (1, 1, 2)


def test_faults_are_written_for_spreadsheets_without_formulas():
    text = write.errors_csv([parse.Wrong(3, "=Qty", "a whole number", "=cmd()", "A")])
    assert text.splitlines() == ["row,column,order,expected,found", "3,'=Qty,A,a whole number,'=cmd()"]


def test_a_report_is_json():
    told = json.loads(json.dumps(run().as_json()))
    assert told["totals"] == {"GBP": 28_13}
    assert set(told["columns"]) >= {"order", "sku"}
    assert all(bool(one["holds"]) == bool(one["reasons"]) for one in told["results"])


def test_a_mapping_is_remembered_for_a_channel_and_by_name():
    wanted = SaveMapping(COMPANY, "shop", COLUMNS)
    (answer,) = save_mapping(CAUSE, requests=[wanted])
    (again,) = save_mapping(CAUSE, requests=[SaveMapping(COMPANY, "shop", (*COLUMNS, ("tax", "VAT")))])

    assert isinstance(answer, MappingSaved)
    assert again == answer
    assert queries.mapping(company=COMPANY, channel="shop").columns == dict(COLUMNS) | {"tax": "VAT"}
    assert queries.mapping(company=COMPANY, channel="mail").columns == {}
    assert queries.mapping(company=COMPANY, channel="shop", name="other").columns == {}


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (SaveMapping(COMPANY, "none", COLUMNS), NotFound),
        (SaveMapping(COMPANY, "shop", COLUMNS[:2]), Invalid),
        (SaveMapping(COMPANY, "shop", (*COLUMNS, ("tax", "Each"))), Invalid),
        (SaveMapping(COMPANY, "shop", (*COLUMNS, ("colour", "Colour"))), Invalid),
        (SaveMapping(COMPANY, "shop", COLUMNS, ""), Invalid),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_and_its_neighbor_is_not(request_, refusal):
    refused, saved = save_mapping(CAUSE, requests=[request_, SaveMapping(COMPANY, "mail", COLUMNS)])

    assert isinstance(refused, refusal)
    assert isinstance(saved, MappingSaved)
    assert rows("channels_mapping") == 1


@pytest.mark.counts("channels.save_mapping")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        wanted = [SaveMapping(COMPANY, "shop", COLUMNS, f"{batch}-{i}") for i in range(batch)]
        with statements() as ran:
            save_mapping(CAUSE, requests=wanted)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [3] * 3  # the third writes the events


def test_what_an_order_is_refused_for_is_told_in_the_column_that_it_came_from():
    header = "Order,SKU,Qty,Price,Provider,Paid,Order date\n"
    report = run((header + "A,MUG,1,1.00,paypol,1.00,\nB,MUG,1,1.00,fake,1.00,2031-01-01\n").encode())
    assert [(one.column, one.found) for one in report.wrong] == [
        ("Provider", "paypol"),
        ("Order date", "2031-01-01T00:00:00+00:00"),
    ]


BILLED = b"""\
Order;SKU;Qty;Price;Kind;Description;Country;Postcode;Bill name;Bill line1;Bill city;Bill country;VAT number;Signals
A;MUG;2;10,00;;;GB;LS1 4AP;Ada King;1 Rue de Rivoli;Paris;FR;FR40303265045;cash_on_delivery, score:12
A;;1;4,50;shipping;Express;;;;;;;;
A;;1;-2,00;discount;Old friend;;;;;;;;
"""


def test_a_file_may_say_who_is_billed_what_is_charged_and_what_the_channel_signals():
    policy = Validation(cash="enforce", cash_max_minor=20_00)
    set_policy(CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, CAUSE.at)])
    report = run(BILLED)
    assert not report.wrong, report.wrong
    (one,) = report.outcomes
    assert (one.total_minor, one.holds) == (22_50, ("payment hold",)), (
        "more is to be paid on delivery than may be"
    )
    (known,) = orders.orders_page(COMPANY, text="A")
    order = orders.order(known.id)
    assert [(line.kind, line.description, line.gross_minor) for line in order.lines] == [
        ("goods", "", 20_00), ("shipping", "Express", 4_50), ("discount", "Old friend", -2_00),
    ]  # fmt: skip
    billing = parties.address(order.billing_id)
    assert (billing.name, billing.country, billing.tax_number) == ("Ada King", "FR", "FR40303265045")
