"""The table of what was decided about inspected units: taken back, or refused."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import refusing


class Verdict(models.Model):
    """A decision about all units of an inspection; the last one stands, and the inspection says which. `proposed` is
    what was to be done with them before."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    inspection_id = models.UUIDField(db_index=True)
    outcome = models.TextField()
    reason = models.TextField(default="", db_default="")  # a code of `refusing.REASONS`
    goods = models.TextField(default="", db_default="")
    told = models.TextField(default="", db_default="")  # to the customer
    note = models.TextField(default="", db_default="")
    proposed = models.TextField()
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_verdict_known",
                condition=Q(
                    outcome=refusing.REFUSED, reason__in=list(refusing.REASONS), goods__in=refusing.GOODS
                )
                | (Q(outcome=refusing.ACCEPTED, reason="", goods="", told="") & ~Q(note="")),
            )
        ]
        triggers = append_only() + imprinted()
