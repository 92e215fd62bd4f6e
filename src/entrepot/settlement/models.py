"""Tables of settlement: what providers paid out and carriers charge, line by line; invoices and credit notes."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import by_another_triggers, duty_taken, duty_triggers
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.settlement import bank, invoicing, privacy, rules, states
from entrepot.settlement.clearing_models import (  # noqa: F401  Django looks for tables here
    ClearingNote,
    WriteOff,
    WriteOffPart,
)
from entrepot.settlement.closing_models import ClosedAccount, ClosedCheck, ClosedMonth, ClosingTick  # noqa: F401


def _second_person(document: str, decided: str, amount: str) -> list[pgtrigger.Trigger]:
    """What is decided of more than the row says one person may alone is decided by who has not entered the document;
    where the row says nothing, anything is more."""
    beyond = f"{decided} AND abs({amount}) > COALESCE(a.alone_minor, 0)"
    return duty_triggers(
        "second_person_is_a_duty",
        duty_taken("settlement", "enter×approve", "approve", document, "decided_by", beyond),
    )  # fmt: skip


# Of a line that was split, all that its person booked of it: in parts no more than at once.
_BOOKED_OF_IT = """
    CASE WHEN a.whole_minor IS NULL THEN a.amount_minor ELSE (
        SELECT sum(abs(b.amount_minor)) FROM settlement_bankstatementline AS b
        WHERE b.statement_id = a.statement_id AND b.state = 'booked' AND b.decided_by = a.decided_by
          AND COALESCE(b.part_of, b.number) = COALESCE(a.part_of, a.number)) END"""

_COSTS = "a.state IN ('accepted', 'credited')"
"""When a line of an invoice is decided as a cost: accepted, or what of it was not credited."""

_TAKEN_BY_THEM = """
    OR EXISTS (SELECT FROM settlement_supplierinvoice AS i WHERE i.id = a.known_id AND i.taken_by = a.decided_by)
    OR EXISTS (SELECT FROM settlement_carrierinvoice AS i WHERE i.id = a.known_id AND i.taken_by = a.decided_by)
    OR EXISTS (SELECT FROM purchasing_landedcost AS i WHERE i.id = a.known_id AND i.landed_by = a.decided_by)"""

_LANDED = """(
        SELECT b.id, b.company_id, c.currency, b.amount_minor AS total_minor, b.landed_by AS taken_by
        FROM purchasing_landedcost AS b JOIN parties_company AS c ON c.id = b.company_id
        WHERE NOT EXISTS (SELECT FROM settlement_landedbefore AS n WHERE n.cost_id = b.id))"""

# Of a line that is booked as a debt paid, the invoices that it may have paid: open ones over its amount; of a part,
# over the whole line's too, and over what its person booked as debts of that line.
_DEBTS = """
    SELECT {what} FROM {table} AS i JOIN settlement_bankstatement AS s ON s.id = a.statement_id
    WHERE i.company_id = a.company_id AND i.currency = s.currency
      AND i.total_minor = ANY (ARRAY[-a.amount_minor, -a.whole_minor, (
          SELECT -sum(b.amount_minor)::bigint FROM settlement_bankstatementline AS b
          WHERE b.statement_id = a.statement_id AND b.state = 'booked' AND b.purpose = 'payable'
            AND b.decided_by = a.decided_by AND COALESCE(b.part_of, b.number) = COALESCE(a.part_of, a.number))])
      AND NOT EXISTS (SELECT FROM settlement_bankstatementline AS l WHERE l.known_id = i.id)"""
_SUPPLIERS_OF_DEBTS = (
    f"ANY (ARRAY({_DEBTS.format(what='i.supplier_id', table='settlement_supplierinvoice')}))"
)
_DEBTS_TAKEN_BY_THEM = "".join(
    f"\n    OR EXISTS ({_DEBTS.format(what='1', table=table)} AND i.taken_by = a.decided_by)"
    for table in ("settlement_supplierinvoice", "settlement_carrierinvoice", _LANDED)
)


class Payout(models.Model):
    """Money that a payment provider sent to the bank, as it reports it."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    provider = models.TextField()
    external_id = models.TextField()
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    state = models.TextField()  # matched, open
    arrived_at = models.DateTimeField()
    # As the policy had it when the payout was taken: what is explained later is booked where its fees are.
    of_marketplace = models.BooleanField(db_default=False)
    numbered = models.IntegerField(null=True)  # the last number that a part of a line was given, once one was

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "provider", "external_id"], name="settlement_payout_taken_once"
            ),
            models.CheckConstraint(
                name="settlement_payout_adds_up", condition=Q(net_minor=F("gross_minor") - F("fee_minor"))
            ),
            models.CheckConstraint(
                name="settlement_payout_state_known", condition=Q(state__in=["matched", "open"])
            ),
        ]
        triggers = imprinted(changes=True)


