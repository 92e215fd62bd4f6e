"""Tables of what follows a disposition: goods that leave together, and work on those that stay."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import duty_taken, duty_triggers
from entrepot.kernel import pictures
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import onward, rules, states


class OnwardSeries(models.Model):
    """How far the numbers of departures or work orders of a company and year have come; locked by whoever draws one."""

    pk = models.CompositePrimaryKey("company_id", "kind", "year")
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    year = models.SmallIntegerField()
    last = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_onwardseries_known", condition=Q(kind__in=list(onward.PREFIXES), last__gte=0)
            )
        ]


class Gathered(models.Model):
    """How many units of a disposition are in a departure or a work order: the guard against one being in two."""

    disposition_id = models.UUIDField(primary_key=True)
    quantity = models.IntegerField()
    units = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_gathered_no_unit_twice", condition=Q(units__gte=0, quantity__gte=F("units"))
            )
        ]


class Departure(models.Model):
    """Units that leave together by their disposition: to a vendor, a liquidator, a charity or a disposer."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    year = models.SmallIntegerField()
    sequence = models.IntegerField()
    node_id = models.UUIDField()
    supplier_id = models.UUIDField(null=True)
    receiver = models.TextField()  # '' of a lot, whose buyer is called by their code
    customer_id = models.UUIDField(null=True)  # who buys a lot,
    buyer_id = models.UUIDField(null=True)  # where it is billed to, in the vault,
    buyer_country = models.TextField(db_default="")  # and in which country, for its tax
    currency = models.CharField(max_length=3)
    state = models.TextField()
    expected_minor = models.BigIntegerField(null=True)  # said when it was opened
    value_minor = models.BigIntegerField(db_default=0)  # of the units in the books, when they left
    owed_minor = models.BigIntegerField(db_default=0)  # with the tax
    tax_minor = models.BigIntegerField(db_default=0)
    tax_reason = models.TextField(db_default="")
    reduced_minor = models.BigIntegerField(db_default=0)  # what a lot costs less by agreement, with the tax
    reduced_tax_minor = models.BigIntegerField(db_default=0)
    credited_minor = models.BigIntegerField(db_default=0)
    due_on = models.DateField(null=True)
    reference = models.TextField(db_default="")  # the receiver's: his authorization, later his credit note
    reason = models.TextField(db_default="")
    opened_by = models.TextField()
    opened_at = models.DateTimeField()
    left_by = models.TextField(db_default="")
    left_at = models.DateTimeField(null=True)
    settled_by = models.TextField(db_default="")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "-id"], name="returns_departure_of_company"),
            models.Index(fields=["due_on"], name="returns_departure_due", condition=Q(state="gone")),
            models.Index(
                fields=["customer_id"],
                name="returns_departure_of_customer",
                condition=Q(customer_id__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "kind", "year", "sequence"], name="returns_departure_sequence_once"
            ),
            models.UniqueConstraint(fields=["number", "company_id"], name="returns_departure_number_once"),
            models.CheckConstraint(
                name="returns_departure_known",
                condition=Q(state__in=states.DEPARTURE.states, kind__in=list(onward.KINDS), sequence__gte=1),
            ),
            models.CheckConstraint(
                name="returns_departure_to_somebody",
                condition=Q(kind="vendor_return", supplier_id__isnull=False)
                | Q(buyer_id__isnull=False, receiver="")
                | (Q(buyer_id__isnull=True) & ~Q(kind="vendor_return") & ~Q(receiver="")),
            ),
            models.CheckConstraint(
                name="returns_departure_due_once_it_left",
                condition=Q(state__in=["open", "withdrawn"], left_at__isnull=True, owed_minor=0)
                | Q(state="gone", left_at__isnull=False, due_on__isnull=False, settled_at__isnull=True)
                | Q(state="settled", left_at__isnull=False, settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="returns_departure_credited_within_owed",
                condition=Q(credited_minor__gte=0, owed_minor__gte=0)
                & (Q(state="settled") | Q(credited_minor__lte=F("owed_minor"))),
            ),
            models.CheckConstraint(
                name="returns_departure_only_a_lot_is_bought",
                condition=Q(buyer_id__isnull=False, customer_id__isnull=False, kind="liquidation")
                | Q(
                    buyer_id__isnull=True,
                    customer_id__isnull=True,
                    buyer_country="",
                    tax_minor=0,
                    reduced_minor=0,
                ),
            ),
            models.CheckConstraint(
                name="returns_departure_tax_within_price",
                condition=Q(tax_minor__gte=0, tax_minor__lte=F("owed_minor"))
                & Q(reduced_minor__gte=0, reduced_minor__lte=F("owed_minor"))
                & Q(reduced_tax_minor__gte=0, reduced_tax_minor__lte=F("tax_minor"))
                & (Q(reduced_minor=0, reduced_tax_minor=0) | Q(state="settled")),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *duty_triggers(
                "send_is_a_duty",
                duty_taken("returns", onward.DUTY, "send", "id", "left_by", "a.left_by <> ''"),
            ),
            *duty_triggers(
                "credit_is_a_duty",
                duty_taken("returns", onward.DUTY, "credit", "id", "settled_by", "a.settled_by <> ''"),
            ),
        ]  # fmt: skip


class DepartureItem(models.Model):
    """Units of a disposition in a departure: where they stand until they leave, and what they were worth then."""

    pk = models.CompositePrimaryKey("departure_id", "disposition_id")
    departure_id = models.UUIDField()
    disposition_id = models.UUIDField(db_index=True)
    sku_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    quantity = models.IntegerField()
    value_minor = models.BigIntegerField(db_default=0)
    price_minor = models.BigIntegerField(db_default=0)  # its part of the price of a lot, without tax
    tax_minor = models.BigIntegerField(db_default=0)
    reduced_minor = models.BigIntegerField(db_default=0)  # of what that costs less by agreement, without tax
    reduced_tax_minor = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="returns_departureitem_units", condition=Q(quantity__gt=0))
        ]


