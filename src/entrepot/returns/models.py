"""Tables of the way back: what was asked, what came, what was found, and what was done with it."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import duty_taken, duty_trigger
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import arrivals, refusing, rules, states
from entrepot.returns.claim_models import Claimed  # noqa: F401
from entrepot.returns.comeback_models import Comeback  # noqa: F401
from entrepot.returns.fraud_models import Judgment, Mark, Suspicion  # noqa: F401
from entrepot.returns.hold_models import Hold, HoldLine  # noqa: F401
from entrepot.returns.label_models import Label, LabelReturn  # noqa: F401
from entrepot.returns.onward_models import (  # noqa: F401  Django looks for tables here
    Departure,
    DepartureItem,
    Gathered,
    OnwardSeries,
    Paper,
    WorkOrder,
    WorkResult,
)
from entrepot.returns.pallet_models import Pallet, PalletPackage  # noqa: F401
from entrepot.returns.photo_models import InspectionPhoto, Photo, PhotoContent, ReturnPhoto  # noqa: F401
from entrepot.returns.refund_models import Exchange, Refund, RefundLine  # noqa: F401
from entrepot.returns.repair_models import Repair, SentBack, SentBackUnits  # noqa: F401
from entrepot.returns.second_grade_models import Regrading, SecondGrade  # noqa: F401
from entrepot.returns.verdict_models import Verdict  # noqa: F401

AHEAD = "GREATEST(l.refunded - l.missing - (l.received - l.refused - l.repaired), 0)"
"""Units of a line `l` that were refunded and have not come."""

OWED = """(r.asked <> 'repair' AND EXISTS (
    SELECT FROM returns_line AS l WHERE l.return_id = r.id AND l.received > l.refunded + l.refused + l.repaired))"""
"""Whether units of a return `r` came that are to be refunded still: neither refunded nor refused, and in no repair."""


def _duty(side: str, document: str, person: str) -> str:
    return duty_taken("returns", rules.DUTY, side, document, person)


class Return(models.Model):
    """Goods of an order that a customer wants to send back, or has."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    channel_id = models.UUIDField()
    customer_id = models.UUIDField(null=True)
    external_id = models.TextField(default="", db_default="")
    currency = models.CharField(max_length=3)
    node_id = models.UUIDField()
    asked = models.TextField()
    state = models.TextField()
    without_refund = models.BooleanField(default=False, db_default=False)
    reasons = models.JSONField(default=list)
    told = models.TextField(default="", db_default="")  # to the customer, by who looked at what he asked for
    policy_version = models.IntegerField()
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="returns_return_of_order"),
            models.Index(fields=["company_id", "id"], name="returns_return_of_company"),
            models.Index(
                fields=["company_id", "id"],
                name="returns_return_looked_at",
                condition=Q(state__in=list(states.LOOKED_AT)),
            ),
            models.Index(
                fields=["changed_at"],
                name="returns_return_to_come",
                condition=Q(state__in=list(states.TO_COME)),
            ),
            # A month that is measured later knows what was open at its end.
            models.Index(
                fields=["closed_at"], name="returns_return_closed", condition=Q(closed_at__isnull=False)
            ),
            models.Index(
                fields=["customer_id", "requested_at"],
                name="returns_return_of_customer",
                condition=Q(customer_id__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="returns_return_number_once"),
            models.UniqueConstraint(
                fields=["order_id", "external_id"],
                name="returns_return_asked_once",
                condition=~Q(external_id=""),
            ),
            models.CheckConstraint(
                name="returns_return_known",
                condition=Q(state__in=states.RETURN.states, asked__in=rules.ASKED),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            duty_trigger("request_is_a_duty", pgtrigger.Insert, _duty("request", "id", "requested_by")),
        ]


class Line(models.Model):
    """Units of an order line in a return. Each count is of units that came at least as far."""

    id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    cancelled = models.IntegerField(default=0, db_default=0)
    received = models.IntegerField(default=0, db_default=0)
    inspected = models.IntegerField(default=0, db_default=0)
    disposed = models.IntegerField(default=0, db_default=0)
    refunded = models.IntegerField(default=0, db_default=0)
    exchanged = models.IntegerField(default=0, db_default=0)  # of those refunded, such as are replaced
    missing = models.IntegerField(default=0, db_default=0)  # of those refunded, such as never came
    refused = models.IntegerField(default=0, db_default=0)  # of those inspected, such as are not taken back
    repaired = models.IntegerField(
        default=0, db_default=0
    )  # of those disposed of, such as went back from a repair
    reason = models.TextField()
    note = models.TextField(default="", db_default="")
    found_by = models.TextField(
        default="", db_default=""
    )  # how a history's credit found its sale: exact, latest

    class Meta:
        indexes = [models.Index(fields=["line_id"], name="returns_line_of_order_line")]
        constraints = [
            models.CheckConstraint(name="returns_line_of_some_units", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="returns_line_no_unit_before_the_step_that_brings_it",
                condition=Q(
                    cancelled__gte=0,
                    disposed__gte=0,
                    refunded__gte=0,
                    quantity__gte=F("received") + F("cancelled") + F("missing"),
                    received__gte=F("inspected"),
                    inspected__gte=F("disposed"),
                    exchanged__gte=0,
                    missing__gte=0,
                )
                & Q(refunded__gte=F("exchanged"))
                & Q(refunded__gte=F("missing"))
                & Q(refused__gte=0, inspected__gte=F("refused"))
                & Q(repaired__gte=0, disposed__gte=F("repaired"))
                & Q(quantity__gte=F("refunded") + F("cancelled") + F("refused") + F("repaired")),
            ),
            models.CheckConstraint(
                name="returns_line_reason_known", condition=Q(reason__in=list(rules.REASONS))
            ),
        ]


class Expiry(models.Model):
    """A return whose goods did not come: that its customer was reminded, and when, by whom and why they were
    given up."""

    return_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    reminded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.TextField(default="", db_default="")
    by_clock = models.BooleanField(default=False, db_default=False)
    reason = models.TextField(default="", db_default="")
    missing = models.IntegerField(default=0, db_default=0)  # units that were refunded
    cancelled = models.IntegerField(default=0, db_default=0)  # units that were not
    reopened_at = models.DateTimeField(null=True)  # some of them came after all

    class Meta:
        indexes = [models.Index(fields=["company_id", "closed_at"], name="returns_expiry_of_company")]
        constraints = [
            models.CheckConstraint(
                name="returns_expiry_reminded_or_closed",
                condition=Q(reminded_at__isnull=False) | Q(closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="returns_expiry_closed_for_a_reason",
                condition=Q(closed_at__isnull=True, missing=0, cancelled=0)
                | (
                    Q(closed_at__isnull=False, missing__gte=0, cancelled__gte=0)
                    & ~Q(closed_by="")
                    & ~Q(reason="")
                ),
            ),
        ]


class Terms(models.Model):
    """What the policies answered for a line of a return when it was asked for, and by what facts."""

    append_only = True

    return_line_id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    own_reason = models.TextField(default="", db_default="")  # a company's own code, finer than the line's
    condition = models.TextField(default="", db_default="")  # as the customer says
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    answer = models.TextField()
    outcomes = models.JSONField()
    window_days = models.IntegerField()
    days = models.IntegerField()
    counted_from = models.TextField()
    fee_percent = models.SmallIntegerField()
    bonus_percent = models.SmallIntegerField()
    label = models.BooleanField()
    refund_at = models.TextField(
        default="", db_default=""
    )  # '' of before it was a term: the policy's of the day
    send_at = models.TextField(default="", db_default="")
    by_law = models.BooleanField(default=False, db_default=False)
    withdraws = models.BooleanField(
        default=False, db_default=False
    )  # which rights stood; neither is said of those
    conforms = models.BooleanField(default=False, db_default=False)  # of before they were told apart
    claims = models.BooleanField(
        default=False, db_default=False
    )  # that it does not conform, and has to show it
    reasons = models.JSONField()
    policy_version = models.IntegerField()
    kept = models.JSONField(default=dict, db_default={})  # `keeping.Sum` of the return, where it was weighed

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_terms_known",
                condition=Q(answer__in=["yes", "ask", "no"], counted_from__in=["delivery", "order"]),
            ),
            models.CheckConstraint(
                name="returns_terms_percents",
                condition=Q(fee_percent__range=(0, 100), bonus_percent__range=(0, 100)),
            ),
            models.CheckConstraint(
                name="returns_terms_milestones",
                condition=Q(refund_at__in=["", *rules.MILESTONES], send_at__in=["", *rules.SEND_AT]),
            ),
        ]
        triggers = append_only() + imprinted()