class PayoutLine(models.Model):
    """A line of a payout: what it brought, and the attempt or dispute that it settles. One that is several is split:
    `part_of` names the line that a part came of, and `whole_minor` says over how much that is in the report."""

    pk = models.CompositePrimaryKey("payout_id", "number")
    payout_id = models.UUIDField()
    number = models.IntegerField()
    kind = models.TextField()
    reference = models.TextField()
    known_id = models.UUIDField(null=True)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    state = models.TextField()
    difference_minor = models.BigIntegerField(db_default=0)
    reason = models.TextField(db_default="")
    part_of = models.IntegerField(null=True)
    whole_minor = models.BigIntegerField(null=True)

    class Meta:
        db_table = "settlement_payoutline"
        indexes = [
            models.Index(
                fields=["payout_id"],
                name="settlement_payoutline_reserve",
                condition=Q(kind__in=list(rules.RESERVES)),
            )
        ]
        constraints = [
            # One line settles a charge; a charge that comes twice is unmatched the second time.
            models.UniqueConstraint(
                fields=["known_id", "kind"],
                name="settlement_payoutline_settles_once",
                condition=Q(known_id__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_payoutline_known",
                condition=Q(kind__in=list(rules.SIGNS), state__in=states.LINE.states),
            ),
            models.CheckConstraint(
                name="settlement_payoutline_part_of_a_whole",
                condition=Q(part_of__isnull=True) | Q(whole_minor__isnull=False),
            ),
        ]
        triggers = imprinted(changes=True)


class CarrierInvoice(models.Model):
    """What a carrier charges, as it says so. `settled` when no charge is in question."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    carrier = models.TextField()
    external_id = models.TextField()
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    state = models.TextField()
    invoiced_at = models.DateTimeField()
    taken_by = models.TextField()

    class Meta:
        db_table = "settlement_carrierinvoice"
        # What is as much as a line of the bank that is booked as a debt paid.
        indexes = [models.Index(fields=["company_id", "total_minor"], name="settlement_carrier_of_amount")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "carrier", "external_id"], name="settlement_carrierinvoice_taken_once"
            ),
            models.CheckConstraint(
                name="settlement_carrierinvoice_state_known",
                condition=Q(state__in=["open", "disputed", "settled"]),
            ),
        ]
        triggers = imprinted(changes=True)


class CarrierCharge(models.Model):
    """A line of a carrier's invoice: the label that it is for (`unit_id`; the shipment where it has none), what of the
    accrual it releases, and what it bills beyond."""

    pk = models.CompositePrimaryKey("invoice_id", "number")
    invoice_id = models.UUIDField()
    number = models.IntegerField()
    tracking = models.TextField()
    charge = models.TextField()
    amount_minor = models.BigIntegerField()
    weight_g = models.IntegerField(db_default=0)
    unit_id = models.UUIDField(null=True)
    shipment_id = models.UUIDField(null=True)
    expected_minor = models.BigIntegerField(db_default=0)
    difference_minor = models.BigIntegerField(db_default=0)
    credited_minor = models.BigIntegerField(db_default=0)
    state = models.TextField()
    why = models.TextField(db_default="")
    reason = models.TextField(db_default="")
    decided_by = models.TextField(db_default="")
    alone_minor = models.BigIntegerField(null=True)  # up to what one person alone might decide it

    class Meta:
        db_table = "settlement_carriercharge"
        indexes = [
            models.Index(fields=["unit_id"], name="settlement_carriercharge_of"),
            models.Index(
                fields=["shipment_id"],
                name="settlement_carriercharge_back",
                condition=Q(expected_minor__lt=0),
            ),
        ]
        constraints = [
            # An accrual is released once: a charge that comes twice has nothing to release. What is taken back of a
            # voided label stands beside it, below zero.
            models.UniqueConstraint(
                fields=["unit_id", "charge"],
                name="settlement_carriercharge_releases_once",
                condition=Q(expected_minor__gt=0),
            ),
            models.CheckConstraint(
                name="settlement_carriercharge_adds_up",
                condition=Q(amount_minor=F("expected_minor") + F("difference_minor")),
            ),
            models.CheckConstraint(
                name="settlement_carriercharge_known",
                condition=Q(state__in=states.CHARGE.states, credited_minor__gte=0),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *_second_person("invoice_id", _COSTS, "a.difference_minor - a.credited_minor"),
        ]


class SupplierInvoice(models.Model):
    """What a supplier bills, as he says so. `settled` when no line is in question."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    external_id = models.TextField()
    currency = models.CharField(max_length=3)
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    state = models.TextField()
    invoiced_at = models.DateTimeField()
    taken_by = models.TextField()

    class Meta:
        db_table = "settlement_supplierinvoice"
        # What is as much as a line of the bank that is booked as a debt paid.
        indexes = [models.Index(fields=["company_id", "total_minor"], name="settlement_supplier_of_amount")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "supplier_id", "external_id"],
                name="settlement_supplierinvoice_taken_once",
            ),
            models.CheckConstraint(
                name="settlement_supplierinvoice_known",
                condition=Q(state__in=["open", "disputed", "settled"], tax_minor__gte=0),
            ),
        ]
        triggers = imprinted(changes=True)


