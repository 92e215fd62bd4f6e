"""Tables of the unit ledger: moves, the balances they make, and the promises on them."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from entrepot.access.duty_triggers import by_another_triggers, duty_taken, duty_trigger, duty_triggers
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.kernel.seal import watch

STATUSES = (
    "sellable", "pending_inspection", "second_grade", "refurbish", "vendor_return", "liquidation", "quarantined",
    "damaged", "non_sellable", "researching", "in_transit", "blocked",
)  # fmt: skip
PLACES = ("node", "supplier", "customer", "adjustment", "scrap")
RESERVATION_KINDS = ("cart", "checkout")
"""What holds units until a moment; those of an order are of the kind `order`, and have none."""


class Bucket(models.Model):
    """The units of one SKU in one bin, lot, serial, status and ownership: what is physically there."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField(null=True)  # only goods in transit stand in no bin
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    status = models.TextField()
    owner_id = models.SmallIntegerField()
    expires_on = models.DateField(null=True)
    quantity = models.IntegerField(db_default=0)
    committed = models.IntegerField(db_default=0)
    plated = models.IntegerField(db_default=0)  # of the quantity, on plates

    class Meta:
        indexes = [
            models.Index(fields=["bin_id"], name="stock_bucket_in_bin"),
            # Most goods never expire.
            models.Index(
                fields=["expires_on"],
                name="stock_bucket_expiring",
                condition=Q(expires_on__isnull=False, status="sellable"),
            ),
            # Nor does most of it stand on a plate.
            models.Index(fields=["node_id"], name="stock_bucket_on_plates", condition=Q(plated__gt=0)),
            # Nor has most of it a lot or a serial number; what has is found by it.
            models.Index(fields=["lot"], name="stock_bucket_of_lot", condition=~Q(lot="")),
            models.Index(fields=["serial"], name="stock_bucket_of_serial", condition=~Q(serial="")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sku_id", "node_id", "bin_id", "lot", "serial", "status", "owner_id"],
                name="stock_bucket_one_per_key",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="stock_bucket_committed_within_quantity",
                condition=Q(committed__gte=0, committed__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="stock_bucket_plated_within_quantity",
                condition=Q(plated__gte=0, plated__lte=F("quantity")),
            ),
            models.CheckConstraint(name="stock_bucket_status_known", condition=Q(status__in=STATUSES)),
            models.CheckConstraint(
                name="stock_bucket_in_a_bin_or_in_transit",
                condition=Q(bin_id__isnull=False) | Q(status="in_transit"),
            ),
        ]


class Plate(models.Model):
    """A pallet or a carton of stock with a number of its own (an SSCC). Its units say where it stands, with what."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    number = models.TextField()
    made_by = models.TextField()
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when somebody scanned it last
    on_plate_id = models.UUIDField(null=True)  # the pallet that the carton stands on

    class Meta:
        indexes = [
            models.Index(
                fields=["on_plate_id"], name="stock_plate_on_plate", condition=Q(on_plate_id__isnull=False)
            )
        ]
        constraints = [
            models.CheckConstraint(name="stock_plate_not_on_itself", condition=~Q(on_plate_id=F("id"))),
            models.UniqueConstraint(fields=["company_id", "number"], name="stock_plate_number_once"),
            models.CheckConstraint(
                name="stock_plate_number_is_an_sscc", condition=Q(number__regex=r"^\d{18}$")
            ),
        ]


class PlateUnits(models.Model):
    """Units of a bucket that stand on a plate. What is on no plate stands loose in its bin."""

    pk = models.CompositePrimaryKey("plate_id", "bucket_id")
    plate_id = models.UUIDField()
    bucket_id = models.UUIDField(db_index=True)
    units = models.IntegerField()

    class Meta:
        db_table = "stock_plateunits"
        constraints = [
            models.CheckConstraint(name="stock_plateunits_of_some_units", condition=Q(units__gt=0)),
        ]


class Move(models.Model):
    """Whole units from one place to another. Never changed: a mistake is corrected by a new move that names it."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    from_place = models.TextField()
    from_bucket = models.UUIDField(null=True)
    to_place = models.TextField()
    to_bucket = models.UUIDField(null=True)
    reason = models.TextField()
    document_kind = models.TextField()
    document_id = models.UUIDField()
    line_id = models.UUIDField(null=True)
    value_minor = models.BigIntegerField(db_default=0)
    corrects = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    correlation = models.UUIDField()

    class Meta:
        indexes = [
            models.Index(fields=["sku_id", "id"], name="stock_move_of_sku"),
            # What comes from outside is a small part; how long stock has been lying follows from it.
            models.Index(
                fields=["sku_id", "-id"], name="stock_move_from_outside", condition=~Q(from_place="node")
            ),
            models.Index(fields=["document_id"], name="stock_move_of_document"),
            models.Index(
                fields=["company_id", "occurred_at"],
                name="stock_move_put_away",
                condition=Q(reason="put_away"),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="stock_move_of_some_units", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="stock_move_places_known", condition=Q(from_place__in=PLACES, to_place__in=PLACES)
            ),
            models.CheckConstraint(
                name="stock_move_bucket_at_nodes_only",
                condition=(Q(from_place="node") | Q(from_bucket__isnull=True))
                & (~Q(from_place="node") | Q(from_bucket__isnull=False))
                & (Q(to_place="node") | Q(to_bucket__isnull=True))
                & (~Q(to_place="node") | Q(to_bucket__isnull=False)),
            ),
        ]
        triggers = append_only()


class Position(models.Model):
    """What may be promised of a SKU at a node: the guard against overselling."""

    pk = models.CompositePrimaryKey("sku_id", "node_id", "owner_id")
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    owner_id = models.SmallIntegerField()
    company_id = models.SmallIntegerField()
    sellable = models.IntegerField(db_default=0)
    reserved = models.IntegerField(db_default=0)
    allocated = models.IntegerField(db_default=0)
    safety = models.IntegerField(db_default=0)
    fenced = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="stock_position_not_oversold", condition=Q(sellable__gte=F("reserved") + F("allocated"))
            ),
            models.CheckConstraint(
                name="stock_position_counts_not_negative",
                condition=Q(reserved__gte=0, allocated__gte=0, safety__gte=0, fenced__gte=0),
            ),
        ]


