"""Tables of orders: the order, its lines, its holds, and credits that no sale is known for."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Coalesce

from entrepot.access.duty_triggers import duty_taken, duty_trigger
from entrepot.kernel import forget, pictures
from entrepot.kernel.imprint import imprinted, imprinted_when_sealed
from entrepot.kernel.models import append_only
from entrepot.orders import holding, listing, noting, rules, states
from entrepot.parties.rules import SAID_OF_SUBSTITUTES

DUTY = "enter×approve"


class Order(models.Model):
    """What a customer asked for on a channel, with its amounts as they were frozen when it was placed."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    number = models.TextField()
    channel_id = models.UUIDField()
    external_id = models.TextField()
    customer_id = models.UUIDField(null=True)
    address_id = models.UUIDField(null=True)
    billing_id = models.UUIDField(
        null=True
    )  # who is billed, in the vault, where that is not whom it is sent to
    currency = models.CharField(max_length=3)
    country = models.TextField(default="")
    postal_code = models.TextField(default="")
    placed_at = models.DateTimeField()
    priority = models.SmallIntegerField()
    promise_at = models.DateTimeField(null=True)
    ship_not_before = models.DateField(null=True)
    ship_by = models.DateField(null=True)  # the last day on which it should leave
    cancel_after = models.DateField(null=True)  # what has not left by then may not leave
    min_fill_percent = models.SmallIntegerField(default=0, db_default=0)  # of which less is not sent
    policy = models.TextField()
    service = models.TextField(default="")
    demand = models.TextField(default="sale", db_default="sale")  # rules.DEMANDS
    campaign = models.TextField(default="", db_default="")
    reservation = models.TextField(default="", db_default="")  # whose reservations it takes over, or ''
    substitutes = models.TextField(default="", db_default="")  # agreed, refused, or '' where nothing was said
    # What the channel said about risk and proof; gone with the person.
    signals = ArrayField(
        models.TextField(), default=list, db_default=Value([], ArrayField(models.TextField()))
    )
    status = models.TextField()  # derived by rules.derive_status, stored with the change
    held_by = models.TextField(default="", db_default="")  # the first of its open holds by rules.HOLDS, or ''
    commercial = models.TextField()
    returns = models.TextField(default="none", db_default="none")
    goods_minor = models.BigIntegerField()  # all lines, before discounts
    discount_minor = models.BigIntegerField()  # of lines and of the order
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    line_count = models.IntegerField()
    policy_version = models.IntegerField()
    origin_id = models.UUIDField(null=True)  # the order that it was split from
    merged_into = models.UUIDField(null=True)  # the order that it became part of

    class Meta:
        indexes = [
            models.Index(fields=["address_id"], name="orders_order_to_address"),
            models.Index(
                fields=["billing_id"],
                name="orders_order_billed_to",
                condition=models.Q(billing_id__isnull=False),
            ),
            # Few orders come of others.
            models.Index(
                fields=["origin_id"], name="orders_order_split_from", condition=Q(origin_id__isnull=False)
            ),
            models.Index(
                fields=["merged_into"],
                name="orders_order_merged_into",
                condition=Q(merged_into__isnull=False),
            ),
            models.Index(
                fields=["customer_id", "placed_at"],
                name="orders_order_of_customer",
                condition=Q(customer_id__isnull=False),
            ),
            models.Index(
                fields=["company_id", "campaign", "placed_at"],
                name="orders_order_of_campaign",
                condition=~Q(campaign=""),
            ),
            # Few orders have a day by which they should leave, or after which they may not.
            models.Index(
                fields=["company_id", "ship_by"],
                name="orders_order_by_ship_by",
                condition=Q(ship_by__isnull=False),
            ),
            models.Index(
                fields=["ship_not_before"],
                name="orders_order_by_not_before",
                condition=Q(ship_not_before__isnull=False),
            ),
            models.Index(
                fields=["company_id", "cancel_after"],
                name="orders_order_by_cancel_after",
                condition=Q(cancel_after__isnull=False),
            ),
            # The list narrowed to days, to a country, or to what is worth much.
            models.Index(fields=["company_id", "placed_at"], name="orders_order_by_placing"),
            models.Index(fields=["company_id", "country", "id"], name="orders_order_by_country"),
            models.Index(fields=["company_id", "currency", "total_minor"], name="orders_order_by_total"),
            # The list by promise; what has none comes last.
            models.Index(
                "company_id",
                Coalesce("promise_at", Cast(Value("infinity"), models.DateTimeField())),
                "id",
                name="orders_order_by_promise",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "channel_id", "external_id"], name="orders_order_placed_once"
            ),
            models.UniqueConstraint(fields=["number"], name="orders_order_number_once"),
            models.CheckConstraint(
                name="orders_order_total_is_the_sum_of_its_parts",
                condition=Q(
                    total_minor=F("goods_minor") - F("discount_minor") + F("shipping_minor") + F("tax_minor")
                ),
            ),
            models.CheckConstraint(name="orders_order_status_known", condition=Q(status__in=rules.STATUSES)),
            models.CheckConstraint(
                name="orders_order_states_known",
                condition=Q(
                    commercial__in=states.COMMERCIAL.states,
                    returns__in=states.RETURNS.states,
                ),
            ),
            models.CheckConstraint(
                name="orders_order_demand_known", condition=Q(demand__in=tuple(rules.DEMANDS))
            ),
            models.CheckConstraint(
                name="orders_order_window_in_order",
                condition=(
                    Q(ship_not_before__isnull=True)
                    | Q(ship_by__isnull=True)
                    | Q(ship_by__gte=F("ship_not_before"))
                )
                & (
                    Q(cancel_after__isnull=True)
                    | (Q(ship_by__isnull=True) | Q(cancel_after__gte=F("ship_by")))
                    & (Q(ship_not_before__isnull=True) | Q(cancel_after__gte=F("ship_not_before")))
                ),
            ),
            models.CheckConstraint(
                name="orders_order_min_fill_is_a_part", condition=Q(min_fill_percent__range=(0, 100))
            ),
            models.CheckConstraint(name="orders_order_policy_known", condition=Q(policy__in=rules.POLICIES)),
            models.CheckConstraint(
                name="orders_order_substitutes_known", condition=Q(substitutes__in=SAID_OF_SUBSTITUTES)
            ),
            models.CheckConstraint(
                name="orders_order_merged_is_closed_and_empty",
                condition=Q(merged_into__isnull=True)
                | Q(commercial="closed", total_minor=0, goods_minor=0, line_count=0),
            ),
        ]
        triggers = imprinted_when_sealed(
            "order", "id", but=("status", "held_by", "commercial", "returns", "address_id", "billing_id")
        )


