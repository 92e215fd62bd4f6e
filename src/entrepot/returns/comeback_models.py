"""The table of goods that were sent again and came back after all."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import comebacks


class Comeback(models.Model):
    """Units of a shipment's line that came back although the shipment was sent again: nobody is paid back for them."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    shipment_id = models.UUIDField(db_index=True)
    order_id = models.UUIDField()
    line_id = models.UUIDField(db_index=True)
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    quantity = models.IntegerField()
    condition = models.TextField()
    cost_minor = models.BigIntegerField()
    received_by = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_comeback_known",
                condition=Q(quantity__gt=0, cost_minor__gte=0, condition__in=list(comebacks.CONDITIONS)),
            )
        ]
        triggers = append_only() + imprinted()