class SupplierLine(models.Model):
    """A line of a supplier's invoice: the units of an order's line that it settles, what they were taken in at, and
    what it bills beyond."""

    pk = models.CompositePrimaryKey("invoice_id", "number")
    invoice_id = models.UUIDField()
    number = models.IntegerField()
    order_number = models.TextField()
    order_line = models.IntegerField()
    order_id = models.UUIDField(null=True)
    line_id = models.UUIDField(null=True)
    quantity = models.IntegerField()
    amount_minor = models.BigIntegerField()
    units = models.IntegerField(db_default=0)
    expected_minor = models.BigIntegerField(db_default=0)
    difference_minor = models.BigIntegerField(db_default=0)
    credited_minor = models.BigIntegerField(db_default=0)
    state = models.TextField()
    why = models.TextField(db_default="")
    reason = models.TextField(db_default="")
    decided_by = models.TextField(db_default="")
    alone_minor = models.BigIntegerField(null=True)  # up to what one person alone might decide it

    class Meta:
        db_table = "settlement_supplierline"
        indexes = [models.Index(fields=["line_id"], name="settlement_supplierline_of")]
        constraints = [
            models.CheckConstraint(
                name="settlement_supplierline_adds_up",
                condition=Q(amount_minor=F("expected_minor") + F("difference_minor")),
            ),
            models.CheckConstraint(
                name="settlement_supplierline_known",
                condition=Q(
                    state__in=states.SUPPLIER_LINE.states,
                    quantity__gte=1,
                    units__gte=0,
                    units__lte=F("quantity"),
                    amount_minor__gte=0,
                    credited_minor__gte=0,
                ),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *duty_triggers("accept_is_a_duty", duty_taken(
                "settlement", "order×receive×accept", "accept", "order_id", "decided_by",
                f"{_COSTS} AND a.difference_minor <> a.credited_minor AND a.order_id IS NOT NULL",
            )),
            *_second_person("invoice_id", _COSTS, "a.difference_minor - a.credited_minor"),
        ]  # fmt: skip


class Series(models.Model):
    """How far the numbers of a company's documents of a kind and year have come; locked by whoever draws one."""

    pk = models.CompositePrimaryKey("company_id", "kind", "year")
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    year = models.SmallIntegerField()
    last = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="settlement_series_known", condition=Q(kind__in=tuple(invoicing.SERIES), last__gte=0)
            )
        ]


