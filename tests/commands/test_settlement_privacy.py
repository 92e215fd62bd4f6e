"""settlement.erase_people, settlement.hold_data, settlement.release_data, settlement.apply_retention"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import psycopg
import pytest
from django.apps import apps
from django.db import transaction

from entrepot.access.commands.save_view import SaveView, save_view
from entrepot.kernel import delivery, events, files, forget, inbox, seal, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.events import Event
from entrepot.kernel.files import Made
from entrepot.kernel.masking import MASK
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import note_queries
from entrepot.orders.commands.attach import AttachFile, attach_files
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.forget_buyers import ForgetBuyer, forget_buyers
from entrepot.orders.commands.place import AddressGiven, BillingGiven, PaymentGiven
from entrepot.orders.validation import Validation
from entrepot.parties import queries as parties
from entrepot.parties.commands.erase import ErasePeople, erase
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.returns import departure_queries
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.settle_departures import SettleDeparture, settle_departures
from entrepot.returns.lots import Buyer
from entrepot.settlement import errors, invoice_queries, privacy_queries
from entrepot.settlement.bank import BankLine, Statement
from entrepot.settlement.commands import apply_retention as apply_retention_module
from entrepot.settlement.commands.apply_retention import ApplyRetention, apply_retention
from entrepot.settlement.commands.erase_people import ErasePerson, PersonErased, erase_people
from entrepot.settlement.commands.hold_data import DataHeld, HoldData, ReleaseData, hold_data, release_data
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.settlement.commands.take_statements import TakeStatement, take_statements
from entrepot.settlement.privacy import BUSINESS_BUYERS, BUYERS, CAME, NOTES, WENT, Retention
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.sourcing.commands.cancel import cancel
from entrepot.web import tasks
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.back import APPROVES, INSPECTS
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.onward import disposed, opened
from tests.plans import count_anew, rows_read
from tests.rules.test_returns_photos import png
from tests.sizes import SIZES
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db
ADA = AddressGiven(
    "Ada Q. Lovelace", "12 Quince Row", "Ockham", email="ada@quince.example", phone="+44 1632 960 001"
)
BOB = AddressGiven("Bob Wexford", "7 Yarrow Lane", "Leeds", email="bob@yarrow.example")
PERSONAL = ("lovelace", "quince", "960 001", "ada-q-77")
LATER = replace(SYSTEM, at=NOW + timedelta(days=60))


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 3_000)
    return house


def bought(house: Floor, address: AddressGiven = ADA, **facts: object) -> UUID:
    """An order that is delivered."""
    (order,) = placed(house, 1, (0, 1), address=address, **facts)
    (shipment,) = shipped(order)
    deliver(SYSTEM, requests=[Delivered(shipment, NOW)])
    issue_documents(SYSTEM, requests=[IssueDocument(shipment)])
    return order


def erased(*requests: ErasePerson, cause=LATER) -> list:
    return erase_people(cause, requests=requests)


def everywhere(*texts: str) -> dict[str, list[str]]:
    """Tables of the whole database in which a text stands, in any column."""
    tables = [one for (one,) in sql.run("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")]
    found = {}
    for table in tables:
        hits = [text for text in texts if sql.run(f"SELECT 1 FROM {table} AS t WHERE t::text ILIKE %(t)s LIMIT 1",
                                                  {"t": f"%{text}%"})]  # fmt: skip
        if hits:
            found[table] = hits
    return found


def books() -> list[tuple]:
    return [
        *sql.run("SELECT * FROM ledger_line ORDER BY 1, 2"), *sql.run("SELECT * FROM stock_move ORDER BY 1"),
        *sql.run("SELECT seq, payload::text FROM kernel_event WHERE command <> 'settlement.erase_people' ORDER BY seq"),
        *sql.run("SELECT id, number, total_minor FROM settlement_document ORDER BY 1"),
    ]  # fmt: skip


def test_nothing_of_an_erased_person_is_left_and_the_books_stand(house: Floor):
    set_policy(
        SYSTEM, requests=[SetPolicy(COMPANY, "orders.validation", Validation(velocity="enforce"), NOW)]
    )
    mine = bought(house, customer="ada-q-77", gift_message="To Byron, from Lovelace")
    guest = bought(house)  # by mail address alone
    other = bought(house, BOB)
    ((name,),) = sql.run("SELECT external_id FROM orders_order WHERE id = %(id)s", {"id": mine})
    raw = [inbox.Incoming(COMPANY, "shop", name, "order", json.dumps({"no": 1})),
           inbox.Incoming(COMPANY, "post", "t1", "tracking", '{"signed_by": "Ada Q. Lovelace"}'),
           inbox.Incoming(COMPANY, "post", "t2", "tracking", '{"signed_by": "Bob Wexford"}')]  # fmt: skip
    inbox.receive(SYSTEM, raw, state="done")
    delivery.send(SYSTEM, [delivery.Message("mail", "sent", mine, COMPANY, {"to": ADA.email})])
    sql.run("UPDATE kernel_delivery SET state = 'kept'")
    seal.seal(SYSTEM)
    before, sealed = books(), seal.verify()
    told = privacy_queries.everything_of(COMPANY, customer="ada-q-77")
    assert told and len(told["orders"]) == len(told["addresses"]) == 2
    assert {each["email"] for each in told["addresses"]} == {ADA.email}
    assert set(everywhere(*PERSONAL)) == {
        "kernel_inbox",
        "kernel_delivery",
        "parties_customer",
        "parties_giftmessage",
    }
    assert [each["message"] for each in told["gift_messages"]] == ["To Byron, from Lovelace"]

    (answer,) = erased(ErasePerson(COMPANY, "asked by letter of 1 December", customer="ada-q-77"))

    assert isinstance(answer, PersonErased)
    figures = (answer.orders, answer.addresses, answer.kept, answer.messages, answer.notes, answer.remaining)
    assert figures == (2, 2, 0, 3, 0, 0)
    assert everywhere(*PERSONAL) == {}
    assert books() == before
    assert (seal.verify().discrepancies, seal.verify().links) == ([], sealed.links)
    rows = sql.run("SELECT id, postal_code <> '' FROM orders_order ORDER BY id")
    assert dict(rows) == {mine: False, guest: False, other: True}
    (paper,) = [invoice_queries.paper(one) for one in invoice_queries.documents(COMPANY, order=mine)]
    assert paper.buyer.name == invoice_queries.ERASED
    assert everywhere("wexford") == {"kernel_inbox": ["wexford"]}
    assert [one.name for one in parties.addresses(_addresses(other)).values()] == ["Bob Wexford"]
    (row,) = privacy_queries.erasures(COMPANY)
    assert (row.number, row.reason, row.orders) == (answer.number, "asked by letter of 1 December", 2)
    assert privacy_queries.everything_of(COMPANY, customer="ada-q-77") is None
    assert isinstance(erased(ErasePerson(COMPANY, "again", customer="ada-q-77"))[0], NotFound)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        sql.run("UPDATE settlement_erasure SET reason = 'x'")


def _addresses(order: UUID) -> list[UUID]:
    return [one for (one,) in sql.run("SELECT address_id FROM orders_order WHERE id = %(id)s", {"id": order})]


NOTED = "Spoke to ADA LOVELACE (ada@Quince.example) of 12 quince row, +44 1632 960 001, is ada-q-77; not Bob Wexford"


def test_by_a_guests_order_the_customer_of_the_same_mail_address_is_found_with_all_of_theirs(house: Floor):
    """From the guest's order to the customer, to an order of theirs with another address, and to a guest of that."""
    elsewhere = replace(ADA, email="ada@work.example", line1="1 Analytical Mews")
    mine, at_work = (bought(house, address, customer="ada-q-77") for address in (ADA, elsewhere))
    guest, other_guest, other = bought(house), bought(house, elsewhere), bought(house, BOB, customer="bob-1")
    told = privacy_queries.everything_of(COMPANY, order=guest)
    assert told and [one["code"] for one in told["customers"]] == ["ada-q-77"]
    assert {one["id"] for one in told["orders"]} == {str(one) for one in (mine, at_work, guest, other_guest)}
    assert privacy_queries.everything_of(COMPANY, customer="ada-q-77") == told

    (answer,) = erased(ErasePerson(COMPANY, "asked by letter", order=guest))

    assert isinstance(answer, PersonErased) and (answer.orders, answer.addresses) == (4, 4)
    assert not everywhere("ada-q-77", elsewhere.email)
    assert [one for (one,) in sql.run("SELECT code FROM parties_customer WHERE code LIKE 'bob%'")] == [
        "bob-1"
    ]
    left = privacy_queries.everything_of(COMPANY, order=other)
    assert left and [one["email"] for one in left["addresses"]] == [BOB.email]


