"""The tables of purchase orders and their receipts."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from entrepot.access.duty_triggers import duty_taken, duty_trigger, duty_triggers
from entrepot.kernel import forget
from entrepot.kernel.imprint import imprinted
from entrepot.kernel.models import append_only
from entrepot.purchasing import approval, drop_ship, landing, states

ARRIVED = ("sellable", "pending_inspection", "damaged")


_NOT_ALONE = f"""a.state NOT IN ('waiting', 'cancelled')
    AND COALESCE(a.home_minor, {approval.MOST_MINOR}) > a.alone_minor"""
"""What may be sent and received of what one person may not order alone."""


class Order(models.Model):
    """Goods asked of a supplier for a node."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    node_id = models.UUIDField()
    external_ref = models.TextField(default="")
    currency = models.TextField()
    state = models.TextField(default="open")  # waiting, open, part_received, received, cancelled
    ordered_by = models.TextField()
    ordered_at = models.DateTimeField()
    home_minor = models.BigIntegerField(
        null=True
    )  # its worth in the company's currency, where somebody knows it
    alone_minor = models.BigIntegerField(db_default=0)  # up to what one person might order it alone
    approved_by = models.TextField(db_default="")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "ordered_at"], name="purchasing_order_by_time"),
            models.Index(
                fields=["node_id", "ordered_at"],
                name="purchasing_order_coming",
                condition=Q(state__in=["open", "part_received"]),
            ),
            models.Index(fields=["supplier_id"], name="purchasing_order_of_supplier"),
            models.Index(
                fields=["company_id", "id"], name="purchasing_order_waiting", condition=Q(state="waiting")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "external_ref"],
                name="purchasing_order_external_ref_once",
                condition=~Q(external_ref=""),
            ),
            models.CheckConstraint(
                name="purchasing_order_state_known",
                condition=Q(state__in=states.ORDER.states),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *duty_triggers("approve_is_a_duty", duty_taken(
                "purchasing", approval.PAIR, "approve", "id", "approved_by", _NOT_ALONE,
            )),
        ]  # fmt: skip


