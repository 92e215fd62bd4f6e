"""Tables of the warehouse: the work of one node for one order, its pick tasks, and what was packed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import duty_taken, duty_triggers
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.warehouse import states
from entrepot.warehouse.labor import STEPS


class Fulfillment(models.Model):
    """What one node sends of one order."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    node_id = models.UUIDField()
    state = models.TextField()
    service = models.TextField(default="")
    due_at = models.DateTimeField(null=True)  # what was promised
    leave_by = models.DateTimeField(null=True)  # the last cut-off that keeps the promise
    released_at = models.DateTimeField()
    picker = models.TextField(default="", db_default="")
    staging_bin_id = models.UUIDField(null=True)  # where its picked units wait

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="warehouse_fulfillment_order"),
            models.Index(fields=["node_id", "released_at"], name="warehouse_fulfillment_by_time"),
        ]
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
        indexes = [
            models.Index(fields=["fulfillment_id"], name="warehouse_picktask_of"),
            # What is open of a node is little beside all that it ever picked: the floor asks for it all day.
            models.Index(
                fields=["company_id", "node_id"], name="warehouse_picktask_open", condition=Q(state="open")
            ),
        ]
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


class Wave(models.Model):
    """Orders of a node that go to the floor together. `figures` say what was asked, what there was room for, and why
    the others wait; `meters` is null where the node has no layout. What is expected is worked out anew at release."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    state = models.TextField()
    method = models.TextField()
    policy_version = models.IntegerField()
    cutoff_at = models.DateTimeField()
    proposed_at = models.DateTimeField()
    proposed_by = models.TextField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(default="", db_default="")
    orders = models.IntegerField()
    lines = models.IntegerField()
    units = models.IntegerField()
    lists = models.IntegerField()
    meters = models.IntegerField(null=True)
    seconds = models.IntegerField()
    figures = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["node_id", "-proposed_at"], name="warehouse_wave_of_node")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_wave_number_once"),
            models.CheckConstraint(
                name="warehouse_wave_state_known", condition=Q(state__in=states.WAVE.states)
            ),
        ]


class WaveOrder(models.Model):
    """What a node sends of an order, in a wave: proposed, then released with its fulfillment, or left out and why."""

    pk = models.CompositePrimaryKey("wave_id", "order_id")
    wave_id = models.UUIDField()
    order_id = models.UUIDField()
    node_id = models.UUIDField()
    place = models.IntegerField()  # the most urgent first
    state = models.TextField()
    why = models.TextField()
    fulfillment_id = models.UUIDField(null=True)

    class Meta:
        db_table = "warehouse_waveorder"
        constraints = [
            models.UniqueConstraint(
                fields=["order_id", "node_id"],
                name="warehouse_waveorder_in_one_wave",
                condition=Q(state="proposed"),
            ),
            models.CheckConstraint(
                name="warehouse_waveorder_released_with_its_work",
                condition=Q(state="released", fulfillment_id__isnull=False)
                | Q(state__in=("proposed", "left out", "dropped"), fulfillment_id__isnull=True),
            ),
        ]


class PickList(models.Model):
    """The stops of one cart. It is done when none of its tasks is open; `length_mm` is null without a layout. Where a
    tote passes from zone to zone, `leg` says which zone in turn it is; 0 elsewhere."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    wave_id = models.UUIDField()
    zone = models.TextField(default="", db_default="")
    length_mm = models.BigIntegerField(null=True)
    seconds = models.IntegerField()
    picker = models.TextField(default="", db_default="")
    leg = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "warehouse_picklist"
        indexes = [models.Index(fields=["wave_id"], name="warehouse_picklist_of_wave")]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_picklist_number_once"),
            models.CheckConstraint(name="warehouse_picklist_leg_not_negative", condition=Q(leg__gte=0)),
        ]


class ListStop(models.Model):
    """A pick task on a list: where on the way it comes, and into which place of the cart it goes (0: any). `tote` is
    where its units stand since they were sorted, '' before."""

    task_id = models.UUIDField(primary_key=True)
    list_id = models.UUIDField()
    place = models.IntegerField()
    slot = models.IntegerField()
    tote = models.TextField(default="", db_default="")

    class Meta:
        db_table = "warehouse_liststop"
        constraints = [
            models.UniqueConstraint(fields=["list_id", "place"], name="warehouse_liststop_one_at_a_time")
        ]


class Tote(models.Model):
    """A numbered container, or a place of a wall, and the fulfillment whose picked units it holds. It is free again
    when that is packed, or gone."""

    pk = models.CompositePrimaryKey("node_id", "code")
    node_id = models.UUIDField()
    code = models.TextField()
    fulfillment_id = models.UUIDField(null=True)
    used_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["fulfillment_id"], name="warehouse_tote_of")]
        constraints = [models.CheckConstraint(name="warehouse_tote_has_a_code", condition=~Q(code=""))]