class Document(models.Model):
    """An invoice or credit note over one entry of the journal, frozen. Who it is for stands in the vault."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    year = models.SmallIntegerField()
    sequence = models.IntegerField()
    number = models.TextField()
    entry_id = models.UUIDField()
    source_kind = models.TextField()
    source_id = models.UUIDField()
    order_id = models.UUIDField(null=True)
    customer_id = models.UUIDField(null=True)
    address_id = models.UUIDField(null=True)
    country = models.TextField(db_default="")
    currency = models.CharField(max_length=3)
    issued_at = models.DateTimeField()
    supplied_at = models.DateTimeField()
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    corrects = ArrayField(models.TextField(), default=list)  # the numbers of the invoices that it corrects

    class Meta:
        indexes = [
            models.Index(fields=["source_id"], name="settlement_document_of_source"),
            models.Index(
                fields=["order_id"], name="settlement_document_of_order", condition=Q(order_id__isnull=False)
            ),
            models.Index(fields=["company_id", "id"], name="settlement_document_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "kind", "year", "sequence"], name="settlement_document_numbered_once"
            ),
            models.UniqueConstraint(fields=["entry_id"], name="settlement_document_one_of_an_entry"),
            models.CheckConstraint(
                name="settlement_document_adds_up", condition=Q(total_minor=F("net_minor") + F("tax_minor"))
            ),
            models.CheckConstraint(
                name="settlement_document_known",
                condition=Q(kind__in=tuple(invoicing.SERIES), sequence__gte=1),
            ),
        ]
        triggers = append_only() + imprinted()


class DocumentLine(models.Model):
    """A line of an invoice or credit note, without tax, and the tax that it bears."""

    append_only = True

    pk = models.CompositePrimaryKey("document_id", "number")
    document_id = models.UUIDField()
    number = models.IntegerField()
    sku_code = models.TextField(db_default="")
    description = models.TextField(db_default="")
    quantity = models.IntegerField()
    gross_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    category = models.TextField()
    rate = models.DecimalField(max_digits=9, decimal_places=6)

    class Meta:
        db_table = "settlement_documentline"
        constraints = [
            models.CheckConstraint(
                name="settlement_documentline_adds_up",
                condition=Q(
                    net_minor=F("gross_minor") - F("discount_minor") + F("shipping_minor"), quantity__gte=1
                ),
            ),
            models.CheckConstraint(
                name="settlement_documentline_category_known",
                condition=Q(category__in=invoicing.CATEGORIES),
            ),
        ]
        triggers = append_only() + imprinted()


class BankStatement(models.Model):
    """What the bank says of an account of ours."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    account = models.TextField()
    external_id = models.TextField()
    currency = models.CharField(max_length=3)
    opening_minor = models.BigIntegerField(null=True)
    closing_minor = models.BigIntegerField(null=True)
    state = models.TextField()
    taken_by = models.TextField()
    taken_at = models.DateTimeField()
    numbered = models.IntegerField(null=True)  # the last number that a part of a line was given, once one was

    class Meta:
        db_table = "settlement_bankstatement"
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "account", "external_id"], name="settlement_bankstatement_taken_once"
            ),
            models.CheckConstraint(
                name="settlement_bankstatement_state_known", condition=Q(state__in=["open", "matched"])
            ),
        ]
        triggers = imprinted(changes=True)


