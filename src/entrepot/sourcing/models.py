"""Tables of sourcing: why each order was sourced as it was, and what waits for stock."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value

from entrepot.kernel import forget
from entrepot.kernel.models import append_only
from entrepot.kernel.seal import watch


class Decision(models.Model):
    """One decision on one order, with the nodes that were looked at and the reasons."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    profile_version = models.IntegerField()
    outcome = models.TextField()  # allocated, split, part backordered, part cancelled, …
    reasons = models.JSONField()
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="sourcing_decision_of_order")]
        triggers = append_only()


class Backorder(models.Model):
    """Units of an order line that wait for stock; gone when they are allocated or cancelled."""

    line_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    promised_on = models.DateField(null=True)
    pegs = models.JSONField(
        db_default=Value([], models.JSONField())
    )  # what it waits for: (supply line, units, day)
    pegged_at = models.DateTimeField(null=True)
    priority = models.SmallIntegerField()
    ordered_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["sku_id"], name="sourcing_backorder_of_sku"),
            models.Index(fields=["order_id"], name="sourcing_backorder_of_order"),
        ]
        constraints = [
            models.CheckConstraint(name="sourcing_backorder_of_some_units", condition=Q(quantity__gt=0))
        ]


class DropShip(models.Model):
    """Units of an order line that a supplier sends himself. `taken_at`: when purchasing ordered them, or they came back
    without that. The rows stay: they count against what he said that he has."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    supplier_id = models.UUIDField()
    quantity = models.IntegerField()
    lead_days = models.IntegerField()
    passed_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sourcing_dropship"
        indexes = [
            models.Index(
                fields=["order_id"], name="sourcing_dropship_to_order", condition=Q(taken_at__isnull=True)
            ),
            models.Index(fields=["supplier_id", "sku_id", "passed_at"], name="sourcing_dropship_since"),
        ]
        constraints = [
            models.CheckConstraint(
                name="sourcing_dropship_of_some_units", condition=Q(quantity__gt=0, lead_days__gte=0)
            )
        ]


class TransferProposal(models.Model):
    """Units of a SKU that should go from one node to another, with the figures that it comes from.

    A run takes the place of what the run before proposed and nobody has decided on.
    """

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    from_node_id = models.UUIDField()
    to_node_id = models.UUIDField()
    quantity = models.IntegerField()
    cost_minor = models.BigIntegerField()
    value_minor = models.BigIntegerField()
    terms = models.JSONField()
    state = models.TextField()  # proposed, accepted, rejected, sent
    proposed_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(db_default="")
    sent = models.IntegerField(db_default=0)
    transfer_id = models.UUIDField(null=True)

    class Meta:
        db_table = "sourcing_transferproposal"
        indexes = [
            models.Index(fields=["sku_id"], name="sourcing_transferproposal_sku"),
            models.Index(fields=["transfer_id"], name="sourcing_transferproposal_sent"),
            # What is open is a small part of the table, so the index of the list stays small.
            models.Index(
                fields=["company_id", "state", "id"], name="sourcing_transferproposal_open",
                condition=Q(state__in=["proposed", "accepted"]),
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["sku_id", "from_node_id", "to_node_id"],
                name="sourcing_transferproposal_once",
                condition=Q(state="proposed"),
            ),
            models.CheckConstraint(
                name="sourcing_transferproposal_moves_some",
                condition=Q(quantity__gt=0, sent__gte=0, sent__lte=F("quantity"))
                & ~Q(from_node_id=F("to_node_id")),
            ),
            models.CheckConstraint(
                name="sourcing_transferproposal_state_known",
                condition=Q(state__in=["proposed", "accepted", "rejected", "sent"]),
            ),
            models.CheckConstraint(
                name="sourcing_transferproposal_sent_by_transfer",
                condition=Q(state="sent", transfer_id__isnull=False, sent__gt=0)
                | (~Q(state="sent") & Q(transfer_id__isnull=True, sent=0)),
            ),
        ]


class Rejection(models.Model):
    """A node, or a supplier, gave a line back. It is not asked again for it until the rejection is old, or cleared."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    node_id = models.UUIDField()
    quantity = models.IntegerField()
    reason = models.TextField()
    rejected_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["order_id"], name="sourcing_rejection_of_order", condition=Q(cleared_at__isnull=True)
            ),
            models.Index(fields=["company_id", "rejected_at"], name="sourcing_rejection_newest"),
        ]
        constraints = [
            models.CheckConstraint(name="sourcing_rejection_of_some_units", condition=Q(quantity__gt=0))
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("sourcing_rejection", "reason", at="t.rejected_at")
forget.notes("sourcing_transferproposal", "reason")

watch(
    "sourcing_decision",
    "id company_id order_id profile_version outcome reasons",
    "decided_at",
    "sourcing decision",
)