class Sold(models.Model):
    """How much of an order line has come back by all of its returns: the guard against a unit coming back twice."""

    line_id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    company_id = models.SmallIntegerField()
    shipped = models.IntegerField()
    authorized = models.IntegerField(db_default=0)
    received = models.IntegerField(db_default=0)
    refunded = models.IntegerField(db_default=0)
    goods_minor = models.BigIntegerField(db_default=0)  # refunded, net of discount
    tax_minor = models.BigIntegerField(db_default=0)  # refunded
    shipping_minor = models.BigIntegerField(db_default=0)  # refunded

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_sold_no_unit_comes_back_twice",
                condition=Q(
                    received__gte=0,
                    refunded__gte=0,
                    shipped__gte=F("authorized"),
                    authorized__gte=F("received"),
                )
                & Q(authorized__gte=F("refunded")),
            )
        ]


class Receipt(models.Model):
    """Units that came, by whom they were received, into which bin, at the cost that they had left with."""

    id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    return_line_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    quantity = models.IntegerField()
    inspected = models.IntegerField(default=0, db_default=0)
    condition = models.TextField(default="", db_default="")
    cost_minor = models.BigIntegerField()
    weight_g = models.IntegerField(null=True)  # of all its units, at the door
    due_at = models.DateTimeField(null=True)  # until when they should be done with; none for those of before
    received_by = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "received_at", "id"],
                include=["return_id", "node_id"],
                name="returns_receipt_to_inspect",
                condition=Q(inspected__lt=F("quantity")),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="returns_receipt_units", condition=Q(quantity__gt=0, inspected__lte=F("quantity"))
            )
        ]
        triggers = [
            *imprinted(changes=True),
            duty_trigger("receive_is_a_duty", pgtrigger.Insert, _duty("receive", "return_id", "received_by")),
        ]


