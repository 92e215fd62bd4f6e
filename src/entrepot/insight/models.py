"""The tables of insight: answers to questions that a large house can't afford to work out for every page, and
advice."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.insight.advising import KINDS, SUGGESTION
from entrepot.kernel import forget


class Answer(models.Model):
    """What one question came to, when, and up to which event. Nothing is lost with a row: it is worked out again."""

    key = models.BinaryField(primary_key=True)
    company_id = models.SmallIntegerField()
    question = models.TextField()
    arguments = models.JSONField()
    answer = models.TextField()
    up_to = models.BigIntegerField()
    told_at = models.DateTimeField()
    asked_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["asked_at"], name="insight_answer_asked")]


class Fitting(models.Model):
    """One making of the suggestions of a kind: what it was fitted on, and what it was worth on what it had not seen."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    version = models.TextField()
    fitted_on = models.JSONField()
    measured = models.JSONField()
    suggested = models.IntegerField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["company_id", "kind", "made_at"], name="insight_fitting_latest")]
        constraints = [
            models.CheckConstraint(name="insight_fitting_of_a_kind", condition=Q(kind__in=KINDS)),
        ]


class Suggestion(models.Model):
    """What the house advises about a subject. Nothing follows from it until somebody accepts it."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.UUIDField()
    about = models.TextField(default="", db_default="")  # what tells it from others about the same subject
    suggested = models.JSONField()  # advising.SCHEMAS
    confidence = models.FloatField()
    reasons = models.JSONField()
    fitting_id = models.UUIDField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.TextField(default="open", db_default="open")
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    why = models.TextField(default="", db_default="")
    outcome = models.TextField(
        default="", db_default=""
    )  # what came of it: right, wrong, or nobody knows yet
    judged_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "state", "confidence", "id"], name="insight_suggestion_listed"
            ),
            models.Index(fields=["company_id", "made_at"], name="insight_suggestion_made"),
            models.Index(
                fields=["company_id", "judged_at"],
                name="insight_suggestion_judged",
                condition=Q(judged_at__isnull=False),
            ),
            models.Index(fields=["fitting_id"], name="insight_suggestion_of_fitting"),
            models.Index(fields=["subject_id"], name="insight_suggestion_of_subject"),
            models.Index(
                fields=["company_id", "decided_at"],
                name="insight_suggestion_decided",
                condition=Q(decided_at__isnull=False),
            ),
            models.Index(
                fields=["company_id", "made_at"], name="insight_suggestion_unjudged", condition=Q(outcome="")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "kind", "subject_id", "about"],
                name="insight_suggestion_open_once",
                condition=Q(state="open"),
            ),
            models.CheckConstraint(
                name="insight_suggestion_known",
                condition=Q(kind__in=KINDS, state__in=SUGGESTION.states, outcome__in=["", "right", "wrong"]),
            ),
            models.CheckConstraint(
                name="insight_suggestion_confidence", condition=Q(confidence__gte=0, confidence__lte=1)
            ),
            models.CheckConstraint(
                name="insight_suggestion_decided_by_somebody",
                condition=Q(state__in=["open", "expired"], decided_by="", decided_at__isnull=True)
                | (Q(state__in=["accepted", "declined"], decided_at__isnull=False) & ~Q(decided_by="")),
            ),
            models.CheckConstraint(
                name="insight_suggestion_declined_for_a_reason", condition=~Q(state="declined") | ~Q(why="")
            ),
            models.CheckConstraint(
                name="insight_suggestion_judged_when_known",
                condition=Q(outcome="", judged_at__isnull=True)
                | (~Q(outcome="") & Q(judged_at__isnull=False)),
            ),
        ]


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("insight_answer", "arguments", "answer")
forget.notes("insight_suggestion", "reasons", "why", at="t.made_at")
# The words that spoke for a reason are those of a customer: with them goes what was suggested by them.
forget.derived("""
UPDATE insight_suggestion AS s SET reasons = '{}', state = CASE s.state WHEN 'open' THEN 'expired' ELSE s.state END
FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id
WHERE r.order_id = ANY(%(orders)s::uuid[]) AND s.subject_kind = 'return_line' AND s.subject_id = l.id
""")
