"""Tables of what is given for returned goods: refunds by line, what goods are exchanged for, and the limits on both."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import by_another_trigger, duty_taken, duty_trigger
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import rules, states

GIVEN_ALONE = """
CASE WHEN f.state IN ('waiting', 'rejected') OR f.decided_by <> '' THEN 0
     WHEN f.outcome <> 'exchange' THEN f.total_minor
     WHEN x.state = 'settled' THEN f.total_minor - f.applied_minor
     ELSE GREATEST(f.total_minor - x.total_minor, 0) END
"""
"""What of a refund `f` is given without another person, where `x` is the exchange that it pays for: of that, what is
given back."""

_ABOVE = """
RAISE EXCEPTION 'more is given of a return than one person may give alone'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'returns_refund_limit_of_the_return';"""
_TOO_MUCH = f"""
(SELECT sum({GIVEN_ALONE}) FROM returns_refund AS f LEFT JOIN returns_exchange AS x ON x.refund_id = f.id
 WHERE f.return_id = a.return_id) > a.approve_above_minor"""
_ALONE = "a.decided_by = '' AND a.state NOT IN ('waiting', 'rejected')"

# The return is locked before its sum is taken, so that of two who give at once the later sees what the first gave.
_GIVEN = """
PERFORM 1 FROM returns_return
WHERE id IN (SELECT a.return_id FROM {given}) ORDER BY id FOR NO KEY UPDATE;
IF EXISTS (SELECT FROM {given} AND {too_much}) THEN {above} END IF;
RETURN NULL;
"""
_NOW = f"""added AS a {{before}}
WHERE a.approve_above_minor IS NOT NULL AND a.outcome <> 'exchange' AND a.total_minor > 0 AND {_ALONE}"""
# What was within the limit when it was given stays so when another limit is in force.
_NOT_BEFORE = """
JOIN gone AS g ON g.id = a.id
 AND (g.state IN ('waiting', 'rejected') OR g.decided_by <> '' OR g.outcome = 'exchange'
      OR g.total_minor < a.total_minor OR g.return_id <> a.return_id
      OR g.approve_above_minor IS DISTINCT FROM a.approve_above_minor)"""

# What an exchange was agreed to give back was within the limit of then: more than that is held to the limit.
_SWAPPED = f"""
PERFORM 1 FROM returns_return WHERE id = NEW.return_id FOR NO KEY UPDATE;
IF EXISTS (SELECT FROM returns_refund AS a
           WHERE a.id = NEW.refund_id AND a.outcome = 'exchange' AND {_ALONE}
             AND a.total_minor - CASE WHEN NEW.state = 'settled' THEN a.applied_minor ELSE NEW.total_minor END
               > CASE WHEN OLD.state = 'agreed' THEN GREATEST(a.total_minor - OLD.total_minor, 0) ELSE 0 END
             AND {_TOO_MUCH}) THEN {_ABOVE} END IF;
RETURN NULL;
"""
_LESS_APPLIED = f"""added AS a
JOIN gone AS g ON g.id = a.id AND g.outcome = 'exchange' AND g.applied_minor > a.applied_minor
JOIN returns_exchange AS e ON e.refund_id = a.id AND e.state = 'settled'
WHERE a.outcome = 'exchange' AND {_ALONE}"""

_DECIDED = """
IF EXISTS (SELECT FROM added AS a JOIN returns_judgment AS j ON j.return_id = a.return_id {before}
           WHERE a.state IN ('approved', 'paid') AND j.state IN ('open', 'confirmed'))
THEN
    RAISE EXCEPTION 'nothing is refunded of a return under review for fraud'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'returns_refund_waits_for_review';