class OrderLine(models.Model):
    """Units of one SKU at one unit cost."""

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    number = models.IntegerField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    received = models.IntegerField(default=0)
    unit_cost = models.DecimalField(max_digits=18, decimal_places=6)
    # received beyond the quantity less `short`, within the tolerance of the day
    over = models.IntegerField(db_default=0)
    short = models.IntegerField(db_default=0)  # not expected any more
    given_up_by = models.TextField(db_default="")  # who said so; '' where the policy did
    wanted_on = models.DateField(null=True)  # the day that was asked for
    day_asked = models.UUIDField(
        null=True
    )  # an id made when another day was asked for last: confirmations before it were of the day before
    confirmed = models.IntegerField(null=True)  # what the supplier said last, and for when
    confirmed_on = models.DateField(null=True)  # the last day, where it was confirmed in parts
    scheduled = models.UUIDField(null=True)  # the confirmation whose schedule lines say when what comes
    first_quantity = models.IntegerField(
        null=True
    )  # asked for at first where that was changed; 0 of a line that was added later

    class Meta:
        db_table = "purchasing_orderline"
        indexes = [
            # What is still to come of a SKU: a small part of the table.
            models.Index(
                fields=["sku_id"],
                name="purchasing_orderline_to_come",
                condition=Q(quantity__gt=F("received") + F("short")),
            ),
            # What the policy gave up may come after all.
            models.Index(
                fields=["sku_id"],
                name="purchasing_orderline_let_go",
                condition=Q(short__gt=0, given_up_by="", quantity__gt=F("received")),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order_id", "number"], name="purchasing_orderline_number_once"),
            models.CheckConstraint(
                name="purchasing_orderline_given_up_of_some_units",
                condition=Q(given_up_by="") | Q(short__gt=0),
            ),
            models.CheckConstraint(
                name="purchasing_orderline_of_some_units_at_a_cost",
                condition=Q(quantity__gt=0, unit_cost__gte=0),
            ),
            models.CheckConstraint(
                name="purchasing_orderline_received_within_accepted",
                condition=Q(
                    received__gte=0, over__gte=0, received__lte=F("quantity") - F("short") + F("over")
                ),
            ),
            models.CheckConstraint(
                name="purchasing_orderline_confirmed_with_a_day",
                condition=Q(confirmed__isnull=True, confirmed_on__isnull=True)
                | Q(confirmed__gte=0, confirmed_on__isnull=False),
            ),
            models.CheckConstraint(
                name="purchasing_orderline_short_is_of_the_rest",
                condition=Q(short__gte=0, quantity__gte=F("short")),
            ),
        ]
        triggers = imprinted(changes=True)


class DropShip(models.Model):
    """A purchase order by which a supplier sends goods of one sales order to its customer."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    order_id = models.UUIDField()
    address_id = models.UUIDField(null=True)  # in the vault
    currency = models.TextField()
    state = models.TextField(default="asked")  # states.DROP_SHIP
    reference = models.TextField(default="", db_default="")  # what the supplier calls it
    ordered_by = models.TextField()
    ordered_at = models.DateTimeField()
    due_on = models.DateField()

    class Meta:
        db_table = "purchasing_dropship"
        indexes = [
            models.Index(fields=["order_id"], name="purchasing_dropship_of_order"),
            models.Index(fields=["company_id", "id"], name="purchasing_dropship_newest"),
            models.Index(
                fields=["company_id", "due_on"],
                name="purchasing_dropship_open",
                condition=Q(state__in=states.COMING),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="purchasing_dropship_state_known", condition=Q(state__in=states.DROP_SHIP.states)
            ),
        ]


class DropShipLine(models.Model):
    """Units of a line of the sales order: sent, refused by the supplier, called off by us, or still to come."""

    id = models.UUIDField(primary_key=True)
    drop_ship_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    number = models.IntegerField()
    line_id = models.UUIDField(db_index=True)  # of the sales order
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    shipped = models.IntegerField(default=0, db_default=0)
    refused = models.IntegerField(default=0, db_default=0)
    called_off = models.IntegerField(default=0, db_default=0)
    unit_cost = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        db_table = "purchasing_dropshipline"
        constraints = [
            models.UniqueConstraint(
                fields=["drop_ship_id", "number"], name="purchasing_dropshipline_number_once"
            ),
            models.CheckConstraint(
                name="purchasing_dropshipline_of_some_units_at_a_cost",
                condition=Q(quantity__gt=0, unit_cost__gte=0),
            ),
            models.CheckConstraint(
                name="purchasing_dropshipline_within_quantity",
                condition=Q(shipped__gte=0, refused__gte=0, called_off__gte=0)
                & Q(quantity__gte=F("shipped") + F("refused") + F("called_off")),
            ),
        ]


class DropShipSending(models.Model):
    """What a supplier is told of a drop-ship order, by mail or X12. Whose address it is stands in the vault alone."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    drop_ship_id = models.UUIDField()
    purpose = models.TextField()  # drop_ship.PURPOSES
    way = models.TextField(db_default="")  # mail, x12; '' until it is known, and where there is none
    address = models.TextField(db_default="")  # the supplier's
    language = models.TextField(db_default="")
    note = models.TextField(db_default="")
    number = models.TextField(db_default="")  # of an X12 document: its digits are the control number
    state = models.TextField(db_default="waiting")  # drop_ship.SENDINGS
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="")

    class Meta:
        db_table = "purchasing_dropshipsending"
        indexes = [models.Index(fields=["drop_ship_id", "id"], name="purchasing_dropshipsending_of")]
        constraints = [
            models.UniqueConstraint(
                fields=["drop_ship_id", "purpose"],
                condition=Q(state="waiting"),
                name="purchasing_dropshipsending_waits_once",
            ),
            models.CheckConstraint(
                name="purchasing_dropshipsending_known",
                condition=Q(
                    purpose__in=drop_ship.PURPOSES, way__in=["", drop_ship.BY_MAIL, drop_ship.BY_X12]
                ),
            ),
            models.CheckConstraint(
                name="purchasing_dropshipsending_done_at_some_time",
                condition=Q(state="waiting", done_at__isnull=True)
                | Q(state__in=drop_ship.SENDINGS[1:], done_at__isnull=False),
            ),
            models.CheckConstraint(
                name="purchasing_dropshipsending_sent_somehow", condition=~Q(state="sent", way="")
            ),
        ]


