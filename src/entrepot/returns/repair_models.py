"""Tables of repairs for customers, and of parcels by which units go back to them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.returns import repairing, states


class Repair(models.Model):
    """Units of a disposition that are repaired for their customer: who pays, at which price, and what came of it."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField()
    company_id = models.SmallIntegerField()
    year = models.SmallIntegerField()
    sequence = models.IntegerField()
    return_id = models.UUIDField(db_index=True)
    return_line_id = models.UUIDField()
    disposition_id = models.UUIDField(db_index=True)
    quantity = models.IntegerField()
    plan = models.TextField()  # what is to be done
    payer = models.TextField()
    currency = models.CharField(max_length=3)  # of the order, in which the customer pays
    price_minor = models.BigIntegerField(db_default=0)  # with the tax
    tax_minor = models.BigIntegerField(db_default=0)
    state = models.TextField()
    work_order_id = models.UUIDField(null=True)
    told = models.TextField(db_default="")  # to the customer, last
    opened_by = models.TextField()
    opened_at = models.DateTimeField()
    answered_by = models.TextField(db_default="")  # who agreed to the price, or declined it
    answered_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)  # the workshop was done with it, or it was declined
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # it arrived, or something else was agreed on

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "-id"], name="returns_repair_of_company"),
            models.Index(
                fields=["work_order_id"],
                name="returns_repair_of_work",
                condition=Q(work_order_id__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "year", "sequence"], name="returns_repair_sequence_once"
            ),
            models.UniqueConstraint(fields=["number", "company_id"], name="returns_repair_number_once"),
            models.CheckConstraint(
                name="returns_repair_known",
                condition=Q(
                    state__in=states.REPAIR.states,
                    payer__in=repairing.PAYERS,
                    quantity__gt=0,
                    sequence__gte=1,
                ),
            ),
            models.CheckConstraint(
                name="returns_repair_priced_for_its_customer",
                condition=Q(tax_minor__gte=0, tax_minor__lte=F("price_minor"))
                & (Q(payer="customer", price_minor__gt=0) | (~Q(payer="customer") & Q(price_minor=0))),
            ),
            models.CheckConstraint(
                name="returns_repair_worked_on_once_agreed",
                condition=Q(state__in=["offered", "declined"], work_order_id__isnull=True)
                | Q(state__in=repairing.ENDED)
                | Q(state__in=["agreed", "repaired", "failed"], work_order_id__isnull=False),
            ),
            models.CheckConstraint(
                name="returns_repair_sent_once",
                condition=Q(state__in=repairing.BACK, sent_at__isnull=False)
                | Q(state="settled")  # it was lost before
                | (~Q(state__in=[*repairing.BACK, "settled"]) & Q(sent_at__isnull=True)),
            ),
        ]
        triggers = imprinted(changes=True)


class SentBack(models.Model):
    """A parcel by which units of a return go back to their customer: repaired, or not taken back."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    return_id = models.UUIDField(db_index=True)
    carrier = models.TextField()
    tracking = models.TextField()
    state = models.TextField()
    sent_by = models.TextField()
    sent_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "sent_at"],
                name="returns_sentback_on_its_way",
                condition=Q(state="sent"),
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["company_id", "tracking"], name="returns_sentback_number_once"),
            models.CheckConstraint(
                name="returns_sentback_known",
                condition=~Q(tracking="")
                & ~Q(carrier="")
                & (
                    Q(state="sent", delivered_at__isnull=True)
                    | Q(state="delivered", delivered_at__isnull=False)
                    | Q(state="lost", delivered_at__isnull=True)
                ),
            ),
        ]
        triggers = imprinted(changes=True)


class SentBackUnits(models.Model):
    """A disposition `send_back` whose units are in a parcel."""

    append_only = True

    disposition_id = models.UUIDField(primary_key=True)
    sent_back_id = models.UUIDField(db_index=True)
    repair_id = models.UUIDField(null=True)  # that the units come from

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repair_id"],
                name="returns_sentbackunits_repair_once",
                condition=Q(repair_id__isnull=False),
            )
        ]
        triggers = append_only() + imprinted()
