"""Tables of the money ledger: accounts, posting rules, journal, balances, valuation, periods, rates."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.kernel.seal import watch
from entrepot.ledger import chart, exchange, layers, measuring
from entrepot.ledger.clearing_models import (  # noqa: F401  Django looks for tables here
    TAKE_ITEMS,
    ClearingItem,
    Match,
    MatchPart,
)
from entrepot.ledger.manual_models import ManualEntry, ManualLine  # noqa: F401
from entrepot.ledger.version_models import RuleChange, RuleVersion  # noqa: F401


class Account(models.Model):
    """An account of a company's chart. A clearing account must reach zero or say why. `role`: the standard account that
    it counts as; `external`: its number in the chart of whoever the books are handed to."""

    pk = models.CompositePrimaryKey("company_id", "code")
    company_id = models.SmallIntegerField()
    code = models.IntegerField()
    name = models.TextField()
    type = models.TextField()  # asset, liability, equity, income, expense
    clearing = models.BooleanField(default=False)
    role = models.IntegerField(null=True)
    external = models.TextField(db_default="")
    closed = models.BooleanField(db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_account_type_known",
                condition=Q(type__in=["asset", "liability", "equity", "income", "expense"]),
            ),
            models.CheckConstraint(
                name="ledger_account_standard_one_is_itself",
                condition=Q(code__gte=chart.OWN_MIN) | Q(role__isnull=False, role=F("code")),
            ),
            models.CheckConstraint(
                name="ledger_account_stands_for_results",
                condition=Q(role__isnull=True) | Q(role=F("code")) | Q(type__in=chart.RESULTS),
            ),
        ]
        triggers = imprinted(changes=True)


class Rule(models.Model):
    """A posting rule as the books opened with it, or as a release added it: the accounts that an amount of a kind goes
    to when an event happens. Versions change them from a day on (`version_models.py`)."""

    pk = models.CompositePrimaryKey("company_id", "event", "kind")
    company_id = models.SmallIntegerField()
    event = models.TextField()
    kind = models.TextField()
    debit = models.IntegerField()
    credit = models.IntegerField()

    class Meta:
        triggers = imprinted(changes=True)


class Period(models.Model):
    """A month whose books are closed, for good. A month without a row is open."""

    append_only = True

    pk = models.CompositePrimaryKey("company_id", "month")
    company_id = models.SmallIntegerField()
    month = models.DateField()
    state = models.TextField()  # open, closed
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_period_state_known", condition=Q(state__in=["open", "closed"])
            ),
            models.CheckConstraint(name="ledger_period_is_a_month", condition=Q(month__day=1)),
        ]
        triggers = append_only() + imprinted()


CHECK_ENTRIES = """
-- Shared by postings, exclusive for closing a month: none slips into a month that is being closed.
PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger.months', 0));
IF EXISTS (SELECT FROM added GROUP BY entry_id
           HAVING sum(amount_minor) <> 0 OR sum(functional_minor) <> 0 OR min(number) <> 1 OR max(number) <> count(*)
               OR count(DISTINCT currency) <> 1 OR count(DISTINCT company_id) <> 1) THEN
    RAISE EXCEPTION 'a journal entry must be written whole, balanced, in one currency and company'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_line_entry_balances';
END IF;
-- Else a line could name a day of a closed month and be in a month that nobody closed.
IF EXISTS (SELECT FROM added WHERE month <> date_trunc('month', occurred_at AT TIME ZONE 'UTC')) THEN
    RAISE EXCEPTION 'a line stands in the month of its day'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_line_in_its_month';
END IF;
IF EXISTS (SELECT FROM ledger_period AS p JOIN (SELECT DISTINCT company_id, month FROM added) AS a
           ON a.company_id = p.company_id AND a.month = p.month WHERE p.state = 'closed') THEN
    RAISE EXCEPTION 'the month is closed: post to an open one, with a reference to the closed one'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_line_month_open';
END IF;
IF EXISTS (SELECT FROM ledger_account AS c JOIN added AS a ON a.company_id = c.company_id AND a.account = c.code
           WHERE c.closed) THEN
    RAISE EXCEPTION 'the account is closed: open it again, or post to another one'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_line_account_open';
