"""The tables of duties and API keys. People, groups and permissions are Django's own."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only


class Duty(models.Model):
    """A person took a side of a pair of duties on a document; `access_duty_apart` keeps the other side from them."""

    append_only = True

    pk = models.CompositePrimaryKey("document", "pair", "side", "person")
    document = models.UUIDField()
    pair = models.TextField()
    side = models.TextField()
    person = models.TextField()
    taken_at = models.DateTimeField()

    class Meta:
        # The exclusion constraint access_duty_apart stands in migration 0002: Django can't say it over a composite key.
        triggers = append_only() + imprinted()


class Belonging(models.Model):
    """A person belongs to a company: what other companies have is not there for them. Who belongs to none belongs to
    all."""

    pk = models.CompositePrimaryKey("user_id", "company_id")
    user_id = models.IntegerField()
    company_id = models.SmallIntegerField()

    class Meta:
        triggers = imprinted(changes=True)


class ApiKey(models.Model):
    """A program acts for a person. Only a digest of the secret is kept. `follows_id`: the key that it takes the place
    of. What is known of its last use is up to an hour old. It acts with `roles` of its person; null: with all."""

    id = models.UUIDField(primary_key=True)
    name = models.TextField()
    prefix = models.TextField(unique=True)
    digest = models.BinaryField()
    user_id = models.IntegerField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    follows_id = models.UUIDField(null=True)
    used_at = models.DateTimeField(null=True)
    used_from = models.TextField(db_default="")
    roles = ArrayField(models.TextField(), null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user_id"], name="access_apikey_user"),
            models.Index(
                fields=["expires_at"], name="access_apikey_ending", condition=models.Q(revoked_at=None)
            ),
        ]
        constraints = [
            # One that was revoked before it was ever used is no key that the other waits for.
            models.UniqueConstraint(
                fields=["follows_id"], name="access_apikey_followed_once", condition=models.Q(revoked_at=None)
            ),
            models.CheckConstraint(
                name="access_apikey_ends_after_it_begins",
                condition=models.Q(expires_at=None) | models.Q(expires_at__gte=models.F("created_at")),
            ),
        ]
        triggers = imprinted(changes=True)


class Tries(models.Model):
    """How often a door was tried by one source, in a stretch of time that begins at `since`. `who` is a fingerprint."""

    pk = models.CompositePrimaryKey("door", "who", "minutes", "since")
    door = models.TextField()
    who = models.TextField()
    minutes = models.IntegerField()
    since = models.DateTimeField()
    count = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["since"], name="access_tries_since")]
        constraints = [models.CheckConstraint(name="access_tries_some", condition=models.Q(count__gte=1))]


class Session(models.Model):
    """Somebody who is in, since when, from which address and with what browser; gone once its session is. `session_key`
    is the key under which Django keeps it: dropping that ends it."""

    id = models.UUIDField(primary_key=True)
    user_id = models.IntegerField()
    session_key = models.TextField()
    source = models.TextField()
    device = models.TextField()
    entered_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user_id"], name="access_session_of_person")]
        constraints = [models.UniqueConstraint(fields=["session_key"], name="access_session_known_once")]


class Link(models.Model):
    """How often the links to a document were taken back: a link bears the number that stood when it was made."""

    document_id = models.UUIDField(primary_key=True)
    number = models.IntegerField()


class View(models.Model):
    """A list as a person wants to see it again: its filters and columns, under a name; for a role too, where given."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    person = models.TextField()
    list = models.TextField()
    name = models.TextField()
    query = models.TextField(db_default="")
    role = models.TextField(db_default="")
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "list", "person", "name"], name="access_view_name_once"
            ),
            models.CheckConstraint(name="access_view_named", condition=~models.Q(name="")),
        ]


class Subscription(models.Model):
    """A report that a person gets by mail."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    person = models.TextField()
    report = models.TextField()
    query = models.TextField(db_default="")
    rhythm = models.TextField()  # daily, weekly, monthly
    hour = models.SmallIntegerField()
    zone = models.TextField()
    language = models.TextField()
    file = models.TextField(db_default="xlsx")  # none, csv, xlsx: what is attached
    next_at = models.DateTimeField()
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["next_at", "id"], name="access_subscription_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "person", "report", "query"], name="access_subscription_once"
            ),
            models.CheckConstraint(
                name="access_subscription_rhythm_known",
                condition=models.Q(rhythm__in=["daily", "weekly", "monthly"]),
            ),
            models.CheckConstraint(
                name="access_subscription_hour_of_a_day", condition=models.Q(hour__gte=0, hour__lte=23)
            ),
            models.CheckConstraint(
                name="access_subscription_file_known",
                condition=models.Q(file__in=["none", "csv", "xlsx"]),
            ),
        ]


class Mailing(models.Model):
    """The mail of a subscription about a period: there is one at most, whatever became of it."""

    id = models.UUIDField(primary_key=True)
    subscription_id = models.UUIDField()
    period = models.TextField()  # 2026-11-27, 2026-W48, 2026-11
    since = models.DateField()
    until = models.DateField()
    state = models.TextField()  # sending, sent, failed (certainly not sent), doubtful (perhaps sent)
    attempts = models.SmallIntegerField()
    taken_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at", "id"],
                name="access_mailing_failed",
                condition=models.Q(state="failed"),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription_id", "period"], name="access_mailing_once_a_period"
            ),
            models.CheckConstraint(
                name="access_mailing_state_known",
                condition=models.Q(state__in=["sending", "sent", "failed", "doubtful"]),
            ),
        ]


class Factor(models.Model):
    """A person's second factor. The secret is sealed; it counts once it is confirmed by a code. `last_step`: the step
    of the last code that was used, which opens nothing again."""

    user_id = models.IntegerField(primary_key=True)
    secret = models.BinaryField()
    last_step = models.BigIntegerField(db_default=0)
    offered_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)


class PaperCode(models.Model):
    """A code on paper, for one use. Only its digest is kept."""

    pk = models.CompositePrimaryKey("user_id", "digest")
    user_id = models.IntegerField()
    digest = models.BinaryField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "access_papercode"


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("access_view", "name", "query")
forget.notes("access_subscription", "query")