class Receipt(models.Model):
    """What came at one time for one order."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    node_id = models.UUIDField()
    received_by = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="purchasing_receipt_of_order")]
        triggers = [
            *imprinted(),
            *append_only(),
            duty_trigger("receive_is_a_duty", pgtrigger.Insert, duty_taken(
                "purchasing", "order×receive×accept", "receive", "order_id", "received_by",
            )),
        ]  # fmt: skip


class ReceiptLine(models.Model):
    """Units of an order line that came, with their value in minor units of the order's currency."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    receipt_id = models.UUIDField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(default="")
    expires_on = models.DateField(null=True)
    quantity = models.IntegerField()
    value_minor = models.BigIntegerField()
    # of an order in another currency than the company's: the same in its own, at the rate of the day
    home_minor = models.BigIntegerField(null=True)
    status = models.TextField(db_default="sellable")  # as it entered stock
    note = models.TextField(db_default="")

    class Meta:
        db_table = "purchasing_receiptline"
        indexes = [
            models.Index(fields=["receipt_id"], name="purchasing_receiptline_receipt"),
            models.Index(fields=["sku_id"], name="purchasing_receiptline_of_sku"),
        ]
        constraints = [
            models.CheckConstraint(
                name="purchasing_receiptline_status_known", condition=Q(status__in=ARRIVED)
            ),
            models.CheckConstraint(
                name="purchasing_receiptline_of_some_units", condition=Q(quantity__gt=0, value_minor__gte=0)
            ),
        ]
        triggers = append_only() + imprinted()


class Serial(models.Model):
    """A serial number that came from a supplier: each once for a SKU."""

    pk = models.CompositePrimaryKey("sku_id", "serial")
    sku_id = models.UUIDField()
    serial = models.TextField()
    company_id = models.SmallIntegerField()
    receipt_id = models.UUIDField()
    line_id = models.UUIDField()  # of the receipt

    class Meta:
        indexes = [models.Index(fields=["receipt_id"], name="purchasing_serial_of_receipt")]
        constraints = [models.CheckConstraint(name="purchasing_serial_given", condition=~Q(serial=""))]


class Check(models.Model):
    """Units of a delivery that are held until a sample of them was looked at."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    receipt_id = models.UUIDField()
    line_id = models.UUIDField()  # of the receipt
    order_id = models.UUIDField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    bin_id = models.UUIDField()
    lot = models.TextField(db_default="")
    quantity = models.IntegerField()
    sample = models.IntegerField()
    defects_max = models.IntegerField()
    why = models.TextField()
    state = models.TextField(db_default="waiting")  # waiting, passed, failed
    defects = models.IntegerField(db_default=0)
    passed = models.IntegerField(db_default=0)
    note = models.TextField(db_default="")
    opened_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="purchasing_check_of_order"),
            models.Index(
                fields=["company_id", "opened_at"],
                name="purchasing_check_waiting",
                condition=Q(state="waiting"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="purchasing_check_state_known", condition=Q(state__in=["waiting", "passed", "failed"])
            ),
            models.CheckConstraint(
                name="purchasing_check_of_what_came",
                condition=Q(sample__gt=0, sample__lte=F("quantity"), defects__gte=0, defects__lte=F("sample"))
                & Q(passed__gte=0, quantity__gte=F("passed") + F("defects")),
            ),
        ]
        triggers = imprinted(changes=True)


class Claim(models.Model):
    """What a supplier is asked to make good: units that came damaged, or failed their check."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    order_id = models.UUIDField()
    receipt_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    value_minor = models.BigIntegerField()
    reason = models.TextField()  # damaged, failed check
    note = models.TextField(db_default="")
    state = models.TextField(db_default="open")  # open, agreed, credited, replaced, refused
    agreed_minor = models.BigIntegerField(db_default=0)
    credited_minor = models.BigIntegerField(db_default=0)
    opened_by = models.TextField()
    opened_at = models.DateTimeField()
    closed_by = models.TextField(db_default="")
    closed_at = models.DateTimeField(null=True)
    outcome = models.TextField(db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["order_id"], name="purchasing_claim_of_order"),
            models.Index(
                fields=["company_id", "opened_at"], name="purchasing_claim_open", condition=Q(state="open")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="purchasing_claim_of_some_units", condition=Q(quantity__gt=0, value_minor__gte=0)
            ),
            models.CheckConstraint(
                name="purchasing_claim_state_known",
                condition=Q(state__in=["open", "agreed", "credited", "replaced", "refused"]),
            ),
            models.CheckConstraint(
                name="purchasing_claim_credited_within_agreed",
                condition=Q(credited_minor__gte=0, agreed_minor__gte=F("credited_minor")),
            ),
        ]
        triggers = imprinted(changes=True)