class Line(models.Model):
    """One line: goods that ship, or a charge or allowance; where its units stand, and its frozen amounts."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    company_id = models.SmallIntegerField()
    number = models.IntegerField()
    kind = models.TextField()
    sku_id = models.UUIDField(null=True)
    sku_code = models.TextField(default="")
    description = models.TextField(default="")
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    gross_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField()
    shipping_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    instead_of = models.UUIDField(null=True)  # the line whose units it is sent for
    kit_code = models.TextField(default="", db_default="")  # of the kit that it is a component of
    kit_number = models.IntegerField(
        default=0, db_default=0
    )  # of that kit within the order, from 1; 0: of none
    kit_units = models.IntegerField(default=0, db_default=0)  # units of it in one kit
    final_sale = models.BooleanField(default=False, db_default=False)  # sold as not to come back
    open = models.IntegerField(default=0, db_default=0)
    backordered = models.IntegerField(default=0, db_default=0)
    allocated = models.IntegerField(default=0, db_default=0)
    with_supplier = models.IntegerField(default=0, db_default=0)
    released = models.IntegerField(default=0, db_default=0)
    picked = models.IntegerField(default=0, db_default=0)
    packed = models.IntegerField(default=0, db_default=0)
    shipped = models.IntegerField(default=0, db_default=0)
    delivered = models.IntegerField(default=0, db_default=0)
    cancelled = models.IntegerField(default=0, db_default=0)

    class Meta:
        indexes = [
            # The list of orders narrowed to a SKU.
            models.Index(
                fields=["sku_id", "order_id"], name="orders_line_of_sku", condition=Q(sku_id__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="orders_line_every_unit_stands_somewhere",
                condition=Q(
                    quantity=F("open")
                    + F("backordered")
                    + F("allocated")
                    + F("with_supplier")
                    + F("released")
                    + F("picked")
                    + F("packed")
                    + F("shipped")
                    + F("delivered")
                    + F("cancelled")
                ),
            ),
            models.CheckConstraint(
                name="orders_line_no_place_holds_less_than_nothing",
                condition=Q(**{f"{place}__gte": 0 for place in rules.PLACES}),
            ),
            models.CheckConstraint(name="orders_line_kind_known", condition=Q(kind__in=rules.KINDS)),
            models.CheckConstraint(
                name="orders_line_substitute_is_goods",
                condition=Q(instead_of__isnull=True) | Q(kind=rules.GOODS, sku_id__isnull=False),
            ),
            models.CheckConstraint(
                name="orders_line_component_is_goods_of_a_kit",
                condition=Q(kit_number=0, kit_code="", kit_units=0)
                | Q(kit_number__gte=1, kit_units__gte=1, kind=rules.GOODS, sku_id__isnull=False)
                & ~Q(kit_code=""),
            ),
        ]
        triggers = imprinted_when_sealed("order", "order_id", but=rules.PLACES)


class Fingerprint(models.Model):
    """A keyed hash of a card, address or mail address that an order named, where its channel's policy counts them."""

    pk = models.CompositePrimaryKey("order_id", "fingerprint")
    order_id = models.UUIDField()
    fingerprint = models.TextField()
    company_id = models.SmallIntegerField()
    placed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["fingerprint", "placed_at"], name="orders_fingerprint_lately"),
            BrinIndex(fields=["placed_at"], name="orders_fingerprint_placed", autosummarize=True),
        ]