END IF;
RETURN NULL;
"""


class Line(models.Model):
    """A line of the journal; the lines of an entry share its id and are written by one statement."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    entry_id = models.UUIDField()
    number = models.SmallIntegerField()
    account = models.IntegerField()
    amount_minor = models.BigIntegerField()  # debit positive
    functional_minor = models.BigIntegerField()
    currency = models.TextField()
    kind = models.TextField()
    event = models.TextField()
    document_kind = models.TextField()
    document_id = models.UUIDField()
    month = models.DateField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    # By which it was posted: none for what a person entered. And for what reason, where rules may go by one.
    rule_version = models.SmallIntegerField(null=True)
    reason = models.TextField(null=True)  # noqa: DJ001  one that has none is sealed as before

    class Meta:
        indexes = [
            models.Index(fields=["document_id"], name="ledger_line_of_document"),
            BrinIndex(fields=["occurred_at"], name="ledger_line_occurred"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["entry_id", "number"], name="ledger_line_once_in_its_entry"),
            models.CheckConstraint(name="ledger_line_of_a_month", condition=Q(month__day=1)),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="entries_balance",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=CHECK_ENTRIES,
            ),
            pgtrigger.Trigger(
                name="take_clearing_items",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func=TAKE_ITEMS,
            ),
        ]


_MONTH_OPEN = """
IF EXISTS (SELECT FROM ({rows}) AS r JOIN ledger_period AS p ON p.company_id = r.company_id AND p.month = r.month
           WHERE p.state = 'closed') THEN
    RAISE EXCEPTION 'the month is closed: its balances stand'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balance_month_open';
END IF;
RETURN NULL;
"""


def _month_open() -> list[pgtrigger.Trigger]:
    """Balances of a closed month stand, whoever writes them: what they were and what they shall be is looked at."""
    seen = {"Insert": {"new": "added"}, "Update": {"old": "was", "new": "added"}, "Delete": {"old": "was"}}
    return [
        pgtrigger.Trigger(
            name=f"month_open_{operation}".lower(),
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=getattr(pgtrigger, operation),
            referencing=pgtrigger.Referencing(**names),
            func=_MONTH_OPEN.format(
                rows=" UNION ".join(f"SELECT company_id, month FROM {one}" for one in names.values())
            ),
        )
        for operation, names in seen.items()
    ]


class Balance(models.Model):
    """What was posted to an account in a month: debits and credits in its currency, and in the company's own what both
    make and its debits alone. Split into slots, so that postings at the same time don't queue."""

    pk = models.CompositePrimaryKey("company_id", "account", "month", "currency", "slot")
    company_id = models.SmallIntegerField()
    account = models.IntegerField()
    month = models.DateField()
    currency = models.TextField()
    slot = models.SmallIntegerField()
    debit_minor = models.BigIntegerField()
    credit_minor = models.BigIntegerField()
    functional_minor = models.BigIntegerField()
    functional_debit_minor = models.BigIntegerField(db_default=0)

    class Meta:
        triggers = _month_open()


class Valuation(models.Model):
    """Units and their value at a node, as whole numbers: their average is never rounded nor stored."""

    pk = models.CompositePrimaryKey("company_id", "sku_id", "node_id", "pool")
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    pool = models.TextField()  # stock, transit
    quantity = models.BigIntegerField()
    value_minor = models.BigIntegerField()
    written_minor = models.BigIntegerField(db_default=0)  # by how much it is below cost

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_valuation_not_negative",
                condition=Q(quantity__gte=0, value_minor__gte=0, written_minor__gte=0),
            ),
            models.CheckConstraint(
                name="ledger_valuation_of_nothing_is_nothing",
                condition=Q(quantity__gt=0) | Q(value_minor=0, written_minor=0),
            ),
        ]


