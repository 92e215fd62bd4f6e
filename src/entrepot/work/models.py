"""The tables of work items, of the links between them, and of what people are scanning."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from entrepot.kernel import forget


class Item(models.Model):
    """One thing that a person has to look at."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    type = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.UUIDField()
    reason = models.TextField()
    facts = models.JSONField(default=dict)
    role = models.TextField()
    owner = models.TextField(default="")
    priority = models.IntegerField()
    state = models.TextField(default="open")  # open, claimed, done
    dedupe = models.TextField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    root_cause = models.TextField(default="")
    kind = models.TextField(default="exception", db_default="exception")  # exception, case
    points = models.IntegerField(default=0, db_default=0)
    terms = models.JSONField(default=list, db_default=[])  # [name, value, points] of each, without age
    ranked_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_id"], name="work_item_subject"),
            # Open work is a small part of the table, so the index of the queue stays small.
            models.Index(
                fields=["company_id", "ranked_at", "due_at", "id"], name="work_item_queue",
                condition=~Q(state="done"),
            ),
            models.Index(
                fields=["company_id", "due_at", "id"], name="work_item_by_due", condition=~Q(state="done")
            ),
            # Few of many: without it the queue is read to its end for them.
            models.Index(
                fields=["company_id", "ranked_at", "due_at", "id"], name="work_item_cases",
                condition=~Q(state="done") & Q(kind="case"),
            ),
            # What a first page counts: by role, of these the untaken and the overdue; and what is somebody's.
            models.Index(
                fields=["company_id", "role", "owner", "due_at"], include=["snoozed_until", "type"],
                name="work_item_of_role", condition=~Q(state="done"),
            ),
            models.Index(
                fields=["company_id", "owner"], name="work_item_of_owner",
                condition=~Q(state="done") & ~Q(owner=""),
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "type", "dedupe"],
                name="work_item_open_once",
                condition=~Q(state="done"),
            ),
            models.CheckConstraint(
                name="work_item_state_known", condition=Q(state__in=["open", "claimed", "done"])
            ),
            models.CheckConstraint(
                name="work_item_closed_when_done",
                condition=Q(state="done", closed_at__isnull=False)
                | (~Q(state="done") & Q(closed_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="work_item_owned_when_claimed", condition=~Q(state="claimed") | ~Q(owner="")
            ),
            models.CheckConstraint(name="work_item_kind_known", condition=Q(kind__in=["exception", "case"])),
        ]


class Link(models.Model):
    """Two items that belong together, as a case of customer service and the exception behind it."""

    pk = models.CompositePrimaryKey("first_id", "second_id")
    first_id = models.UUIDField()
    second_id = models.UUIDField()
    linked_at = models.DateTimeField()
    linked_by = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["second_id"], name="work_link_second")]
        constraints = [
            # Each pair stands once.
            models.CheckConstraint(
                name="work_link_in_order", condition=Q(first_id__lt=models.F("second_id"))
            ),
        ]


class Scanning(models.Model):
    """What a person has scanned of a task that is not done yet: the step at which a lost connection or a reload finds
    them again. One task for each person and flow; `version` tells a screen that another went on."""

    pk = models.CompositePrimaryKey("person", "flow")
    person = models.TextField()
    flow = models.TextField()
    company_id = models.SmallIntegerField()
    subject_id = models.UUIDField()
    scans = ArrayField(models.TextField())
    version = models.IntegerField()
    scanned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="work_scanning_counts_its_changes", condition=Q(version__gt=0))
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("work_item", "reason", "facts", at="t.opened_at")