class Listing(models.Model):
    """A customer, card, address or mail address whose orders the house blocks or trusts, by a person's word."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    side = models.TextField()
    entry = models.TextField()  # "customer:" and a code, or a fingerprint
    plain = models.TextField()  # the same as it is compared (`listing.plain`)
    reason = models.TextField()
    order_id = models.UUIDField(null=True)  # the order that it was seen on
    listed_by = models.TextField()
    listed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="", db_default="")
    ended_because = models.TextField(default="", db_default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["order_id"], name="orders_listing_of_order", condition=Q(order_id__isnull=False)
            ),
            # Whether a company lists fingerprints at all: asked for each batch of orders that comes in.
            models.Index(
                fields=["company_id"],
                name="orders_listing_of_fingerprints",
                condition=Q(ended_at__isnull=True) & ~Q(plain__startswith="customer:"),
            ),
        ]
        constraints = [
            # Nobody is blocked twice, or blocked and trusted.
            models.UniqueConstraint(
                fields=["company_id", "plain"], name="orders_listing_once", condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                name="orders_listing_side_known", condition=Q(side__in=tuple(listing.SIDES))
            ),
            models.CheckConstraint(name="orders_listing_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="orders_listing_ended_by_someone",
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
            ),
        ]
        triggers = imprinted(changes=True)


class Note(models.Model):
    """What a person wrote to an order. One that is corrected or withdrawn stays to be read, with who did it and why;
    what it says goes with the person whom the order is of."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    text = models.TextField()
    corrects = models.UUIDField(null=True)  # the note in whose place it stands
    written_by = models.TextField()
    written_at = models.DateTimeField()
    state = models.TextField(default=noting.STANDING, db_default=noting.STANDING)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="", db_default="")
    ended_because = models.TextField(default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["order_id", "id"], name="orders_note_of_order")]
        constraints = [
            models.UniqueConstraint(
                fields=["corrects"], name="orders_note_corrected_once", condition=Q(corrects__isnull=False)
            ),
            models.CheckConstraint(name="orders_note_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="orders_note_ended_by_someone",
                condition=Q(state=noting.STANDING, ended_at__isnull=True, ended_by="")
                | (
                    Q(state__in=(noting.CORRECTED, noting.WITHDRAWN), ended_at__isnull=False)
                    & ~Q(ended_by="")
                ),
            ),
        ]