class BankStatementLine(models.Model):
    """A line of a statement: the payout or carrier's invoice that it belongs to, or what a person booked it as. One
    that is several things is split: `part_of` names the line that a part came of, and `whole_minor` says over how much
    that is at the bank."""

    pk = models.CompositePrimaryKey("statement_id", "number")
    statement_id = models.UUIDField()
    number = models.IntegerField()
    company_id = models.SmallIntegerField()
    booked_on = models.DateField()
    amount_minor = models.BigIntegerField()
    reference = models.TextField(db_default="")
    text = models.TextField(db_default="")
    state = models.TextField()
    known_kind = models.TextField(db_default="")
    known_id = models.UUIDField(null=True)
    purpose = models.TextField(db_default="")
    why = models.TextField(db_default="")
    decided_by = models.TextField(db_default="")
    alone_minor = models.BigIntegerField(null=True)  # up to what one person alone might decide it
    part_of = models.IntegerField(null=True)
    whole_minor = models.BigIntegerField(null=True)

    class Meta:
        db_table = "settlement_bankstatementline"
        indexes = [
            models.Index(
                fields=["company_id"], name="settlement_bankline_waits", condition=Q(state__in=["differs", "unmatched"])
            ),
            models.Index(fields=["known_id"], name="settlement_bankline_of", condition=Q(known_id__isnull=False)),
        ]  # fmt: skip
        constraints = [
            # A payout comes once, and an invoice is paid once; an order on account is paid parcel by parcel.
            models.UniqueConstraint(
                fields=["known_id"],
                name="settlement_bankline_of_one",
                condition=Q(known_id__isnull=False) & ~Q(known_kind="order"),
            ),
            models.CheckConstraint(
                name="settlement_bankline_known",
                condition=Q(state="matched", known_id__isnull=False, purpose="")
                | Q(state="booked", known_id__isnull=True, purpose__in=bank.PURPOSES) & ~Q(decided_by="")
                | Q(state__in=["differs", "unmatched"], known_id__isnull=True, purpose=""),
            ),
            models.CheckConstraint(
                name="settlement_bankline_part_of_a_whole",
                condition=Q(part_of__isnull=True) | Q(whole_minor__isnull=False),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *_second_person("statement_id", "a.state = 'booked'", _BOOKED_OF_IT),
            *by_another_triggers(
                "biller_does_not_pay",
                "settlement",
                "bill×pay",
                "(SELECT i.supplier_id FROM settlement_supplierinvoice AS i WHERE i.id = a.known_id)",
                "decided_by",
                when="a.state = 'matched'",
                told_by=("statement_id", "number", "known_id", "decided_by"),
                also=_TAKEN_BY_THEM,
            ),
            *by_another_triggers(
                "biller_books_no_debt",
                "settlement",
                "bill×pay",
                _SUPPLIERS_OF_DEBTS,
                "decided_by",
                when="a.state = 'booked' AND a.purpose = 'payable'",
                told_by=(
                    "statement_id", "number", "company_id", "amount_minor", "whole_minor", "part_of", "purpose",
                    "decided_by",
                ),
                also=_DEBTS_TAKEN_BY_THEM,
            ),
        ]  # fmt: skip


class LandedBefore(models.Model):
    """A bill for bringing goods here that was landed before lines of statements told what paid it: what was booked as
    debts by hand may have, so it is expected of the bank no more. Nothing is added after the migration."""

    append_only = True

    cost_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "settlement_landedbefore"
        triggers = append_only() + imprinted()


class LegalHold(models.Model):
    """A reason why nothing of a customer or an order may be erased, until somebody releases it."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    customer_id = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True)
    reason = models.TextField()
    placed_by = models.TextField()
    placed_at = models.DateTimeField()
    released_by = models.TextField(db_default="")
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "settlement_legalhold"
        constraints = [
            models.CheckConstraint(
                name="settlement_legalhold_of_one_thing",
                condition=Q(customer_id__isnull=True, order_id__isnull=False)
                | Q(customer_id__isnull=False, order_id__isnull=True),
            ),
            models.CheckConstraint(
                name="settlement_legalhold_says_why_and_who",
                condition=~Q(reason="") & ~Q(placed_by="")
                & (Q(released_at__isnull=True, released_by="") | Q(released_at__isnull=False) & ~Q(released_by="")),
            ),
        ]  # fmt: skip
        triggers = imprinted(changes=True)


class Erasure(models.Model):
    """That somebody was erased, by whom and why: the proof of it, without who it was."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    asked_of = models.UUIDField()  # the customer or order that named them
    people = ArrayField(models.UUIDField())
    orders = models.IntegerField()
    addresses = models.IntegerField()
    kept = models.IntegerField()  # addresses that invoices need until the retention ends
    messages = models.IntegerField()
    notes = models.IntegerField(db_default=0)  # rows that their names were taken out of
    remaining = models.IntegerField()  # rows of logs, whose words nobody can change
    reason = models.TextField()
    erased_by = models.TextField()
    erased_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "id"], name="settlement_erasure_newest")]
        constraints = [
            models.CheckConstraint(name="settlement_erasure_says_why", condition=~Q(reason="") & ~Q(erased_by=""))
        ]  # fmt: skip
        triggers = append_only() + imprinted()


class RetentionRun(models.Model):
    """What a run of the retention rules did to records of a kind."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    older_than = models.DateTimeField(null=True)  # null where the policy keeps them
    gone = models.IntegerField()
    kept = models.IntegerField()  # that would have gone, and something open or a legal hold keeps
    policy_version = models.IntegerField()
    run_at = models.DateTimeField()

    class Meta:
        db_table = "settlement_retentionrun"
        indexes = [models.Index(fields=["company_id", "id"], name="settlement_retention_newest")]
        constraints = [
            models.CheckConstraint(
                name="settlement_retention_kind_known", condition=Q(kind__in=privacy.KINDS, gone__gte=0)
            )
        ]
        triggers = append_only() + imprinted()


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("settlement_bankstatementline", "reference", "text", at="t.booked_on")
forget.notes(
    "settlement_payoutline",
    "reason",
    company="(SELECT p.company_id FROM settlement_payout AS p WHERE p.id = t.payout_id)",
)
forget.notes(
    "settlement_carriercharge",
    "reason",
    company="(SELECT i.company_id FROM settlement_carrierinvoice AS i WHERE i.id = t.invoice_id)",
)
forget.notes(
    "settlement_supplierline",
    "reason",
    company="(SELECT i.company_id FROM settlement_supplierinvoice AS i WHERE i.id = t.invoice_id)",
)
forget.notes("settlement_writeoff", "reason", "note", at="t.asked_at")
forget.notes("settlement_closingtick", "note", at="t.done_at")
forget.notes("settlement_clearingnote", "note", at="t.noted_at")
forget.notes("settlement_legalhold", "reason", at="t.released_at")
forget.notes("settlement_erasure", "reason", may_change=False)
