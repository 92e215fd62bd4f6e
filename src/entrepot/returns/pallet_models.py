"""Tables of pallets of returned parcels."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.returns import pallets


class Pallet(models.Model):
    """Parcels that came together, in one place until they are opened."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    number = models.TextField()
    carrier = models.TextField(default="", db_default="")
    announced = models.IntegerField()  # packages, by the manifest or the carrier's count
    state = models.TextField(default="open")
    differs = models.TextField(default="", db_default="")  # as it was told when all were counted
    due_at = models.DateTimeField()  # its parcels are opened by then
    received_by = models.TextField()
    received_at = models.DateTimeField()
    counted_by = models.TextField(default="", db_default="")
    counted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["company_id", "-id"], name="returns_pallet_of_company")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "number"], name="returns_pallet_here_once", condition=~Q(state="done")
            ),
            models.CheckConstraint(
                name="returns_pallet_known",
                condition=Q(state__in=pallets.STATES, announced__gte=0, announced__lte=pallets.MOST)
                & ~Q(number=""),
            ),
            models.CheckConstraint(
                name="returns_pallet_counted_by_someone",
                condition=Q(state="open", counted_at__isnull=True)
                | (~Q(state="open") & Q(counted_at__isnull=False) & ~Q(counted_by="")),
            ),
        ]


class PalletPackage(models.Model):
    """A parcel of a pallet: announced by the manifest, seen when it was counted off, opened when it was received."""

    id = models.UUIDField(primary_key=True)
    pallet_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    tracking = models.TextField(default="", db_default="")
    listed = models.BooleanField()
    seen_by = models.TextField(default="", db_default="")
    seen_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "tracking"],
                name="returns_palletpackage_closed",
                condition=Q(opened_at__isnull=True),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["pallet_id", "tracking"],
                name="returns_palletpackage_once",
                condition=~Q(tracking=""),
            ),
            models.CheckConstraint(
                name="returns_palletpackage_seen_before_it_is_opened",
                condition=Q(opened_at__isnull=True) | Q(seen_at__isnull=False),
            ),
            models.CheckConstraint(
                name="returns_palletpackage_listed_or_seen",
                condition=Q(listed=True) | Q(seen_at__isnull=False),
            ),
        ]
