"""The kernel's tables: requests, events, ready queues, deliveries, inbox, policies."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.seal import watch


def append_only() -> list[pgtrigger.Trigger]:
    """Triggers with which the database refuses to change, delete or empty rows, whoever asks."""
    return [
        pgtrigger.Trigger(
            name=f"append_only_{operation}".lower(),
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=getattr(pgtrigger, operation),
            func="RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME"
            " USING ERRCODE = 'integrity_constraint_violation';",
        )
        for operation in ("Update", "Delete", "Truncate")
    ]


class Request(models.Model):
    """The answer given to a key: the same key gets it again."""

    append_only = True

    pk = models.CompositePrimaryKey("command", "key")
    command = models.TextField()
    key = models.TextField()
    fingerprint = models.BinaryField()
    answer = models.JSONField()
    at = models.DateTimeField()


class Event(models.Model):
    """What one command did to one document."""

    append_only = True

    seq = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.TextField()
    command = models.TextField()
    company_id = models.SmallIntegerField()
    subject_kind = models.TextField()
    subject_id = models.UUIDField()
    state_before = models.TextField(db_default="")
    state_after = models.TextField(db_default="")
    reason = models.TextField(db_default="")
    payload = models.JSONField(null=True)
    correlation = models.UUIDField()

    class Meta:
        indexes = [
            models.Index(fields=["subject_id", "seq"], name="kernel_event_subject"),
            BrinIndex(fields=["recorded_at"], name="kernel_event_recorded"),
            models.Index(
                fields=["actor", "seq"],
                name="kernel_event_by_a_person",
                condition=~models.Q(actor__startswith="system:"),
            ),
        ]
        triggers = append_only()


class Seal(models.Model):
    """A link of the audit chain: the digest of a run of events, over the digest of the link before."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField(unique=True)
    rows = models.BigIntegerField()
    digest = models.BinaryField()
    leaves = models.BinaryField(
        null=True
    )  # of each row its number from the first, and four bytes of its digest
    sealed_at = models.DateTimeField()

    class Meta:
        triggers = append_only()


