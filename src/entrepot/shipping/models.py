"""Tables of shipping: what left, with whom, and what it was worth."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted_when_sealed
from entrepot.shipping import states
from entrepot.shipping.rules import EVENT_KINDS
from entrepot.shipping.trouble import CLAIMED, OTHER_PARCELS


class Shipment(models.Model):
    """A fulfillment that left: the service chosen with its reasons, and what carriage costs."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    fulfillment_id = models.UUIDField(null=True)
    node_id = models.UUIDField(null=True)
    drop_ship_id = models.UUIDField(null=True)  # the purchase order by which a supplier sent it, and no node
    carrier = models.TextField(default="")
    service_id = models.UUIDField(null=True)
    tracking = models.TextField(default="")
    zone = models.TextField(default="")
    cost_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    promised_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    polled_at = models.DateTimeField(null=True)  # when an adapter was last asked where it is
    state = models.TextField()
    reasons = models.JSONField(default=dict)
    billed = models.BooleanField(db_default=False)  # an invoice of its carrier released of what is accrued

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="shipping_shipment_of_order"),
            BrinIndex(fields=["shipped_at"], name="shipping_shipment_shipped", autosummarize=True),
            models.Index(
                fields=["company_id", "tracking"],
                name="shipping_shipment_by_tracking",
                condition=~Q(tracking=""),
            ),
            models.Index(
                fields=["drop_ship_id"],
                name="shipping_shipment_of_drop_ship",
                condition=Q(drop_ship_id__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="shipping_shipment_number_once"),
            models.UniqueConstraint(fields=["fulfillment_id"], name="shipping_shipment_one_per_fulfillment"),
            models.CheckConstraint(
                name="shipping_shipment_from_a_node_or_a_supplier",
                condition=Q(fulfillment_id__isnull=False, node_id__isnull=False, drop_ship_id__isnull=True)
                | Q(fulfillment_id__isnull=True, node_id__isnull=True, drop_ship_id__isnull=False),
            ),
            models.CheckConstraint(
                name="shipping_shipment_state_known", condition=Q(state__in=states.SHIPMENT.states)
            ),
            models.CheckConstraint(
                name="shipping_shipment_cost_not_negative", condition=Q(cost_minor__gte=0)
            ),
            models.CheckConstraint(
                name="shipping_shipment_delivered_at_some_time",
                condition=Q(state="shipped", delivered_at__isnull=True)
                | Q(state="delivered", delivered_at__isnull=False),
            ),
        ]
        # What label and carrier say later changes of every shipment; another service leaves an imprint of its own.
        triggers = imprinted_when_sealed(
            "shipment", "id", but=("billed", "tracking", "delivered_at", "polled_at", "state")
        )


class ShipmentLine(models.Model):
    """Units of an order line in a shipment, with their part of the line's frozen amounts."""

    pk = models.CompositePrimaryKey("shipment_id", "line_id")
    shipment_id = models.UUIDField()
    line_id = models.UUIDField()
    order_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    goods_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()

    class Meta:
        db_table = "shipping_shipmentline"
        constraints = [
            models.CheckConstraint(name="shipping_shipmentline_of_some_units", condition=Q(quantity__gt=0))
        ]
        triggers = imprinted_when_sealed("shipment", "shipment_id")


class Parcel(models.Model):
    """A parcel of a shipment that a supplier sent, by the carrier's number: no label of ours stands on it. `place`:
    where the supplier names it, from 1."""

    pk = models.CompositePrimaryKey("shipment_id", "tracking")
    shipment_id = models.UUIDField()
    tracking = models.TextField()
    company_id = models.SmallIntegerField()
    place = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "tracking"], name="shipping_parcel_by_tracking")]
        constraints = [models.CheckConstraint(name="shipping_parcel_numbered", condition=~Q(tracking=""))]
        triggers = imprinted_when_sealed("shipment", "shipment_id")


