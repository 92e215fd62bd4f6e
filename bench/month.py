"""A month as the books of a shop hold it, in two currencies: what was sold, what it cost, what was paid and refunded,
the documents about it, and the sales of which some may come back.

Some orders are placed, sent and invoiced by the commands, and some of them come back. Then the rows that a close looks
at are copied until the journal has as many lines as are wanted, a little earlier each time: keys are made anew, and all
sums are drawn again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from bench import house, walk, way_back

MONTH, LAST = date(2026, 11, 1), date(2026, 11, 30)
ENDS, CLOSED_AT = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 2, 9, tzinfo=UTC)
ORDERS, BACK = 120, 6
"""Orders that are copied, and of how many one comes back."""
CURRENCIES = ("GBP", "EUR")
EXPECTED = Decimal(25)
"""Per cent of what was sold that is expected back: more than has come."""
DAYS = 22
"""Over how many days before `house.AT` the copies are spread; all of them in the month."""

TABLES = (
    "orders_order", "orders_line", "shipping_shipment", "shipping_shipmentline", "stock_move", "returns_sold",
    "returns_return", "returns_line", "returns_receipt", "returns_refund", "returns_refundline", "settlement_document",
    "settlement_documentline",
)  # fmt: skip
"""What a close and what it measures look at, beside the journal."""
SHARED = {"sku_id", "node_id", "bin_id", "channel_id", "customer_id", "address_id", "correlation"}
"""Keys of what copies have in common."""
NAMED = {"number", "external_id"}
"""Names that are given once."""


class Before(NamedTuple):
    """The last line of the journal before anything was sold, and what stock was worth."""

    line: int
    valued: list[tuple[Any, ...]]


def furnish(lines: int) -> dict[str, int]:
    """A fresh house with such a month, of so many lines; returns how many there are of what it holds."""
    house.fresh()
    _restock(units=lines // 100)
    with house.connect() as connection:
        before = Before(
            connection.execute("SELECT COALESCE(max(id), 0) FROM ledger_line").fetchone()[0],
            connection.execute(_VALUED).fetchall(),
        )
    _trade()
    house.disconnect()
    _copy(lines, before)
    with house.connect() as connection:
        return {
            what: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for what, table in (
                ("lines", "ledger_line"), ("orders", "orders_order"), ("documents", "settlement_document"),
                ("refunds", "returns_refund"), ("open items", "ledger_clearingitem"),
            )
        }  # fmt: skip


def _restock(units: int) -> None:
    """So many more of each SKU at each node: enough for all copies."""
    from entrepot.kernel import ids, sql
    from entrepot.kernel.command import whole
    from entrepot.stock.commands.receive import Receive, receive

    rows = sql.run(
        "SELECT DISTINCT ON (s.id, b.node_id) s.id, b.node_id, b.id, substring(s.code FROM 5)::int"
        " FROM catalog_sku AS s, network_bin AS b WHERE b.kind = 'reserve' ORDER BY s.id, b.node_id, b.code"
    )
    whole(receive(_cause(house.AT), requests=[
        Receive(
            house.COMPANY, sku, node, place, units, units * (house.PRICES_MINOR[n] // 2), "goods receipt", ids.uuid7()
        )
        for sku, node, place, n in rows
    ]))  # fmt: skip


def _trade() -> None:
    """The orders that are copied: sent, some of them taken back and refunded, all of it invoiced."""
    from entrepot.kernel import policies, sql
    from entrepot.kernel.command import whole
    from entrepot.ledger.commands.record_rates import RecordRate, record_rates
    from entrepot.orders.commands.place import place
    from entrepot.returns.rules import Policy
    from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents

    cause = _cause(house.AT)
    rates = [
        RecordRate(house.COMPANY, "EUR", on, Decimal(rate)) for on, rate in ((MONTH, "0.86"), (LAST, "0.88"))
    ]
    whole(record_rates(_cause(CLOSED_AT), requests=rates))
    kept = Policy(approve_above_minor=None, expected_percent=EXPECTED)
    policies.set_policy(cause, requests=[policies.SetPolicy(house.COMPANY, "returns", kept, house.AT)])
    one = walk.Ours(0, 1)
    placed = whole(place(cause, requests=[_order(n) for n in range(ORDERS)]))
    one.orders, one.fulfillments = [[answer.order for answer in placed]], [[]]
    for step in walk.STEPS[1:]:
        getattr(one, step)(0)
    batches = way_back.content(ORDERS)
    back = way_back.Ours([[lines for batch in batches for lines in batch][::BACK]])
    for step in way_back.STEPS:
        getattr(back, step)(0)
    sources = sql.run("SELECT id FROM shipping_shipment UNION ALL SELECT id FROM returns_refund")
    whole(issue_documents(cause, requests=[IssueDocument(source) for (source,) in sources]))


def _order(n: int) -> Any:
    from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder
    from entrepot.tax.rules import tax_on_top

    customer, country, postal_code, lines = walk.content(n)
    net = sum(house.PRICES_MINOR[sku] * units for sku, units in lines)
    tax = tax_on_top(net, Decimal("0.2"))
    return PlaceOrder(
        company=house.COMPANY, channel="shop", external_id=f"M-{n}", currency=CURRENCIES[n % 2], customer=customer,
        lines=tuple(
            OrderLine(house.sku_code(sku), units, Decimal(house.PRICES_MINOR[sku]) / 100) for sku, units in lines
        ),
        country=country, postal_code=postal_code, tax_minor=tax,
        payment=PaymentGiven("account", f"M-{n}", net + tax, house.AT),
    )  # fmt: skip


def _cause(at: datetime) -> Any:
    from entrepot.kernel.cause import Actor, Cause

    return Cause(Actor("system:bench", everything=True), at, "a month")


# ---- copies


def _copy(lines: int, before: Before) -> None:
    from entrepot import postgres

    with psycopg.connect(postgres.server_dsn(house.DATABASE), autocommit=True) as connection:
        own = f"id > {before.line}"
        ((made,),) = connection.execute(f"SELECT count(*) FROM ledger_line WHERE {own}").fetchall()
        copies = max(1, round((lines - made) / made))
        with connection.transaction():
            # What the triggers of these tables check was checked when the rows were made that are copied.
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in TABLES:
                where = (
                    "t.document_id IN (SELECT id FROM shipping_shipment)" if table == "stock_move" else "TRUE"
                )
                connection.execute(_copied(connection, table, where), {"copies": copies})
            connection.execute("UPDATE settlement_series SET last = last * (%s + 1)", [copies])
        connection.execute(_copied(connection, "ledger_line", f"t.{own}"), {"copies": copies})
        connection.cursor().executemany(
            _VALUE, [(copies, one[4], copies, one[5], *one[:4]) for one in before.valued]
        )
        connection.execute("TRUNCATE ledger_balance")
        connection.execute(_BALANCES)
        connection.execute("VACUUM (ANALYZE)")


def _copied(connection: psycopg.Connection, table: str, where: str) -> str:
    columns = {
        name: _anew(table, name, kind)
        for name, kind in connection.execute(_COLUMNS, {"table": table}).fetchall()
    }
    order = "t.id" if table == "ledger_line" else "1"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"
        f" FROM generate_series(1, %(copies)s::int) AS n CROSS JOIN {table} AS t WHERE {where} ORDER BY n, {order}"
    )


def _anew(table: str, name: str, kind: str) -> str:
    """A column of the n-th copy."""
    if kind == "uuid" and name not in SHARED:
        return f"md5(t.{name}::text || n)::uuid"
    if kind == "timestamptz":
        return f"t.{name} - interval '{DAYS} days' * (%(copies)s::int - n) / %(copies)s::int"
    if kind == "text" and name in NAMED:
        return f"t.{name} || '-' || n"
    if (table, name) == ("settlement_document", "sequence"):
        return "t.sequence + n * (SELECT max(d.sequence) FROM settlement_document AS d WHERE d.kind = t.kind)"
    return f"t.{name}"


_COLUMNS = """
SELECT attname, typname FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid
WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
ORDER BY attnum
"""

_VALUED = "SELECT company_id, sku_id, node_id, pool, quantity, value_minor FROM ledger_valuation"

# What the orders that are copied took of it, once more for each copy.
_VALUE = """
UPDATE ledger_valuation
SET quantity = quantity - %s * (%s - quantity), value_minor = value_minor - %s * (%s - value_minor)
WHERE company_id = %s AND sku_id = %s AND node_id = %s AND pool = %s
"""

_BALANCES = """
INSERT INTO ledger_balance (company_id, account, month, currency, slot, debit_minor, credit_minor, functional_minor,
                            functional_debit_minor)
SELECT company_id, account, month, currency, 0, COALESCE(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0),
       COALESCE(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0), sum(functional_minor),
       COALESCE(sum(functional_minor) FILTER (WHERE functional_minor > 0), 0)
FROM ledger_line GROUP BY company_id, account, month, currency
"""
