"""Tables of payments: what was authorized, captured and refunded, each attempt at it, and store credit."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Upper

from entrepot.access.duty_triggers import duty_taken, duty_trigger
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.kernel.seal import watch
from entrepot.payments import rules, states
from entrepot.payments.providers.stripe.amounts import STEPPED

DUTY = "answer×accept"

STATES = ("asked", "authorized", "captured", "part_refunded", "refunded", "voided", "failed")


def _duty(side: str, person: str, when: str) -> str:
    return duty_taken("payments", DUTY, side, "dispute_id", person, when)


class Payment(models.Model):
    """A tender of an order. What is refunded never exceeds what was captured: by constraint, under the row's lock."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    origin_id = models.UUIDField(null=True)  # the order it was captured for, where an exchange passed it on
    provider = models.TextField()
    reference = models.TextField()
    currency = models.TextField()
    authorized_minor = models.BigIntegerField()
    capturing_minor = models.BigIntegerField(db_default=0)  # asked of the provider, not confirmed yet
    captured_minor = models.BigIntegerField(db_default=0)
    refunding_minor = models.BigIntegerField(db_default=0)
    refunded_minor = models.BigIntegerField(db_default=0)
    disputed_minor = models.BigIntegerField(db_default=0)  # charged back and not won
    credited_minor = models.BigIntegerField(
        db_default=0
    )  # of what was captured, given as store credit instead
    prepaid_minor = models.BigIntegerField(db_default=0)  # captured for goods that have not left yet
    state = models.TextField()  # asked, authorized, captured, part_refunded, refunded, voided, failed
    is_hold = models.BooleanField(db_default=False)  # placed by the house: `order_id` is what it secures
    authorized_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="payments_payment_of_order"),
            # Bank statements name orders on account by their customers' references, and pay what was captured for them.
            models.Index(
                "company_id",
                Upper("reference"),
                name="payments_payment_on_account",
                condition=Q(provider="account"),
            ),
            models.Index(
                Coalesce("origin_id", "order_id"),
                name="payments_payment_captured_for",
                condition=Q(provider="account"),
            ),
            # What ends is watched for by its time. Of columns that never change, so that captures stay cheap.
            models.Index(
                fields=["company_id", "expires_at"],
                name="payments_payment_to_end",
                condition=Q(expires_at__isnull=False),
            ),
            # What a provider that takes steps only was asked for is counted by its own reference.
            models.Index(
                fields=["reference"],
                name="payments_payment_in_steps",
                condition=Q(currency__in=STEPPED),
            ),
        ]
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
                    credited_minor__gte=0,
                    captured_minor__gte=F("refunded_minor") + F("refunding_minor") + F("credited_minor"),
                ),
            ),
            models.CheckConstraint(
                name="payments_payment_prepaid_within_captured",
                condition=Q(prepaid_minor__gte=0, captured_minor__gte=F("prepaid_minor")),
            ),
            models.CheckConstraint(
                name="payments_payment_disputed_within_captured",
                condition=Q(disputed_minor__gte=0, captured_minor__gte=F("disputed_minor")),
            ),
            models.CheckConstraint(
                name="payments_payment_state_known",
                condition=Q(state__in=STATES),
            ),
        ]
        # A bank may take what was given back; what a bank disputes is never given back on top.
        triggers = [
            pgtrigger.Trigger(
                name="not_refunded_under_dispute", level=pgtrigger.Row, when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.disputed_minor > 0"
                    " AND NEW.refunded_minor + NEW.refunding_minor + NEW.credited_minor"
                    " > OLD.refunded_minor + OLD.refunding_minor + OLD.credited_minor"
                    " AND NEW.refunded_minor + NEW.refunding_minor + NEW.credited_minor + NEW.disputed_minor"
                    " > NEW.captured_minor"
                ),
                func="RAISE EXCEPTION 'what a bank disputes is not refunded as well' USING ERRCODE = 'check_violation',"
                " CONSTRAINT = 'payments_payment_not_refunded_under_dispute';",
            )
        ]  # fmt: skip