class File(models.Model):
    """A file that somebody sent, kept once for a company by the digest of its bytes. They are its `FileContent`."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of the content
    kind = models.TextField()  # pictures.PAPER_TYPES
    size = models.IntegerField()
    added_by = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company_id", "digest"], name="orders_file_once"),
            models.CheckConstraint(
                name="orders_file_known",
                condition=Q(kind__in=list(pictures.PAPER_TYPES), size__range=(1, pictures.BYTES_MAX)),
            ),
        ]
        triggers = append_only()


class FileContent(models.Model):
    """The bytes of a file; gone with the last person whose orders it is kept with."""

    file_id = models.UUIDField(primary_key=True)
    content = models.BinaryField()


class Attachment(models.Model):
    """A file that is kept with an order, under a name. One that was withdrawn stays to be seen."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    file_id = models.UUIDField(db_index=True)
    name = models.TextField(default="", db_default="")
    added_by = models.TextField()
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.TextField(default="", db_default="")
    ended_because = models.TextField(default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["order_id", "id"], name="orders_attachment_of_order")]
        constraints = [
            models.UniqueConstraint(
                fields=["order_id", "file_id"],
                name="orders_attachment_once",
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="orders_attachment_ended_by_someone",
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
            ),
        ]


class Promotion(models.Model):
    """A promotion that part of a discount was given for: of a line, or of the whole order."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    line_id = models.UUIDField(null=True)
    company_id = models.SmallIntegerField()
    code = models.TextField()
    amount_minor = models.BigIntegerField()
    # What it was given for when the order was placed (promoting.PromotionTerms); nothing where no policy knew the code.
    terms = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["company_id", "code"], name="orders_promotion_of_code")]
        constraints = [
            models.CheckConstraint(
                name="orders_promotion_gives_something_a_name", condition=Q(amount_minor__gte=0) & ~Q(code="")
            )
        ]


class Draft(models.Model):
    """An order that nobody has placed yet: its request as it stands. It promises nothing."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    number = models.TextField(unique=True)
    channel_id = models.UUIDField()
    customer = models.TextField(default="", db_default="")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    body = models.JSONField()  # PlaceOrder, without addresses, payment and tax number
    address_id = models.UUIDField(null=True)  # whom it is for, with their tax number, in the vault
    valid_until = models.DateTimeField(null=True)
    state = models.TextField(default="draft")
    order_id = models.UUIDField(null=True)
    saved_by = models.TextField()
    saved_at = models.DateTimeField()

    class Meta:
        indexes = [
            # Which draft an order was, and the drafts of a customer: asked when somebody is to be forgotten.
            models.Index(
                fields=["order_id"], name="orders_draft_became", condition=Q(order_id__isnull=False)
            ),
            models.Index(
                fields=["company_id", "customer"], name="orders_draft_of_customer", condition=~Q(customer="")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="orders_draft_state_known", condition=Q(state__in=states.DRAFT.states)
            ),
            models.CheckConstraint(
                name="orders_draft_placed_is_an_order",
                condition=Q(state="placed", order_id__isnull=False)
                | (~Q(state="placed") & Q(order_id__isnull=True)),
            ),
        ]


