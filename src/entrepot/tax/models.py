"""Tables of tax: jurisdictions and the rates that are in force there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted


class Jurisdiction(models.Model):
    """Where a rate holds: a country, or a region of it."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    country = models.TextField()
    region = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="tax_jurisdiction_code_once")
        ]
        triggers = imprinted(changes=True)


class Rate(models.Model):
    """The rate of a category of goods from a day on, as a fraction: 0.2 is 20 %."""

    pk = models.CompositePrimaryKey("jurisdiction_id", "category", "valid_from")
    jurisdiction_id = models.UUIDField()
    category = models.TextField()
    valid_from = models.DateField()
    rate = models.DecimalField(max_digits=9, decimal_places=6)

    class Meta:
        constraints = [
            models.CheckConstraint(name="tax_rate_is_a_fraction", condition=Q(rate__gte=0, rate__lt=1))
        ]
        triggers = imprinted(changes=True)


class Exemption(models.Model):
    """A customer who pays no tax in a country, or in none (''), from one day to another."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    customer_id = models.UUIDField()
    country = models.TextField(db_default="")
    certificate = models.TextField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)  # the last day; none: until it is changed

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_id", "country"], name="tax_exemption_once"),
            models.CheckConstraint(name="tax_exemption_is_proved", condition=~Q(certificate="")),
            models.CheckConstraint(
                name="tax_exemption_begins_before_it_ends",
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=models.F("valid_from")),
            ),
        ]
        triggers = imprinted(changes=True)