class RowSeal(models.Model):
    """A link of the chain of a room's ledger, as `Seal` is of the events'."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    source = models.TextField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    rows = models.BigIntegerField()
    digest = models.BinaryField()
    leaves = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "kernel_rowseal"
        constraints = [
            models.UniqueConstraint(fields=["source", "last_seq"], name="kernel_rowseal_rows_sealed_once")
        ]
        triggers = append_only()


class Imprint(models.Model):
    """What a row of a table of facts was when it was last written, as a digest, and by which role of the database; no
    digest where the row went. Of rows of a hot table that were put in, many together: their keys, and a digest each."""

    append_only = True

    id = models.BigAutoField(primary_key=True)
    source = models.TextField()
    row_key = models.TextField()
    leaf = models.UUIDField(null=True)
    written_by = models.TextField()
    keys = ArrayField(models.UUIDField(), null=True)
    leaves = ArrayField(models.UUIDField(), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="kernel_imprint_of_one_row_or_of_some",
                condition=models.Q(keys__isnull=True, leaves__isnull=True)
                | models.Q(keys__isnull=False, leaves__isnull=False, row_key="", leaf__isnull=True),
            )
        ]
        triggers = append_only()


watch("kernel_imprint", "id source row_key leaf written_by", "", "imprint", later="keys leaves")


class Ready(models.Model):
    """A subject that waits to be served by the room of a queue."""

    pk = models.CompositePrimaryKey("queue", "subject")
    queue = models.TextField()
    subject = models.UUIDField()
    priority = models.IntegerField()
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index("queue", models.F("priority").desc(), "due_at", "subject", name="kernel_ready_next")
        ]


class Delivery(models.Model):
    """A message that must go out, with what became of it."""

    id = models.BigAutoField(primary_key=True)
    company_id = models.SmallIntegerField()
    destination = models.TextField()
    topic = models.TextField()
    subject_id = models.UUIDField()
    body = models.JSONField()
    created_at = models.DateTimeField()
    state = models.TextField(
        db_default="waiting"
    )  # waiting, delivered, dead, kept (until a connector is there), dropped (by a person)
    attempts = models.IntegerField(db_default=0)
    next_try_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    last_error = models.TextField(db_default="")
    once = models.BooleanField(db_default=False)
    begun_at = models.DateTimeField(
        null=True
    )  # of one that goes once: since when nobody knows whether it arrived

    class Meta:
        indexes = [
            # One for each lane of the relay, so that what waits in one costs the other nothing.
            models.Index(
                fields=["next_try_at", "id"],
                name="kernel_delivery_waiting_within",
                condition=models.Q(state="waiting") & ~models.Q(destination__startswith="webhook:"),
            ),
            models.Index(
                fields=["next_try_at", "id"],
                name="kernel_delivery_waiting_hooks",
                condition=models.Q(state="waiting", destination__startswith="webhook:"),
            ),
            models.Index(fields=["subject_id"], name="kernel_delivery_subject"),
            models.Index(
                fields=["company_id", "id"],
                name="kernel_delivery_standing",
                condition=~models.Q(state="delivered"),
            ),
            models.Index(
                fields=["company_id", "id"], name="kernel_delivery_dead", condition=models.Q(state="dead")
            ),
            models.Index(
                fields=["company_id", "id"],
                name="kernel_delivery_arrived",
                condition=models.Q(state="delivered"),
            ),
            # Of a day, for whoever looks for one. A BRIN would not do: messages are written anew as they go, and when
            # they are emptied by age, so that those of a day lie anywhere.
            models.Index(fields=["company_id", "created_at"], name="kernel_delivery_by_day"),
            models.Index(
                fields=["company_id", "destination", "state"],
                name="kernel_delivery_of_stock",
                condition=models.Q(topic="availability.changed") & ~models.Q(state="delivered"),
            ),
            models.Index(
                fields=["destination", "id"],
                name="kernel_delivery_of_webhook",
                condition=models.Q(destination__startswith="webhook:"),
            ),
            models.Index(
                fields=["destination", "state"],
                name="kernel_delivery_hooks_standing",
                condition=models.Q(destination__startswith="webhook:") & ~models.Q(state="delivered"),
            ),
            models.Index(
                fields=["destination", "delivered_at"],
                name="kernel_delivery_hooks_arrived",
                condition=models.Q(destination__startswith="webhook:", state="delivered"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="kernel_delivery_state_known",
                condition=models.Q(state__in=["waiting", "delivered", "dead", "kept", "dropped"]),
            )
        ]


class Inbox(models.Model):
    """A message that came in, raw, once for each source and external id."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    source = models.TextField()
    external_id = models.TextField()
    kind = models.TextField(db_default="")
    payload = models.TextField()
    received_at = models.DateTimeField()
    state = models.TextField(db_default="received")  # received, done, set_aside, failed, dead, dropped
    attempts = models.IntegerField(db_default=0)
    last_error = models.TextField(db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "id"],
                name="kernel_inbox_standing",
                condition=~models.Q(state="done"),
            ),
            models.Index(fields=["company_id", "received_at"], name="kernel_inbox_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["company_id", "source", "external_id"], name="kernel_inbox_once"),
            models.CheckConstraint(
                name="kernel_inbox_state_known",
                condition=models.Q(state__in=["received", "done", "set_aside", "failed", "dead", "dropped"]),
            ),
        ]