class Sending(models.Model):
    """A mail with the paper of an order, to its supplier."""

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    address = models.TextField()
    language = models.TextField()
    note = models.TextField(db_default="")
    state = models.TextField(db_default="waiting")  # waiting, sent, failed
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="")

    class Meta:
        indexes = [models.Index(fields=["order_id"], name="purchasing_sending_of_order")]
        constraints = [
            models.CheckConstraint(
                name="purchasing_sending_done_at_some_time",
                condition=Q(state="waiting", done_at__isnull=True)
                | Q(state__in=["sent", "failed"], done_at__isnull=False),
            ),
        ]


class Confirmation(models.Model):
    """What a supplier said of an order line at one time."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    reference = models.TextField(db_default="")
    quantity = models.IntegerField()
    expected_on = models.DateField()
    taken_by = models.TextField()
    confirmed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["line_id"], name="purchasing_confirmation_line")]
        constraints = [
            models.CheckConstraint(name="purchasing_confirmation_units", condition=Q(quantity__gte=0)),
        ]
        triggers = append_only()


class ScheduleLine(models.Model):
    """Units of an order line that were confirmed for one day of several. Stock expects them under this id."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    confirmation_id = models.UUIDField()
    line_id = models.UUIDField()
    quantity = models.IntegerField()
    expected_on = models.DateField()

    class Meta:
        db_table = "purchasing_scheduleline"
        indexes = [models.Index(fields=["line_id"], name="purchasing_scheduleline_line")]
        constraints = [
            models.UniqueConstraint(
                fields=["confirmation_id", "expected_on"], name="purchasing_scheduleline_day_once"
            ),
            models.CheckConstraint(name="purchasing_scheduleline_units", condition=Q(quantity__gt=0)),
        ]
        triggers = append_only()


