"""Tables of parties: companies, customers, suppliers and their offers, and the vault of personal data."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from entrepot.kernel.imprint import imprinted
from entrepot.parties.rules import SAID_OF_SUBSTITUTES


class Company(models.Model):
    """Whose books, stock and orders they are."""

    id = models.SmallIntegerField(primary_key=True)
    code = models.TextField(unique=True)
    name = models.TextField()
    currency = models.TextField()
    country = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="parties_company_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            )
        ]


class Customer(models.Model):
    """Who buys, by the code that the channel knows. No personal data: that is in the vault."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    tier = models.TextField(db_default="")
    since = models.DateTimeField(null=True)
    substitutes = models.TextField(db_default="")  # agreed, refused, or '' where nothing was said

    class Meta:
        indexes = [
            # Who asks for a tier names one; most customers have none.
            models.Index(
                fields=["company_id", "tier", "id"], name="parties_customer_by_tier", condition=~Q(tier="")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="parties_customer_code_once"),
            models.CheckConstraint(
                name="parties_customer_substitutes_known", condition=Q(substitutes__in=SAID_OF_SUBSTITUTES)
            ),
        ]


class Supplier(models.Model):
    """Who we buy from."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    name = models.TextField()
    currency = models.TextField()
    lead_days = models.IntegerField(db_default=7)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "code"], name="parties_supplier_code_once"),
            models.CheckConstraint(name="parties_supplier_lead_not_negative", condition=Q(lead_days__gte=0)),
        ]
        triggers = imprinted(changes=True)


class Offer(models.Model):
    """What a supplier asks for a SKU, and how long it takes."""

    id = models.UUIDField(primary_key=True)
    supplier_id = models.UUIDField()
    sku_id = models.UUIDField()
    cost = models.DecimalField(max_digits=18, decimal_places=6)
    minimum_quantity = models.IntegerField(db_default=1)
    lead_days = models.IntegerField(db_default=7)
    available = models.IntegerField(null=True)  # what he said that he has of it; null where he says nothing
    stated_at = models.DateTimeField(null=True)
    pack_quantity = models.IntegerField(db_default=1)  # units are sold in multiples of it

    class Meta:
        indexes = [models.Index(fields=["sku_id"], name="parties_offer_of_sku")]
        constraints = [
            models.UniqueConstraint(fields=["supplier_id", "sku_id"], name="parties_offer_once"),
            models.CheckConstraint(
                name="parties_offer_makes_sense",
                condition=Q(cost__gte=0, minimum_quantity__gte=1, lead_days__gte=0, pack_quantity__gte=1),
            ),
            models.CheckConstraint(
                name="parties_offer_available_at_some_time",
                condition=Q(available__isnull=True, stated_at__isnull=True)
                | Q(available__gte=0, stated_at__isnull=False),
            ),
        ]


class GiftMessage(models.Model):
    """What a buyer writes to whoever gets an order: of the vault too, by the order's id."""

    order_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    message = models.TextField()
    kept_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="parties_giftmessage_says_something", condition=~Q(message=""))
        ]


class Person(models.Model):
    """Whose data the vault holds: one key for all of it. Without its key, what was sealed with it is nobody's."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    mark = models.TextField(db_default="")  # the fingerprint of what they are known by; '' where nothing is
    key = models.BinaryField(null=True)  # locked with the installation's
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "mark"], name="parties_person_marked_once", condition=~Q(mark="")
            ),
            models.CheckConstraint(
                name="parties_person_erased_has_no_key",
                condition=Q(erased_at__isnull=True, key__isnull=False)
                | Q(erased_at__isnull=False, key__isnull=True, mark=""),
            ),
        ]


class Address(models.Model):
    """The vault: the one table with names, streets, emails and phones, sealed. All else refers to it by id."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    person_id = models.UUIDField()
    region = models.TextField(db_default="")
    country = models.TextField(db_default="")
    has_tax_number = models.BooleanField(db_default=False)
    sealed = models.BinaryField(null=True)  # vault.SEALED; null where it was erased
    place = models.TextField(db_default="")  # fingerprints: of name and place,
    billed = models.TextField(db_default="")  # and of all that an invoice says; '' where they were erased
    mailbox = models.TextField(db_default="")  # and of what somebody is found by,
    phone = models.TextField(db_default="")
    called = models.TextField(db_default="")  # which is '' where it was not given

    class Meta:
        indexes = [
            models.Index(fields=["person_id"], name="parties_address_of_person"),
            models.Index(fields=["mailbox"], name="parties_address_by_mailbox", condition=~Q(mailbox="")),
            models.Index(fields=["phone"], name="parties_address_by_phone", condition=~Q(phone="")),
            models.Index(fields=["called"], name="parties_address_by_name", condition=~Q(called="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="parties_address_erased_is_empty",
                condition=Q(sealed__isnull=False)
                | Q(region="", place="", billed="", mailbox="", phone="", called=""),
            )
        ]