class Policy(models.Model):
    """One version of a policy: data that steers rules, in force from its date until the next version's."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()  # e.g. orders.validation, sourcing.profile
    scope = models.TextField(db_default="")  # e.g. a channel code; '' for all
    version = models.IntegerField()
    in_force_from = models.DateTimeField()
    body = models.JSONField()
    author = models.TextField()
    note = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "kind", "scope", "version"], name="kernel_policy_version_once"
            )
        ]
        triggers = append_only() + imprinted()


class PolicyDraft(models.Model):
    """A body that might become a version of a policy. It is never in force itself."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    scope = models.TextField(db_default="")
    body = models.JSONField()
    author = models.TextField()
    note = models.TextField(db_default="")
    drafted_at = models.DateTimeField()
    state = models.TextField(db_default="draft")  # draft, tried, active, dropped
    summary = models.TextField(db_default="")  # what came out of the last trial
    report_id = models.UUIDField(null=True)
    tried_by = models.TextField(db_default="")  # word: a person says it; else the trial whose report it is
    version = models.IntegerField(null=True)  # that it became

    class Meta:
        indexes = [models.Index(fields=["company_id", "drafted_at"], name="kernel_policydraft_newest")]
        constraints = [
            models.CheckConstraint(
                name="kernel_policydraft_state_known",
                condition=models.Q(state__in=["draft", "tried", "active", "dropped"]),
            ),
            models.CheckConstraint(
                name="kernel_policydraft_active_is_a_version",
                condition=models.Q(state="active", version__isnull=False)
                | (~models.Q(state="active") & models.Q(version__isnull=True)),
            ),
            models.CheckConstraint(
                name="kernel_policydraft_tried_before_active",
                condition=~models.Q(state__in=["tried", "active"]) | ~models.Q(summary=""),
            ),
            models.CheckConstraint(
                name="kernel_policydraft_trial_has_its_report",
                condition=models.Q(tried_by__in=["", "word"], report_id__isnull=True)
                | (~models.Q(tried_by__in=["", "word"]) & models.Q(report_id__isnull=False)),
            ),
        ]


class Job(models.Model):
    """A command for many rows, which the worker gives batch by batch, until it is through or withdrawn."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    command = models.TextField()
    reason = models.TextField(db_default="")
    requests = models.JSONField(
        null=True
    )  # sealed, with the name of each; forgotten once nothing of them is to be done
    wanted = models.IntegerField()
    done = models.IntegerField(db_default=0)  # of those, with what was refused
    refused = models.IntegerField(db_default=0)
    denied = models.JSONField()  # the first refusals: name, code, facts
    step = models.IntegerField(db_default=0)  # of the one request that it has, where it has one
    steps = models.IntegerField(db_default=0)
    answer = models.JSONField(null=True)  # to that one request
    state = models.TextField(db_default="asked")  # asked, done, withdrawn
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "id"], name="kernel_job_latest"),
            models.Index(
                fields=["company_id", "asked_by"],
                name="kernel_job_waiting",
                condition=models.Q(state="asked"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="kernel_job_state_known", condition=models.Q(state__in=["asked", "done", "withdrawn"])
            ),
            models.CheckConstraint(
                name="kernel_job_asks_until_it_ended",
                condition=models.Q(state="asked", requests__isnull=False, ended_at__isnull=True)
                | (~models.Q(state="asked") & models.Q(requests__isnull=True, ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="kernel_job_counts_fit",
                condition=models.Q(wanted__gt=0, done__gte=0, refused__gte=0, refused__lte=models.F("done"))
                & models.Q(done__lte=models.F("wanted"))
                & (~models.Q(state="done") | models.Q(done=models.F("wanted"))),
            ),
        ]


class File(models.Model):
    """A file that the worker made, for whoever asked for it alone. It is gone after a day, and with every erasure."""

    id = models.UUIDField(primary_key=True)  # the export that the audit trail tells
    company_id = models.SmallIntegerField()
    asked_by = models.TextField()
    name = models.TextField()
    type = models.TextField()
    rows = models.IntegerField()
    size = models.BigIntegerField()
    made_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "until"], name="kernel_file_until")]
        constraints = [
            models.CheckConstraint(
                name="kernel_file_is_not_kept_for_long",
                condition=models.Q(until__lte=models.F("made_at") + timedelta(days=1)),
            ),
            models.CheckConstraint(
                name="kernel_file_counts_fit", condition=models.Q(rows__gte=0, size__gte=0)
            ),
        ]


class FilePart(models.Model):
    """Some of the bytes of a file."""

    pk = models.CompositePrimaryKey("file_id", "place")
    file_id = models.UUIDField()
    place = models.IntegerField()
    content = models.BinaryField()


class FileErasure(models.Model):
    """How often all files of a company were dropped: what was read before is not kept after."""

    company_id = models.SmallIntegerField(primary_key=True)
    times = models.BigIntegerField()


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("kernel_inbox", "last_error", at="t.received_at")
forget.notes("kernel_delivery", "last_error", at="t.created_at")
forget.notes("kernel_job", "reason", "denied", at="t.ended_at")
