"""The table of simulation: what drafts of policies were tried on, and what came out."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Trial(models.Model):
    """A draft tried on a window of recorded orders: asked for, then done with its report, failed, or withdrawn."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    draft_id = models.UUIDField(null=True)  # of the policy sourcing.profile, where it was one
    scope = models.TextField(db_default="")
    profile = models.JSONField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.TextField(db_default="asked")  # asked, done, failed, withdrawn
    summary = models.TextField(db_default="")
    report = models.JSONField(null=True)
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    decided = models.IntegerField(
        db_default=0
    )  # orders, by both sides, and how many there are, while it is asked
    to_decide = models.IntegerField(db_default=0)

    class Meta:
        indexes = [models.Index(fields=["company_id", "id"], name="simulation_trial_newest")]
        constraints = [
            models.CheckConstraint(
                name="simulation_trial_window_has_days", condition=Q(until__gt=F("since"))
            ),
            models.CheckConstraint(
                name="simulation_trial_done_has_a_report",
                condition=Q(state="asked", report__isnull=True, done_at__isnull=True)
                | Q(state="done", report__isnull=False, done_at__isnull=False)
                | Q(state__in=["failed", "withdrawn"], report__isnull=True, done_at__isnull=False),
            ),
        ]