class Allocation(models.Model):
    """A live promise of units at a node to an order line. Gone when shipped or freed; the moves and events stay."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    owner_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    quantity = models.IntegerField()
    released = models.IntegerField(db_default=0)
    fenced = models.IntegerField(db_default=0)  # of the quantity, taken from the channel's ring-fence
    priority = models.SmallIntegerField()
    promise_at = models.DateTimeField(null=True)
    ordered_at = models.DateTimeField()
    fulfillment_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="stock_allocation_of_order"),
            models.Index(fields=["sku_id", "node_id"], name="stock_allocation_of_position"),
        ]
        constraints = [
            models.CheckConstraint(name="stock_allocation_of_some_units", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="stock_allocation_parts_within_quantity",
                condition=Q(
                    released__gte=0, released__lte=F("quantity"), fenced__gte=0, fenced__lte=F("quantity")
                ),
            ),
        ]


class Reservation(models.Model):
    """Units held for a cart or checkout until a moment, or for the order that it became; it keeps its place,
    `reserved_at`, when it is renewed or ordered."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    owner_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    holder = models.TextField()
    quantity = models.IntegerField()
    expires_at = models.DateTimeField(null=True)
    kind = models.TextField(db_default="cart")
    reserved_at = models.DateTimeField(db_default=Now())
    fenced = models.IntegerField(db_default=0)  # units of it that are from the ring-fence of its channel
    order_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            # Of a SKU that everybody wants, what has expired is found without a look at all that has not.
            models.Index(fields=["sku_id", "expires_at"], name="stock_reservation_by_expiry"),
            models.Index(fields=["holder"], name="stock_reservation_of_holder"),
            models.Index(
                fields=["order_id"],
                name="stock_reservation_of_order",
                condition=Q(order_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="stock_reservation_of_some_units", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="stock_reservation_kind_known", condition=Q(kind__in=(*RESERVATION_KINDS, "order"))
            ),
            models.CheckConstraint(
                name="stock_reservation_fenced_within_quantity",
                condition=Q(fenced__gte=0, fenced__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="stock_reservation_of_an_order_never_expires",
                condition=Q(kind="order", order_id__isnull=False, expires_at__isnull=True)
                | (~Q(kind="order") & Q(order_id__isnull=True, expires_at__isnull=False)),
            ),
        ]


class RingFence(models.Model):
    """Units of a position that only one channel may promise."""

    pk = models.CompositePrimaryKey("sku_id", "node_id", "owner_id", "channel_id")
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    owner_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    quantity = models.IntegerField()
    used = models.IntegerField(db_default=0)

    class Meta:
        db_table = "stock_ringfence"
        constraints = [
            models.CheckConstraint(
                name="stock_ringfence_used_within_quantity", condition=Q(used__gte=0, used__lte=F("quantity"))
            )
        ]


_NOT_ALONE = """a.state <> 'waiting' AND (
        a.decided_at IS NOT NULL OR a.value_minor > a.alone_minor OR abs(a.delta) > a.alone_units)"""
"""What another person decides: what waited, and what is beyond what the row says one may alone."""


class Adjustment(models.Model):
    """A correction of what is there, with its reason; above a value it waits for another person's approval."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    status = models.TextField()
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    delta = models.IntegerField()
    reason = models.TextField()
    note = models.TextField(db_default="")
    state = models.TextField()  # waiting, posted, rejected
    value_minor = models.BigIntegerField()
    # Up to which value and how many units one person alone might correct; the most there can be where all of it.
    alone_minor = models.BigIntegerField(db_default=0)
    alone_units = models.IntegerField(db_default=0)
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # Those that wait are few of all that ever were.
            models.Index(
                fields=["company_id"], name="stock_adjustment_waiting", condition=Q(state="waiting")
            ),
            models.Index(fields=["bin_id", "id"], name="stock_adjustment_of_bin"),
        ]
        constraints = [
            models.CheckConstraint(name="stock_adjustment_of_some_units", condition=~Q(delta=0)),
            models.CheckConstraint(
                name="stock_adjustment_state_known", condition=Q(state__in=["waiting", "posted", "rejected"])
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            duty_trigger("adjust_is_a_duty", pgtrigger.Insert, duty_taken(
                "stock", "adjust×approve", "adjust", "id", "requested_by",
            )),
            *duty_triggers("approve_is_a_duty", duty_taken(
                "stock", "adjust×approve", "approve", "id", "decided_by", _NOT_ALONE,
            )),
            *by_another_triggers(
                "keeper_does_not_approve", "stock", "register×correct", "a.sku_id", "decided_by",
                when="a.state = 'posted'", told_by=("id", "sku_id", "decided_by"),
            ),
        ]  # fmt: skip


class Transfer(models.Model):
    """Goods on their way between two nodes."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    from_node_id = models.UUIDField()
    to_node_id = models.UUIDField()
    state = models.TextField()  # in_transit, received
    shipped_by = models.TextField()
    shipped_at = models.DateTimeField()
    expected_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # What is on its way is a small part of the table.
            models.Index(
                fields=["company_id", "expected_at"], name="stock_transfer_under_way",
                condition=Q(state="in_transit"),
            )
        ]  # fmt: skip


