"""What the pairs of duties keep apart is refused by the tables themselves: of rows that are put in decided as of those
that are decided later, of every pair that there is."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
from django.apps import apps
from django.db import transaction

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.rules import FIRST_BY, PAIRS
from entrepot.kernel import ids, sql
from entrepot.kernel.command import whole
from tests.commands.test_duties_by_the_log import did
from tests.floor import COMPANY, NOW, someone

pytestmark = pytest.mark.django_db

MALLORY = "mallory"
DOCUMENT, OTHER = ids.uuid7(), ids.uuid7()
ALONE = 10**12
"""A limit that leaves only the other trigger of a table to refuse."""


class Forged(NamedTuple):
    """A row of a table as it may stand, what it becomes when its decision is forged, and the constraints by which that
    is refused where the row is put in so, and where it is changed to it."""

    table: str
    stands: dict[str, Any]
    decided: dict[str, Any]
    put_in: str
    changed: str | None = None

    @property
    def later(self) -> str:
        return self.changed or self.put_in


BY_MALLORY = {"decided_by": MALLORY, "decided_at": NOW}

WRITE_OFF = {
    "id": DOCUMENT, "company_id": COMPANY, "code": "rounding", "amount_minor": 900, "home_minor": 900,
    "state": "waiting", "asked_by": MALLORY,
}  # fmt: skip
BANK_LINE = {"statement_id": DOCUMENT, "number": 1, "amount_minor": -900, "state": "unmatched"}
SUPPLIER_LINE = {
    "invoice_id": DOCUMENT, "number": 1, "amount_minor": 900, "difference_minor": 900, "state": "differs",
}  # fmt: skip
ADJUSTMENT = {
    "id": DOCUMENT, "sku_id": DOCUMENT, "delta": -5, "value_minor": 900, "state": "waiting", "requested_by": MALLORY,
}  # fmt: skip
REFUND = {
    "id": OTHER, "return_id": DOCUMENT, "order_id": DOCUMENT, "state": "waiting", "outcome": "money",
    "goods_minor": 900, "shipping_minor": 0, "tax_minor": 0, "fee_minor": 0, "total_minor": 900, "requested_by": "ada",
}  # fmt: skip
DEPARTURE = {"id": DOCUMENT, "kind": "donation", "state": "open", "opened_by": "ada"}

FORGED: dict[str, tuple[Forged, ...]] = {
    "order×receive×accept": (
        Forged(
            "settlement_supplierline", SUPPLIER_LINE | {"order_id": DOCUMENT, "alone_minor": ALONE},
            {"state": "accepted", "decided_by": MALLORY}, "settlement_duty_to_accept_taken",
        ),
    ),
    "propose×approve": (
        Forged(
            "purchasing_proposal", {"id": DOCUMENT, "state": "proposed", "proposed_by": MALLORY},
            {"state": "ordered", "order_id": OTHER, **BY_MALLORY}, "purchasing_duty_to_approve_taken",
        ),
    ),
    "order×approve": (
        Forged(
            "purchasing_order", {"id": DOCUMENT, "state": "waiting", "home_minor": 900, "ordered_by": MALLORY},
            {"state": "open", "approved_by": MALLORY}, "purchasing_duty_to_approve_taken",
        ),
    ),
    "adjust×approve": (
        Forged("stock_adjustment", ADJUSTMENT, {"state": "posted", **BY_MALLORY}, "stock_duty_to_approve_taken"),
        # as if it had been within what one person may alone
        Forged("stock_adjustment", ADJUSTMENT, {"state": "posted"}, "stock_duty_to_approve_taken"),
        Forged(
            "stock_adjustment", ADJUSTMENT | {"alone_minor": ALONE, "alone_units": 4}, {"state": "posted"},
            "stock_duty_to_approve_taken",
        ),
    ),
    "count×recount×approve": (
        Forged(
            "warehouse_countline",
            {"id": OTHER, "task_id": DOCUMENT, "state": "waiting", "counted": 1, "expected": 9, "counted_at": NOW,
             "counted_by": "ada"},
            {"state": "posted", "cause": "lost", **BY_MALLORY}, "warehouse_duty_to_approve_taken",
        ),
    ),
    "enter×approve": (
        Forged(
            "settlement_writeoff", WRITE_OFF, {"state": "posted", "match_id": OTHER, **BY_MALLORY},
            "settlement_duty_to_approve_taken",
        ),
        Forged(
            "settlement_bankstatementline", BANK_LINE, {"state": "booked", "purpose": "other", "decided_by": MALLORY},
            "settlement_duty_to_approve_taken",
        ),
        Forged(
            "settlement_supplierline", SUPPLIER_LINE, {"state": "accepted", "decided_by": MALLORY},
            "settlement_duty_to_approve_taken",
        ),
        Forged(
            "settlement_carriercharge", SUPPLIER_LINE, {"state": "accepted", "decided_by": MALLORY},
            "settlement_duty_to_approve_taken",
        ),
        Forged(
            "orders_credit", {"id": DOCUMENT, "state": "waiting", "entered_by": MALLORY},
            {"state": "unmatched", **BY_MALLORY}, "orders_duty_to_approve_taken",
        ),
        Forged(
            "ledger_manualentry", {"id": DOCUMENT, "kind": "accrual", "state": "waiting", "entered_by": MALLORY},
            {"state": "posted", "posted_as": OTHER, **BY_MALLORY}, "ledger_duty_to_approve_taken",
        ),
    ),
    "draft×activate": (
        Forged(
            "ledger_ruleversion",
            {"id": DOCUMENT, "number": 2, "base": 1, "state": "draft", "drafted_by": MALLORY},
            {"state": "active", "since": NOW.date(), **BY_MALLORY}, "ledger_ruleversion_activated_by_another_one",
        ),
        Forged(
            "ledger_ruleversion",
            {"id": DOCUMENT, "number": 2, "base": 1, "state": "draft", "drafted_by": MALLORY, "decided_by": ""},
            {"state": "active", "since": NOW.date(), "decided_by": MALLORY, "decided_at": NOW, "drafted_by": "ada"},
            "ledger_ruleversion_begins_as_a_draft", "ledger_ruleversion_stands",
        ),
    ),
    "request×receive×approve": (
        Forged("returns_refund", REFUND, {"state": "approved", **BY_MALLORY}, "returns_duty_to_approve_taken"),
    ),
    "answer×accept": (
        Forged(
            "payments_disputeanswer",
            {"id": OTHER, "dispute_id": DOCUMENT, "kind": "accept", "state": "proposed", "made_by": MALLORY,
             "needs_another": True},
            {"made_by": "ada", "state": "waiting", "approved_by": MALLORY}, "payments_duty_to_accept_taken",
        ),
    ),
    "send×credit": (
        Forged(
            "returns_departure", DEPARTURE,
            {"state": "settled", "left_at": NOW, "settled_at": NOW, "settled_by": MALLORY},
            "returns_duty_to_credit_taken",
        ),
    ),
    "sell×credit": (
        Forged("returns_refund", REFUND, {"state": "approved", **BY_MALLORY}, "returns_credit_by_another"),
    ),
    "bill×pay": (
        Forged(
            "settlement_bankstatementline", BANK_LINE,
            {"state": "matched", "known_kind": "supplier invoice", "known_id": OTHER, "decided_by": MALLORY},
            "settlement_pay_by_another",
        ),
    ),
    "register×correct": (
        Forged(
            "stock_adjustment", ADJUSTMENT | {"requested_by": "ada"}, {"state": "posted", **BY_MALLORY},
            "stock_correct_by_another",
        ),
    ),
}  # fmt: skip

CASES = [(pair, place) for pair in PAIRS for place in range(len(FORGED.get(pair, ((),))))]


def _filled(table: str, said: dict[str, Any]) -> dict[str, Any]:
    """A row that says no more than it must beside what is said of it."""
    plain = {
        "uuid": OTHER, "text": "x", "character varying": "EUR", "character": "EUR", "bigint": 0, "integer": 0,
        "smallint": 1, "boolean": False, "numeric": 1, "timestamp with time zone": NOW, "date": NOW.date(),
        "jsonb": "{}", "ARRAY": [],
    }  # fmt: skip
    rows = sql.run(
        "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_name = %(table)s"
        " AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        {"table": table},
    )
    return {**{name: plain[kind] for name, kind in rows}, **_whole(table, said)}


def _whole(table: str, said: dict[str, Any]) -> dict[str, Any]:
    """Units where there must be some."""
    some: dict[str, dict[str, Any]] = {
        "purchasing_proposal": {"quantity": 1},
        "settlement_supplierline": {"quantity": 1},
        "returns_departure": {"sequence": 1, "due_on": NOW.date()},
    }
    return {**some.get(table, {}), **said}


def _put_in(table: str, said: dict[str, Any]) -> None:
    row = _filled(table, said)
    names = ", ".join(row)
    sql.run(
        f"INSERT INTO {table} ({names}) VALUES ({', '.join(f'%({name})s' for name in row)}) RETURNING 1", row
    )


def _change(table: str, stands: dict[str, Any], decided: dict[str, Any]) -> None:
    keys = [name for name in ("id", "invoice_id", "statement_id", "number") if name in stands]
    keys = ["id"] if "id" in keys else keys
    sets = ", ".join(f"{name} = %({name})s" for name in decided)
    where = " AND ".join(f"{name} = %(key_{name})s" for name in keys)
    said = {**decided, **{f"key_{name}": stands[name] for name in keys}}
    sql.run(f"UPDATE {table} SET {sets} WHERE {where} RETURNING 1", said)


def _refuses(constraint: str, how: Any, *said: Any) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as told, transaction.atomic():
        how(*said)
    assert told.value.diag.constraint_name == constraint


def _first_side(pair: str, document: UUID) -> None:
    """Mallory takes the first side of the pair on the document; of pairs that the log tells, and the second as well,
    so that nothing else keeps her from it."""
    cause = someone(MALLORY)
    if pair in FIRST_BY:
        did(cause, FIRST_BY[pair][0], "document", document)
        if pair == "bill×pay":
            _put_in("settlement_supplierinvoice", {
                "id": OTHER, "company_id": COMPANY, "supplier_id": document, "state": "open", "taken_by": "ada",
            })  # fmt: skip
        others = {
            "sell×credit": ("request×receive×approve", "approve"),
            "register×correct": ("adjust×approve", "approve"),
        }
        duties = [Duty(document, *others[pair], MALLORY)] if pair in others else []
    else:
        duties = [Duty(document, pair, PAIRS[pair][0], MALLORY)]
    if pair == "register×correct":
        duties.append(Duty(document, "adjust×approve", "adjust", "ada"))
    if duties:
        whole(take_duty(cause, requests=duties))


@pytest.mark.parametrize(("pair", "place"), CASES)
def test_nobody_decides_what_they_began_by_putting_the_row_in_or_by_changing_it(
    db: None, pair: str, place: int
) -> None:
    assert pair in FORGED, (
        f"{pair}: say here which rows of which tables would break it, and that they are refused"
    )
    one = FORGED[pair][place]
    with transaction.atomic():
        _first_side(pair, DOCUMENT)
        _refuses(one.put_in, _put_in, one.table, {**one.stands, **one.decided})
        _put_in(one.table, one.stands)
        _refuses(one.later, _change, one.table, one.stands, one.decided)
        transaction.set_rollback(True)


def test_what_a_table_refuses_to_one_side_it_refuses_of_rows_put_in_and_of_rows_changed() -> None:
    """Whatever tables come: the first sides alone begin a row, and what is appended is never changed."""
    half, seen = [], set[str]()
    for model in apps.get_models():
        guards: dict[str, set[str]] = {}
        for trigger in getattr(model._meta, "triggers", ()):
            found = re.search(
                r"d.pair = '(\S+)' AND d.side = '(\w+)'|first part of (\S+) does", str(trigger.func)
            )
            if found and found[2] != PAIRS.get(found[1] or "", ("",))[0]:
                guards.setdefault(found[0], set()).add(str(trigger.operation))
        for guard, operations in guards.items():
            begins = "receive" in guard or getattr(model, "append_only", False)
            if operations != {"INSERT", "UPDATE"} and not (begins and operations == {"INSERT"}):
                half.append(f"{model._meta.db_table}: {guard}: {sorted(operations)}")
        seen |= set(guards)
    assert half == []
    assert len(seen) > 10