def test_whoever_a_gift_is_sent_to_is_somebody_else(house: Floor):
    """By a customer and by a guest, to a customer who sends on to a third."""
    payer = BillingGiven(ADA.name, ADA.line1, ADA.city, "GB", email=ADA.email)
    gift = bought(house, BOB, customer="ada-q-77", billing=payer)
    bare = bought(house, BOB, customer="ada-q-77")
    theirs = bought(house, BOB, customer="bob-1")
    third = bought(house, replace(ADA, email="eve@elsewhere.example"), customer="bob-1")
    by_guest = bought(house, BOB, billing=replace(payer, email="guest@quince.example"))
    guest = bought(house, replace(ADA, email="guest@quince.example"))

    def orders(**who) -> set[str]:
        told = privacy_queries.everything_of(COMPANY, **who)
        assert told
        return {one["id"] for one in told["orders"]}

    assert orders(customer="ada-q-77") == orders(order=gift) == {str(gift), str(bare)}
    assert orders(customer="bob-1") == {str(theirs), str(third)}
    assert orders(order=by_guest) == orders(order=guest) == {str(by_guest), str(guest)}
    told = privacy_queries.everything_of(COMPANY, order=by_guest)
    assert told and {one["email"] for one in told["addresses"]} == {"guest@quince.example"}

    answers = erased(
        ErasePerson(COMPANY, "asked", customer="ada-q-77"), ErasePerson(COMPANY, "asked", order=guest)
    )
    assert [answer.orders for answer in answers] == [2, 2]
    assert orders(customer="bob-1") == {str(theirs), str(third)}
    assert {one.email for one in parties.addresses(_addresses(theirs)).values()} == {BOB.email}