class Hold(models.Model):
    """A reason why an order must not go on: what it blocks, who decides, and the work item that asks them."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField(db_index=True)
    type = models.TextField()
    reason = models.TextField()
    facts = models.JSONField(default=dict)
    blocks = ArrayField(models.TextField())
    owner_role = models.TextField()
    state = models.TextField(default="open")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.TextField(default="", db_default="")
    work_item = models.UUIDField(null=True)
    policy_version = models.IntegerField(
        default=0, db_default=0
    )  # of `orders.holds`, which gave the terms below
    waits_for = models.TextField(default="nothing", db_default="nothing")
    expires_at = models.DateTimeField(null=True)
    at_expiry = models.TextField(default="escalate", db_default="escalate")
    next = models.TextField(default="", db_default="")  # the type that opens when it is released
    follows = models.UUIDField(null=True)  # the hold whose release opened it
    resolution = models.TextField(default="", db_default="")
    note = models.TextField(default="", db_default="")

    class Meta:
        indexes = [
            # Open holds are few of all, and those that end by themselves fewer.
            models.Index(fields=["company_id", "opened_at", "id"], name="orders_hold_open", condition=Q(state="open")),
            models.Index(
                fields=["expires_at"], name="orders_hold_to_expire",
                condition=Q(state="open", expires_at__isnull=False),
            ),
            models.Index(
                fields=["waits_for"], name="orders_hold_waiting", condition=Q(state="open") & ~Q(waits_for="nothing")
            ),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                name="orders_hold_terms_known",
                condition=Q(waits_for__in=holding.WAITS, at_expiry__in=holding.AT_EXPIRY),
            ),
            models.CheckConstraint(
                name="orders_hold_ends_in_some_way",
                condition=Q(state="open", resolution="") | (~Q(state="open") & Q(resolution__in=rules.ENDS)),
            ),
            models.CheckConstraint(name="orders_hold_next_known", condition=Q(next__in=("", *rules.HOLDS))),
            models.CheckConstraint(name="orders_hold_state_known", condition=Q(state__in=states.HOLD.states)),
            models.CheckConstraint(name="orders_hold_type_known", condition=Q(type__in=tuple(rules.HOLDS))),
            models.CheckConstraint(
                name="orders_hold_closed_by_someone_at_some_time",
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
            ),
        ]
        triggers = imprinted(changes=True)


class Credit(models.Model):
    """Value to be given back for which no sale is known. Whoever enters it does not approve it."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    channel_id = models.UUIDField()
    external_id = models.TextField()
    customer_id = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    credited_at = models.DateTimeField()
    state = models.TextField(default="waiting")
    entered_by = models.TextField(default="", db_default="")
    decided_by = models.TextField(default="", db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "channel_id", "external_id"], name="orders_credit_given_once"
            ),
            models.CheckConstraint(
                name="orders_credit_state_known", condition=Q(state__in=states.CREDIT.states)
            ),
            models.CheckConstraint(
                name="orders_credit_decided_by_someone",
                condition=Q(state="waiting") | Q(decided_at__isnull=False),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            duty_trigger(
                "enter_is_a_duty", pgtrigger.Insert, duty_taken("orders", DUTY, "enter", "id", "entered_by")
            ),
            *(
                duty_trigger(
                    name, operation,
                    duty_taken("orders", DUTY, "approve", "id", "decided_by", "a.state IN ('unmatched', 'matched')"),
                )
                for name, operation in (
                    ("approve_is_a_duty", pgtrigger.Update),
                    ("approve_at_once_is_a_duty", pgtrigger.Insert),
                )
            ),
        ]  # fmt: skip


class CreditLine(models.Model):
    """What a credit is for; quantities and amounts are positive where value goes back to the customer."""

    id = models.UUIDField(primary_key=True)
    credit_id = models.UUIDField(db_index=True)
    number = models.IntegerField()
    kind = models.TextField()
    sku_id = models.UUIDField(null=True)
    sku_code = models.TextField(default="")
    description = models.TextField(default="")
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="orders_creditline_kind_known", condition=Q(kind__in=rules.KINDS))
        ]
        triggers = imprinted(changes=True)


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("orders_hold", "reason", "note", "facts", at="t.opened_at")
forget.notes("orders_listing", "reason", "ended_because", at="t.listed_at")
forget.notes("orders_note", "text", "ended_because", at="t.written_at")
forget.notes("orders_attachment", "name", "ended_because", at="t.added_at")