class Attempt(models.Model):
    """One capture, refund or void asked of a provider, and its outcome."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    payment_id = models.UUIDField()
    kind = models.TextField()  # rules.KINDS
    amount_minor = models.BigIntegerField()
    asked_minor = models.BigIntegerField(null=True)  # of a provider that takes steps of a currency only
    state = models.TextField()
    retry_of = models.UUIDField(null=True)  # the failed attempt that this one asks for again
    provider_reference = models.TextField(db_default="")
    error = models.TextField(db_default="")
    occurred_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    bounced_at = models.DateTimeField(null=True)  # of a refund that was done, and came back
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
            # The list of what failed and was not asked for again: a handful of all that was ever asked.
            models.Index(
                fields=["company_id", "id"], name="payments_attempt_failed", condition=Q(state="failed")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="payments_attempt_known",
                condition=Q(kind__in=list(rules.KINDS), state__in=states.ATTEMPT.states),
            ),
            # What failed is asked for again once; what fails again is asked for by its own name.
            models.UniqueConstraint(
                fields=["retry_of"],
                name="payments_attempt_retried_once",
                condition=Q(retry_of__isnull=False),
            ),
        ]
        triggers = imprinted(changes=True)


class Dispute(models.Model):
    """A customer's bank takes a captured amount back: until it is decided, and for good where it is lost. An inquiry
    only asks: nothing was taken."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    payment_id = models.UUIDField()
    provider = models.TextField()
    external_id = models.TextField()
    amount_minor = models.BigIntegerField()  # of what was captured here
    asked_minor = models.BigIntegerField(null=True)  # as its provider told
    state = models.TextField()
    reason = models.TextField(db_default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    is_inquiry = models.BooleanField(db_default=False)
    withdrawn_at = models.DateTimeField(null=True)  # when the bank took the money
    fee_minor = models.BigIntegerField(db_default=0)  # what the provider kept beside it
    fee_returned_minor = models.BigIntegerField(db_default=0)
    due_at = models.DateTimeField(null=True)  # until when the bank listens

    class Meta:
        indexes = [
            models.Index(fields=["payment_id"], name="payments_dispute_of_payment"),
            models.Index(
                fields=["company_id", "due_at"],
                name="payments_dispute_open",
                condition=Q(state__in=states.DISPUTES_OPEN),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "provider", "external_id"], name="payments_dispute_opened_once"
            ),
            models.CheckConstraint(name="payments_dispute_of_some_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="payments_dispute_state_known", condition=Q(state__in=states.DISPUTE.states)
            ),
            models.CheckConstraint(
                name="payments_dispute_fee_of_what_was_taken",
                condition=Q(fee_returned_minor__gte=0, fee_minor__gte=F("fee_returned_minor"))
                & (Q(withdrawn_at__isnull=False) | Q(fee_minor=0)),
            ),
            models.CheckConstraint(
                name="payments_dispute_lost_was_taken",
                condition=~Q(state__in=states.DISPUTES_LOST) | Q(withdrawn_at__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_dispute_inquiry_takes_nothing",
                condition=Q(is_inquiry=False) | Q(withdrawn_at__isnull=True),
            ),
        ]
        triggers = imprinted(changes=True)


class DisputePart(models.Model):
    """What of a dispute is claimed of another payment of its intent than the dispute names: that alone could not bear
    it. Of an inquiry it is allotted anew when the bank takes it."""

    pk = models.CompositePrimaryKey("dispute_id", "payment_id")
    dispute_id = models.UUIDField()
    payment_id = models.UUIDField(db_index=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        db_table = "payments_disputepart"
        constraints = [
            models.CheckConstraint(
                name="payments_disputepart_of_no_less_than_nothing", condition=Q(amount_minor__gte=0)
            )
        ]
        triggers = imprinted(changes=True)


class DisputeAnswer(models.Model):
    """What the house says to a dispute: evidence that is submitted, or that it is accepted. Names and addresses are not
    in it: they are read from the vault when it is sent."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    dispute_id = models.UUIDField(db_index=True)
    kind = models.TextField()  # submit, accept
    state = models.TextField()
    fields = models.JSONField(default=dict)  # of the evidence, by the names that providers use
    note = models.TextField(db_default="")
    needs_another = models.BooleanField(db_default=False)  # too much for one person to accept
    made_by = models.TextField()
    made_at = models.DateTimeField()
    approved_by = models.TextField(db_default="")
    settled_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="")

    class Meta:
        db_table = "payments_disputeanswer"
        constraints = [
            models.CheckConstraint(
                name="payments_disputeanswer_known",
                condition=Q(kind__in=["submit", "accept"], state__in=states.ANSWER.states),
            ),
            models.UniqueConstraint(
                fields=["dispute_id"],
                name="payments_disputeanswer_one_at_a_time",
                condition=Q(state__in=["proposed", "waiting"]),
            ),
            models.CheckConstraint(
                name="payments_disputeanswer_approved_by_another",
                condition=Q(needs_another=False)
                | Q(state__in=["proposed", "withdrawn"])
                | (~Q(approved_by="") & ~Q(approved_by=F("made_by"))),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            duty_trigger(
                "answer_is_a_duty", pgtrigger.Insert,
                _duty("answer", "made_by", "(a.kind = 'submit' OR a.needs_another)"),
            ),
            *(
                duty_trigger(name, operation, _duty("accept", "approved_by", "a.approved_by <> ''"))
                for name, operation in (
                    ("accept_is_a_duty", pgtrigger.Update), ("accept_is_a_duty_at_once", pgtrigger.Insert),
                )
            ),
        ]  # fmt: skip


class Credit(models.Model):
    """The store credit of a customer in a currency: what the house owes, and what of it orders have laid hold of."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    customer_id = models.UUIDField()
    currency = models.TextField()
    balance_minor = models.BigIntegerField(db_default=0)
    held_minor = models.BigIntegerField(db_default=0)  # authorized for orders, not captured yet

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "customer_id", "currency"], name="payments_credit_one_of_a_customer"
            ),
            models.CheckConstraint(
                name="payments_credit_holds_no_more_than_there_is",
                condition=Q(held_minor__gte=0, balance_minor__gte=F("held_minor")),
            ),
        ]