END IF;
RETURN NULL;
"""
# What was decided before the suspicion goes its way.
_UNDECIDED_BEFORE = "JOIN gone AS g ON g.id = a.id AND g.state IN ('waiting', 'agreed')"


def _review_triggers() -> list[pgtrigger.Trigger]:
    return [
        pgtrigger.Trigger(
            name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation,
            referencing=pgtrigger.Referencing(new="added", old=old), func=_DECIDED.format(before=before),
        )
        for name, operation, old, before in (
            ("waits_for_review", pgtrigger.Insert, None, ""),
            ("waits_for_review_later", pgtrigger.Update, "gone", _UNDECIDED_BEFORE),
        )
    ]  # fmt: skip


def _limit_triggers() -> list[pgtrigger.Trigger]:
    return [
        pgtrigger.Trigger(
            name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation,
            referencing=pgtrigger.Referencing(new="added", old=old),
            func=_GIVEN.format(given=given, too_much=_TOO_MUCH, above=_ABOVE),
        )
        for name, operation, old, given in (
            ("within_the_limit", pgtrigger.Insert, None, _NOW.format(before="")),
            ("within_the_limit_later", pgtrigger.Update, "gone", _NOW.format(before=_NOT_BEFORE)),
            ("applies_within_the_limit", pgtrigger.Update, "gone", _LESS_APPLIED),
        )
    ]  # fmt: skip


class Refund(models.Model):
    """Money for units of a return: from the frozen amounts, with the reasons; above a limit approved by another."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    order_id = models.UUIDField()
    currency = models.CharField(max_length=3)
    state = models.TextField()
    goods_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()  # with the tax in it
    fee_tax_minor = models.BigIntegerField(default=0, db_default=0)
    flat_fee_minor = models.BigIntegerField(
        default=0, db_default=0
    )  # of the fee, what is kept once of a return
    clawback_minor = models.BigIntegerField(
        default=0, db_default=0
    )  # for lost promotions, with the tax in it
    clawback_tax_minor = models.BigIntegerField(default=0, db_default=0)
    adjustment_minor = models.BigIntegerField(default=0, db_default=0)
    adjustment_reason = models.TextField(default="", db_default="")
    total_minor = models.BigIntegerField()
    outcome = models.TextField(default="money", db_default="money")
    applied_minor = models.BigIntegerField(
        default=0, db_default=0
    )  # of the total, what is no money: given as store credit, or paid for a replacement with
    bonus_minor = models.BigIntegerField(default=0, db_default=0)  # given beside the total as store credit
    approve_above_minor = models.BigIntegerField(null=True)
    reasons = models.JSONField(default=list)
    steps = models.JSONField(default=list, db_default=[])  # the derivation of the total: what, minor, why
    policy_version = models.IntegerField()
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="returns_refund_of_order"),
            models.Index(
                fields=["company_id", "id"], name="returns_refund_waits", condition=Q(state="waiting")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="returns_refund_number_once"),
            models.CheckConstraint(
                name="returns_refund_total_is_the_sum_of_its_parts",
                condition=Q(
                    total_minor=F("goods_minor")
                    + F("shipping_minor")
                    + F("tax_minor")
                    - F("fee_minor")
                    - F("clawback_minor")
                    + F("adjustment_minor")
                ),
            ),
            models.CheckConstraint(
                name="returns_refund_flat_fee_within_the_fee",
                condition=Q(flat_fee_minor__gte=0, fee_minor__gte=F("flat_fee_minor")),
            ),
            models.CheckConstraint(
                name="returns_refund_known",
                condition=Q(state__in=states.REFUND.states, outcome__in=rules.GIVEN, total_minor__gte=0),
            ),
            models.CheckConstraint(
                name="returns_refund_applied_within_the_total",
                condition=Q(applied_minor__gte=0, bonus_minor__gte=0, total_minor__gte=F("applied_minor"))
                & (~Q(outcome="money") | Q(applied_minor=0, bonus_minor=0)),
            ),
            models.CheckConstraint(
                name="returns_refund_adjusted_for_a_reason",
                condition=Q(adjustment_minor=0) | ~Q(adjustment_reason=""),
            ),
            models.CheckConstraint(
                name="returns_refund_decided_by_another",
                condition=Q(decided_by="") | Q(state="rejected") | ~Q(decided_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="returns_refund_above_the_limit_decided_by_someone",
                condition=Q(approve_above_minor__isnull=True)
                | Q(total_minor__lte=F("approve_above_minor"))
                | Q(state="waiting")
                | Q(outcome="exchange")  # of which no more than what is given back counts
                | ~Q(decided_by=""),
            ),
        ]
        triggers = [
            duty_trigger(
                f"{name}_is_a_duty", operation,
                duty_taken(
                    "returns", rules.DUTY, "approve", "return_id", "decided_by",
                    "a.decided_by <> '' AND a.state <> 'rejected'",
                ),
            )
            for name, operation in (("approve", pgtrigger.Insert), ("approve_later", pgtrigger.Update))
        ] + [
            by_another_trigger(
                name, operation, "returns", "sell×credit",
                # Of a cancelled replacement it is a refund of another order than its return.
                "ANY(ARRAY[a.order_id, (SELECT order_id FROM returns_return WHERE id = a.return_id)])", "decided_by",
                when="a.state <> 'rejected'", told_by=("id", "return_id", "order_id", "decided_by"),
            )
            for name, operation in (
                ("seller_does_not_approve", pgtrigger.Insert), ("seller_does_not_approve_later", pgtrigger.Update),
            )
        ] + _review_triggers() + _limit_triggers() + imprinted(changes=True)  # fmt: skip


class RefundLine(models.Model):
    """Units of a return line that a refund is for, and their part of the frozen amounts."""

    append_only = True

    pk = models.CompositePrimaryKey("refund_id", "return_line_id")
    refund_id = models.UUIDField()
    return_line_id = models.UUIDField()
    units = models.IntegerField()
    goods_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="returns_refundline_of_units_or_shipping",
                condition=Q(units__gt=0)
                | Q(units=0, goods_minor=0, tax_minor=0, fee_minor=0, shipping_minor__gt=0),
            )
        ]
        triggers = append_only() + imprinted()


class Exchange(models.Model):
    """What replaces units of a return line, under the key of the refund that pays for it."""

    refund_id = models.UUIDField(primary_key=True)
    return_id = models.UUIDField(db_index=True)
    return_line_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    quantity = models.IntegerField()
    sku_id = models.UUIDField()
    sku_code = models.TextField()
    even = models.BooleanField()  # at the price as sold
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    discount_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()  # what the replacement costs
    send_at = models.TextField()
    replacement_id = models.UUIDField(null=True)  # the order, once it is placed
    state = models.TextField()
    reason = models.TextField(default="", db_default="")
    agreed_by = models.TextField()
    agreed_at = models.DateTimeField()
    due_at = models.DateTimeField()  # what it is for must have come by then
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="returns_exchange_open", condition=Q(state="agreed")),
            models.Index(fields=["replacement_id"], name="returns_exchange_of_order"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["replacement_id"], name="returns_exchange_of_one_order"),
            models.CheckConstraint(
                name="returns_exchange_known",
                condition=Q(
                    state__in=states.EXCHANGE.states,
                    send_at__in=rules.SEND_AT,
                    quantity__gt=0,
                    total_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="returns_exchange_settled_with_an_order",
                condition=~Q(state="settled") | Q(replacement_id__isnull=False, settled_at__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="gives_back_within_the_limit", level=pgtrigger.Row, when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("total_minor", "state"), func=_SWAPPED,
            ),
            *imprinted(changes=True),
        ]  # fmt: skip
