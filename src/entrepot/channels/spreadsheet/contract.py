"""What a file of orders may hold: one row for each line of an order, in columns of any name and order. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """A field of an order. `of_line` may differ between the rows of an order; the others must not.

    `kind` is text, whole (from 1), percent, price (a decimal), amount (in minor units), moment, day or flag (yes, no).
    `names` are headers by which it is known, in small letters and digits alone.
    """

    kind: str
    of_line: bool
    names: tuple[str, ...]
    required: bool = False


FIELDS: dict[str, Field] = {
    "order": Field("text", False, (
        "order", "ordernumber", "orderno", "orderid", "externalid", "bestellnummer", "bestellung", "auftrag",
        "auftragsnummer", "pedido", "reference", "ponumber", "po",
    ), True),
    "sku": Field("text", True, (
        "sku", "item", "itemnumber", "article", "articlenumber", "artikel", "artikelnummer", "productcode", "product",
        "stockcode", "lineitemsku", "productid", "variantsku",
    ), True),
    "quantity": Field("whole", True, ("quantity", "qty", "units", "menge", "anzahl", "lineitemquantity"), True),
    "unit_price": Field("price", True, (
        "unitprice", "price", "itemprice", "preis", "einzelpreis", "lineitemprice",
    ), True),
    "description": Field("text", True, ("description", "name", "productname", "title", "lineitemname", "bezeichnung")),
    "line_discount": Field("amount", True, ("linediscount", "itemdiscount", "lineitemdiscount")),
    "promotion": Field("text", True, ("promotion", "promotioncode", "coupon", "couponcode", "discountcode", "voucher")),
    "kind": Field("text", True, ("kind", "linekind", "linetype", "chargetype", "positionsart")),
    "final_sale": Field("flag", True, ("finalsale", "nonreturnable", "noreturns", "umtauschausgeschlossen")),
    "currency": Field("text", False, ("currency", "currencycode", "wahrung")),
    "ordered_at": Field("moment", False, (
        "orderedat", "orderdate", "date", "createdat", "purchasedate", "bestelldatum", "datum",
    )),
    "promise_at": Field("moment", False, ("promiseat", "promisedat", "deliverby", "requesteddate", "liefertermin")),
    "ship_not_before": Field("day", False, (
        "shipnotbefore", "donotshipbefore", "notbefore", "requestedshipdate", "earliestshipdate", "versandab",
    )),
    "ship_by": Field("day", False, (
        "shipby", "shipbydate", "shipnolater", "shipnotafter", "latestshipdate", "versandbis",
    )),
    "cancel_after": Field("day", False, (
        "cancelafter", "cancelafterdate", "cancelby", "canceldate", "cancellationdate", "stornonach",
    )),
    "min_fill_percent": Field("percent", False, ("minfillpercent", "minfill", "minimumfill", "fillrate")),
    "customer": Field("text", False, (
        "customer", "customerid", "customercode", "customernumber", "kundennummer", "kunde", "cliente",
    )),
    "recipient": Field("text", False, ("recipient", "shippingname", "shiptoname", "customername", "recipientname")),
    "line1": Field("text", False, (
        "line1", "address", "address1", "street", "addressline1", "shippingaddress1", "strasse",
    )),
    "line2": Field("text", False, ("line2", "address2", "addressline2", "shippingaddress2")),
    "city": Field("text", False, ("city", "town", "shippingcity", "ort", "stadt")),
    "region": Field("text", False, ("region", "state", "province", "shippingprovince", "county")),
    "postal_code": Field("text", False, ("postalcode", "postcode", "zip", "zipcode", "shippingzip", "plz")),
    "country": Field("text", False, ("country", "countrycode", "shippingcountry", "land")),
    "email": Field("text", False, ("email", "emailaddress", "customeremail")),
    "phone": Field("text", False, ("phone", "telephone", "shippingphone", "telefon")),
    "bill_name": Field("text", False, ("billname", "billingname", "billtoname", "rechnungsname", "invoicename")),
    "bill_line1": Field("text", False, (
        "billline1", "billingaddress", "billingaddress1", "billingstreet", "rechnungsstrasse",
    )),
    "bill_line2": Field("text", False, ("billline2", "billingaddress2")),
    "bill_city": Field("text", False, ("billcity", "billingcity", "rechnungsort")),
    "bill_region": Field("text", False, ("billregion", "billingregion", "billingstate", "billingprovince")),
    "bill_postal_code": Field("text", False, (
        "billpostalcode", "billingpostalcode", "billingpostcode", "billingzip", "rechnungsplz",
    )),
    "bill_country": Field("text", False, ("billcountry", "billingcountry", "rechnungsland")),
    "bill_email": Field("text", False, ("billemail", "billingemail")),
    "tax_number": Field("text", False, (
        "taxnumber", "vatnumber", "vatid", "taxid", "ustid", "ustidnr", "umsatzsteuerid", "ein",
    )),
    "signals": Field("text", False, ("signals", "risk", "risksignals", "flags")),
    "discount": Field("amount", False, ("discount", "orderdiscount", "discountamount", "rabatt")),
    "shipping": Field("amount", False, (
        "shipping", "shippingprice", "shippingcost", "freight", "freightvalue", "versandkosten",
    )),
    "tax": Field("amount", False, ("tax", "taxes", "vat", "mwst", "salestax")),
    "service": Field("text", False, ("service", "shippingservice", "shippingmethod", "versandart")),
    "policy": Field("text", False, ("policy", "allocationpolicy")),
    "priority": Field("whole", False, ("priority", "prioritat")),
    "demand": Field("text", False, ("demand", "ordertype", "demandkind")),
    "campaign": Field("text", False, ("campaign", "utmcampaign", "kampagne")),
    "gift_message": Field("text", False, ("giftmessage", "giftnote", "giftcard", "grusskarte", "message")),
    "provider": Field("text", False, ("provider", "paymentprovider", "paymentmethod")),
    "payment_reference": Field("text", False, ("paymentreference", "paymentid", "transactionid")),
    "paid": Field("amount", False, ("paid", "authorized", "authorizedamount", "paidamount", "totalpaid")),
}  # fmt: skip

ADDRESS = ("recipient", "line1", "city")
BILLING = ("bill_name", "bill_line1", "bill_city", "bill_country")
"""Fields without which an address is none; where one of them is there, the others must be."""

REQUIRED = tuple(name for name, field in FIELDS.items() if field.required)

BYTES_MAX = 20 * 1024 * 1024
UNPACKED_MAX = 200 * 1024 * 1024
"""Of a workbook, which is a zip archive: a small one can unpack to more than any machine has."""
ROWS_MAX, COLUMNS_MAX, CELL_MAX = 100_000, 200, 500
LINES_MAX = 1_000
DELIMITERS = ",;\t|"
DATE_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%Y/%m/%d")
"""Beside ISO 8601. A time without a zone is UTC."""
DAY_FIRST, MONTH_FIRST = ("%d/%m/%Y", "%d/%m/%Y %H:%M"), ("%m/%d/%Y", "%m/%d/%Y %H:%M")
"""Days come before months, unless a date of the column can be read in the other way alone, and none in this way."""
HEADER_WITHIN = 10
"""Rows from the top among which the header is looked for: titles may stand above it."""
UNCOMPUTED = "#NOT COMPUTED!"
FORMULA_ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", UNCOMPUTED}
)
"""What a spreadsheet shows where a formula gave no value; the last one is ours, for one that nobody has computed."""
NAMES = frozenset({
    "order", "sku", "customer", "payment_reference", "postal_code", "phone", "bill_postal_code", "tax_number",
})  # fmt: skip
"""Fields that may look like numbers and are none."""
PADDED = frozenset({"postal_code", "phone", "bill_postal_code", "tax_number"})
"""Of them, those that are read with the zeros that a workbook shows before a number. What is imported again must be
found by the names of orders, SKUs and customers under which it came before."""
