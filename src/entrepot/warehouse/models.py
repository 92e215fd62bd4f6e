"""Tables of the warehouse: the work of one node for one order, its pick tasks, and what was packed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.warehouse import states


class Fulfillment(models.Model):
    """What one node sends of one order."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    node_id = models.UUIDField()
    state = models.TextField()
    service = models.TextField(default="")
    due_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField()
    picker = models.TextField(default="", db_default="")
    staging_bin_id = models.UUIDField(null=True)  # where its picked units wait

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="warehouse_fulfillment_order")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_fulfillment_number_once"),
            models.CheckConstraint(
                name="warehouse_fulfillment_state_known", condition=Q(state__in=states.FULFILLMENT.states)
            ),
        ]


class FulfillmentLine(models.Model):
    """Units of one promise in a fulfillment: what is asked for, what was picked, and what was not there.

    What was withdrawn is not asked for any more: its pick tasks remember it.
    """

    id = models.UUIDField(primary_key=True)
    fulfillment_id = models.UUIDField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    allocation_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    picked = models.IntegerField(default=0, db_default=0)
    short = models.IntegerField(default=0, db_default=0)

    class Meta:
        db_table = "warehouse_fulfillmentline"
        indexes = [models.Index(fields=["fulfillment_id"], name="warehouse_fulfillmentline_of")]
        constraints = [
            models.CheckConstraint(
                name="warehouse_fulfillmentline_picks_what_was_asked",
                condition=Q(picked__gte=0, short__gte=0, quantity__gte=F("picked") + F("short")),
            )
        ]


class PickTask(models.Model):
    """Units to be taken from one bucket for one fulfillment line; `sequence` is its place on the way.

    `withdrawn` units are not to be picked any more, `taken_back` ones were picked and stand in staging for anybody:
    both are out of `quantity` and `picked`.
    """

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    fulfillment_id = models.UUIDField()
    fulfillmentline_id = models.UUIDField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    allocation_id = models.UUIDField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bucket_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(default="")
    serial = models.TextField(default="")
    quantity = models.IntegerField()
    picked = models.IntegerField(default=0, db_default=0)
    withdrawn = models.IntegerField(default=0, db_default=0)
    taken_back = models.IntegerField(default=0, db_default=0)
    state = models.TextField(default="open", db_default="open")
    sequence = models.IntegerField()

    class Meta:
        db_table = "warehouse_picktask"
        indexes = [models.Index(fields=["fulfillment_id"], name="warehouse_picktask_of")]
        constraints = [
            models.CheckConstraint(
                name="warehouse_picktask_state_known", condition=Q(state__in=states.TASK.states)
            ),
            models.CheckConstraint(
                name="warehouse_picktask_picked_as_its_state_says",
                condition=Q(state="open", quantity__gt=0, picked=0)
                | Q(state="done", quantity__gt=0, picked=F("quantity"))
                | Q(state="short", picked__gte=0, picked__lt=F("quantity"))
                | Q(state="withdrawn", quantity=0, picked=0),
            ),
            models.CheckConstraint(
                name="warehouse_picktask_withdrawn_once",
                condition=Q(withdrawn__gte=0, taken_back__gte=0)
                & (~Q(state="withdrawn") | Q(withdrawn__gt=0) | Q(taken_back__gt=0)),
            ),
        ]


class Carton(models.Model):
    """A kind of carton that a retailer packs in: its inner measures, what it may hold, weighs and costs."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    length_mm = models.IntegerField()
    width_mm = models.IntegerField()
    height_mm = models.IntegerField()
    max_weight_g = models.IntegerField()
    tare_g = models.IntegerField(db_default=0)
    cost_minor = models.BigIntegerField(db_default=0)
    active = models.BooleanField(db_default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="warehouse_carton_code_once"),
            models.CheckConstraint(
                name="warehouse_carton_holds_something",
                condition=Q(length_mm__gt=0, width_mm__gt=0, height_mm__gt=0, max_weight_g__gt=0)
                & Q(tare_g__gte=0, cost_minor__gte=0),
            ),
        ]


class Package(models.Model):
    """A closed carton; a voided one was opened again.

    `volume_cm3` is what it counts as where a carrier charges for size; `proposed` the carton that was proposed for it,
    '' where none was; `expected_g` what it should have weighed by the catalog, none where nobody weighed it.
    """

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    fulfillment_id = models.UUIDField()
    weight_g = models.IntegerField()
    carton = models.TextField()
    volume_cm3 = models.IntegerField(db_default=0)
    proposed = models.TextField(db_default="")
    expected_g = models.IntegerField(null=True)
    packed_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["fulfillment_id"], name="warehouse_package_of")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_package_number_once"),
            models.CheckConstraint(name="warehouse_package_weighs_something", condition=Q(weight_g__gte=0)),
            models.CheckConstraint(
                name="warehouse_package_volume_not_negative", condition=Q(volume_cm3__gte=0)
            ),
        ]


class PackageLine(models.Model):
    """Units of an order line in a carton."""

    pk = models.CompositePrimaryKey("package_id", "line_id")
    package_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()

    class Meta:
        db_table = "warehouse_packageline"
        constraints = [
            models.CheckConstraint(name="warehouse_packageline_of_some_units", condition=Q(quantity__gt=0))
        ]
