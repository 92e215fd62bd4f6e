"""Tables of settlement: what providers paid out, line by line, and what each line belongs to."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.settlement import rules, states


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


class PayoutLine(models.Model):
    """A line of a payout: what it brought, and the attempt or dispute that it settles."""

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

    class Meta:
        db_table = "settlement_payoutline"
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
        ]


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
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "carrier", "external_id"], name="settlement_carrierinvoice_taken_once"
            ),
            models.CheckConstraint(
                name="settlement_carrierinvoice_state_known",
                condition=Q(state__in=["open", "disputed", "settled"]),
            ),
        ]


class CarrierCharge(models.Model):
    """A line of a carrier's invoice: the label or shipment that it is for, what of the accrual it releases, and what it
    bills beyond."""

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

    class Meta:
        db_table = "settlement_carriercharge"
        indexes = [models.Index(fields=["unit_id"], name="settlement_carriercharge_of")]
        constraints = [
            # An accrual is released once: a charge that comes twice has nothing to release.
            models.UniqueConstraint(
                fields=["unit_id", "charge"],
                name="settlement_carriercharge_releases_once",
                condition=~Q(expected_minor=0),
            ),
            models.CheckConstraint(
                name="settlement_carriercharge_adds_up",
                condition=Q(amount_minor=F("expected_minor") + F("difference_minor")),
            ),
            models.CheckConstraint(
                name="settlement_carriercharge_known",
                condition=Q(state__in=states.CHARGE.states, amount_minor__gte=0, credited_minor__gte=0),
            ),
        ]
