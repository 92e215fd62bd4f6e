"""Tables of sourcing: why each order was sourced as it was, and what waits for stock."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value

from entrepot.kernel.models import append_only


class Decision(models.Model):
    """One decision on one order, with the nodes that were looked at and the reasons."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    profile_version = models.IntegerField()
    outcome = models.TextField()  # allocated, split, part backordered, backordered, cancelled …
    reasons = models.JSONField()
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="sourcing_decision_of_order")]
        triggers = append_only()


class Backorder(models.Model):
    """Units of an order line that wait for stock; gone when they are allocated or cancelled."""

    line_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    promised_on = models.DateField(null=True)
    pegs = models.JSONField(
        db_default=Value([], models.JSONField())
    )  # what it waits for: (supply line, units, day)
    pegged_at = models.DateTimeField(null=True)
    priority = models.SmallIntegerField()
    ordered_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["sku_id"], name="sourcing_backorder_of_sku"),
            models.Index(fields=["order_id"], name="sourcing_backorder_of_order"),
        ]
        constraints = [
            models.CheckConstraint(name="sourcing_backorder_of_some_units", condition=Q(quantity__gt=0))
        ]