def test_an_order_of_somebody_else_that_is_on_its_way_to_a_guest_keeps_their_address(house: Floor):
    mine = bought(house)
    payer = BillingGiven(BOB.name, BOB.line1, BOB.city, "GB", email=BOB.email)
    placed(house, 1, (0, 1), address=ADA, billing=payer)
    (refused,) = erased(ErasePerson(COMPANY, "asked by letter", order=mine))
    assert isinstance(refused, errors.NotToBeErasedYet)


def test_a_mail_address_of_several_customers_joins_nobody_and_their_codes_are_told(house: Floor):
    desk = replace(ADA, email="info@firm.example")
    one, other = (bought(house, desk, customer=code) for code in ("firm-1", "firm-2"))
    guest = bought(house, desk)
    (refused,) = erased(ErasePerson(COMPANY, "asked", order=guest))
    assert refused == errors.SeveralCustomers(found="firm-1, firm-2")
    with pytest.raises(errors.SeveralCustomers):
        privacy_queries.everything_of(COMPANY, order=guest)
    told = privacy_queries.everything_of(COMPANY, order=other)
    assert told and [each["id"] for each in told["orders"]] == [str(other)]

    (answer,) = erased(ErasePerson(COMPANY, "asked", customer="firm-1"))
    assert answer.orders == 1
    left = parties.addresses(_addresses(one) + _addresses(other) + _addresses(guest))
    assert len(left) == 2, "of the other and the guest"
    (last,) = erased(ErasePerson(COMPANY, "asked", order=guest))
    assert last.orders == 2, "with the customer who is left"


def test_businesses_that_are_erased_and_keep_their_invoices_stand_in_nobody_s_way(house: Floor):
    desk = replace(ADA, email="info@firm.example")
    for code in ("firm-1", "firm-2"):
        bought(house, desk, customer=code)
    guest = bought(house, desk)
    sql.run("UPDATE parties_customer SET code = 'erased-' || id::text WHERE code LIKE 'firm-%%'", {})
    told = privacy_queries.everything_of(COMPANY, order=guest)
    assert told and [each["id"] for each in told["orders"]] == [str(guest)]


def test_an_order_that_is_open_keeps_a_guest_who_is_its_customer_as_well(house: Floor):
    guest = bought(house)
    placed(house, 1, (0, 1), address=ADA, customer="ada-q-77")
    (refused,) = erased(ErasePerson(COMPANY, "asked by letter", order=guest))
    assert isinstance(refused, errors.NotToBeErasedYet)


