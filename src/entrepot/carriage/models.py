"""Tables of carriage: who carries, how fast, where to, and for how much."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.carriage.rules import SURCHARGES
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only


class Carrier(models.Model):
    """Who carries parcels."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    name = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="carriage_carrier_code_once")
        ]


class Service(models.Model):
    """A carrier's product. `divisor` turns cm³ into the grams that are charged for bulky parcels; 0: never.

    `live`: the adapter that quotes it, and the name that it has there.
    """

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    carrier_id = models.UUIDField()
    code = models.TextField()
    name = models.TextField()
    transit_days = models.IntegerField()
    max_weight_g = models.IntegerField()
    divisor = models.IntegerField(db_default=5000)
    active = models.BooleanField(db_default=True)
    max_length_mm = models.IntegerField(db_default=0)
    live = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="carriage_service_code_once"),
            models.CheckConstraint(
                name="carriage_service_makes_sense",
                condition=Q(transit_days__gte=0, max_weight_g__gt=0, divisor__gte=0, max_length_mm__gte=0),
            ),
        ]


class Zone(models.Model):
    """The zone of a destination, seen from an origin: countries, '*' is any, and in them the postal codes that begin
    so, '' is all. `transit_days` is what it takes there; none: what the service takes."""

    pk = models.CompositePrimaryKey(
        "service_id", "origin", "destination", "origin_postal_code", "destination_postal_code"
    )
    service_id = models.UUIDField()
    origin = models.TextField()
    destination = models.TextField()
    zone = models.TextField()
    origin_postal_code = models.TextField(db_default="")
    destination_postal_code = models.TextField(db_default="")
    transit_days = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="carriage_zone_makes_sense",
                condition=Q(transit_days__isnull=True) | Q(transit_days__range=(0, 365)),
            ),
            # Postal codes are those of a country.
            models.CheckConstraint(
                name="carriage_zone_codes_of_a_country",
                condition=(Q(origin_postal_code="") | ~Q(origin="*"))
                & (Q(destination_postal_code="") | ~Q(destination="*")),
            ),
        ]


class Rate(models.Model):
    """What a parcel up to a weight costs into a zone."""

    pk = models.CompositePrimaryKey("service_id", "zone", "max_weight_g")
    service_id = models.UUIDField()
    zone = models.TextField()
    max_weight_g = models.IntegerField()
    price_minor = models.BigIntegerField()
    currency = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="carriage_rate_makes_sense", condition=Q(max_weight_g__gt=0, price_minor__gte=0)
            )
        ]
        triggers = imprinted(changes=True)


class Version(models.Model):
    """A service as it stood from a moment on, until its next version."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    service_id = models.UUIDField()
    version = models.IntegerField()
    body = models.JSONField()
    author = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service_id", "version"], name="carriage_version_numbered_once")
        ]
        triggers = append_only()


class Surcharge(models.Model):
    """What is added to a service's rate under a condition; an amount, a share of the price, or both."""

    pk = models.CompositePrimaryKey("service_id", "kind", "zone", "above", "postal_code")
    service_id = models.UUIDField()
    kind = models.TextField()
    zone = models.TextField()
    above = models.IntegerField()
    postal_code = models.TextField()
    amount_minor = models.BigIntegerField()
    per_10k = models.IntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="carriage_surcharge_makes_sense",
                condition=Q(
                    kind__in=SURCHARGES, amount_minor__gte=0, per_10k__range=(0, 10_000), above__gte=0
                ),
            )
        ]
        triggers = imprinted(changes=True)


class CutOff(models.Model):
    """Until when what a carrier is to take from a node has to be ready: local time of the node, by weekday (0 is
    Monday). A carrier without any takes what is ready at the node's own cut-off."""

    pk = models.CompositePrimaryKey("carrier_id", "node_id", "weekday")
    carrier_id = models.UUIDField()
    node_id = models.UUIDField()
    weekday = models.SmallIntegerField()
    at = models.TimeField()

    class Meta:
        db_table = "carriage_cutoff"
        constraints = [
            models.CheckConstraint(name="carriage_cutoff_on_a_weekday", condition=Q(weekday__range=(0, 6)))
        ]
