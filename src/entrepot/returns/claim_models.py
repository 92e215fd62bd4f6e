"""The table of claims to carriers that were opened because of returns."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.models import append_only


class Claimed(models.Model):
    """A claim of `shipping`, the return that it is for, and the inspection that found the damage."""

    append_only = True

    claim_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    inspection_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["inspection_id"],
                name="returns_claimed_once_for_an_inspection",
                condition=Q(inspection_id__isnull=False),
            )
        ]
        triggers = append_only()