class Parcel(models.Model):
    """A parcel that a return is expected in, by the number on it. Returns of several orders may be in one."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField()
    tracking = models.TextField()
    carrier = models.TextField(default="", db_default="")
    announced_by = models.TextField()
    announced_at = models.DateTimeField()
    scanned_at = models.DateTimeField(null=True)  # when its carrier first had it
    delivered_at = models.DateTimeField(null=True)  # when its carrier brought it, as it says
    troubles = ArrayField(models.TextField(), db_default=[])  # kinds that its carrier told of it

    class Meta:
        indexes = [models.Index(fields=["company_id", "tracking"], name="returns_parcel_by_its_number")]
        constraints = [
            models.UniqueConstraint(fields=["return_id", "tracking"], name="returns_parcel_announced_once"),
            models.CheckConstraint(name="returns_parcel_has_a_number", condition=~Q(tracking="")),
        ]


class Stray(models.Model):
    """Goods that came and nobody announced: where they are put, and what was found out. They are in no stock."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    tracking = models.TextField(default="", db_default="")
    sku_id = models.UUIDField(null=True)
    said = models.TextField()
    quantity = models.IntegerField()
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    condition = models.TextField(default="", db_default="")
    why = models.TextField()
    state = models.TextField(default="open")
    return_id = models.UUIDField(null=True)
    reason = models.TextField(default="", db_default="")
    received_by = models.TextField()
    received_at = models.DateTimeField()
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "received_at"], name="returns_stray_open", condition=Q(state="open")
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="returns_stray_known",
                condition=Q(
                    quantity__gt=0,
                    state__in=("open", *arrivals.OUTCOMES),
                    why__in=("unknown", "unannounced", "late", "more", "other"),
                ),
            ),
            models.CheckConstraint(
                name="returns_stray_matched_to_a_return",
                condition=Q(state="matched", return_id__isnull=False)
                | (~Q(state="matched") & Q(return_id__isnull=True)),
            ),
            models.CheckConstraint(
                name="returns_stray_decided_by_someone",
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False) & ~Q(decided_by="")),
            ),
        ]


class Inspection(models.Model):
    """What an inspector found of received units, and the disposition that the rules propose for it."""

    id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    return_line_id = models.UUIDField()
    receipt_id = models.UUIDField()
    quantity = models.IntegerField()
    disposed = models.IntegerField(default=0, db_default=0)
    grade = models.TextField()
    codes = models.TextField(default="", db_default="")  # of defects, separated by spaces
    note = models.TextField(default="", db_default="")
    proposed = models.TextField()
    why = models.TextField()
    sums = models.JSONField(
        default=list, db_default=[]
    )  # of one unit, by way: what it is expected to bring, best first
    checklist = models.IntegerField(
        db_default=0
    )  # version of the policy that asked; 0 where it asked nothing
    answers = models.JSONField(default=list, db_default=[])  # what was answered and checked, with its grade
    weight_g = models.IntegerField(null=True)
    serial = models.TextField(default="", db_default="")  # as it was read on the unit
    verdict = models.TextField(default="", db_default="")  # whether it is taken back: `refusing.VERDICTS`
    inspected_by = models.TextField()
    inspected_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["receipt_id"], name="returns_inspection_of_receipt"),
            models.Index(
                fields=["return_id", "receipt_id"],
                name="returns_inspection_to_dispose",
                condition=Q(disposed__lt=F("quantity")),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="returns_inspection_units", condition=Q(quantity__gt=0, disposed__lte=F("quantity"))
            ),
            models.CheckConstraint(
                name="returns_inspection_known",
                condition=Q(
                    grade__in=list(rules.GRADES),
                    proposed__in=list(rules.EVERY),
                    verdict__in=refusing.VERDICTS,
                ),
            ),
        ]
        triggers = imprinted(changes=True)