class Paper(models.Model):
    """A file about a departure, as the receiver's certificate: kept once by the digest of its bytes, never executed."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    departure_id = models.UUIDField()
    digest = models.CharField(max_length=64)  # SHA-256 of the content
    kind = models.TextField()
    content = models.BinaryField()
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["departure_id", "digest"], name="returns_paper_once"),
            models.CheckConstraint(
                name="returns_paper_known", condition=Q(kind__in=list(pictures.PAPER_TYPES))
            ),
        ]
        triggers = append_only() + imprinted()


class WorkOrder(models.Model):
    """Refurbishing of units of a disposition: planned, begun, and what became of every unit."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    year = models.SmallIntegerField()
    sequence = models.IntegerField()
    disposition_id = models.UUIDField(db_index=True)
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    currency = models.CharField(max_length=3)
    quantity = models.IntegerField()
    plan = models.TextField()  # what is to be done
    state = models.TextField()
    parts_minor = models.BigIntegerField(db_default=0)
    labor_minutes = models.IntegerField(db_default=0)
    labor_minor = models.BigIntegerField(db_default=0)
    used_minor = models.BigIntegerField(db_default=0)  # what the parts were worth that came out of stock
    capitalized_minor = models.BigIntegerField(
        db_default=0
    )  # what of parts and labor became value of the units
    value_minor = models.BigIntegerField(db_default=0)  # of the units before the work
    note = models.TextField(db_default="")
    opened_by = models.TextField()
    opened_at = models.DateTimeField()
    started_by = models.TextField(db_default="")
    started_at = models.DateTimeField(null=True)
    ended_by = models.TextField(db_default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["company_id", "-id"], name="returns_workorder_of_company")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "year", "sequence"], name="returns_workorder_sequence_once"
            ),
            models.UniqueConstraint(fields=["number", "company_id"], name="returns_workorder_number_once"),
            models.CheckConstraint(
                name="returns_workorder_known",
                condition=Q(
                    state__in=states.WORK_ORDER.states,
                    quantity__gt=0,
                    sequence__gte=1,
                    parts_minor__gte=0,
                    labor_minor__gte=0,
                    labor_minutes__gte=0,
                    capitalized_minor__gte=0,
                    used_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="returns_workorder_no_more_value_than_work",
                condition=Q(capitalized_minor__lte=F("parts_minor") + F("labor_minor") + F("used_minor")),
            ),
            models.CheckConstraint(
                name="returns_workorder_ended_once",
                condition=Q(state__in=["finished", "withdrawn"], ended_at__isnull=False)
                | Q(state__in=["planned", "started"], ended_at__isnull=True),
            ),
        ]


class WorkResult(models.Model):
    """What became of units of a work order: a grade in a status, of another SKU perhaps; or one of `onward.RESULTS`."""

    append_only = True

    pk = models.CompositePrimaryKey("work_order_id", "place")
    work_order_id = models.UUIDField()
    place = models.SmallIntegerField()
    quantity = models.IntegerField()
    grade = models.TextField(db_default="")
    status = models.TextField()
    sku_id = models.UUIDField()
    bin_id = models.UUIDField()
    value_minor = models.BigIntegerField()  # with the work that was added

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_workresult_known",
                condition=Q(quantity__gt=0)
                & (
                    Q(status__in=onward.RESULTS, grade="")
                    | Q(status__in=onward.MADE, grade__in=list(rules.GRADES))
                ),
            )
        ]
        triggers = append_only() + imprinted()


class WorkPart(models.Model):
    """Units that a work order used up: where they were taken from stock, and what they were worth."""

    append_only = True

    pk = models.CompositePrimaryKey("work_order_id", "place")
    work_order_id = models.UUIDField()
    place = models.SmallIntegerField()
    sku_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    quantity = models.IntegerField()
    value_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="returns_workpart_units", condition=Q(quantity__gt=0))]
        triggers = append_only()