class CreditGrant(models.Model):
    """Store credit given at once: worth what was paid, or a bonus on top of it, until it expires."""

    id = models.UUIDField(primary_key=True)
    credit_id = models.UUIDField(db_index=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    amount_minor = models.BigIntegerField()
    left_minor = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)
    document_id = models.UUIDField()
    granted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "expires_at"],
                name="payments_creditgrant_expiring",
                condition=Q(left_minor__gt=0),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="payments_creditgrant_known", condition=Q(kind__in=["value", "bonus"])
            ),
            models.CheckConstraint(
                name="payments_creditgrant_left_within_the_amount",
                condition=Q(amount_minor__gt=0, left_minor__gte=0, amount_minor__gte=F("left_minor")),
            ),
        ]
        triggers = imprinted(changes=True)


class CreditMove(models.Model):
    """What changed the balance of a store credit, by the grant that it touched: the ledger of the account."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    credit_id = models.UUIDField(db_index=True)
    grant_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    amount_minor = models.BigIntegerField()
    document_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payments_creditmove_has_the_sign_of_its_kind",
                condition=Q(kind__in=["issued", "returned"], amount_minor__gt=0)
                | Q(kind__in=["used", "expired"], amount_minor__lt=0),
            )
        ]
        triggers = append_only()


watch(
    "payments_creditmove",
    "id credit_id grant_id company_id kind amount_minor document_id",
    "occurred_at recorded_at",
    "store credit move",
)

# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("payments_attempt", "error", at="t.asked_at")
forget.notes("payments_disputeanswer", "fields", "note", "error", at="t.made_at")