class TransferLine(models.Model):
    """Units of one SKU on a transfer: shipped = received + lost when it is closed."""

    id = models.UUIDField(primary_key=True)
    transfer_id = models.UUIDField()
    sku_id = models.UUIDField()
    lot = models.TextField(db_default="")
    serial = models.TextField(db_default="")
    plate_id = models.UUIDField(
        null=True
    )  # on which what is still on its way stands, and what came whole came
    quantity = models.IntegerField()
    received = models.IntegerField(db_default=0)
    lost = models.IntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["transfer_id"], name="stock_transferline_of_transfer"),
            # Most lines are sent loose.
            models.Index(
                fields=["plate_id"], name="stock_transferline_on_plate", condition=Q(plate_id__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="stock_transferline_arrives_once",
                condition=Q(received__gte=0, lost__gte=0, quantity__gte=F("received") + F("lost")),
            )
        ]


class Supply(models.Model):
    """Units expected at a node on a date: what is still to come of a purchase or transfer line."""

    line_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    document_kind = models.TextField()
    document_id = models.UUIDField()
    quantity = models.IntegerField()
    expected_on = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["sku_id", "expected_on"], name="stock_supply_of_sku")]
        constraints = [models.CheckConstraint(name="stock_supply_of_some_units", condition=Q(quantity__gt=0))]


class Displacement(models.Model):
    """Units that an order line was promised and lost, with what took them. Never changed; what becomes of them is the
    order's to tell.
    """

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    quantity = models.IntegerField()
    was_released = models.BooleanField()
    reason = models.TextField()
    document_kind = models.TextField()
    document_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "occurred_at"], name="stock_displacement_of_company")]
        constraints = [
            models.CheckConstraint(name="stock_displacement_of_some_units", condition=Q(quantity__gt=0))
        ]
        triggers = append_only()


class Preorder(models.Model):
    """A SKU that is sold before it may leave: it ships from a day on. The row stays when the day has come, and one that
    ships at once until those who are promised it are told."""

    sku_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    ships_on = models.DateField(null=True)  # null: it ships at once
    units_max = models.IntegerField()
    # The days that those know who ordered it before it was moved from them, and when that was; until they are told.
    moved_from = ArrayField(models.DateField(), null=True)
    moved_at = ArrayField(models.DateTimeField(), null=True)

    class Meta:
        indexes = [models.Index(fields=["ships_on"], name="stock_preorder_by_day")]
        constraints = [
            models.CheckConstraint(name="stock_preorder_limit_not_negative", condition=Q(units_max__gte=0))
        ]


class Unpublished(models.Model):
    """A mark: something changed of a SKU that a channel may be shown, or of which more may be promised. Taken by
    whoever publishes it."""

    id = models.BigAutoField(primary_key=True)
    sku_id = models.UUIDField()
    freed = models.BooleanField(db_default=False)


class Published(models.Model):
    """What a channel was told last that it may sell of a SKU; none is published without a row."""

    pk = models.CompositePrimaryKey("sku_id", "channel_id")
    sku_id = models.UUIDField()
    channel_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    quantity = models.IntegerField()
    version = models.BigIntegerField()  # rises with every change: the cursor of who follows a channel
    published_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["channel_id", "version"], name="stock_published_since")]
        constraints = [
            models.CheckConstraint(name="stock_published_quantity_not_negative", condition=Q(quantity__gte=0))
        ]


watch(
    "stock_move",
    "id company_id sku_id quantity from_place from_bucket to_place to_bucket reason document_kind document_id line_id"
    " value_minor corrects correlation",
    "occurred_at recorded_at",
    "move",
)


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("stock_adjustment", "note", at="t.requested_at")