def test_names_are_taken_out_of_whatever_people_typed_and_others_stay(house: Floor):
    """Every table with notes gets a row that names them, where the house has one at all."""
    mine = bought(house, customer="ada-q-77")
    open_items(SYSTEM, requests=[OpenItem(COMPANY, "question", "order", mine, "?", "service")])
    line = BankLine(NOW.date(), 12_345, "x", "y")
    take_statements(
        SYSTEM, requests=[TakeStatement(COMPANY, Statement("A", "1", "GBP", None, None, (line,)))]
    )
    save_view(SYSTEM, requests=[SaveView(COMPANY, "orders", "mine", "q=x")])
    filled = set()
    for table, kept in forget.notes_kept().items():
        if kept.may_change:
            types = sql.column_types(table)
            values = {
                name: {"said": [NOTED, 7]} if types[name] == "jsonb" else NOTED for name in kept.columns
            }
            sets = ", ".join(f"{name} = %({name})s::{types[name]}" for name in kept.columns)
            params = {name: one if isinstance(one, str) else json.dumps(one) for name, one in values.items()}
            if sql.run(f"UPDATE {table} SET {sets} RETURNING 1", params):
                filled.add(table)
    assert {"work_item", "settlement_bankstatementline", "access_view"} <= filled
    assert {table for table in everywhere("lovelace") if table != "parties_customer"} == filled
    (answer,) = erased(ErasePerson(COMPANY, "asked", customer="ada-q-77"))

    assert isinstance(answer, PersonErased), answer
    assert (answer.notes >= len(filled), answer.remaining) == (True, 0)
    assert everywhere(*PERSONAL) == {}
    assert set(everywhere("wexford")) == filled
    ((said,),) = sql.run("SELECT text FROM settlement_bankstatementline")
    assert said == f"Spoke to {MASK} ({MASK}) of {MASK}, {MASK}, is {MASK}; not Bob Wexford"
    (row,) = privacy_queries.erasures(COMPANY)
    assert row.notes == answer.notes


def test_what_another_company_noted_is_not_touched(house: Floor):
    mine = bought(house, customer="ada-q-77")
    save_view(SYSTEM, requests=[SaveView(2, "orders", "Ada Lovelace", "q=x")])
    assert isinstance(erased(ErasePerson(COMPANY, "asked", order=mine))[0], PersonErased)
    assert everywhere("ada lovelace") == {"access_view": ["ada lovelace"]}


def test_what_logs_say_of_somebody_is_told_and_old_notes_go_by_the_rules(house: Floor):
    mine = bought(house, customer="ada-q-77")
    open_items(SYSTEM, requests=[OpenItem(COMPANY, "question", "order", mine, "?", "service")])
    sql.run("UPDATE work_item SET reason = 'for Bob Wexford' RETURNING 1")
    ((shipment,),) = sql.run("SELECT id FROM shipping_shipment")
    (told,) = hold_data(SYSTEM, requests=[HoldData(COMPANY, "case of Ada Lovelace", order=mine)])
    release_data(SYSTEM, requests=[ReleaseData(told.hold, "over")])
    events.write(SYSTEM, {"test": [Event("shipment", shipment, COMPANY, reason="Ada Lovelace called")]})
    (answer,) = erased(ErasePerson(COMPANY, "asked", order=mine))
    assert (answer.notes, answer.remaining) == (1, 1)

    for years, gone in ((9, 0), (11, 1), (11, 0)):
        later = replace(SYSTEM, at=NOW + timedelta(days=366 * years))
        (done,) = apply_retention(later, requests=[ApplyRetention(COMPANY)])
        assert (done.gone[NOTES] > 0) == bool(gone), years
    assert sql.run("SELECT reason FROM work_item WHERE type = 'question'") == [(MASK,)]