class Override(models.Model):
    """A disposition that somebody proposes instead of the one that the rules did, for all units that wait for it."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    inspection_id = models.UUIDField(db_index=True)
    company_id = models.SmallIntegerField()
    proposed = models.TextField()
    instead = models.TextField()
    reason = models.TextField()
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_override_known",
                condition=Q(proposed__in=list(rules.EVERY), instead__in=[*rules.DISPOSITIONS, rules.REPAIR])
                & ~Q(proposed=F("instead")),
            ),
            models.CheckConstraint(name="returns_override_for_a_reason", condition=~Q(reason="")),
        ]
        triggers = append_only() + imprinted()


class Disposition(models.Model):
    """What was done with inspected units."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    return_line_id = models.UUIDField()
    inspection_id = models.UUIDField()
    quantity = models.IntegerField()
    disposition = models.TextField()
    bin_id = models.UUIDField(null=True)
    value_minor = models.BigIntegerField(db_default=0)  # what left the house with it
    earlier_id = models.UUIDField(null=True)  # the disposition that its units stood in when this was decided
    reason = models.TextField(default="", db_default="")
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["earlier_id"], name="returns_disposition_again", condition=Q(earlier_id__isnull=False)
            )
        ]
        constraints = [
            models.CheckConstraint(name="returns_disposition_of_some_units", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="returns_disposition_known", condition=Q(disposition__in=list(rules.EVERY))
            ),
        ]
        triggers = append_only() + imprinted()


class Cohort(models.Model):
    """What of a month's sales is expected to come back, as it was last measured in the month `measured`; what stands is
    what the books hold."""

    pk = models.CompositePrimaryKey("company_id", "measured", "month")
    company_id = models.SmallIntegerField()
    measured = models.DateField()
    month = models.DateField()
    sold_minor = models.BigIntegerField()
    cost_minor = models.BigIntegerField()
    returned_minor = models.BigIntegerField()
    returned_cost_minor = models.BigIntegerField()
    asked_minor = models.BigIntegerField(
        db_default=0
    )  # of sales before the window: asked back, and not refunded yet
    asked_cost_minor = models.BigIntegerField(db_default=0)
    percent = models.DecimalField(max_digits=7, decimal_places=4)
    recovered = models.DecimalField(max_digits=7, decimal_places=4)
    liability_minor = models.BigIntegerField()
    asset_minor = models.BigIntegerField()
    stands = models.BooleanField(db_default=True)
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_cohort_not_negative", condition=Q(liability_minor__gte=0, asset_minor__gte=0)
            ),
            models.CheckConstraint(
                name="returns_cohort_months",
                condition=Q(measured__day=1, month__day=1, month__lte=F("measured")),
            ),
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
_OF_RETURN = "(SELECT r.company_id FROM returns_return AS r WHERE r.id = t.return_id)"
forget.notes(
    "returns_line",
    "note",
    company=_OF_RETURN,
    at="(SELECT r.requested_at FROM returns_return AS r WHERE r.id = t.return_id)",
)
forget.notes("returns_return", "told", at="t.requested_at")
forget.notes("returns_label", "problem", at="t.made_at")
forget.notes("returns_inspection", "note", company=_OF_RETURN, at="t.inspected_at")
forget.notes("returns_receipt", "condition", at="t.received_at")
forget.notes("returns_stray", "said", "condition", "reason", at="t.received_at")
forget.notes("returns_refund", "adjustment_reason", "note", at="t.requested_at")
forget.notes("returns_exchange", "reason", at="t.agreed_at")
forget.notes("returns_expiry", "reason", at="t.closed_at")
forget.notes("returns_judgment", "note", at="t.judged_at")
forget.notes("returns_departure", "receiver", "reference", "reason")
forget.notes("returns_workorder", "note", at="t.opened_at")
forget.notes("returns_repair", "plan", "told", at="t.opened_at")
forget.notes("returns_terms", "condition", company=_OF_RETURN, may_change=False)
forget.notes("returns_override", "reason", may_change=False)
forget.notes("returns_verdict", "told", "note", may_change=False)
forget.notes("returns_disposition", "reason", company=_OF_RETURN, may_change=False)
forget.notes("returns_suspicion", "reason", "facts", company=_OF_RETURN, may_change=False)
