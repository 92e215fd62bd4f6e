"""Tables of photos: of returned units, by customers and inspectors."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.models import append_only
from entrepot.returns import photos


class Photo(models.Model):
    """A picture, kept once for a company by the digest of its bytes. They are its `PhotoContent`."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of the content
    kind = models.TextField()
    width = models.IntegerField()
    height = models.IntegerField()
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "digest"], name="returns_photo_once"),
            models.CheckConstraint(
                name="returns_photo_known",
                condition=Q(
                    kind__in=list(photos.TYPES),
                    width__range=(1, photos.SIDE_MAX),
                    height__range=(1, photos.SIDE_MAX),
                ),
            ),
        ]
        triggers = append_only()


class PhotoContent(models.Model):
    """The bytes of a picture; gone with the person who showed it."""

    photo_id = models.UUIDField(primary_key=True)
    content = models.BinaryField()


class InspectionPhoto(models.Model):
    """A picture that shows units of an inspection."""

    append_only = True

    pk = models.CompositePrimaryKey("inspection_id", "photo_id")
    inspection_id = models.UUIDField()
    photo_id = models.UUIDField(db_index=True)
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        triggers = append_only()


class ReturnPhoto(models.Model):
    """A picture that a customer sent with a return."""

    append_only = True

    pk = models.CompositePrimaryKey("return_id", "photo_id")
    return_id = models.UUIDField()
    photo_id = models.UUIDField(db_index=True)
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        triggers = append_only()