class Consignment(models.Model):
    """A packed fulfillment whose labels are bought before it leaves: the shipment that it will be, by its id and
    number, with the service chosen and why. When it leaves, that stands with the shipment, and here no more."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    fulfillment_id = models.UUIDField()
    node_id = models.UUIDField()
    state = models.TextField()
    carrier = models.TextField()
    service_id = models.UUIDField()
    zone = models.TextField(db_default="")
    cost_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reasons = models.JSONField(default=dict)
    reason = models.TextField(db_default="")  # why it goes with the service that was named
    asked_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id"], name="shipping_consignment_waits", condition=Q(state="labeling")
            ),
            models.Index(fields=["order_id"], name="shipping_consignment_of_order"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="shipping_consignment_number_once"),
            models.UniqueConstraint(
                fields=["fulfillment_id"], name="shipping_consignment_one_per_fulfillment"
            ),
            models.CheckConstraint(
                name="shipping_consignment_known", condition=Q(state__in=states.CONSIGNMENT.states)
            ),
            models.CheckConstraint(
                name="shipping_consignment_cost_not_negative", condition=Q(cost_minor__gte=0)
            ),
        ]


class Label(models.Model):
    """What stands on a package for the carrier: its tracking number. `awaited`: it is to be bought, and its package
    stands here until then; `manifested`: the carrier was told of it. `missed_at`: the cut-off of the first collection
    that it should have gone with, and did not."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    shipment_id = models.UUIDField()
    package_id = models.UUIDField()
    node_id = models.UUIDField()
    carrier = models.TextField(default="")
    tracking = models.TextField()
    weight_g = models.IntegerField()
    state = models.TextField()
    printed_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    manifest_id = models.UUIDField(null=True)
    missed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["shipment_id"], name="shipping_label_of_shipment"),
            models.Index(fields=["company_id", "tracking"], name="shipping_label_by_tracking"),
            models.Index(
                fields=["company_id", "node_id", "carrier"],
                name="shipping_label_waits",
                condition=Q(state="printed"),
            ),
            models.Index(
                fields=["manifest_id"],
                name="shipping_label_of_manifest",
                condition=Q(manifest_id__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["package_id"], name="shipping_label_one_in_force", condition=~Q(state="voided")
            ),
            models.CheckConstraint(
                name="shipping_label_state_as_its_facts",
                condition=Q(
                    state__in=["awaited", "printed"], voided_at__isnull=True, manifest_id__isnull=True
                )
                | Q(state="voided", voided_at__isnull=False, manifest_id__isnull=True)
                | Q(state="manifested", voided_at__isnull=True, manifest_id__isnull=False),
            ),
        ]


class Number(models.Model):
    """A carrier's number, and the one shipment on whose parcel it stands since `given_at`. Carriers give numbers again
    after months: then another may take it."""

    pk = models.CompositePrimaryKey("company_id", "carrier", "tracking")
    company_id = models.SmallIntegerField()
    carrier = models.TextField()
    tracking = models.TextField()
    shipment_id = models.UUIDField()
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="shipping_number_is_one", condition=~Q(tracking=""))]


class CarrierEvent(models.Model):
    """What a carrier said that happened to a parcel, once however often it says so."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    shipment_id = models.UUIDField()
    source = models.TextField()
    name = models.TextField()
    tracking = models.TextField()
    kind = models.TextField()
    message = models.TextField(default="")
    place = models.TextField(default="")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        db_table = "shipping_carrierevent"
        indexes = [models.Index(fields=["shipment_id", "occurred_at"], name="shipping_carrierevent_of")]
        constraints = [
            models.UniqueConstraint(
                fields=["shipment_id", "source", "name"], name="shipping_carrierevent_once"
            ),
            models.CheckConstraint(
                name="shipping_carrierevent_kind_known", condition=Q(kind__in=EVENT_KINDS)
            ),
        ]


class Manifest(models.Model):
    """The labels that one carrier collects at one node, closed at the end of its day; but those that were taken off it,
    since the carrier left their parcels here."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    node_id = models.UUIDField()
    carrier = models.TextField(default="")
    labels = models.IntegerField()
    weight_g = models.BigIntegerField()
    closed_at = models.DateTimeField()
    closed_by = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="shipping_manifest_number_once"),
            models.CheckConstraint(
                name="shipping_manifest_of_no_fewer_than_none", condition=Q(labels__gte=0)
            ),
        ]


class ManifestForm(models.Model):
    """What an adapter made of the labels of a manifest that were bought of it: the paper of their carrier, at `url`."""

    pk = models.CompositePrimaryKey("manifest_id", "source")
    manifest_id = models.UUIDField()
    source = models.TextField()
    company_id = models.SmallIntegerField()
    state = models.TextField()
    reference = models.TextField(db_default="")
    url = models.TextField(db_default="")
    problem = models.TextField(db_default="")

    class Meta:
        db_table = "shipping_manifestform"
        constraints = [
            models.CheckConstraint(
                name="shipping_manifestform_known", condition=Q(state__in=states.FORM.states)
            ),
            models.CheckConstraint(
                name="shipping_manifestform_made_under_a_name",
                condition=~Q(state__in=["making", "made"]) | ~Q(reference=""),
            ),
        ]


class Transit(models.Model):
    """How many shipments of a service came how many days after its time, by node, zone, and who told that time: its
    table, or the adapter that quoted it for the place."""

    pk = models.CompositePrimaryKey("company_id", "service_id", "node_id", "zone", "timed_by", "slip")
    company_id = models.SmallIntegerField()
    service_id = models.UUIDField()
    node_id = models.UUIDField()
    zone = models.TextField()
    timed_by = models.TextField()
    slip = models.SmallIntegerField()
    shipments = models.IntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="shipping_transit_of_some_shipments", condition=Q(shipments__gt=0))
        ]


