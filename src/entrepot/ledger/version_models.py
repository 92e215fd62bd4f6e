"""Tables of the versions of posting rules: what was drafted, by whom and why, and from which day it is in force."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.ledger import states, versions

# A version is drafted, and what it says stands from then on; only its state goes on, and with it day and person.
CHECK_DRAFTED = """
IF EXISTS (SELECT FROM added WHERE state <> 'draft') THEN
    RAISE EXCEPTION 'a version of the posting rules begins as a draft'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_ruleversion_begins_as_a_draft';
END IF;
RETURN NULL;
"""

CHECK_CHANGED = """
IF EXISTS (SELECT FROM was AS w LEFT JOIN added AS a USING (id)
           WHERE a.id IS NULL OR (a.company_id, a.number, a.base, a.reason, a.drafted_by, a.drafted_at)
                                 IS DISTINCT FROM (w.company_id, w.number, w.base, w.reason, w.drafted_by, w.drafted_at)
              OR w.state = 'withdrawn' OR (w.state = 'active' AND a.state = 'draft')
              OR (w.state = 'active' AND a.since IS DISTINCT FROM w.since)) THEN
    RAISE EXCEPTION 'a version of the posting rules stays as it was drafted and decided'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_ruleversion_stands';
END IF;
IF EXISTS (SELECT FROM was AS w JOIN added AS a USING (id) JOIN ledger_period AS p
               ON p.company_id = a.company_id AND p.state = 'closed' AND p.month >= date_trunc('month', a.since)
           WHERE w.state IS DISTINCT FROM a.state AND 'active' IN (w.state, a.state)) THEN
    RAISE EXCEPTION 'the month is closed: its entries were made by the rules of their day'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_ruleversion_month_open';
END IF;
RETURN NULL;
"""


class RuleVersion(models.Model):
    """Changes of posting rules that somebody drafted; in force `since` a day once activated, for good from that day."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    number = models.SmallIntegerField()
    base = models.SmallIntegerField()  # the version over which it was drafted
    state = models.TextField()
    since = models.DateField(null=True)
    reason = models.TextField()
    drafted_by = models.TextField()
    drafted_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(db_default="")

    class Meta:
        db_table = "ledger_ruleversion"
        constraints = [
            models.UniqueConstraint(fields=["company_id", "number"], name="ledger_ruleversion_number"),
            models.CheckConstraint(
                name="ledger_ruleversion_known",
                condition=Q(state__in=states.RULE_VERSION.states, number__gt=versions.FIRST)
                & ~Q(reason="") & ~Q(drafted_by="")
                & (Q(state="draft", since__isnull=True, decided_at__isnull=True, decided_by="")
                   | Q(state="active", since__isnull=False, decided_at__isnull=False) & ~Q(decided_by="")
                   | Q(state="withdrawn", decided_at__isnull=False) & ~Q(decided_by="") & ~Q(note="")),
            ),
            models.CheckConstraint(
                name="ledger_ruleversion_over_an_earlier_one",
                condition=Q(base__gte=versions.FIRST, base__lt=F("number")),
            ),
            models.CheckConstraint(
                name="ledger_ruleversion_activated_by_another_one",
                condition=~Q(state="active") | ~Q(decided_by=F("drafted_by")),
            ),
        ]  # fmt: skip
        triggers = [
            *imprinted(changes=True),
            pgtrigger.Trigger(
                name="begins_as_a_draft", level=pgtrigger.Statement, when=pgtrigger.After,
                operation=pgtrigger.Insert, referencing=pgtrigger.Referencing(new="added"), func=CHECK_DRAFTED,
            ),
            pgtrigger.Trigger(
                name="stands", level=pgtrigger.Statement, when=pgtrigger.After, operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(old="was", new="added"), func=CHECK_CHANGED,
            ),
            *(one for one in append_only() if one.name != "append_only_update"),
        ]  # fmt: skip


# Of the version that drafts it alone: a version in force gets no change behind anybody's back.
CHECK_CHANGES = """
IF EXISTS (SELECT FROM added AS a LEFT JOIN ledger_ruleversion AS v ON v.id = a.version_id
           WHERE v.state IS DISTINCT FROM 'draft') THEN
    RAISE EXCEPTION 'posting rules are changed by a draft'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_rulechange_of_a_draft';
END IF;
IF EXISTS (SELECT FROM added AS a JOIN ledger_ruleversion AS v ON v.id = a.version_id
           WHERE NOT EXISTS (SELECT FROM ledger_rule AS r
                             WHERE r.company_id = v.company_id AND r.event = a.event AND r.kind = a.kind)
              OR 2 <> (SELECT count(*) FROM ledger_account AS c
                       WHERE c.company_id = v.company_id AND c.code IN (a.debit, a.credit))) THEN
    RAISE EXCEPTION 'a change is of a rule that there is, and names two accounts of the chart'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_rulechange_of_the_chart';
END IF;
RETURN NULL;
"""


class RuleChange(models.Model):
    """Where a version has an amount of a kind go when an event happens, for a reason or for any; never changed."""

    append_only = True

    pk = models.CompositePrimaryKey("version_id", "event", "kind", "reason")
    version_id = models.UUIDField()
    event = models.TextField()
    kind = models.TextField()
    reason = models.TextField(db_default="")  # of what happened; none: whatever it is
    debit = models.IntegerField()
    credit = models.IntegerField()

    class Meta:
        db_table = "ledger_rulechange"
        constraints = [
            models.CheckConstraint(name="ledger_rulechange_of_two_accounts", condition=~Q(debit=F("credit")))
        ]
        triggers = [
            *append_only(),
            *imprinted(),
            pgtrigger.Trigger(
                name="of_a_draft", level=pgtrigger.Statement, when=pgtrigger.After, operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"), func=CHECK_CHANGES,
            ),
        ]  # fmt: skip