def test_files_of_orders_lose_their_bytes_by_age_and_under_a_legal_hold_they_do_not(house: Floor):
    orders = [bought(house), bought(house, customer="bob-1"), bought(house, customer="ada-q-77")]
    files = [
        one.attachment
        for one in attach_files(SYSTEM, requests=[AttachFile(one, png(1, n)) for n, one in enumerate(orders, 1)])
    ]  # fmt: skip
    held = [HoldData(COMPANY, "case", customer="bob-1"), HoldData(COMPANY, "case", order=orders[2])]
    holds = hold_data(SYSTEM, requests=held)
    policy = Retention(buyers_years=None, business_buyers_years=None, notes_years=2)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.retention", policy, NOW)])

    def there() -> list[bool]:
        return [note_queries.file(COMPANY, one) is not None for one in files]

    apply_retention(replace(SYSTEM, at=NOW + timedelta(days=366)), requests=[ApplyRetention(COMPANY)])
    assert there() == [True, True, True]
    later = replace(SYSTEM, at=NOW + timedelta(days=366 * 3))
    (done,) = apply_retention(later, requests=[ApplyRetention(COMPANY)])
    assert there() == [False, True, True] and done.gone[NOTES] >= 1
    release_data(SYSTEM, requests=[ReleaseData(one.hold, "over") for one in holds])
    apply_retention(later, requests=[ApplyRetention(COMPANY)])
    assert there() == [False, False, False]


def test_an_order_is_named_by_our_number_before_a_channels_and_found_by_an_index(house: Floor):
    first, second = bought(house), bought(house, BOB)
    ours = sql.run("SELECT number FROM orders_order WHERE id = %(id)s::uuid", {"id": first})[0][0]
    sql.run(
        "UPDATE orders_order SET external_id = %(n)s WHERE id = %(id)s::uuid RETURNING 1",
        {"n": ours, "id": second},
    )
    assert privacy_queries.order_named(COMPANY, ours) == first
    ((channels,),) = sql.run("SELECT external_id FROM orders_order WHERE id = %(id)s::uuid", {"id": first})
    assert privacy_queries.order_named(COMPANY, channels) == first
    assert (
        privacy_queries.order_named(COMPANY + 1, ours) is privacy_queries.order_named(COMPANY, "none") is None
    )
    placed(house, 300, (0, 1))  # of two, any way to them is as good
    count_anew("orders_order")
    params = {"company": COMPANY, "text": ours}
    assert rows_read(privacy_queries._NAMED, params, "orders_order") < 10


SAYS = """
denied
note message text said reason condition problem error last_error receiver facts query label_url why cause outcome
reference theirs ours wrong orders outcomes answer place
"""
CODES = """
of the house's own affairs, and never of a buyer: ledger_costing.reason ledger_writedown.reason stock_move.reason
    ledger_line.reason ledger_rulechange.reason
    ledger_ruleversion.reason ledger_ruleversion.note
    ledger_ratecorrection.reason stock_displacement.reason kernel_policy.note kernel_policydraft.note ledger_match.why
    purchasing_confirmation.reference purchasing_dropship.reference access_mailing.error channels_webhook.why
    channels_orderdocument.error
chosen from a list, or made by a rule of facts that name nobody: returns_line.reason payments_dispute.reason
    returns_verdict.reason returns_verdict.outcome returns_regrading.why
    purchasing_claim.reason stock_adjustment.reason purchasing_check.why returns_hold.why returns_inspection.why
    returns_comeback.condition returns_stray.why returns_terms.answer returns_terms.outcomes returns_refund.outcome
    sourcing_decision.outcome insight_suggestion.outcome
    settlement_bankstatementline.why settlement_carriercharge.why settlement_supplierline.why warehouse_countline.cause
    warehouse_counttask.why warehouse_replenishment.why warehouse_waveorder.why kernel_request.answer
    kernel_job.answer
a provider's name for something: payments_payment.reference settlement_payoutline.reference shipping_purchase.reference
    shipping_quote.reference shipping_manifestform.reference returns_label.reference
emptied with its person or order: parties_address.place parties_giftmessage.message returns_label.label_url
    shipping_purchase.label_url
searched by its subject: kernel_event.reason
"""
"""Columns that are no notes, by why not."""


def test_every_column_for_words_is_a_note_or_known_not_to_be():
    named = {f"{table}.{column}" for table, kept in forget.notes_kept().items() for column in kept.columns}
    found = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        if model.__module__.startswith("entrepot.")
        for field in model._meta.concrete_fields
        if field.column in SAYS.split() and field.get_internal_type() in ("TextField", "JSONField")
    }
    assert sorted(found - named - set(CODES.split())) == []


