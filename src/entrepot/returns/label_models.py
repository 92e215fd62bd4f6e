"""The table of labels that customers send returns back with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.returns import labeling
from entrepot.shipping.states import PURCHASE


class Label(models.Model):
    """A label for a parcel of returns: with whom it comes, under which number, and what that was accrued at. Whose
    address stands on it the vault knows: that of the order of `return_id`, for which it was asked.

    `bought` is what became of asking the carrier for it by an adapter (`source`), under its name for it (`reference`);
    empty where the label is our own.
    """

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    carrier = models.TextField()
    service_id = models.UUIDField()
    service = models.TextField()
    zone = models.TextField()
    tracking = models.TextField()
    weight_g = models.IntegerField()
    cost_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.TextField()
    made_by = models.TextField()
    made_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    source = models.TextField(db_default="")
    bought = models.TextField(db_default="")
    reference = models.TextField(db_default="")
    label_url = models.TextField(db_default="")
    problem = models.TextField(db_default="")
    polled_at = models.DateTimeField(null=True)  # when an adapter was last asked where it is

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "carrier", "tracking"], name="returns_label_by_its_number")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "tracking"], name="returns_label_number_once", condition=Q(state="made")
            ),
            models.CheckConstraint(
                name="returns_label_known",
                condition=Q(state__in=labeling.STATES, cost_minor__gte=0, weight_g__gt=0) & ~Q(tracking=""),
            ),
            models.CheckConstraint(
                name="returns_label_bought_under_a_name",
                condition=Q(bought="", source="")
                | (Q(bought__in=["asked", "failed", "in doubt"]) & ~Q(source=""))
                | (Q(bought__in=PURCHASE.states) & ~Q(source="") & ~Q(reference="")),
            ),
            models.CheckConstraint(
                name="returns_label_voided_at_a_time",
                condition=Q(state="made", voided_at__isnull=True)
                | Q(state="voided", voided_at__isnull=False),
            ),
        ]


class LabelReturn(models.Model):
    """A return that a label is for. `lives`: the label is in force, and something of the return is to come with it."""

    pk = models.CompositePrimaryKey("label_id", "return_id")
    label_id = models.UUIDField()
    return_id = models.UUIDField(db_index=True)
    lives = models.BooleanField(db_default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["return_id"], name="returns_label_one_in_force", condition=Q(lives=True)
            )
        ]
