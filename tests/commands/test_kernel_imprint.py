"""Rows of facts that somebody changes behind the house's back are named, whatever rights they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.apps import apps
from django.db import migrations, models, transaction

from entrepot.cli import manage, session
from entrepot.kernel import events, imprint, seal, sql
from entrepot.kernel.command import whole
from entrepot.kernel.events import Event
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.kernel.upgrading import touched
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.orders import queries as orders
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.commands.merge import MergeOrders
from entrepot.orders.commands.split import SplitOrder
from entrepot.postgres import APP_ROLE
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.stock.commands import adjust  # noqa: F401  it declares the policy
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.retailer import BUYER, a_retailer
from tests.walk import a_house, placed, shipped

DAY = date(2026, 11, 1)


def facts() -> None:
    a_floor(skus=0, channels=())
    rates = [RecordRate(COMPANY, "EUR", date(2026, 11, day), Decimal("0.85")) for day in (1, 2, 3)]
    record_rates(SYSTEM, requests=rates)
    body = {"approve_above_minor": 100}
    whole(set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "stock.adjustments", body, NOW)]))


def told() -> list[tuple[str, str]]:
    return [(one.table, one.what) for one in imprint.amiss()]


def imprints(table: str) -> list[int]:
    """Of how many rows each imprint of a table is, in order; 0 of one by itself."""
    rows = "SELECT COALESCE(cardinality(keys), 0) FROM kernel_imprint WHERE source = %(table)s ORDER BY id"
    return [count for (count,) in sql.run(rows, {"table": table})]


@pytest.fixture
def behind(committed_db: None, owner: psycopg.Connection) -> psycopg.Connection:
    """The owner, whose statements pass the triggers by."""
    facts()
    owner.execute("SET session_replication_role = replica")
    return owner


@pytest.mark.parametrize(
    ("statement", "undo", "table", "what"),
    [
        ("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'",
         "UPDATE ledger_rate SET rate = 0.85", "ledger_rate", "was changed"),
        ("UPDATE kernel_policy SET body = '{\"approve_above_minor\": 900000}'",
         "UPDATE kernel_policy SET body = '{\"approve_above_minor\": 100}'", "kernel_policy", "was changed"),
        ("UPDATE kernel_policy SET author = 'eve'", "UPDATE kernel_policy SET author = 'system:test'",
         "kernel_policy", "was changed"),
        ("DELETE FROM ledger_rate WHERE on_date = '2026-11-03'",
         "INSERT INTO ledger_rate VALUES (1, 'EUR', '2026-11-03', 0.85)", "ledger_rate", "is gone"),
        ("INSERT INTO access_duty VALUES (gen_random_uuid(), 'enter×approve', 'approve', 'eve', now())",
         "DELETE FROM access_duty WHERE person = 'eve'", "access_duty", "was put in"),
    ],
)  # fmt: skip
def test_a_row_that_was_changed_behind_the_houses_back_is_named(
    behind: psycopg.Connection, statement: str, undo: str, table: str, what: str
) -> None:
    assert told() == []
    behind.execute(statement.encode())

    assert told() == [(table, what)]
    (sentence,) = imprint.discrepancies()
    assert sentence.startswith(f"{table} ") and sentence.endswith(f"{what} behind the house's back")

    behind.execute(undo.encode())
    assert told() == []


@pytest.mark.parametrize(
    ("statement", "undo", "table", "what"),
    [
        ("UPDATE orders_order SET placed_at = placed_at - interval '1 day' WHERE external_id = 'T-2'",
         "UPDATE orders_order SET placed_at = placed_at + interval '1 day' WHERE external_id = 'T-2'",
         "orders_order", "was changed"),
        ("UPDATE orders_line SET unit_price = 1 WHERE number = 1",
         "UPDATE orders_line SET unit_price = 9.99", "orders_line", "was changed"),
        ("UPDATE orders_line SET sku_code = 'X' || sku_code WHERE number = 2",
         "UPDATE orders_line SET sku_code = substr(sku_code, 2) WHERE number = 2", "orders_line", "was changed"),
        ("CREATE TABLE gone AS SELECT * FROM orders_line; DELETE FROM orders_line WHERE number = 2",
         "INSERT INTO orders_line SELECT * FROM gone WHERE number = 2; DROP TABLE gone", "orders_line", "is gone"),
        ("INSERT INTO orders_line SELECT n.* FROM orders_line AS l, jsonb_populate_record(l, PUT_IN) AS n",
         "DELETE FROM orders_line WHERE id IN (SELECT md5(id::text)::uuid FROM orders_line)",
         "orders_line", "was put in"),
        ("UPDATE shipping_shipment SET cost_minor = cost_minor + 1 WHERE tracking <> ''",
         "UPDATE shipping_shipment SET cost_minor = cost_minor - 1 WHERE tracking <> ''",
         "shipping_shipment", "was changed"),
        ("UPDATE shipping_shipmentline SET quantity = quantity + 1 WHERE quantity = 1",
         "UPDATE shipping_shipmentline SET quantity = 1 WHERE goods_minor < 1000",
         "shipping_shipmentline", "was changed"),
        (("CREATE TABLE gone AS SELECT * FROM shipping_shipmentline WHERE quantity = 2;"
         "DELETE FROM shipping_shipmentline WHERE quantity = 2"),
         "INSERT INTO shipping_shipmentline SELECT * FROM gone; DROP TABLE gone",
         "shipping_shipmentline", "is gone"),
        (("INSERT INTO shipping_shipmentline SELECT n.* FROM shipping_shipmentline AS l,"
         " jsonb_populate_record(l, jsonb_build_object('line_id', md5(l.line_id::text))) AS n"),
         "DELETE FROM shipping_shipmentline WHERE line_id NOT IN (SELECT id FROM orders_line)",
         "shipping_shipmentline", "was put in"),
    ],
)  # fmt: skip
def test_facts_of_orders_lines_and_shipments_that_never_change_are_watched(
    committed_db: None, owner: psycopg.Connection, statement: str, undo: str, table: str, what: str
) -> None:
    house = a_house()
    house.stock(0, 30)
    house.stock(1, 30)
    shipped(*placed(house, 3, (0, 2), (1, 1)))
    seal.seal(SYSTEM)
    owner.execute("SET session_replication_role = replica")
    assert told() == []
    put_in = "jsonb_build_object('id', md5(l.id::text))"
    owner.execute(statement.replace("PUT_IN", put_in).encode())

    assert set(told()) == {(table, what)}

    owner.execute(undo.encode())
    assert told() == []


def test_orders_are_imprinted_when_they_are_sealed_and_their_steps_leave_none(db: None) -> None:
    house = a_house()
    house.stock(0, 3_000)
    orders = placed(house, 200, (0, 2), (0, 1))
    assert imprints("orders_order") == imprints("orders_line") == [], "placing pays nothing"
    assert told() == []
    seal.seal(SYSTEM)
    assert (imprints("orders_order"), imprints("orders_line")) == ([200], [400])
    shipped(*orders)
    seal.seal(SYSTEM)
    assert (imprints("orders_order"), imprints("orders_line")) == ([200], [400])
    assert (told(), imprint.checked()["imprints"] > 600) == ([], True)


def test_shipments_are_imprinted_when_they_are_sealed_and_decisions_of_sourcing_are_sealed(
    committed_db: None, owner: psycopg.Connection
) -> None:
    house = a_house()
    house.stock(0, 30)
    one, _ = shipped(*placed(house, 2, (0, 2)))
    assert imprints("shipping_shipment") == []
    seal.seal(SYSTEM)
    assert imprints("shipping_shipment") == [2]
    deliver(SYSTEM, requests=[Delivered(one)])
    seal.seal(SYSTEM)
    assert (imprints("shipping_shipment"), told(), seal.verify().discrepancies) == ([2], [], [])
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE sourcing_decision SET company_id = company_id + 1 WHERE id % 2 = 0")
    (sentence,) = seal.verify().discrepancies
    owner.execute("UPDATE sourcing_decision SET company_id = company_id - 1 WHERE id % 2 = 0")
    assert sentence.startswith("sourcing decisions ") and sentence.endswith("was changed"), sentence


def test_lines_of_shipments_are_imprinted_together_and_named_by_both_of_their_keys(
    committed_db: None, owner: psycopg.Connection
) -> None:
    house = a_house()
    house.stock(0, 30)
    house.stock(1, 30)
    shipped(*placed(house, 2, (0, 2), (1, 1)))
    assert imprints("shipping_shipmentline") == [], "shipping pays nothing"
    seal.seal(SYSTEM)
    assert imprints("shipping_shipmentline") == [4]
    ((shipment, line),) = sql.run(
        "SELECT shipment_id, line_id FROM shipping_shipmentline ORDER BY 1, 2 LIMIT 1"
    )
    owner.execute("SET session_replication_role = replica")
    which = "WHERE shipment_id = %s AND line_id = %s"
    owner.execute(f"UPDATE shipping_shipmentline SET tax_minor = tax_minor + 1 {which}", (shipment, line))
    assert imprint.discrepancies() == [
        f"shipping_shipmentline {shipment} {line} was changed behind the house's back"
    ]
    owner.execute(f"UPDATE shipping_shipmentline SET tax_minor = tax_minor - 1 {which}", (shipment, line))


def test_an_order_that_is_changed_leaves_an_imprint_of_its_own(db: None) -> None:
    house = a_house()
    house.stock(0, 30)
    one, _ = placed(house, 2, (0, 2))
    seal.seal(SYSTEM)
    statement = "UPDATE orders_order SET priority = %(to)s WHERE id = %(id)s"
    sql.run(statement, {"to": 9, "id": one})
    sql.run(statement, {"to": 9, "id": one})  # it is so already
    assert (imprints("orders_order"), told()) == ([2, 0], [])
    sql.run("DELETE FROM orders_line WHERE order_id = %(id)s", {"id": one})
    assert (imprints("orders_line"), told()) == ([2, 0], [])
    sql.run("DELETE FROM orders_order WHERE id = %(id)s", {"id": one})


FORGED = """
INSERT INTO orders_line SELECT n.* FROM orders_line AS l, jsonb_populate_record(l, jsonb_build_object(
    'id', md5(l.id::text), 'number', 9, 'order_id', '{of}')) AS n WHERE l.order_id = '{like}' LIMIT 1
