"""Tables of settlement: what providers paid out, line by line, and what each line belongs to."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.settlement import rules, states


class Payout(models.Model):
    """Money that a payment provider sent to the bank, as it reports it."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    provider = models.TextField()
    external_id = models.TextField()
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    state = models.TextField()  # matched, open
    arrived_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "provider", "external_id"], name="settlement_payout_taken_once"
            ),
            models.CheckConstraint(
                name="settlement_payout_adds_up", condition=Q(net_minor=F("gross_minor") - F("fee_minor"))
            ),
            models.CheckConstraint(
                name="settlement_payout_state_known", condition=Q(state__in=["matched", "open"])
            ),
        ]


class PayoutLine(models.Model):
    """A line of a payout: what it brought, and the attempt or dispute that it settles."""

    pk = models.CompositePrimaryKey("payout_id", "number")
    payout_id = models.UUIDField()
    number = models.IntegerField()
    kind = models.TextField()
    reference = models.TextField()
    known_id = models.UUIDField(null=True)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    state = models.TextField()
    difference_minor = models.BigIntegerField(db_default=0)
    reason = models.TextField(db_default="")

    class Meta:
        db_table = "settlement_payoutline"
        constraints = [
            # One line settles a charge; a charge that comes twice is unmatched the second time.
            models.UniqueConstraint(
                fields=["known_id", "kind"],
                name="settlement_payoutline_settles_once",
                condition=Q(known_id__isnull=False),
            ),
            models.CheckConstraint(
                name="settlement_payoutline_known",
                condition=Q(kind__in=list(rules.SIGNS), state__in=states.LINE.states),
            ),
        ]
