"""Tables of what is suspected of returns, and what was decided about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import fraud, states


class Judgment(models.Model):
    """Whether a return was suspicious, and what a person decided. `tier`, `country` and the channel are as they were
    then: by them it can be seen whom the rules hit."""

    return_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    tier = models.TextField(default="", db_default="")
    country = models.TextField(default="", db_default="")
    state = models.TextField()
    policy_version = models.IntegerField()
    judged_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "judged_at"], name="returns_judgment_lately"),
            models.Index(
                fields=["company_id", "opened_at"], name="returns_judgment_waits", condition=Q(state="open")
            ),
        ]
        constraints = [
            models.CheckConstraint(name="returns_judgment_known", condition=Q(state__in=states.FRAUD.states)),
            models.CheckConstraint(
                name="returns_judgment_opened_at_some_time",
                condition=Q(state="clean", opened_at__isnull=True)
                | (~Q(state="clean") & Q(opened_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="returns_judgment_decided_by_someone_for_a_reason",
                condition=Q(state__in=["clean", "open"], decided_by="", decided_at__isnull=True)
                | (
                    Q(state__in=["cleared", "confirmed"], decided_at__isnull=False)
                    & ~Q(decided_by="")
                    & ~Q(note="")
                ),
            ),
        ]
        triggers = imprinted(changes=True)


class Suspicion(models.Model):
    """What a rule found of a return, with the facts that it saw. The first that a rule finds stands."""

    append_only = True

    pk = models.CompositePrimaryKey("return_id", "rule")
    return_id = models.UUIDField()
    rule = models.TextField()
    stage = models.TextField()
    mode = models.TextField()
    reason = models.TextField()
    facts = models.JSONField()
    policy_version = models.IntegerField()
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_suspicion_known",
                condition=Q(rule__in=fraud.RULES, stage__in=list(fraud.STAGES), mode__in=["enforce", "warn"]),
            )
        ]
        triggers = append_only()


class Mark(models.Model):
    """A keyed hash of an address, mail address or telephone of the order that a return is of, where the policy compares
    customers. Gone with the person, and when no policy can ask for it any more."""

    pk = models.CompositePrimaryKey("return_id", "fingerprint")
    return_id = models.UUIDField()
    fingerprint = models.TextField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField(db_index=True)
    who = (
        models.TextField()
    )  # the customer's id; of guests the fingerprint of the mailbox, else the order's id
    asked_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["fingerprint", "asked_at"], name="returns_mark_lately"),
            models.Index(fields=["company_id", "asked_at"], name="returns_mark_asked"),
        ]