class PickFace(models.Model):
    """The bin from which a SKU is picked, and how it is kept filled from reserve; a `maximum` of 0: not any more."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    sku_id = models.UUIDField()
    minimum = models.IntegerField()
    maximum = models.IntegerField()
    case_units = models.IntegerField(db_default=1)

    class Meta:
        db_table = "warehouse_pickface"
        indexes = [models.Index(fields=["node_id", "sku_id"], name="warehouse_pickface_of_node")]
        constraints = [
            models.UniqueConstraint(fields=["bin_id", "sku_id"], name="warehouse_pickface_once"),
            models.CheckConstraint(
                name="warehouse_pickface_minimum_within_maximum",
                condition=Q(minimum__gte=0, minimum__lte=F("maximum"), case_units__gt=0),
            ),
        ]


class Replenishment(models.Model):
    """Units to be brought from reserve to a pick face (`RP-`); `document` is the put-away that brought them."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    sku_id = models.UUIDField()
    from_bucket_id = models.UUIDField()
    from_bin_id = models.UUIDField()
    to_bin_id = models.UUIDField()
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    quantity = models.IntegerField()
    moved = models.IntegerField(default=0, db_default=0)
    state = models.TextField(default="open", db_default="open")
    why = models.TextField()
    priority = models.SmallIntegerField()
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.TextField(default="", db_default="")
    document_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            # What is open is a small part of the table.
            models.Index(
                fields=["node_id", "-priority", "made_at"], name="warehouse_replenishment_open",
                condition=Q(state="open"),
            )
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_replenishment_number_once"),
            models.CheckConstraint(
                name="warehouse_replenishment_state_known", condition=Q(state__in=states.REPLENISHMENT.states)
            ),
            models.CheckConstraint(
                name="warehouse_replenishment_moves_what_was_asked",
                condition=Q(quantity__gt=0, moved__gte=0, moved__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="warehouse_replenishment_closed_when_not_open",
                condition=Q(state="open", done_at__isnull=True, moved=0)
                | (~Q(state="open") & Q(done_at__isnull=False)),
            ),
        ]


class Carton(models.Model):
    """A kind of carton that a retailer packs in: its inner measures, what it may hold, weighs and costs. The outer
    measures are what a carrier measures; 0 where nobody measured them, and the inner ones count."""

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
    outer_length_mm = models.IntegerField(db_default=0)
    outer_width_mm = models.IntegerField(db_default=0)
    outer_height_mm = models.IntegerField(db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="warehouse_carton_code_once"),
            models.CheckConstraint(
                name="warehouse_carton_outside_not_less_than_inside",
                condition=Q(outer_length_mm=0, outer_width_mm=0, outer_height_mm=0)
                | Q(
                    outer_length_mm__gte=F("length_mm"),
                    outer_width_mm__gte=F("width_mm"),
                    outer_height_mm__gte=F("height_mm"),
                ),
            ),
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


class PackedSerial(models.Model):
    """The serial number of a unit, noted when it was packed: it goes out once, until the unit has come `back`."""

    pk = models.CompositePrimaryKey("fulfillment_id", "line_id", "serial")
    fulfillment_id = models.UUIDField()
    line_id = models.UUIDField()
    serial = models.TextField()
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    back = models.BooleanField(db_default=False)

    class Meta:
        db_table = "warehouse_packedserial"
        indexes = [models.Index(fields=["serial"], name="warehouse_packedserial_named")]
        constraints = [
            models.UniqueConstraint(
                fields=["sku_id", "serial"], name="warehouse_packedserial_out_once", condition=Q(back=False)
            ),
            models.CheckConstraint(name="warehouse_packedserial_said", condition=~Q(serial="")),
        ]


class CountTask(models.Model):
    """A bin that is to be counted, all that stands in it (`whole`) or the goods of its lines, and why.

    `after_move` is the last move of stock when the count began: what moved before it is part of what is expected.
    """

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    whole = models.BooleanField()
    why = models.TextField()  # a plan, a trigger, or that somebody asked
    priority = models.IntegerField()
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    state = models.TextField(default="open", db_default="open")
    round = models.SmallIntegerField(default=0, db_default=0)
    counter = models.TextField(default="", db_default="")
    started_at = models.DateTimeField(null=True)
    after_move = models.BigIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "warehouse_counttask"
        indexes = [
            models.Index(
                fields=["company_id", "-priority", "due_at", "id"],
                name="warehouse_counttask_to_do",
                condition=~Q(state__in=states.COUNT_OVER),
            ),
            models.Index(
                fields=["bin_id"],
                name="warehouse_counttask_of_bin",
                condition=~Q(state__in=states.COUNT_OVER),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="warehouse_counttask_number_once"),
            models.CheckConstraint(
                name="warehouse_counttask_state_known", condition=Q(state__in=states.COUNT.states)
            ),
            models.CheckConstraint(
                name="warehouse_counttask_begun_by_somebody",
                condition=Q(state__in=["open", "withdrawn"], round=0)
                | (Q(round__gt=0, started_at__isnull=False, after_move__isnull=False) & ~Q(counter="")),
            ),
        ]