class Quote(models.Model):
    """What an adapter said last about sending a fulfillment with a service: a price, or why it gave none.

    `reference` is the adapter's name for the rate, by which a label is bought; `days` what it takes to this place,
    where the adapter says so.
    """

    pk = models.CompositePrimaryKey("fulfillment_id", "service_id")
    fulfillment_id = models.UUIDField()
    service_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    source = models.TextField()
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.TextField(db_default="")
    problem = models.TextField(db_default="")
    quoted_at = models.DateTimeField()
    days = models.SmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="shipping_quote_not_negative", condition=Q(price_minor__gte=0)),
            models.CheckConstraint(name="shipping_quote_within_a_year", condition=Q(days__range=(0, 365))),
        ]


class Purchase(models.Model):
    """A label that is bought of an adapter: asked for, bought under its `reference`, failed, or given back. `in doubt`:
    the adapter was asked, and nobody knows whether it sold it. Where it has a name for a label before that is paid, it
    stands as `reference` from then on."""

    label_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    shipment_id = models.UUIDField()
    source = models.TextField()
    service = models.TextField()
    state = models.TextField()
    reference = models.TextField(db_default="")
    cost_minor = models.BigIntegerField(null=True)
    currency = models.TextField(db_default="")
    label_url = models.TextField(db_default="")
    problem = models.TextField(db_default="")
    on_form = models.BooleanField(db_default=False)  # of a manifest that it was taken off

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="shipping_purchase_known", condition=Q(state__in=states.PURCHASE.states)
            ),
            models.CheckConstraint(
                name="shipping_purchase_bought_under_a_name",
                condition=Q(state__in=["asked", "failed", "in doubt"]) | ~Q(reference=""),
            ),
        ]
        indexes = [
            models.Index(fields=["shipment_id"], name="shipping_purchase_shipment"),
            models.Index(fields=["company_id"], name="shipping_purchase_asked", condition=Q(state="asked")),
        ]


class Claim(models.Model):
    """What a carrier shall pay for a parcel in trouble: claimed, agreed by the carrier, credited. It is about a
    shipment, or about another parcel of an order (`subject_id`, under `tracking`): one by which goods come back, or
    went back to their customer."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    subject_kind = models.TextField(db_default="shipment")
    shipment_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True)
    tracking = models.TextField(db_default="")
    carrier = models.TextField()
    kind = models.TextField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    agreed_minor = models.BigIntegerField(db_default=0)
    credited_minor = models.BigIntegerField(db_default=0)
    state = models.TextField()
    due_on = models.DateField()
    reference = models.TextField(db_default="")
    reason = models.TextField(db_default="")
    opened_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["shipment_id"], name="shipping_claim_of_shipment"),
            models.Index(
                fields=["subject_id"], name="shipping_claim_of_parcel", condition=Q(subject_id__isnull=False)
            ),
            models.Index(
                fields=["order_id"], name="shipping_claim_of_order", condition=Q(order_id__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="shipping_claim_about_one_parcel",
                condition=Q(
                    subject_kind="shipment",
                    shipment_id__isnull=False,
                    subject_id__isnull=True,
                    order_id__isnull=True,
                )
                | Q(
                    subject_kind__in=OTHER_PARCELS,
                    shipment_id__isnull=True,
                    subject_id__isnull=False,
                    order_id__isnull=False,
                )
                & ~Q(tracking=""),
            ),
            models.CheckConstraint(
                name="shipping_claim_known",
                condition=Q(state__in=states.CLAIM.states, kind__in=CLAIMED, amount_minor__gt=0),
            ),
            models.CheckConstraint(
                name="shipping_claim_money_as_its_state",
                condition=Q(state="agreed", agreed_minor__gt=0, credited_minor=0)
                | Q(state="credited", credited_minor__gt=0, agreed_minor=F("credited_minor"))
                | Q(state__in=["open", "filed", "refused", "dropped"], agreed_minor=0, credited_minor=0),
            ),
        ]


class Reshipment(models.Model):
    """The order by which the goods of a shipment are sent again, at no charge."""

    shipment_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField(unique=True)
    reason = models.TextField()
    placed_at = models.DateTimeField()


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("shipping_carrierevent", "message", "place", at="t.occurred_at")
forget.notes("shipping_claim", "reference", "reason")
forget.notes("shipping_purchase", "problem")
forget.notes("shipping_manifestform", "problem")
forget.notes("shipping_consignment", "reason", at="t.asked_at")
forget.notes("shipping_reshipment", "reason", at="t.placed_at")
forget.notes("shipping_quote", "problem", at="t.quoted_at")
