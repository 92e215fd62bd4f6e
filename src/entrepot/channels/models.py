"""Tables of channels: how the columns of their files are to be read, what they stated, and what differs from us."""

from __future__ import annotations

from django.db import models

from entrepot.channels import rules
from entrepot.channels.statements.stated import KINDS
from entrepot.channels.states import DIFFERENCE


class Mapping(models.Model):
    """Which column of a channel's files holds which field of an order, remembered from one file to the next."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    name = models.TextField()
    columns = models.JSONField()  # field → header
    saved_by = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel_id", "name"], name="channels_mapping_named_once"),
            models.CheckConstraint(name="channels_mapping_has_a_name", condition=~models.Q(name="")),
        ]


class Statement(models.Model):
    """What a channel stated of a period, with the sums of both sides. Its content is not kept, only what differs."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    kind = models.TextField()  # stated.KINDS
    source = models.TextField()
    name = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    stated = models.IntegerField()  # orders or SKUs that they have
    held = models.IntegerField()  # that we have
    stated_sum = models.BigIntegerField()  # minor units in the channel's currency, or units of stock
    held_sum = models.BigIntegerField()
    differing = models.IntegerField()
    taken_by = models.TextField()
    taken_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "id"], name="channels_statement_latest")]
        constraints = [
            models.CheckConstraint(name="channels_statement_kind_known", condition=models.Q(kind__in=KINDS)),
            models.CheckConstraint(
                name="channels_statement_period_has_a_length", condition=models.Q(until__gt=models.F("since"))
            ),
            models.CheckConstraint(
                name="channels_statement_counts_not_negative",
                condition=models.Q(stated__gte=0, held__gte=0, differing__gte=0),
            ),
        ]


class Difference(models.Model):
    """What a channel and we say differently about an order or a SKU: one row while it is not agreed, however many
    statements show it."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    statement_id = models.UUIDField(db_index=True)  # the latest that showed it, or showed that it is gone
    kind = models.TextField()  # rules.KINDS
    name = models.TextField()  # the channel's name of the order, or the SKU
    subject_id = models.UUIDField(null=True)  # the order or SKU here
    message_id = models.UUIDField(
        null=True
    )  # of an order missing here: what the channel says of it, in the inbox
    theirs = models.TextField()
    ours = models.TextField()
    facts = models.JSONField()
    state = models.TextField()  # states.DIFFERENCE
    reason = models.TextField(default="")
    decided_by = models.TextField(default="")
    found_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "id"],
                name="channels_difference_waiting",
                condition=models.Q(state__in=("open", "mended")),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["channel_id", "kind", "name"],
                name="channels_difference_once",
                condition=~models.Q(state="agreed"),
            ),
            models.CheckConstraint(
                name="channels_difference_kind_known", condition=models.Q(kind__in=rules.KINDS)
            ),
            models.CheckConstraint(
                name="channels_difference_state_known", condition=models.Q(state__in=DIFFERENCE.states)
            ),
            models.CheckConstraint(
                name="channels_difference_explained_says_why",
                condition=~models.Q(state="explained") | ~models.Q(reason=""),
            ),
        ]
