"""What a few typed letters may mean: documents, SKUs, customers, nodes, channels and bins of a company, each by an
index of its own; of nodes and channels there are few."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.parties import fingerprints
from entrepot.stock.plating import number_of


class Found(NamedTuple):
    """A document that a search found; `more` tells it apart from others."""

    kind: str
    id: UUID
    name: str
    more: str


PREFIX_MIN = 2
"""Letters of a number from which on its beginning is looked for; a single one begins nearly all of them."""


def find(*, company: int, text: str, limit: int = 20, sees_buyers: bool = False) -> list[Found]:
    """Documents by number, external id, code, barcode, name, tracking number or SSCC; those called exactly that come
    first. SKUs also by a lot or serial number of which there is, or was, stock; shipments by a serial number that was
    noted when they were packed; pallets of returns until they are opened.

    Orders and customers are found by the beginning of their numbers and codes as well. Whoever `sees_buyers` finds
    the orders of a mail address, a telephone or a name, whole, as long as the vault has it. `limit` is of each kind.
    One statement.
    """
    marks = _marks(text) if sees_buyers else ("", "", "")
    params = {
        "company": company, "text": text, "upper": text.upper(), "begins": f"{_plain(text)}%",
        "upper_begins": f"{_plain(text.upper())}%", "part": f"%{_plain(text)}%", "limit": limit,
        "mailbox": marks[0], "phone": marks[1], "called": marks[2],
        "prefix": len(text) >= PREFIX_MIN, "plate": number_of(text),
    }  # fmt: skip
    return list(dict.fromkeys(Found(*row) for row in sql.run(_FIND, params)))


def _marks(text: str) -> tuple[str, str, str]:
    """The fingerprints of a mail address, a telephone and a name that a text may be."""
    if "@" in text:
        return fingerprints.of_email(text), "", ""
    if any(map(str.isalpha, text)):
        return "", "", fingerprints.of_name(text)
    return "", fingerprints.of_phone(text), ""


def called(company: int, ids: Collection[UUID]) -> dict[UUID, str]:
    """What people call SKUs, nodes, bins, orders with their lines, returns, and items of work (by the order that they
    are about, or their type) of a company. One statement, where there are any."""
    if not ids:
        return {}
    return dict(sql.run(_CALLED, {"company": company, "ids": list(ids)}))  # type: ignore[arg-type]


def _plain(text: str) -> str:
    """The text with LIKE's own signs taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_NUMBERED = {
    "fulfillment": ("warehouse_fulfillment", "state"),
    "package": ("warehouse_package", "carton"),
    "wave": ("warehouse_wave", "state"),
    "pick_list": ("warehouse_picklist", "''"),
    "shipment": ("shipping_shipment", "concat_ws(' · ', NULLIF(tracking, ''), state)"),
    "consignment": ("shipping_consignment", "concat_ws(' · ', carrier, state)"),
    "claim": ("shipping_claim", "state"),
    "manifest": ("shipping_manifest", "''"),
    "purchase": ("purchasing_order", "concat_ws(' · ', NULLIF(external_ref, ''), state)"),
    "drop_ship": ("purchasing_dropship", "state"),
    "receipt": ("purchasing_receipt", "received_by"),
    "notice": ("purchasing_notice", "state"),
    "credit": ("orders_credit", "external_id"),
    "return": ("returns_return", "concat_ws(' · ', NULLIF(external_id, ''), state)"),
    "refund": ("returns_refund", "state"),
    "departure": ("returns_departure", "concat_ws(' · ', NULLIF(receiver, ''), state)"),
    "work_order": ("returns_workorder", "state"),
    "card_hold": ("returns_hold", "state"),
    "transfer": ("stock_transfer", "state"),
    "invoice": ("settlement_document", "kind"),
    "adjustment": ("stock_adjustment", "state"),
    "transfer_proposal": ("sourcing_transferproposal", "state"),
    "reorder_proposal": ("purchasing_proposal", "state"),
    "quality_check": ("purchasing_check", "state"),
    "supplier_claim": ("purchasing_claim", "state"),
    "landed_cost": ("purchasing_landedcost", "kind"),
    "payout": ("settlement_payout", "concat_ws(' · ', provider, external_id, state)"),
    "carrier_invoice": ("settlement_carrierinvoice", "concat_ws(' · ', carrier, external_id, state)"),
    "supplier_invoice": ("settlement_supplierinvoice", "concat_ws(' · ', external_id, state)"),
    "bank_statement": ("settlement_bankstatement", "concat_ws(' · ', external_id, state)"),
    "manual_entry": ("ledger_manualentry", "concat_ws(' · ', kind, state)"),
    "write_off": ("settlement_writeoff", "state"),
    "channel_statement": ("channels_statement", "kind"),
    "draft": ("orders_draft", "state"),
}
"""Documents that are found by their number: kind → table, what is said beside the number. A number is looked up by its
unique index, and only then asked whose it is."""

