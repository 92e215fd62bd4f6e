"""Tables of journal entries that people enter: each waits for another person before it is posted."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from entrepot.access.duty_triggers import duty_taken, duty_trigger
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.ledger import manual, states

APPROVED = duty_taken("ledger", manual.DUTY, "approve", "id", "decided_by", "a.state = 'posted'")


class ManualEntry(models.Model):
    """An entry as somebody entered it (`JE-`); once another person approved it, it is `posted_as` an entry of the
    journal."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    on_date = models.DateField()
    currency = models.TextField()
    rate = models.DecimalField(
        max_digits=18, decimal_places=9, null=True
    )  # where it is not the company's currency
    reason = models.TextField()
    reference = models.TextField(db_default="")
    reverses_id = models.UUIDField(null=True)
    state = models.TextField()
    entered_by = models.TextField()
    entered_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(db_default="")
    posted_as = models.UUIDField(null=True)

    class Meta:
        db_table = "ledger_manualentry"
        indexes = [
            models.Index(fields=["company_id", "-id"], name="ledger_manualentry_newest"),
            models.Index(
                fields=["company_id", "on_date"],
                name="ledger_manualentry_waiting",
                condition=Q(state="waiting"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["reverses_id"], name="ledger_manualentry_reversed_once", condition=~Q(state="rejected")
            ),
            models.CheckConstraint(
                name="ledger_manualentry_known",
                condition=Q(kind__in=manual.KINDS, state__in=states.MANUAL_ENTRY.states)
                & ~Q(reason="") & ~Q(entered_by="") & (Q(rate__isnull=True) | Q(rate__gt=0))
                & (Q(state="posted", posted_as__isnull=False, decided_at__isnull=False)
                   | Q(state="rejected", posted_as__isnull=True, decided_at__isnull=False) & ~Q(note="")
                   | Q(state="waiting", posted_as__isnull=True, decided_at__isnull=True)),
            ),
        ]  # fmt: skip
        triggers = [
            *imprinted(changes=True),
            duty_trigger(
                "enter_is_a_duty", pgtrigger.Insert,
                duty_taken("ledger", manual.DUTY, "enter", "id", "entered_by"),
            ),
            *(duty_trigger(name, operation, APPROVED) for name, operation in (
                ("approve_is_a_duty", pgtrigger.Update), ("posted_at_once_is_a_duty", pgtrigger.Insert),
            )),
        ]  # fmt: skip


CHECK_LINES = """
IF EXISTS (SELECT FROM added GROUP BY manual_id
           HAVING sum(amount_minor) <> 0 OR min(number) <> 1 OR max(number) <> count(*) OR count(*) < 2) THEN
    RAISE EXCEPTION 'a journal entry must be entered whole and balanced'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_manualline_balances';
END IF;
RETURN NULL;
"""


class ManualLine(models.Model):
    """A line of such an entry, debit above zero; never changed."""

    append_only = True

    pk = models.CompositePrimaryKey("manual_id", "number")
    manual_id = models.UUIDField()
    number = models.SmallIntegerField()
    account = models.IntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        db_table = "ledger_manualline"
        constraints = [
            models.CheckConstraint(name="ledger_manualline_of_something", condition=~Q(amount_minor=0))
        ]
        triggers = [
            *append_only(),
            *imprinted(),
            pgtrigger.Trigger(
                name="lines_balance",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=CHECK_LINES,
            ),
        ]


forget.notes("ledger_manualentry", "reason", "reference", "note", at="t.entered_at")
