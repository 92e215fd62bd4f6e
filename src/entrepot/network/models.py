"""Tables of the network: where goods stand and through which channels they are sold."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from entrepot.network.rules import BIN_KINDS, CHANNEL_KINDS, NODE_KINDS, OUT_KINDS


class Node(models.Model):
    """A place that holds stock and ships: warehouse, store or a logistics partner's. Lower priority goes first."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    name = models.TextField()
    kind = models.TextField(db_default="warehouse")
    country = models.TextField()
    postal_code = models.TextField(db_default="")
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    priority = models.SmallIntegerField(db_default=1)
    active = models.BooleanField(db_default=True)
    time_zone = models.TextField(db_default="UTC")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="network_node_code_once"),
            models.CheckConstraint(name="network_node_kind_known", condition=Q(kind__in=NODE_KINDS)),
        ]


class Zone(models.Model):
    """A part of a node."""

    id = models.UUIDField(primary_key=True)
    node_id = models.UUIDField()
    code = models.TextField()
    kind = models.TextField(db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node_id", "code"], name="network_zone_code_once")]


class Bin(models.Model):
    """Where units stand; `pick_sequence` is its place on the way through the node, x and y its coordinates. One that is
    out of use has the kind that says so, and `was` is what it will be again."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    zone_id = models.UUIDField(null=True)
    code = models.TextField()
    kind = models.TextField()
    was = models.TextField(db_default="")
    pick_sequence = models.IntegerField(db_default=0)
    x = models.IntegerField(db_default=0)
    y = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node_id", "code"], name="network_bin_code_once"),
            models.CheckConstraint(
                name="network_bin_kind_known", condition=Q(kind__in=(*BIN_KINDS, *OUT_KINDS))
            ),
            models.CheckConstraint(
                name="network_bin_out_was_something",
                condition=Q(kind__in=OUT_KINDS, was__in=BIN_KINDS) | Q(kind__in=BIN_KINDS, was=""),
            ),
        ]


class Layout(models.Model):
    """Where the aisles of a node are: aisles at x, crossed at y, in the coordinates of its bins; walks begin and end at
    the depot. A unit of the coordinates is `unit_mm` long."""

    node_id = models.UUIDField(primary_key=True)
    aisles = ArrayField(models.IntegerField())
    cross_aisles = ArrayField(models.IntegerField())
    depot_x = models.IntegerField()
    depot_y = models.IntegerField()
    unit_mm = models.IntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="network_layout_has_aisles", condition=Q(aisles__len__gte=1, cross_aisles__len__gte=2)
            ),
            models.CheckConstraint(name="network_layout_unit_has_length", condition=Q(unit_mm__gt=0)),
        ]


class Channel(models.Model):
    """Where orders come from, and what it is shown of stock.

    `buffer` units of each node are kept from it; of fewer than `threshold` units it sees none, and never more than
    `shown_at_most` (0: all).
    """

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    name = models.TextField()
    kind = models.TextField(db_default="storefront")
    currency = models.TextField()
    priority = models.SmallIntegerField(db_default=5)
    buffer = models.IntegerField(db_default=0)
    threshold = models.IntegerField(db_default=0)
    shown_at_most = models.IntegerField(db_default=0)
    active = models.BooleanField(db_default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="network_channel_code_once"),
            models.CheckConstraint(name="network_channel_kind_known", condition=Q(kind__in=CHANNEL_KINDS)),
            models.CheckConstraint(name="network_channel_buffer_not_negative", condition=Q(buffer__gte=0)),
            models.CheckConstraint(
                name="network_channel_shown_not_negative", condition=Q(threshold__gte=0, shown_at_most__gte=0)
            ),
        ]


class ChannelNode(models.Model):
    """A node that serves a channel; its priority adds to the node's own."""

    pk = models.CompositePrimaryKey("channel_id", "node_id")
    channel_id = models.UUIDField()
    node_id = models.UUIDField()
    priority = models.SmallIntegerField(db_default=0)

    class Meta:
        db_table = "network_channelnode"


class CutOff(models.Model):
    """Until when an order ships the same day: local time of the node, by weekday (0 = Monday)."""

    pk = models.CompositePrimaryKey("node_id", "weekday")
    node_id = models.UUIDField()
    weekday = models.SmallIntegerField()
    at = models.TimeField()

    class Meta:
        db_table = "network_cutoff"
        constraints = [
            models.CheckConstraint(
                name="network_cutoff_on_a_weekday", condition=Q(weekday__gte=0, weekday__lte=6)
            )
        ]


class Holiday(models.Model):
    """A day, as it is at the node, on which it neither works nor ships."""

    pk = models.CompositePrimaryKey("node_id", "day")
    node_id = models.UUIDField()
    day = models.DateField()
    name = models.TextField()


class Place(models.Model):
    """Where the addresses lie whose postal code begins so, without its blanks and hyphens; '' is the whole country."""

    pk = models.CompositePrimaryKey("country", "postal_start")
    country = models.TextField()
    postal_start = models.TextField()
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="network_place_on_earth",
                condition=Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            )
        ]
