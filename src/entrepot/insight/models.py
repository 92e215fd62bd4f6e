"""The table of insight: answers to questions that a large house can't afford to work out for every page."""

from __future__ import annotations

from django.db import models

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


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("insight_answer", "arguments", "answer")
