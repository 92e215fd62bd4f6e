"""Tables of second grade: what goods of a grade are sold as, and the units that became it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import regrading


class SecondGrade(models.Model):
    """The SKU that goods of a SKU are sold as when they come back in a grade."""

    pk = models.CompositePrimaryKey("sku_id", "grade")
    sku_id = models.UUIDField()
    grade = models.TextField()
    company_id = models.SmallIntegerField(db_index=True)
    into_id = models.UUIDField()
    named_by = models.TextField()
    named_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_secondgrade_of_another",
                condition=Q(grade__in=regrading.GRADED) & ~Q(into_id=F("sku_id")),
            )
        ]
        triggers = imprinted(changes=True)


class Regrading(models.Model):
    """Units of a disposition that became another SKU: what they had cost, and what they are worth as that."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    disposition_id = models.UUIDField(db_index=True)
    sku_id = models.UUIDField()
    into_id = models.UUIDField(db_index=True)
    grade = models.TextField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()  # where they are sold from
    quantity = models.IntegerField()
    cost_minor = models.BigIntegerField()
    value_minor = models.BigIntegerField()
    why = models.TextField()  # it is worth that
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_regrading_never_above_its_cost",
                condition=Q(quantity__gt=0, value_minor__gte=0, cost_minor__gte=F("value_minor")),
            )
        ]
        triggers = append_only() + imprinted()