_ORDER = "'order', o.id, o.number, concat_ws(' · ', c.code, o.external_id, o.status)"
_OWN = "company_id = %(company)s::smallint"

# A number's beginning is a range of its index, in every collation: behind it stand digits, and those come before Z.
_FIND = "\nUNION ALL\n".join(
    (
        f"""(SELECT {_ORDER} FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
 WHERE o.{_OWN} AND o.number = %(upper)s::text)""",
        f"""(SELECT {_ORDER} FROM network_channel AS c JOIN orders_order AS o ON o.company_id = c.company_id
  AND o.channel_id = c.id WHERE c.{_OWN} AND o.external_id = %(text)s::text)""",
        *(
            f"(SELECT '{kind}', id, number, {more} FROM {table} WHERE number = %(upper)s::text AND {_OWN})"
            for kind, (table, more) in _NUMBERED.items()
        ),
        f"""(SELECT 'return', r.id, r.number, concat_ws(' · ', o.number, r.state)
 FROM orders_order AS o JOIN returns_return AS r ON r.order_id = o.id
 WHERE o.{_OWN} AND o.number = %(upper)s::text LIMIT %(limit)s::int)""",
        f"""(SELECT 'purchase', id, number, concat_ws(' · ', external_ref, state) FROM purchasing_order
 WHERE {_OWN} AND external_ref = %(text)s::text AND external_ref <> '' LIMIT %(limit)s::int)""",
        f"""(SELECT 'shipment', id, number, concat_ws(' · ', tracking, state) FROM shipping_shipment
 WHERE {_OWN} AND tracking = %(text)s::text AND tracking <> '' LIMIT %(limit)s::int)""",
        f"""(SELECT 'shipment', s.id, s.number, concat_ws(' · ', l.tracking, s.state)
 FROM shipping_label AS l JOIN shipping_shipment AS s ON s.id = l.shipment_id
 WHERE l.{_OWN} AND l.tracking = %(text)s::text LIMIT %(limit)s::int)""",
        f"""(SELECT 'shipment', s.id, s.number, concat_ws(' · ', p.tracking, s.state)
 FROM shipping_parcel AS p JOIN shipping_shipment AS s ON s.id = p.shipment_id AND s.tracking <> p.tracking
 WHERE p.{_OWN} AND p.tracking = %(text)s::text LIMIT %(limit)s::int)""",
        f"""(SELECT 'shipment', s.id, s.number, concat_ws(' · ', k.code, p.serial, s.state)
 FROM warehouse_packedserial AS p JOIN shipping_shipment AS s ON s.fulfillment_id = p.fulfillment_id
 JOIN catalog_sku AS k ON k.id = p.sku_id
 WHERE p.{_OWN} AND p.serial = %(text)s::text LIMIT %(limit)s::int)""",
        f"""(SELECT 'return', r.id, r.number, concat_ws(' · ', p.tracking, r.state)
 FROM returns_parcel AS p JOIN returns_return AS r ON r.id = p.return_id
 WHERE p.{_OWN} AND p.tracking = %(text)s::text LIMIT %(limit)s::int)""",
        f"""(SELECT 'sku', id, code, name FROM catalog_sku WHERE {_OWN}
  AND (code ILIKE %(begins)s::text OR barcode = %(text)s::text OR name ILIKE %(part)s::text)
 ORDER BY code = %(upper)s::text DESC, code LIMIT %(limit)s::int)""",
        f"""(SELECT 'customer', id, code, tier FROM parties_customer WHERE {_OWN} AND %(prefix)s::bool
  AND code >= %(text)s::text AND code <= %(text)s::text || 'Z' AND code LIKE %(begins)s::text
 ORDER BY code LIMIT %(limit)s::int)""",
        f"""(SELECT {_ORDER} FROM parties_customer AS u JOIN orders_order AS o ON o.customer_id = u.id
  JOIN network_channel AS c ON c.id = o.channel_id WHERE u.{_OWN} AND u.code = %(text)s::text
 ORDER BY o.placed_at DESC LIMIT %(limit)s::int)""",
        f"""(SELECT {_ORDER} FROM (
    SELECT id FROM parties_address AS a WHERE a.{_OWN} AND a.mailbox = %(mailbox)s::text AND a.mailbox <> ''
    UNION ALL SELECT id FROM parties_address AS a WHERE a.{_OWN} AND a.phone = %(phone)s::text AND a.phone <> ''
    UNION ALL SELECT id FROM parties_address AS a WHERE a.{_OWN} AND a.called = %(called)s::text AND a.called <> ''
  ) AS a JOIN orders_order AS o ON o.address_id = a.id OR o.billing_id = a.id
  JOIN network_channel AS c ON c.id = o.channel_id
 WHERE o.{_OWN} ORDER BY o.placed_at DESC LIMIT %(limit)s::int)""",
        f"""(SELECT 'plate', id, number, made_by FROM stock_plate WHERE {_OWN} AND number = %(plate)s::text)""",
        *(
            f"""(SELECT DISTINCT 'notice', n.id, n.number, concat_ws(' · ', n.external_ref, n.state)
 FROM purchasing_noticeline AS l JOIN purchasing_notice AS n ON n.id = l.notice_id AND n.state <> 'replaced'
 WHERE l.{_OWN} AND l.{column} = %(plate)s::text AND l.{column} <> '' LIMIT %(limit)s::int)"""
            for column in ("sscc", "pallet")
        ),
        f"""(SELECT 'bin', b.id, b.code, concat_ws(' · ', n.code, b.kind)
 FROM network_node AS n JOIN network_bin AS b ON b.node_id = n.id
 WHERE b.{_OWN} AND b.code = %(upper)s::text LIMIT %(limit)s::int)""",
        *(
            f"""(SELECT DISTINCT 'sku', s.id, s.code, concat_ws(' · ', %(text)s::text, s.name)
 FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id
 WHERE b.{_OWN} AND b.{column} = %(text)s::text AND b.{column} <> '' LIMIT %(limit)s::int)"""
            for column in ("lot", "serial")
        ),
        f"""(SELECT 'pallet', id, number, concat_ws(' · ', NULLIF(carrier, ''), state) FROM returns_pallet
 WHERE {_OWN} AND number = %(text)s::text AND state <> 'done' LIMIT %(limit)s::int)""",
        f"""(SELECT 'supplier', id, code, name FROM parties_supplier
 WHERE {_OWN} AND (code ILIKE %(begins)s::text OR name ILIKE %(part)s::text) ORDER BY code LIMIT %(limit)s::int)""",
        *(
            f"""(SELECT '{kind}', id, code, name FROM network_{kind}
 WHERE {_OWN} AND (code ILIKE %(begins)s::text OR name ILIKE %(begins)s::text) ORDER BY code LIMIT %(limit)s::int)"""
            for kind in ("node", "channel")
        ),
        f"""(SELECT {_ORDER} FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id
 WHERE o.{_OWN} AND %(prefix)s::bool AND o.number > %(upper)s::text AND o.number <= %(upper)s::text || 'Z'
   AND o.number LIKE %(upper_begins)s::text ORDER BY o.number DESC LIMIT %(limit)s::int)""",
    )
)

_CALLED = " UNION ALL ".join(
    f"SELECT id, {name} FROM {table} WHERE id = ANY(%(ids)s::uuid[]) AND company_id = %(company)s::smallint"
    for table, name in (
        ("catalog_sku", "code"), ("network_node", "code"), ("network_bin", "code"), ("orders_order", "number"),
        ("returns_return", "number"),
    )
)  # fmt: skip
_CALLED += """
UNION ALL SELECT i.id, COALESCE(o.number, i.type) FROM work_item AS i
LEFT JOIN orders_order AS o ON o.id = i.subject_id AND i.subject_kind = 'order'
WHERE i.id = ANY(%(ids)s::uuid[]) AND i.company_id = %(company)s::smallint
UNION ALL SELECT l.id, l.sku_code FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id
WHERE l.id = ANY(%(ids)s::uuid[]) AND o.company_id = %(company)s::smallint
"""