"""


def forged(of: UUID, like: UUID) -> bytes:
    """A line that nobody ordered, like one of an order."""
    return FORGED.format(of=of, like=like).encode()


def line_of(order: UUID) -> UUID:
    found = orders.order(order)
    assert found is not None
    return next(line.id for line in found.lines if line.number == 1)


def test_a_line_that_is_added_leaves_an_imprint_at_once_and_hides_no_other(
    committed_db: None, owner: psycopg.Connection
) -> None:
    house = a_house()
    house.stock(0, 30)
    (one,) = placed(house, 1, (0, 2))
    seal.seal(SYSTEM)
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE orders_line SET description = 'other'")
    owner.execute(forged(one, one))
    wanted = {("orders_line", "was changed"), ("orders_line", "was put in")}
    added = AddLine(house.codes[0], 1, like=line_of(one))
    whole(edit(SYSTEM, requests=[EditOrder(one, "asked for", add=(added,))]))
    assert imprints("orders_line") == [1, 1]
    assert set(told()) == wanted, "while the event is not sealed"
    seal.seal(SYSTEM)
    assert imprints("orders_line") == [1, 1]
    assert set(told()) == wanted
    owner.execute("DELETE FROM orders_line WHERE number = 9")
    owner.execute("UPDATE orders_line SET description = '' WHERE number = 1")
    assert told() == []


@pytest.mark.parametrize("step", ["goes on", "is merged", "is split"])
def test_no_step_of_an_order_hides_a_line_that_was_put_in(
    committed_db: None, owner: psycopg.Connection, step: str
) -> None:
    """Once it is sealed, a line that nobody ordered would be known as any other."""
    house = a_house()
    house.stock(0, 30)
    one, other = placed(house, 2, (0, 2), customer="C-1")
    seal.seal(SYSTEM)
    owner.execute("SET session_replication_role = replica")
    if step != "is merged":
        owner.execute(forged(other, other))
    if step == "goes on":
        with transaction.atomic():
            events.write(SYSTEM, {"returns.register": [Event("order", other, COMPANY, payload={})]})
    elif step == "is split":
        whole(split(SYSTEM, requests=[SplitOrder(other, ((line_of(other), 1),), "the rest later")]))
    else:
        whole(merge(SYSTEM, requests=[MergeOrders(one, (other,), "one parcel")]))
        owner.execute(forged(other, one))
    assert told() == [("orders_line", "was put in")], "while the event is not sealed"
    seal.seal(SYSTEM)
    assert told() == [("orders_line", "was put in")]
    owner.execute("DELETE FROM orders_line WHERE number = 9")
    assert told() == []


def test_who_else_writes_orders_is_named(committed_db: None, owner: psycopg.Connection) -> None:
    facts()
    owner.execute("SET session_replication_role = origin")
    house = a_house()
    house.stock(0, 30)
    placed(house, 1, (0, 2))
    seal.seal(SYSTEM)
    ((me,),) = owner.execute("SELECT current_user").fetchall()
    owner.execute("UPDATE orders_order SET postal_code = 'LS1 4AP'")
    assert told() == [("orders_order", f"was written by {me}")]
    with transaction.atomic():
        sql.run("UPDATE orders_order SET postal_code = 'SW1A 1AA'")
    assert told() == []


def test_who_else_puts_in_orders_and_lines_is_named_though_the_events_are_forged_as_well(
    committed_db: None, owner: psycopg.Connection
) -> None:
    house = a_house()
    house.stock(0, 30)
    (one,) = placed(house, 1, (0, 2))
    seal.seal(SYSTEM)
    ((me,),) = owner.execute("SELECT current_user").fetchall()
    owner.execute(
        "INSERT INTO orders_order SELECT n.* FROM orders_order AS o, jsonb_populate_record(o, jsonb_build_object("
        "'id', md5(o.id::text), 'number', 'F-1', 'external_id', 'F-1')) AS n"
    )
    owner.execute(
        "INSERT INTO kernel_event SELECT n.* FROM kernel_event AS e, jsonb_populate_record(e, jsonb_build_object("
        "'seq', nextval(pg_get_serial_sequence('kernel_event', 'seq')), 'subject_id', md5(e.subject_id::text))) AS n"
        " WHERE e.subject_id = %s AND e.state_before = ''",
        [one],
    )
    ((other,),) = owner.execute("SELECT id FROM orders_order WHERE number = 'F-1'").fetchall()
    owner.execute(forged(other, one))
    wanted = [("orders_line", f"was written by {me}"), ("orders_order", f"was written by {me}")]
    assert told() == wanted
    seal.seal(SYSTEM)
    assert told() == wanted
    with transaction.atomic():
        sql.run("DELETE FROM orders_line WHERE order_id = %(id)s", {"id": other})
        sql.run("DELETE FROM orders_order WHERE id = %(id)s", {"id": other})
    assert told() == []


@pytest.mark.parametrize("table", ["ledger_rate", "orders_line"])
def test_who_else_deletes_is_named_and_an_upgrade_that_does_is_not(
    committed_db: None, owner: psycopg.Connection, table: str
) -> None:
    facts()
    house = a_house()
    house.stock(0, 30)
    placed(house, 1, (0, 2))
    seal.seal(SYSTEM)
    ((me,),) = owner.execute("SELECT current_user").fetchall()
    with as_owner(), transaction.atomic():
        imprint.before_upgrade()
        sql.run(f"DELETE FROM {table}")
        assert {what for _, what in told()} == {f"was deleted by {me}"}
        imprint.after_upgrade()
        assert told() == []
        transaction.set_rollback(True)
    with as_owner(), transaction.atomic():
        sql.run(f"DELETE FROM {table}")
        imprint.before_upgrade()
        imprint.after_upgrade()
        assert set(told()) == {(table, f"was deleted by {me}")}
        transaction.set_rollback(True)


def test_an_upgrade_reads_hot_tables_as_they_are_and_clears_nobody(
    committed_db: None, owner: psycopg.Connection
) -> None:
    house = a_house()
    house.stock(0, 30)
    placed(house, 2, (0, 2))
    seal.seal(SYSTEM)
    placed(house, 1, (0, 2))  # not sealed yet
    owner.execute("SET session_replication_role = replica")
    owner.execute(
        "UPDATE orders_line SET unit_price = 1 WHERE order_id = (SELECT id FROM orders_order LIMIT 1)"
    )
    before = told()
    assert before == [("orders_line", "was changed")]
    with as_owner():
        imprint.before_upgrade()
        owner.execute("UPDATE orders_order SET campaign = 'renamed'")
        imprint.after_upgrade()
    assert told() == before
    seal.seal(SYSTEM)
    assert told() == before
    owner.execute("UPDATE orders_line SET unit_price = 9.99")
    assert told() == []


def test_who_is_not_the_house_is_named_where_the_triggers_saw_it(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    ((me,),) = owner.execute("SELECT current_user").fetchall()
    owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'")

    assert told() == [("ledger_rate", f"was written by {me}")]
    with transaction.atomic():
        sql.run("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-02'")
    assert told() == []


def test_imprints_are_sealed_and_a_changed_one_is_named(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    seal.seal(SYSTEM)
    ((first,),) = sql.run("SELECT min(id) FROM kernel_imprint")
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE kernel_imprint SET row_key = 'x' || row_key WHERE id = %s", [first])
    (sentence,) = seal.verify().discrepancies
    assert sentence.startswith("imprints ") and sentence.endswith(f"{first} was changed")
    owner.execute("UPDATE kernel_imprint SET row_key = substr(row_key, 2) WHERE id = %s", [first])


def test_the_house_itself_can_neither_change_nor_delete_an_imprint(db: None) -> None:
    facts()
    for statement in ("UPDATE kernel_imprint SET leaf = NULL", "DELETE FROM kernel_imprint"):
        with pytest.raises(psycopg.Error), transaction.atomic():
            sql.run(statement)


def kept() -> set[tuple[str, str]]:
    return set(sql.run("SELECT source, row_key FROM kernel_upgrade WHERE source IS NOT NULL"))


@contextmanager
def as_owner() -> Iterator[None]:
    """As upgrades are done: the login itself, and not the house's role."""
    sql.run("SET ROLE NONE")
    try:
        yield
    finally:
        sql.run("DROP TABLE IF EXISTS kernel_upgrade")
        sql.run(f"SET ROLE {APP_ROLE}")