class Costing(models.Model):
    """How a company values its stock, from a moment on: the last one counts, the moving average without any. Units and
    value are what stood there when it was chosen."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    method = models.TextField()
    chosen_at = models.DateTimeField()
    chosen_by = models.TextField()
    reason = models.TextField()
    quantity = models.BigIntegerField()
    value_minor = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "-id"], name="ledger_costing_last")]
        constraints = [
            models.CheckConstraint(name="ledger_costing_known", condition=Q(method__in=layers.METHODS))
        ]
        triggers = append_only() + imprinted()


class Layer(models.Model):
    """What is left of units that came to a node together, with their value, where a company values by layers."""

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    pool = models.TextField()  # stock, transit
    acquired_at = models.DateTimeField()
    document_id = models.UUIDField()
    quantity = models.BigIntegerField()
    value_minor = models.BigIntegerField()
    written_minor = models.BigIntegerField(db_default=0)  # by how much it is below cost

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "sku_id", "node_id", "pool", "acquired_at", "id"],
                name="ledger_layer_standing",
                condition=Q(quantity__gt=0),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="ledger_layer_not_negative",
                condition=Q(quantity__gte=0, value_minor__gte=0, written_minor__gte=0),
            ),
            models.CheckConstraint(
                name="ledger_layer_of_nothing_is_nothing",
                condition=Q(quantity__gt=0) | Q(value_minor=0, written_minor=0),
            ),
        ]
        triggers = imprinted(changes=True)


class WriteDown(models.Model):
    """Stock of a SKU at a node brought to what it can still be sold for, or back towards its cost; never changed."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    quantity = models.BigIntegerField()
    unit_minor = models.DecimalField(
        max_digits=18, decimal_places=6
    )  # what a unit brings, less what selling it costs
    before_minor = models.BigIntegerField()
    after_minor = models.BigIntegerField()
    written_minor = models.BigIntegerField()  # below cost since
    reason = models.TextField()
    decided_by = models.TextField()
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "-id"], name="ledger_writedown_last")]
        constraints = [
            models.CheckConstraint(
                name="ledger_writedown_of_something",
                condition=Q(quantity__gt=0, unit_minor__gte=0, written_minor__gte=0, after_minor__gte=0)
                & ~Q(before_minor=F("after_minor")),
            ),
            models.CheckConstraint(name="ledger_writedown_for_a_reason", condition=~Q(reason="")),
        ]
        triggers = append_only() + imprinted()


class Exposure(models.Model):
    """A balance of an account in another currency as it was measured at a moment, with all lines up to then; measured
    as of the same moment again, as it was then."""

    pk = models.CompositePrimaryKey("company_id", "account", "currency", "upto_at")
    company_id = models.SmallIntegerField()
    account = models.IntegerField()
    currency = models.TextField()
    amount_minor = models.BigIntegerField()
    worth_minor = models.BigIntegerField()
    upto_at = models.DateTimeField()  # of what occurred until then, all lines
    upto_id = models.BigIntegerField()  # up to this one

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ledger_exposure_of_a_known_account", condition=Q(account__in=sorted(exchange.MEASURED))
            )
        ]


class Measurement(models.Model):
    """That something was measured as of a moment, whether or not it brought a difference."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    subject = models.TextField()  # currencies, returns
    as_of = models.DateTimeField()
    recorded_by = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "subject", "as_of"], name="ledger_measurement_as_of")]
        constraints = [
            models.CheckConstraint(
                name="ledger_measurement_of_a_known_subject", condition=Q(subject__in=measuring.SUBJECTS)
            )
        ]
        triggers = append_only()


class Rate(models.Model):
    """Units of the company's currency for one unit of another, from a date on."""

    pk = models.CompositePrimaryKey("company_id", "currency", "on_date")
    company_id = models.SmallIntegerField()
    currency = models.TextField()
    on_date = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=9)

    class Meta:
        triggers = imprinted(changes=True)


class RateCorrection(models.Model):
    """A rate that was wrong, and what stands in its place since; what was posted at it stays."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    currency = models.TextField()
    on_date = models.DateField()
    was = models.DecimalField(max_digits=18, decimal_places=9)
    rate = models.DecimalField(max_digits=18, decimal_places=9)
    reason = models.TextField()
    corrected_by = models.TextField()
    corrected_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "-id"], name="ledger_ratecorrection_last")]
        constraints = [
            models.CheckConstraint(name="ledger_ratecorrection_for_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="ledger_ratecorrection_of_a_rate", condition=Q(rate__gt=0) & ~Q(rate=F("was"))
            ),
        ]
        triggers = append_only() + imprinted()


watch(
    "ledger_line",
    "id company_id entry_id number account amount_minor functional_minor currency kind event document_kind document_id",
    "month occurred_at recorded_at",
    "journal line",
    later="rule_version reason",
)
