"""Tables of payments: what was authorized, captured and refunded, and each attempt at it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.payments import states


class Payment(models.Model):
    """A tender of an order. What is refunded never exceeds what was captured: by constraint, under the row's lock."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    provider = models.TextField()
    reference = models.TextField()
    currency = models.TextField()
    authorized_minor = models.BigIntegerField()
    capturing_minor = models.BigIntegerField(db_default=0)  # asked of the provider, not confirmed yet
    captured_minor = models.BigIntegerField(db_default=0)
    refunding_minor = models.BigIntegerField(db_default=0)
    refunded_minor = models.BigIntegerField(db_default=0)
    disputed_minor = models.BigIntegerField(db_default=0)  # charged back and not won
    state = models.TextField()  # authorized, captured, part_refunded, refunded, voided, failed
    authorized_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="payments_payment_of_order")]
        constraints = [
            models.CheckConstraint(
                name="payments_payment_captured_within_authorized",
                condition=Q(
                    captured_minor__gte=0,
                    capturing_minor__gte=0,
                    authorized_minor__gte=F("captured_minor") + F("capturing_minor"),
                ),
            ),
            models.CheckConstraint(
                name="payments_payment_refunded_within_captured",
                condition=Q(
                    refunded_minor__gte=0,
                    refunding_minor__gte=0,
                    captured_minor__gte=F("refunded_minor") + F("refunding_minor"),
                ),
            ),
            models.CheckConstraint(
                name="payments_payment_disputed_within_captured",
                condition=Q(disputed_minor__gte=0, captured_minor__gte=F("disputed_minor")),
            ),
            models.CheckConstraint(
                name="payments_payment_state_known",
                condition=Q(
                    state__in=["authorized", "captured", "part_refunded", "refunded", "voided", "failed"]
                ),
            ),
        ]


class Attempt(models.Model):
    """One capture, refund or void asked of a provider, and its outcome."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    payment_id = models.UUIDField()
    kind = models.TextField()  # capture, refund, void
    amount_minor = models.BigIntegerField()
    state = models.TextField()
    retry_of = models.UUIDField(null=True)  # the failed attempt that this one asks for again
    provider_reference = models.TextField(db_default="")
    error = models.TextField(db_default="")
    occurred_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    document_id = models.UUIDField(null=True)  # of the room above that asked for it

    class Meta:
        indexes = [
            models.Index(fields=["payment_id"], name="payments_attempt_of_payment"),
            # Payouts name what they pay out by the provider's references.
            models.Index(
                fields=["provider_reference"],
                name="payments_attempt_of_reference",
                condition=~Q(provider_reference=""),
            ),
            models.Index(
                fields=["document_id"],
                name="payments_attempt_of_document",
                condition=Q(document_id__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="payments_attempt_known",
                condition=Q(kind__in=["capture", "refund", "void"], state__in=states.ATTEMPT.states),
            ),
            # What failed is asked for again once; what fails again is asked for by its own name.
            models.UniqueConstraint(
                fields=["retry_of"],
                name="payments_attempt_retried_once",
                condition=Q(retry_of__isnull=False),
            ),
        ]


class Dispute(models.Model):
    """A customer's bank takes a captured amount back: until it is decided, and for good where it is lost."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    payment_id = models.UUIDField()
    provider = models.TextField()
    external_id = models.TextField()
    amount_minor = models.BigIntegerField()
    state = models.TextField()
    reason = models.TextField(db_default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["payment_id"], name="payments_dispute_of_payment")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "provider", "external_id"], name="payments_dispute_opened_once"
            ),
            models.CheckConstraint(name="payments_dispute_of_some_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="payments_dispute_state_known", condition=Q(state__in=states.DISPUTE.states)
            ),
        ]