def test_files_of_lists_go_with_whoever_they_may_name(house: Floor, monkeypatch):
    made = Made("orders", "csv", 1, "orders.csv", "text/csv", BytesIO(ADA.name.encode()))
    monkeypatch.setitem(tasks.MAKERS, files.PAGE, lambda *_: made)
    files.make_files(SYSTEM, requests=[files.MakeFile(COMPANY, "/orders/?format=csv")])
    order = bought(house)
    assert sql.run("SELECT count(*) FROM kernel_filepart") == [(1,)]

    assert isinstance(erased(ErasePerson(COMPANY, "asked", order=order))[0], PersonErased)

    assert sql.run("SELECT count(*) FROM kernel_filepart") == [(0,)]
    assert sql.run("SELECT count(*) FROM kernel_file") == [(0,)]


def test_whoever_comes_back_is_somebody_new(house: Floor):
    first = bought(house)
    assert isinstance(erased(ErasePerson(COMPANY, "asked", order=first))[0], PersonErased)
    second = bought(house)
    home = parties.addresses(_addresses(first) + _addresses(second))
    assert [one.name for one in home.values()] == [ADA.name]


def test_what_is_open_is_told_and_keeps_everything(house: Floor):
    (waiting,) = placed(house, 1, (0, 1), address=BOB, customer="bob-1")
    mine = bought(house)
    asked = ErasePerson(COMPANY, "asked", order=mine)

    early, still, nobody, both, silent = erased(
        asked, ErasePerson(COMPANY, "asked", customer="bob-1"), ErasePerson(COMPANY, "asked", customer="none"),
        replace(asked, customer="bob-1"), replace(asked, reason=" "), cause=SYSTEM,
    )  # fmt: skip
    assert isinstance(early, errors.NotToBeErasedYet)
    assert "may still come back" in str(early)
    assert isinstance(still, errors.NotToBeErasedYet)
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE id = %(id)s", {"id": waiting})
    assert f"order {number}" in str(still)
    assert [type(one) for one in (nobody, both, silent)] == [NotFound, Invalid, Invalid]

    (held,) = hold_data(SYSTEM, requests=[HoldData(COMPANY, "case 4711", order=mine)])
    assert isinstance(held, DataHeld)
    (refused,) = erased(asked)
    assert "legal hold: case 4711" in str(refused)
    assert sql.run("SELECT count(*) FROM parties_address WHERE sealed IS NULL") == [(0,)]
    release_data(SYSTEM, requests=[ReleaseData(held.hold, "settled")])
    assert isinstance(erased(asked)[0], PersonErased)


def test_an_open_dispute_keeps_whoever_bears_a_part_of_it(house: Floor):
    mine, of_bob = (
        bought(house, who, payment=PaymentGiven("account", "an account", 999, NOW)) for who in (ADA, BOB)
    )
    tenders = dict(sql.run("SELECT order_id, id FROM payments_payment"))
    (one,) = open_disputes(
        SYSTEM, requests=[OpenDispute(tenders[of_bob], "dp_1", 1_500, others=(tenders[mine],))]
    )
    for order in (mine, of_bob):
        (refused,) = erased(ErasePerson(COMPANY, "asked", order=order))
        assert isinstance(refused, errors.NotToBeErasedYet)
        assert "dispute an account" in str(refused)
    close_disputes(SYSTEM, requests=[CloseDispute(one.dispute, won=True)])  # type: ignore[union-attr]
    assert isinstance(erased(ErasePerson(COMPANY, "asked", order=mine))[0], PersonErased)


def test_an_invoice_of_a_business_keeps_its_name_until_the_retention_ends(house: Floor):
    mine = bought(house, tax_number="GB123456789", billing=None)
    (answer,) = erased(ErasePerson(COMPANY, "asked", order=mine))
    assert (answer.addresses, answer.kept) == (1, 1)

    much_later = replace(SYSTEM, at=NOW + timedelta(days=4_000))
    (told,) = apply_retention(much_later, requests=[ApplyRetention(COMPANY)])
    assert (told.gone[BUYERS], told.gone[BUSINESS_BUYERS]) == (0, 1)
    assert sql.run("SELECT count(*) FROM parties_person WHERE key IS NOT NULL") == [(0,)]


