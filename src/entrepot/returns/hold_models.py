"""Tables of amounts held on customers' cards, and the units that they secure."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.returns import states


class Hold(models.Model):
    """An amount on a customer's card that secures what was given for goods before they came back."""

    id = models.UUIDField(primary_key=True)  # `order_id` of its payments
    number = models.TextField()
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    refund_id = models.UUIDField(null=True)  # what was given for it
    kind = models.TextField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    taken_minor = models.BigIntegerField(db_default=0)
    returned_minor = models.BigIntegerField(db_default=0)  # of what was taken, given back since
    goods_minor = models.BigIntegerField()  # what it was given for, before fees
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    payment_id = models.UUIDField()  # that stands, or was asked for last
    renewable = models.BooleanField(db_default=True)  # no renewal was refused
    state = models.TextField()
    why = models.TextField(db_default="")
    reasons = models.JSONField(default=list, db_default=[])  # by which facts it was placed
    policy_version = models.IntegerField()
    placed_at = models.DateTimeField()
    due_at = models.DateTimeField()  # what it secures has to be back by then
    expires_at = models.DateTimeField(null=True)  # the bank keeps it until then
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"],
                name="returns_hold_open",
                condition=Q(state__in=list(states.HOLD_OPEN)),
            ),
            models.Index(fields=["company_id", "id"], name="returns_hold_of_company"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="returns_hold_number_once"),
            models.UniqueConstraint(
                fields=["refund_id"], name="returns_hold_secures_once", condition=Q(refund_id__isnull=False)
            ),
            models.CheckConstraint(
                name="returns_hold_known",
                condition=Q(
                    state__in=states.HOLD.states, kind__in=["refund", "exchange"], amount_minor__gt=0
                ),
            ),
            models.CheckConstraint(
                name="returns_hold_takes_no_more_than_it_holds",
                condition=Q(returned_minor__gte=0, amount_minor__gte=F("taken_minor"))
                & Q(taken_minor__gte=F("returned_minor")),
            ),
        ]


class HoldLine(models.Model):
    """Units of a return's line that a hold secures, and what was given for them."""

    pk = models.CompositePrimaryKey("hold_id", "return_line_id")
    hold_id = models.UUIDField()
    return_line_id = models.UUIDField()
    units = models.IntegerField()
    minor = models.BigIntegerField()
    lives = models.BooleanField(default=True, db_default=True)  # not of a hold that was declined

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["return_line_id"], name="returns_holdline_held_once", condition=Q(lives=True)
            ),
            models.CheckConstraint(
                name="returns_holdline_of_something", condition=Q(units__gt=0, minor__gte=0)
            ),
        ]
