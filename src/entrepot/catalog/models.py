"""Tables of the catalog: what is sold and stored."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted


class Sku(models.Model):
    """What is stocked and sold: one kind of thing, counted in whole units."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    name = models.TextField()
    category = models.TextField(db_default="")
    status = models.TextField(db_default="active")  # active, discontinued
    weight_g = models.IntegerField(db_default=0)
    length_mm = models.IntegerField(db_default=0)
    width_mm = models.IntegerField(db_default=0)
    height_mm = models.IntegerField(db_default=0)
    lot_policy = models.TextField(db_default="none")  # none, lot, lot_expiry
    serial_policy = models.TextField(db_default="none")  # none, at_ship
    minimum_age = models.SmallIntegerField(db_default=0)
    hazardous = models.BooleanField(db_default=False)
    fragile = models.BooleanField(db_default=False)  # nothing may stand on it
    upright = models.BooleanField(db_default=False)  # this side up
    barcode = models.TextField(db_default="")
    hs_code = models.TextField(db_default="")
    list_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    standard_cost = models.DecimalField(max_digits=18, decimal_places=6, null=True)

    class Meta:
        indexes = [
            # A scan names the barcode; most SKUs of a young catalog have none.
            models.Index(
                fields=["company_id", "barcode"], name="catalog_sku_barcode", condition=~Q(barcode="")
            ),
            models.Index(
                fields=["company_id", "category"], name="catalog_sku_by_category", condition=~Q(category="")
            ),
        ]
        constraints = [
            models.CheckConstraint(name="catalog_sku_code_given", condition=~Q(code="")),
            models.CheckConstraint(
                name="catalog_sku_price_not_negative",
                condition=(Q(list_price__isnull=True) | Q(list_price__gte=0))
                & (Q(standard_cost__isnull=True) | Q(standard_cost__gte=0)),
            ),
            models.UniqueConstraint(fields=["company_id", "code"], name="catalog_sku_code_once"),
            models.CheckConstraint(
                name="catalog_sku_status_known", condition=Q(status__in=["active", "discontinued"])
            ),
            models.CheckConstraint(
                name="catalog_sku_measures_not_negative",
                condition=Q(weight_g__gte=0, length_mm__gte=0, width_mm__gte=0, height_mm__gte=0),
            ),
            models.CheckConstraint(
                name="catalog_sku_policies_known",
                condition=Q(
                    lot_policy__in=["none", "lot", "lot_expiry"], serial_policy__in=["none", "at_ship"]
                ),
            ),
        ]
        triggers = imprinted(changes=True)


class ListPrice(models.Model):
    """What a SKU's list price was from a moment on: the SKU itself has the one of now."""

    pk = models.CompositePrimaryKey("sku_id", "since")
    sku_id = models.UUIDField()
    since = models.DateTimeField()
    list_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)

    class Meta:
        triggers = imprinted(changes=True)


class Component(models.Model):
    """What one kit has of a SKU. A SKU with components is a kit: it is sold, and has no stock of its own."""

    pk = models.CompositePrimaryKey("kit_id", "sku_id")
    kit_id = models.UUIDField()
    sku_id = models.UUIDField(db_index=True)
    units = models.IntegerField()
    number = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="catalog_component_of_another", condition=~Q(kit_id=F("sku_id"))),
            models.CheckConstraint(name="catalog_component_has_units", condition=Q(units__gte=1)),
        ]
        triggers = imprinted(changes=True)


class Packaging(models.Model):
    """A case or a pallet of a SKU: how many units stand in it, and the barcode (GTIN) that it bears itself, '' where it
    bears none."""

    pk = models.CompositePrimaryKey("sku_id", "kind")
    sku_id = models.UUIDField()
    kind = models.TextField()
    company_id = models.SmallIntegerField()
    units = models.IntegerField()
    barcode = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="catalog_packaging_kind_known", condition=Q(kind__in=("case", "pallet"))
            ),
            models.CheckConstraint(name="catalog_packaging_of_several_units", condition=Q(units__gte=2)),
            models.UniqueConstraint(
                fields=["company_id", "barcode"],
                name="catalog_packaging_barcode_once",
                condition=~Q(barcode=""),
            ),
        ]


class Alias(models.Model):
    """A further barcode of a SKU: what a supplier prints instead of the SKU's own, or beside it."""

    pk = models.CompositePrimaryKey("company_id", "barcode")
    company_id = models.SmallIntegerField()
    barcode = models.TextField()
    sku_id = models.UUIDField(db_index=True)
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="catalog_alias_given", condition=~Q(barcode=""))]


class BarcodePhoto(models.Model):
    """A picture of a code that was reported, by the work item about it."""

    pk = models.CompositePrimaryKey("item_id", "digest")
    item_id = models.UUIDField()
    digest = models.TextField()
    kind = models.TextField()
    content = models.BinaryField()
    added_by = models.TextField()
    added_at = models.DateTimeField()
