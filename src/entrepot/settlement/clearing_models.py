"""Tables of what people say about clearing accounts: what stays open and why, and what is given up."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from entrepot.access.duty_triggers import duty_taken, duty_trigger, duty_triggers
from entrepot.kernel.imprint import imprinted
from entrepot.settlement import clearing, states


class ClearingNote(models.Model):
    """Why a line of a clearing account stays open, until when, and whose it is; until the line is cleared or another
    note says otherwise."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    line_id = models.BigIntegerField()
    code = models.TextField()
    note = models.TextField()
    role = models.TextField()  # whose it is
    due_on = models.DateField()
    noted_by = models.TextField()
    noted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "settlement_clearingnote"
        constraints = [
            models.UniqueConstraint(
                fields=["line_id"], name="settlement_clearingnote_one_counts", condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                name="settlement_clearingnote_says_why",
                condition=Q(code__in=clearing.CODES) & ~Q(note="") & ~Q(noted_by="") & ~Q(role=""),
            ),
        ]  # fmt: skip
        triggers = imprinted(changes=True)


_NOT_ALONE = "a.state = 'posted' AND (a.decided_by <> a.asked_by OR abs(a.home_minor) > a.alone_minor)"
"""What is given up by two people: whoever asked for no more than the row says they may alone posts it themselves."""


class WriteOff(models.Model):
    """What is left of lines of a clearing account, given up: posted at once, or when another person approved it."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    account = models.IntegerField()
    currency = models.TextField()
    amount_minor = models.BigIntegerField()  # what the lines make, debit positive
    home_minor = (
        models.BigIntegerField()
    )  # what they are in the company's currency, with what was given up of them before
    alone_minor = models.BigIntegerField(db_default=0)  # up to what one person alone might give it up
    code = models.TextField()
    reason = models.TextField()
    state = models.TextField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(db_default="")
    match_id = models.UUIDField(null=True)

    class Meta:
        db_table = "settlement_writeoff"
        indexes = [models.Index(fields=["company_id", "-id"], name="settlement_writeoff_newest")]
        constraints = [
            models.CheckConstraint(
                name="settlement_writeoff_known",
                condition=Q(code__in=clearing.CODES, state__in=states.WRITE_OFF.states)
                & ~Q(amount_minor=0) & ~Q(reason="") & ~Q(asked_by="")
                & (Q(state="posted", match_id__isnull=False, decided_at__isnull=False)
                   | Q(state="declined", match_id__isnull=True, decided_at__isnull=False)
                   | Q(state="waiting", match_id__isnull=True, decided_at__isnull=True)),
            )
        ]  # fmt: skip
        triggers = [
            *imprinted(changes=True),
            duty_trigger(
                "enter_is_a_duty", pgtrigger.Insert,
                duty_taken("settlement", clearing.DUTY, "enter", "id", "asked_by"),
            ),
            *duty_triggers(
                "approve_is_a_duty",
                duty_taken("settlement", clearing.DUTY, "approve", "id", "decided_by", _NOT_ALONE),
            ),
        ]  # fmt: skip


class WriteOffPart(models.Model):
    """What of a line is to be matched with what is written off."""

    pk = models.CompositePrimaryKey("write_off_id", "line_id")
    write_off_id = models.UUIDField()
    line_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        db_table = "settlement_writeoffpart"
        constraints = [
            models.CheckConstraint(name="settlement_writeoffpart_of_something", condition=~Q(amount_minor=0))
        ]
        triggers = imprinted(changes=True)
