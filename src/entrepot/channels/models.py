"""Tables of channels: how the columns of their files are to be read, what they stated, what differs from us, files of
orders that the worker takes in, and webhooks, by which programs are told of events."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from entrepot.channels import rules
from entrepot.channels.statements.stated import KINDS
from entrepot.channels.states import DIFFERENCE, FILE_IMPORT, ORDER_DOCUMENT, WEBHOOK
from entrepot.kernel import forget


class Mapping(models.Model):
    """Which column of a channel's files holds which field of an order, remembered from one file to the next."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    name = models.TextField()
    columns = models.JSONField()  # field → header
    sheet = models.TextField(db_default="")  # of workbooks; '': the first that can hold orders
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


class FileImport(models.Model):
    """A file of orders with many rows: read by the worker, then tried or placed in batches, until it is through or
    withdrawn. What it holds is kept until it is read, and no longer."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    name = models.TextField()  # of the file
    tries = models.BooleanField()  # carried out and undone
    content = models.BinaryField(null=True)  # until it is read
    chosen = models.JSONField(null=True)  # field → header, where somebody chose columns
    sheet = models.TextField(null=True)  # noqa: DJ001  that somebody chose; '': the first that can hold orders
    problem = models.JSONField(null=True)  # why it can't be read: field, what was expected and what was found
    header = models.JSONField()  # this and all below, once it is read
    columns = models.JSONField()  # field → header
    repeated = models.JSONField()  # rows that say the same as an earlier one of their order
    noticed = models.JSONField(
        null=True
    )  # the sheet that was read, those that were not, and columns that it lacks
    rows = models.IntegerField()  # that were read so far
    orders = models.IntegerField()  # with those that have a fault
    wanted = models.IntegerField()  # without a fault
    done = models.IntegerField(db_default=0)  # of those that are wanted
    placed = models.IntegerField(db_default=0)
    duplicates = models.IntegerField(db_default=0)
    held = models.IntegerField(db_default=0)
    totals = models.JSONField()  # currency → minor units of those that are new
    state = models.TextField(db_default=FILE_IMPORT.initial)  # states.FILE_IMPORT
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["company_id", "id"], name="channels_fileimport_latest")]
        constraints = [
            models.CheckConstraint(
                name="channels_fileimport_state_known", condition=models.Q(state__in=FILE_IMPORT.states)
            ),
            models.CheckConstraint(
                name="channels_fileimport_ended_has_a_time",
                condition=models.Q(state__in=("reading", "asked"), ended_at__isnull=True)
                | (~models.Q(state__in=("reading", "asked")) & models.Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="channels_fileimport_content_until_read",
                condition=models.Q(state="reading", content__isnull=False)
                | (~models.Q(state="reading") & models.Q(content__isnull=True)),
            ),
            models.CheckConstraint(
                name="channels_fileimport_unreadable_says_why",
                condition=models.Q(state="unreadable", problem__isnull=False)
                | (~models.Q(state="unreadable") & models.Q(problem__isnull=True)),
            ),
            models.CheckConstraint(
                name="channels_fileimport_counts_fit",
                condition=models.Q(
                    done__lte=models.F("wanted"), placed__gte=0, duplicates__gte=0,
                    placed__lte=models.F("done") - models.F("duplicates"),
                ),
            ),
        ]  # fmt: skip


class FileBatch(models.Model):
    """Orders of a file that go through one transaction. What the file says of them, buyers' names and addresses too, is
    kept until that is done or withdrawn, and no longer. Batches 0 and below hold the faults of the file itself."""

    id = models.UUIDField(primary_key=True)
    import_id = models.UUIDField()
    number = models.IntegerField()
    size = models.IntegerField()  # orders, also when what they said is forgotten
    orders = models.JSONField(null=True)
    outcomes = models.JSONField(null=True)
    wrong = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["import_id", "number"],
                name="channels_filebatch_waiting",
                condition=models.Q(orders__isnull=False),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["import_id", "number"], name="channels_filebatch_numbered_once"),
            models.CheckConstraint(
                name="channels_filebatch_done_keeps_no_orders",
                condition=models.Q(orders__isnull=True) | models.Q(outcomes__isnull=True),
            ),
        ]


class SentNotice(models.Model):
    """A notice of a supplier, by his number for it, that goods have left for a customer, and what it was taken as."""

    pk = models.CompositePrimaryKey("company_id", "supplier_id", "external_ref")
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    external_ref = models.TextField()
    number = models.TextField()
    taken_at = models.DateTimeField()

    class Meta:
        db_table = "channels_sentnotice"


class Webhook(models.Model):
    """An address that is told of events. `read_seq`: up to where the log was told; up to `seen_seq` it can be told as
    soon as every transaction before `seen_xid` has ended. Secrets are sealed (`kernel.strongbox`)."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    name = models.TextField()
    url = models.TextField()
    events = ArrayField(models.TextField())
    secret = models.BinaryField()
    former = models.BinaryField(null=True)  # signs beside the new one until then
    former_until = models.DateTimeField(null=True)
    state = models.TextField(db_default=WEBHOOK.initial)  # states.WEBHOOK
    why = models.TextField(db_default="")
    read_seq = models.BigIntegerField()
    seen_seq = models.BigIntegerField()
    seen_xid = models.BigIntegerField(db_default=0)
    opened_at = models.DateTimeField()  # what was given up before counts no more
    made_by = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "name"],
                name="channels_webhook_named_once",
                condition=~models.Q(state="removed"),
            ),
            models.CheckConstraint(
                name="channels_webhook_state_known", condition=models.Q(state__in=WEBHOOK.states)
            ),
            models.CheckConstraint(
                name="channels_webhook_read_is_seen", condition=models.Q(seen_seq__gte=models.F("read_seq"))
            ),
            models.CheckConstraint(
                name="channels_webhook_former_ends",
                condition=models.Q(former__isnull=True) | models.Q(former_until__isnull=False),
            ),
            models.CheckConstraint(
                name="channels_webhook_told_of_something", condition=models.Q(events__len__gte=1)
            ),
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("channels_fileimport", "problem", at="t.asked_at")
forget.notes("channels_difference", "theirs", "ours", "reason", "facts")
forget.notes(
    "channels_filebatch",
    "orders",
    "outcomes",
    "wrong",
    company="(SELECT f.company_id FROM channels_fileimport AS f WHERE f.id = t.import_id)",
)


class OrderDocument(models.Model):
    """A purchase order as it went to its supplier as an X12 document (850), or is taken as a file."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)  # its digits are the control number
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    purpose = models.TextField()  # 00 the first, 05 in its place, 01 cancelled
    content = models.TextField()
    url = models.TextField(db_default="")  # where it is posted; '': it is taken as a file
    state = models.TextField()  # states.ORDER_DOCUMENT
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="")

    class Meta:
        db_table = "channels_orderdocument"
        indexes = [models.Index(fields=["order_id"], name="channels_orderdocument_order")]
        constraints = [
            models.CheckConstraint(
                name="channels_orderdocument_state_known", condition=models.Q(state__in=ORDER_DOCUMENT)
            ),
            models.CheckConstraint(
                name="channels_orderdocument_file_has_no_address",
                condition=models.Q(state="file", url="") | (~models.Q(state="file") & ~models.Q(url="")),
            ),
            models.CheckConstraint(
                name="channels_orderdocument_done_at_some_time",
                condition=models.Q(state__in=["file", "waiting"], done_at__isnull=True)
                | models.Q(state__in=["sent", "failed", "superseded"], done_at__isnull=False),
            ),
        ]