def test_what_an_upgrade_changes_has_new_imprints_and_what_was_amiss_before_stays_so(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE ledger_rate SET rate = 7 WHERE on_date = '2026-11-03'")
    with as_owner():
        imprint.before_upgrade()
        assert kept() == {("ledger_rate", "1 EUR 2026-11-03")}
        owner.execute(
            "UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-01'"
        )  # with triggers switched off
        owner.execute("SET session_replication_role = origin")
        owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'")

        imprint.after_upgrade()

        assert not imprint.upgrading()
    assert [(one.row, one.what) for one in imprint.amiss()] == [("1 EUR 2026-11-03", "was changed")]
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-03'")


def test_an_upgrade_that_died_is_gone_on_with_at_the_next_start(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    with as_owner():
        imprint.before_upgrade()
        owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-01'")
        assert imprint.upgrading()

        session.migrate()  # no migration is missing any more

        assert not imprint.upgrading()
    assert told() == []


def test_an_upgrade_reads_the_tables_that_it_can_change_and_no_others(
    committed_db: None, owner: psycopg.Connection, statements
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE ledger_rate SET rate = 7 WHERE on_date = '2026-11-03'")
    with as_owner():
        with statements() as ran:
            imprint.before_upgrade({"ledger_rule", "kernel_job"})
        assert kept() == set()
        owner.execute("UPDATE ledger_rule SET debit = 5550 WHERE event = 'stock.found'")
        with statements() as then:
            imprint.after_upgrade()
    for text in (*ran.texts, *then.texts):
        assert "FROM ledger_rate" not in text
    assert {(one.table, one.what) for one in imprint.amiss()} == {("ledger_rate", "was changed")}
    owner.execute("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-03'")
    owner.execute("UPDATE ledger_rule SET debit = 1200 WHERE event = 'stock.found'")
    with as_owner():
        imprint.before_upgrade({"ledger_rule"})
        imprint.after_upgrade()
    assert {one.table for one in imprint.amiss()} == {"ledger_rule"}, "what was amiss before it stays so"
    with transaction.atomic():
        sql.run("UPDATE ledger_rule SET debit = debit WHERE event = 'stock.found'")
    assert told() == []


@pytest.mark.parametrize("more", [None, {"ledger_rate"}])
def test_an_upgrade_that_died_and_can_change_more_by_now_looks_at_that_first(
    committed_db: None, owner: psycopg.Connection, more: set[str] | None
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE ledger_rate SET rate = 7 WHERE on_date = '2026-11-03'")
    with as_owner():
        imprint.before_upgrade({"ledger_rule"})
        imprint.before_upgrade({"ledger_rule"})
        assert kept() == set()
        imprint.before_upgrade(more)
        assert kept() == {("ledger_rate", "1 EUR 2026-11-03")}
        owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-01'")
        imprint.after_upgrade()
    assert [(one.row, one.what) for one in imprint.amiss()] == [("1 EUR 2026-11-03", "was changed")]
    owner.execute("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-03'")


def test_an_upgrade_that_an_earlier_release_began_reads_all(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    with as_owner():
        imprint.before_upgrade()
        sql.run("ALTER TABLE kernel_upgrade DROP COLUMN scope")
        imprint.before_upgrade({"ledger_rule"})
        owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-01'")
        imprint.after_upgrade()
    assert told() == []


def test_migrations_that_write_no_rows_change_the_tables_that_they_name():
    def of(*operations: object) -> migrations.Migration:
        one = migrations.Migration("0001", "ledger")
        one.operations = list(operations)
        return one

    index = migrations.AddIndex("rate", models.Index(fields=["currency"], name="x"))
    field = migrations.AddField("Line", "x", models.IntegerField(null=True))
    assert touched([of(index), of(field)]) == {"ledger_rate", "ledger_line"}
    assert touched([]) == set()
    for anything in (
        migrations.RunSQL("SELECT 1"), migrations.RunPython(migrations.RunPython.noop),
        migrations.AlterField("rate", "currency", models.TextField()), migrations.RenameModel("Rate", "Rates"),
        migrations.SeparateDatabaseAndState(),
        migrations.DeleteModel("Rate"), migrations.DeleteModel("NoSuchThing"),
        migrations.RemoveField("NoSuchThing", "x"),
    ):  # fmt: skip
        assert touched([of(field), of(anything)]) is None


def test_rows_from_before_there_were_imprints_get_them_by_an_upgrade(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    with as_owner():
        sql.run("ALTER TABLE kernel_imprint RENAME TO kernel_no_imprint")
        try:
            imprint.before_upgrade()
        finally:
            sql.run("ALTER TABLE kernel_no_imprint RENAME TO kernel_imprint")
        owner.execute("DELETE FROM kernel_imprint WHERE source = 'ledger_rate'")
        assert set(told()) == {("ledger_rate", "was put in")}
        imprint.after_upgrade()
    assert told() == []
    assert sql.run("SELECT DISTINCT written_by FROM kernel_imprint WHERE source = 'ledger_rate'") == [
        (imprint.BY_UPGRADE,)
    ]


def test_an_upgrade_takes_the_first_imprints_of_orders_and_lines_together(
    committed_db: None, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = a_house()
    house.stock(0, 30)
    one, *_ = placed(house, 5, (0, 2), (0, 1))
    seal.seal(SYSTEM)
    owner.execute("SET session_replication_role = replica")
    monkeypatch.setattr(imprint, "TOGETHER_MAX", 4)
    with as_owner():
        imprint.before_upgrade()
        owner.execute("DELETE FROM kernel_imprint WHERE source IN ('orders_order', 'orders_line')")
        imprint.after_upgrade()
    for table, rows in (("orders_order", 5), ("orders_line", 10)):
        taken = imprints(table)
        assert sum(taken) == rows and 1 < len(taken) <= 4 and max(taken) <= 4
    assert told() == []
    sql.run("UPDATE orders_order SET priority = 9 WHERE id = %(id)s", {"id": one})
    assert told() == []
    owner.execute("UPDATE orders_line SET unit_price = 1 WHERE order_id = %s", [one])
    assert set(told()) == {("orders_line", "was changed")}
    owner.execute("UPDATE orders_line SET unit_price = 9.99 WHERE order_id = %s", [one])


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_rate SET rate = 0.9", "UPDATE orders_order SET priority = 9"]
)
def test_an_upgrade_waits_for_who_writes_meanwhile(
    committed_db: None, owner: psycopg.Connection, statement: str
) -> None:
    facts()
    house = a_house()
    house.stock(0, 30)
    placed(house, 1, (0, 2))
    seal.seal(SYSTEM)
    with as_owner():
        imprint.before_upgrade()
        with owner.transaction():
            owner.execute(f"SET LOCAL ROLE {APP_ROLE}".encode())
            owner.execute(statement.encode())
            with pytest.raises(psycopg.errors.LockNotAvailable), transaction.atomic():
                sql.run("SET LOCAL lock_timeout = '200ms'")
                imprint.after_upgrade()
        imprint.after_upgrade()
    assert told() == []


def test_an_upgrade_from_before_rows_were_imprinted_together_reads_what_is_there(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE ledger_rate SET rate = 7 WHERE on_date = '2026-11-03'")
    with as_owner(), transaction.atomic():
        sql.run("ALTER TABLE kernel_imprint DROP COLUMN keys CASCADE, DROP COLUMN leaves CASCADE")
        imprint.before_upgrade()
        assert kept() == {("ledger_rate", "1 EUR 2026-11-03")}
        transaction.set_rollback(True)
    owner.execute("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-03'")


def test_an_upgrade_does_not_clear_the_name_of_whoever_wrote_past_the_house(
    committed_db: None, owner: psycopg.Connection
) -> None:
    facts()
    owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'")
    before = told()
    assert before
    with as_owner():
        imprint.before_upgrade()
        imprint.after_upgrade()
    assert told() == before
    with transaction.atomic():
        sql.run("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-02'")


def test_what_the_login_wrote_before_the_house_had_a_role_is_the_houses(
    committed_db: None, owner: psycopg.Connection
) -> None:
    owner.execute("INSERT INTO ledger_rate VALUES (1, 'EUR', '2026-10-31', 0.85)")
    assert told() == []

    facts()

    assert told() == []
    owner.execute("UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'")
    assert len(told()) == 1
    with transaction.atomic():
        sql.run("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-02'")


@pytest.mark.parametrize("arguments", [["migrate"], ["migrate", "--noinput"]])
def test_manage_migrate_is_the_upgrade_that_every_verb_begins_with(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    facts()
    monkeypatch.setattr(session, "_set_up_django", lambda: None)  # it tunes this process's garbage collector
    with as_owner():
        imprint.before_upgrade()
        assert manage.passthrough(arguments) == 0
        assert not imprint.upgrading()


def test_what_is_given_in_manage_shell_is_written_by_the_house(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts()
    monkeypatch.setattr(session, "_set_up_django", lambda: None)
    rate = "UPDATE ledger_rate SET rate = 0.9 WHERE on_date = '2026-11-02'"
    with as_owner():
        assert (
            manage.passthrough(
                ["shell", "-v", "0", "-c", f"from entrepot.kernel import sql\nsql.run({rate!r})"]
            )
            == 0
        )
    assert told() == []
    with transaction.atomic():
        sql.run("UPDATE ledger_rate SET rate = 0.85 WHERE on_date = '2026-11-02'")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("catalog_sku", "standard_cost = 1"),
        ("parties_supplier", "currency = 'XXX'"),
        ("purchasing_orderline", "unit_cost = 1"),
    ],
)
def test_prices_and_masters_that_decide_money_are_watched(
    committed_db: None, owner: psycopg.Connection, table: str, change: str
) -> None:
    house = a_retailer(skus=1)
    asked = OrderGoods(house.company, house.supplier, house.node, "", ((house.skus[0], 3, Decimal("2.50")),))
    whole(order(BUYER, requests=[asked]))
    owner.execute("SET session_replication_role = replica")
    assert told() == []
    owner.execute(f"CREATE TABLE kept AS SELECT * FROM {table}".encode())

    owner.execute(f"UPDATE {table} SET {change}".encode())

    assert set(told()) == {(table, "was changed")}
    owner.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; DROP TABLE kept".encode())
    assert told() == []


def test_facts_of_money_decisions_and_rules_leave_imprints(db: None) -> None:
    names = {meta.db_table for meta in imprint.tables()}
    assert {
        "shipping_shipmentline",
        "access_apikey", "access_belonging", "carriage_rate", "carriage_surcharge", "catalog_component",
        "catalog_listprice", "catalog_sku", "ledger_layer", "parties_supplier", "purchasing_orderline",
        "returns_paper", "tax_jurisdiction",
        "access_duty", "kernel_policy", "ledger_period", "ledger_rule", "orders_credit", "orders_hold",
        "orders_line", "orders_order",
        "payments_attempt", "payments_dispute", "purchasing_receipt", "returns_disposition", "returns_override",
        "returns_refund", "returns_refundline", "settlement_document", "settlement_supplierline", "stock_adjustment",
        "warehouse_countline",
    } <= names  # fmt: skip
    for model in apps.get_models():
        if model._meta.db_table in names:
            wanted = {"imprint_insert"}
            if not getattr(model, "append_only", False):
                wanted |= {"imprint_update", "imprint_delete"}
            assert {one.name for one in model._meta.triggers if one.name.startswith("imprint")} == wanted
