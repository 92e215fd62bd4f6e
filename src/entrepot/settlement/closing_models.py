"""Tables of the end of a month: the report of a month as it was when it was closed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.settlement.closing import KINDS


class ClosedMonth(models.Model):
    """That the report of a month was kept when it was closed, and by which version of `settlement.closing`: 0 where
    nobody has set one."""

    append_only = True

    pk = models.CompositePrimaryKey("company_id", "month")
    company_id = models.SmallIntegerField()
    month = models.DateField()
    policy_version = models.IntegerField()
    looked_at = models.DateTimeField()

    class Meta:
        db_table = "settlement_closedmonth"
        constraints = [
            models.CheckConstraint(name="settlement_closedmonth_is_a_month", condition=Q(month__day=1))
        ]
        triggers = append_only() + imprinted()


class ClosedCheck(models.Model):
    """What was looked at before a month was closed, and whether it would have stood in the way."""

    append_only = True

    pk = models.CompositePrimaryKey("company_id", "month", "number")
    company_id = models.SmallIntegerField()
    month = models.DateField()
    number = models.IntegerField()
    kind = models.TextField()
    count = models.IntegerField()
    amount_minor = models.BigIntegerField()
    about = models.TextField()
    currency = models.TextField()
    refuses = models.BooleanField()

    class Meta:
        db_table = "settlement_closedcheck"
        constraints = [
            models.CheckConstraint(
                name="settlement_closedcheck_kind_known", condition=Q(kind__in=KINDS, count__gte=0)
            ),
            models.CheckConstraint(
                name="settlement_closedcheck_nothing_stood_in_the_way",
                condition=Q(refuses=False) | Q(count=0),
            ),
        ]
        triggers = append_only() + imprinted()


class ClosedAccount(models.Model):
    """An account as a month left it: what was posted in it, and what it held at its end; debit positive."""

    append_only = True

    pk = models.CompositePrimaryKey("company_id", "month", "account")
    company_id = models.SmallIntegerField()
    month = models.DateField()
    account = models.IntegerField()
    name = models.TextField()
    type = models.TextField()
    clearing = models.BooleanField()
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()
    end_minor = models.BigIntegerField()

    class Meta:
        db_table = "settlement_closedaccount"
        triggers = append_only() + imprinted()


class ClosingTick(models.Model):
    """That somebody has done a task of the end of a month which the policy names, and what they say of it."""

    pk = models.CompositePrimaryKey("company_id", "month", "task")
    company_id = models.SmallIntegerField()
    month = models.DateField()
    task = models.TextField()
    done_by = models.TextField()
    done_at = models.DateTimeField()
    note = models.TextField()

    class Meta:
        db_table = "settlement_closingtick"
        constraints = [
            models.CheckConstraint(name="settlement_closingtick_of_a_month", condition=Q(month__day=1))
        ]
        triggers = imprinted(changes=True)