def test_retention_lets_go_of_what_is_old_and_not_open_or_held(house: Floor):
    policy = Retention(buyers_years=1, messages_in_days=30, messages_out_days=None)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.retention", policy, NOW)])
    bought(house)
    kept = bought(house, BOB, customer="bob-1")
    hold_data(SYSTEM, requests=[HoldData(COMPANY, "audit", customer="bob-1")])
    inbox.receive(SYSTEM, [inbox.Incoming(COMPANY, "shop", "x", "order", "raw")], state="done")

    (none,) = apply_retention(LATER, requests=[ApplyRetention(COMPANY)])
    assert none.gone == {BUYERS: 0, BUSINESS_BUYERS: 0, CAME: 1, WENT: 0, NOTES: 0}
    (done,) = apply_retention(
        replace(SYSTEM, at=NOW + timedelta(days=400)), requests=[ApplyRetention(COMPANY)]
    )
    assert (done.gone[BUYERS], done.kept[BUYERS]) == (1, 1)
    assert parties.addresses(_addresses(kept))
    assert len(privacy_queries.runs(COMPANY)) == 10
    assert privacy_queries.runs(COMPANY)[-1].kind == BUYERS


def test_who_is_kept_takes_no_turn_of_who_may_go(house: Floor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(apply_retention_module, "PEOPLE_MAX", 1)
    policy = Retention(buyers_years=1)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.retention", policy, NOW)])
    mine = bought(house, customer="ada-q-77")
    hold_data(SYSTEM, requests=[HoldData(COMPANY, "case", order=mine)])
    bought(house, BOB)
    (done,) = apply_retention(
        replace(SYSTEM, at=NOW + timedelta(days=400)), requests=[ApplyRetention(COMPANY)]
    )
    assert (done.gone[BUYERS], done.kept[BUYERS]) == (1, 1)


def test_legal_holds_are_placed_and_released(house: Floor):
    mine = bought(house, customer="ada-q-77")
    wanted = HoldData(COMPANY, "case", customer="ada-q-77", key="h")
    (held,), (again,) = (hold_data(SYSTEM, requests=[wanted]) for _ in range(2))
    assert held == again
    unknown, silent, both = hold_data(SYSTEM, requests=[
        HoldData(COMPANY, "x", customer="none"), replace(wanted, reason="", key=None),
        replace(wanted, order=mine, key=None),
    ])  # fmt: skip
    assert [type(one) for one in (unknown, silent, both)] == [NotFound, Invalid, Invalid]
    assert [(row.customer, row.reason) for row in privacy_queries.holds(COMPANY)] == [("ada-q-77", "case")]
    release = ReleaseData(held.hold, "over")
    answers = release_data(
        SYSTEM, requests=[release, release, replace(release, hold=mine), replace(release, reason="")]
    )
    assert [type(one).__name__ for one in answers] == ["DataReleased", "WrongState", "NotFound", "Invalid"]
    assert isinstance(release_data(SYSTEM, requests=[release])[0], WrongState)


@pytest.mark.counts("settlement.hold_data", "settlement.release_data")
def test_statements_of_holds_do_not_grow_with_the_batch(house: Floor, statements):
    mine = bought(house)
    for size in SIZES:
        with statements():
            held = hold_data(SYSTEM, requests=[HoldData(COMPANY, "case", order=mine)] * size)
        with statements():
            release_data(SYSTEM, requests=[ReleaseData(one.hold, "over") for one in held])


def test_the_pictures_of_labels_go_with_the_person(house: Floor):
    """A bought label is kept as its carrier sent it: names and streets within, where no search for words finds them."""
    mine, other = bought(house), bought(house, BOB)
    picture = "data:application/pdf;base64,QWRhIExvdmVsYWNl"
    sql.run(
        "INSERT INTO shipping_purchase"
        " (label_id, company_id, shipment_id, source, service, state, reference, label_url)"
        " SELECT id, company_id, id, 'karrio', 'parcel', 'bought', 'r', %(picture)s FROM shipping_shipment",
        {"picture": picture},
    )
    erased(ErasePerson(COMPANY, "asked", order=mine))
    rows = sql.run(
        "SELECT h.order_id, p.label_url FROM shipping_purchase AS p JOIN shipping_shipment AS h ON h.id = p.shipment_id"
    )
    assert dict(rows) == {mine: "", other: picture}


def test_who_took_a_parcel_is_forgotten_with_whoever_it_was_for(house: Floor):
    """It is seldom the buyer who is named: no search for the buyer's words finds it."""
    mine, other = bought(house), bought(house, BOB)
    sql.run(
        "INSERT INTO shipping_carrierevent (id, company_id, shipment_id, source, name, tracking, kind, message, place,"
        " occurred_at, recorded_at)"
        " SELECT id, company_id, id, 'by hand', id::text, tracking, 'delivered', 'Mrs Vole of number 7', '',"
        " shipped_at, shipped_at FROM shipping_shipment"
    )
    erased(ErasePerson(COMPANY, "asked", order=mine))
    rows = sql.run(
        "SELECT h.order_id, e.message FROM shipping_carrierevent AS e JOIN shipping_shipment AS h"
        " ON h.id = e.shipment_id WHERE e.kind = 'delivered'"
    )
    assert dict(rows) == {mine: "", other: "Mrs Vole of number 7"}


@pytest.mark.counts(
    "settlement.erase_people", "settlement.apply_retention", "parties.erase", "orders.forget_buyers"
)
def test_statements_of_erasure_do_not_grow_with_the_batch(house: Floor, statements):
    for size in SIZES:
        orders = placed(house, size, (0, 1), address=AddressGiven("Ida Ko", "Row", "X"))
        cancel(SYSTEM, requests=[CancelOrder(order, "changed their mind") for order in orders])
        with statements():
            done = erased(*[ErasePerson(COMPANY, "asked", order=order) for order in orders])
        assert {type(one) for one in done} == {PersonErased}
        with statements():
            apply_retention(SYSTEM, requests=[ApplyRetention(COMPANY)] * size)
        with statements():
            erase(SYSTEM, requests=[ErasePeople((order,)) for order in orders])
        with statements():
            forget_buyers(SYSTEM, requests=[ForgetBuyer(COMPANY, (order,)) for order in orders])


QUINCE = Buyer("ada-q-77", "Ada Lovelace", "GB", "12 Quince Row", city="Ockham", email="ada@quince.example")


def lot(house: Floor, buyer: Buyer = QUINCE) -> UUID:
    """A lot that was sold and is paid."""
    (which,) = disposed(house, "liquidate", 1)
    made = opened("liquidation", (which, 1), buyer=buyer).departure
    leave_departures(INSPECTS, requests=[LeaveDeparture(made, 120)])
    issue_documents(SYSTEM, requests=[IssueDocument(made)])
    settle_departures(APPROVES, requests=[SettleDeparture(made, reference="x")])
    return made


def test_who_bought_a_lot_is_erased_when_it_is_paid(house: Floor):
    """Somebody who never ordered, but bought a lot: known by their code alone."""
    made = lot(house)
    assert set(everywhere("lovelace", "quince", "ada-q-77")) == {"parties_customer"}, "all else is sealed"
    theirs = privacy_queries.everything_of(COMPANY, "ada-q-77")
    assert theirs
    assert (theirs["addresses"][0]["line1"], theirs["lots"][0]["id"]) == ("12 Quince Row", str(made))
    (which,) = disposed(house, "liquidate", 1)
    early = opened("liquidation", (which, 1), buyer=QUINCE)
    (refused,) = erased(ErasePerson(COMPANY, "she asked", customer="ada-q-77"))
    assert isinstance(refused, errors.NotToBeErasedYet)
    assert f"lot {early.number}" in str(refused)
    leave_departures(INSPECTS, requests=[LeaveDeparture(early.departure, 120)])
    settle_departures(APPROVES, requests=[SettleDeparture(early.departure, reference="x")])
    before = books()

    (gone,) = erased(ErasePerson(COMPANY, "she asked", customer="ada-q-77"))

    assert isinstance(gone, PersonErased), gone
    assert gone.addresses == 2
    assert everywhere("lovelace", "quince", "ada-q-77") == {}
    assert books() == before
    (row,) = invoice_queries.documents(COMPANY, source=made)
    assert invoice_queries.paper(row).buyer.name == "Customer"
    one = departure_queries.departure(COMPANY, made)
    assert one
    assert "ada" not in one.receiver


def test_who_bought_a_lot_long_ago_is_let_go_by_the_rules(house: Floor):
    lot(house)
    lot(house, Buyer("bob-w", "Bob Wexford", "GB", "7 Yarrow Lane"))
    rules = Retention(buyers_years=1)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.retention", rules, NOW)])
    for days, gone in ((300, 0), (400, 2)):
        later = replace(SYSTEM, at=NOW + timedelta(days=days))
        (done,) = apply_retention(later, requests=[ApplyRetention(COMPANY)])
        assert done.gone[BUYERS] == gone, days
    assert everywhere("lovelace", "quince", "ada-q-77", "bob-w", "wexford", "yarrow") == {}