class Notice(models.Model):
    """What a supplier says is on its way: an advance ship notice."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    supplier_id = models.UUIDField()
    node_id = models.UUIDField()
    external_ref = models.TextField()
    carrier = models.TextField(db_default="")
    tracking = models.TextField(db_default="")
    expected_on = models.DateField()
    state = models.TextField(db_default="expected")  # expected, received, closed, replaced (by a later one)
    taken_by = models.TextField()
    taken_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["company_id", "expected_on"],
                name="purchasing_notice_expected",
                condition=Q(state="expected"),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "supplier_id", "external_ref"],
                name="purchasing_notice_once",
                condition=~Q(state="replaced"),
            ),
            models.CheckConstraint(
                name="purchasing_notice_state_known",
                condition=Q(state__in=["expected", "received", "closed", "replaced"]),
            ),
        ]


class NoticeLine(models.Model):
    """Units of an order line in one package of a notice; `received` counts what came of them."""

    id = models.UUIDField(primary_key=True)
    notice_id = models.UUIDField()
    company_id = models.SmallIntegerField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    sku_id = models.UUIDField()
    sscc = models.TextField(db_default="")
    pallet = models.TextField(db_default="")  # the SSCC of what the package stands on
    lot = models.TextField(db_default="")
    expires_on = models.DateField(null=True)
    serials = ArrayField(models.TextField(), default=list)
    quantity = models.IntegerField()
    received = models.IntegerField(db_default=0)
    instead_of = models.UUIDField(null=True)  # the schedule of the order line that it stands in the place of

    class Meta:
        db_table = "purchasing_noticeline"
        indexes = [
            models.Index(fields=["notice_id"], name="purchasing_noticeline_notice"),
            models.Index(fields=["order_id"], name="purchasing_noticeline_order"),
            models.Index(
                fields=["line_id"],
                name="purchasing_noticeline_to_come",
                condition=Q(quantity__gt=F("received")),
            ),
            models.Index(fields=["sscc"], name="purchasing_noticeline_package", condition=~Q(sscc="")),
            models.Index(fields=["pallet"], name="purchasing_noticeline_pallet", condition=~Q(pallet="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="purchasing_noticeline_comes_once",
                condition=Q(quantity__gt=0, received__gte=0, received__lte=F("quantity")),
            )
        ]


class SkuClass(models.Model):
    """The class of a SKU by what its company sold of it lately at cost, as the night measured it last."""

    sku_id = models.UUIDField(primary_key=True)
    company_id = models.SmallIntegerField()
    abc = models.TextField()  # A, B, C
    figure = (
        models.BigIntegerField()
    )  # units sold in the window × cost, in hundredths: what it is among others counts
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "purchasing_skuclass"
        constraints = [
            models.CheckConstraint(name="purchasing_skuclass_known", condition=Q(abc__in=["A", "B", "C"])),
            models.CheckConstraint(
                name="purchasing_skuclass_figure_not_negative", condition=Q(figure__gte=0)
            ),
        ]


class Proposal(models.Model):
    """Units of a SKU that should be ordered for a node, with the sum that they come from. A run takes the place of what
    the run before proposed and nobody has decided on."""

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    sku_id = models.UUIDField()
    node_id = models.UUIDField()
    supplier_id = models.UUIDField()
    quantity = models.IntegerField()
    unit_cost = models.DecimalField(max_digits=18, decimal_places=6)
    value_minor = models.BigIntegerField()
    terms = models.JSONField()
    state = models.TextField()  # proposed, ordered, rejected
    proposed_by = models.TextField()
    proposed_at = models.DateTimeField()
    decided_by = models.TextField(db_default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(db_default="")
    order_id = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["sku_id"], name="purchasing_proposal_of_sku"),
            models.Index(
                fields=["company_id", "id"], name="purchasing_proposal_open", condition=Q(state="proposed")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sku_id", "node_id"], name="purchasing_proposal_once", condition=Q(state="proposed")
            ),
            models.CheckConstraint(
                name="purchasing_proposal_of_some_units",
                condition=Q(quantity__gt=0, unit_cost__gte=0, value_minor__gte=0),
            ),
            models.CheckConstraint(
                name="purchasing_proposal_ordered_with_an_order",
                condition=Q(state__in=["proposed", "rejected"], order_id__isnull=True)
                | Q(state="ordered", order_id__isnull=False),
            ),
        ]
        triggers = [
            *imprinted(changes=True),
            *duty_triggers("approve_is_a_duty", duty_taken(  # a reason: ordered by a rule
                "purchasing", "propose×approve", "approve", "id", "decided_by", "a.state = 'ordered' AND a.reason = ''",
            ))
        ]  # fmt: skip


class LandedCost(models.Model):
    """A bill for bringing goods here, spread over receipt lines; a credit below zero."""

    append_only = True

    id = models.UUIDField(primary_key=True)
    number = models.TextField(unique=True)
    company_id = models.SmallIntegerField()
    kind = models.TextField()
    payee = models.TextField()
    external_id = models.TextField()
    basis = models.TextField()
    amount_minor = models.BigIntegerField()
    landed_by = models.TextField()
    landed_at = models.DateTimeField()

    class Meta:
        db_table = "purchasing_landedcost"
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "payee", "external_id"], name="purchasing_landedcost_taken_once"
            ),
            models.CheckConstraint(
                name="purchasing_landedcost_known",
                condition=Q(kind__in=landing.KINDS, basis__in=landing.BASES) & ~Q(amount_minor=0),
            ),
        ]
        triggers = append_only() + imprinted()


class LandedPart(models.Model):
    """What a receipt line bears of a bill: its units that were there, in stock; the rest in the cost of sales."""

    append_only = True

    pk = models.CompositePrimaryKey("cost_id", "line_id")
    cost_id = models.UUIDField()
    line_id = models.UUIDField()  # of the receipt
    receipt_id = models.UUIDField()
    sku_id = models.UUIDField()
    quantity = models.IntegerField()
    on_hand = models.IntegerField()
    amount_minor = models.BigIntegerField()
    stock_minor = models.BigIntegerField()
    gone_minor = models.BigIntegerField()

    class Meta:
        db_table = "purchasing_landedpart"
        indexes = [models.Index(fields=["line_id"], name="purchasing_landedpart_of_line")]
        constraints = [
            models.CheckConstraint(
                name="purchasing_landedpart_adds_up",
                condition=Q(amount_minor=F("stock_minor") + F("gone_minor"))
                & Q(on_hand__gte=0, on_hand__lte=F("quantity")),
            ),
        ]
        triggers = append_only() + imprinted()


# Where anybody may be named: an erasure takes their names out, and the retention rules all that is old.
forget.notes("purchasing_check", "note", at="t.opened_at")
forget.notes("purchasing_claim", "note", "outcome", at="t.opened_at")
forget.notes("purchasing_proposal", "reason")
forget.notes("purchasing_sending", "address", "note", "error", at="t.asked_at")
forget.notes("purchasing_dropshipsending", "address", "note", "error", at="t.asked_at")
forget.notes("purchasing_receiptline", "note", may_change=False)
