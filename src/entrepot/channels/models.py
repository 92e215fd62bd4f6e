"""Tables of channels: how the columns of their files are to be read."""

from __future__ import annotations

from django.db import models


class Mapping(models.Model):
    """Which column of a channel's files holds which field of an order, remembered from one file to the next."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    name = models.TextField()
    columns = models.JSONField()  # field → header
    saved_by = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_id", "name"], name="channels_mapping_named_once"),
            models.CheckConstraint(name="channels_mapping_has_a_name", condition=~models.Q(name="")),
        ]
