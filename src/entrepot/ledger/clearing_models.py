"""Tables of what clearing accounts hold: their journal lines, and which of them are matched with which."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.ledger import clearing

TAKE_ITEMS = """
INSERT INTO ledger_clearingitem (line_id, company_id, account, currency, amount_minor, open_minor, since_at)
SELECT a.id, a.company_id, a.account, a.currency, a.amount_minor, a.amount_minor, a.occurred_at
FROM added AS a JOIN ledger_account AS c ON c.company_id = a.company_id AND c.code = a.account AND c.clearing
WHERE a.amount_minor <> 0;
RETURN NULL;
"""
"""With the line itself, so that what is open is the account's balance at every moment."""

CHECK_MATCHES = """
IF EXISTS (SELECT FROM added GROUP BY match_id HAVING sum(amount_minor) <> 0)
   OR EXISTS (SELECT FROM added AS a JOIN ledger_match AS m ON m.id = a.match_id
              LEFT JOIN ledger_clearingitem AS i ON i.line_id = a.line_id
              WHERE (i.company_id, i.account, i.currency) IS DISTINCT FROM (m.company_id, m.account, m.currency)) THEN
    RAISE EXCEPTION 'a match must be written whole, sum to zero, and be of one account and currency'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_match_balances';
END IF;
RETURN NULL;
"""


class ClearingItem(models.Model):
    """A journal line of a clearing account; `open_minor` is what of it nothing is matched with yet."""

    line_id = models.BigIntegerField(primary_key=True)
    company_id = models.SmallIntegerField()
    account = models.IntegerField()
    currency = models.TextField()
    amount_minor = models.BigIntegerField()  # debit positive
    open_minor = models.BigIntegerField()
    since_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_clearingitem"
        indexes = [
            models.Index(
                fields=["company_id", "account", "line_id"],
                name="ledger_clearingitem_open",
                condition=~Q(open_minor=0),
            ),
            # What is open of an amount, as a line of a bank statement asks for it.
            models.Index(
                fields=["company_id", "account", "currency", "open_minor", "line_id"],
                name="ledger_clearingitem_of_amount",
                condition=~Q(open_minor=0),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="ledger_clearingitem_open_is_a_part",
                condition=Q(amount_minor__gt=0, open_minor__gte=0, open_minor__lte=F("amount_minor"))
                | Q(amount_minor__lt=0, open_minor__lte=0, open_minor__gte=F("amount_minor")),
            )
        ]


class Match(models.Model):
    """Parts of lines of one clearing account that make up zero, and why they belong together; or did, until undone."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    account = models.IntegerField()
    currency = models.TextField()
    how = models.TextField()
    why = models.TextField()
    document_id = models.UUIDField(null=True)  # what a rule found them by
    matched_by = models.TextField()
    matched_at = models.DateTimeField()
    undone_by = models.TextField(db_default="")
    undone_at = models.DateTimeField(null=True)
    undone_why = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index(fields=["company_id", "account", "-id"], name="ledger_match_newest")]
        constraints = [
            models.CheckConstraint(
                name="ledger_match_says_why",
                condition=Q(how__in=clearing.HOW) & ~Q(why="") & ~Q(matched_by="")
                & (Q(undone_at__isnull=True, undone_by="", undone_why="")
                   | Q(undone_at__isnull=False) & ~Q(undone_by="") & ~Q(undone_why="")),
            )
        ]  # fmt: skip
        triggers = imprinted(changes=True)


class MatchPart(models.Model):
    """What of a line is in a match."""

    append_only = True

    pk = models.CompositePrimaryKey("match_id", "line_id")
    match_id = models.UUIDField()
    line_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()

    class Meta:
        db_table = "ledger_matchpart"
        indexes = [models.Index(fields=["line_id"], name="ledger_matchpart_of_line")]
        constraints = [
            models.CheckConstraint(name="ledger_matchpart_of_something", condition=~Q(amount_minor=0))
        ]
        triggers = [
            *imprinted(),
            *append_only(),
            pgtrigger.Trigger(
                name="matches_balance",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=CHECK_MATCHES,
            ),
        ]