class CountLine(models.Model):
    """Goods of a bin that are to be counted, and what came of it. Of `sellable` ones those that are being looked for
    there are part. `expected` is what the records said at `counted_at`; whoever counts never sees it.

    `first_counted` is the count before, where it was counted again; `why_unsure` what else speaks against it.
    """

    id = models.UUIDField(primary_key=True)
    task_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    bin_id = models.UUIDField()
    sku_id = models.UUIDField()
    lot = models.TextField(default="", db_default="")
    serial = models.TextField(default="", db_default="")
    status = models.TextField()
    abc = models.TextField()
    state = models.TextField(default="open", db_default="open")
    surplus = models.BooleanField(default=False, db_default=False)  # nobody expected it in this bin
    expires_on = models.DateField(null=True)
    expected = models.IntegerField(null=True)
    counted = models.IntegerField(null=True)
    first_counted = models.IntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    counted_by = models.TextField(default="", db_default="")
    after_move = models.BigIntegerField(null=True)
    value_minor = models.BigIntegerField(default=0, db_default=0)
    posted = models.IntegerField(default=0, db_default=0)
    why_unsure = models.TextField(default="", db_default="")
    cause = models.TextField(default="", db_default="")
    note = models.TextField(default="", db_default="")
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "warehouse_countline"
        indexes = [
            models.Index(fields=["bin_id", "sku_id", "counted_at"], name="warehouse_countline_last"),
            models.Index(fields=["company_id", "counted_at"], name="warehouse_countline_of_day"),
            models.Index(
                fields=["company_id", "id"], name="warehouse_countline_waiting", condition=Q(state="waiting")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task_id", "sku_id", "lot", "serial", "status"], name="warehouse_countline_once"
            ),
            models.CheckConstraint(
                name="warehouse_countline_state_known", condition=Q(state__in=states.COUNT_LINE.states)
            ),
            models.CheckConstraint(
                name="warehouse_countline_counted_as_its_state_says",
                condition=Q(state__in=["open", "withdrawn"], counted__isnull=True)
                | Q(counted__gte=0, counted_at__isnull=False, expected__isnull=False),
            ),
            models.CheckConstraint(
                name="warehouse_countline_agreed_without_difference",
                condition=~Q(state="agreed") | Q(counted=F("expected"), posted=0),
            ),
            models.CheckConstraint(
                name="warehouse_countline_decided_by_another",
                condition=~Q(decided_by=F("counted_by")) | Q(decided_by=""),
            ),
            models.CheckConstraint(
                name="warehouse_countline_posted_for_a_cause", condition=~Q(state="posted") | ~Q(cause="")
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *duty_triggers("approve_is_a_duty", duty_taken(
                "warehouse", "count×recount×approve", "approve", "task_id", "decided_by", "a.decided_by <> ''",
            ))
        ]  # fmt: skip


class Slot(models.Model):
    """What a bin is kept for: one SKU, or SKUs of a velocity class; and what it holds."""

    bin_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    sku_id = models.UUIDField(null=True)
    velocity = models.TextField(db_default="")
    volume_ml = models.IntegerField(db_default=0)

    class Meta:
        indexes = [models.Index(fields=["node_id"], name="warehouse_slot_of_node")]
        constraints = [
            models.CheckConstraint(
                name="warehouse_slot_makes_sense",
                condition=Q(velocity__in=["", "A", "B", "C"], volume_ml__gte=0),
            )
        ]


class Velocity(models.Model):
    """How often a SKU was picked at a node of late, and the class that follows from it."""

    pk = models.CompositePrimaryKey("sku_id", "node_id")
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    picks = models.IntegerField()
    velocity = models.TextField()
    counted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["node_id"], name="warehouse_velocity_of_node")]
        constraints = [
            models.CheckConstraint(
                name="warehouse_velocity_class_known", condition=Q(velocity__in=["A", "B", "C"], picks__gte=0)
            )
        ]


class StandardTime(models.Model):
    """How long a step takes at a node, fitted from what people did there in some days; the latest counts."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    step = models.TextField()
    fixed_s = models.FloatField()
    line_s = models.FloatField()
    unit_s = models.FloatField()
    meter_s = models.FloatField()
    tasks = models.IntegerField()
    error_s = models.FloatField()
    since = models.DateTimeField()
    fitted_at = models.DateTimeField()

    class Meta:
        db_table = "warehouse_standardtime"
        indexes = [
            models.Index(fields=["node_id", "step", "-fitted_at"], name="warehouse_standardtime_latest")
        ]
        constraints = [
            models.CheckConstraint(
                name="warehouse_standardtime_not_negative",
                condition=Q(fixed_s__gte=0, line_s__gte=0, unit_s__gte=0, meter_s__gte=0, tasks__gt=0),
            ),
            models.CheckConstraint(name="warehouse_standardtime_step_known", condition=Q(step__in=STEPS)),
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("warehouse_countline", "note", at="t.counted_at")
