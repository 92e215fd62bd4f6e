"""A walk over the pages of the house: one of each, as far as the database has something to show on it.

The tests of pages walk it, and so does `make screenshots`.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getclosurevars
from typing import Any, NamedTuple


class Stop(NamedTuple):
    """A page: the name of its address, and the address."""

    name: str
    address: str


_LAST = "SELECT id FROM {} ORDER BY id DESC LIMIT 1"
_RICHEST = """
SELECT o.id FROM orders_order AS o
WHERE o.status IN ('delivered', 'shipped', 'partly shipped')
ORDER BY (SELECT count(*) FROM returns_return AS r WHERE r.order_id = o.id) DESC, o.line_count DESC, o.id LIMIT 1
"""
_RETURN = """
SELECT r.id FROM returns_return AS r
ORDER BY array_position(ARRAY['inspected', 'disposed', 'received', 'closed', 'authorized'], r.state::text), r.id LIMIT 1
"""
_FULFILLMENT = """
SELECT f.id FROM warehouse_fulfillment AS f WHERE f.state <> 'cancelled'
ORDER BY array_position(ARRAY[{}], f.state::text), f.id LIMIT 1
"""
_BUCKET = """
SELECT b.id FROM stock_bucket AS b
JOIN network_bin AS n ON n.id = b.bin_id
WHERE b.quantity > b.committed AND b.status = 'sellable' ORDER BY (n.kind = '{}') DESC, b.id LIMIT 1
"""
DOOR = """
SELECT c.code, ch.code FROM network_channel AS ch
JOIN parties_company AS c ON c.id = ch.company_id ORDER BY ch.id LIMIT 1
"""
_TO_COUNT = "SELECT id FROM warehouse_counttask ORDER BY (state IN ('open', 'counting')) DESC, id LIMIT 1"
_BOUGHT = (
    "SELECT id FROM purchasing_order ORDER BY (state IN ('open', 'part_received')) DESC, id DESC LIMIT 1"
)

_SUPPLIER = """
SELECT s.id FROM parties_supplier AS s
ORDER BY EXISTS (SELECT FROM purchasing_order AS o WHERE o.supplier_id = s.id) DESC, s.id LIMIT 1
"""

PACKED = "'picked', 'packed', 'released', 'shipped'"

WHICH: dict[str, str] = {
    "draft": _LAST.format("orders_draft"),
    "orders-import-file": _LAST.format("channels_fileimport"),
    "job": _LAST.format("kernel_job"),
    "trial": _LAST.format("simulation_trial"),
    "order": _RICHEST,
    "packing": _FULFILLMENT.format(PACKED),
    "return": _RETURN,
    "return-suspicion": "SELECT return_id FROM returns_judgment ORDER BY (state = 'open') DESC, return_id LIMIT 1",
    "dispute": "SELECT id FROM payments_dispute ORDER BY (state = 'needs_response') DESC, id LIMIT 1",
    "payout-line": "SELECT payout_id, number FROM settlement_payoutline"
    " ORDER BY state IN ('differs', 'unmatched') DESC, payout_id, number LIMIT 1",
    "bank-line": "SELECT statement_id, number FROM settlement_bankstatementline"
    " ORDER BY state IN ('differs', 'unmatched') DESC, statement_id, number LIMIT 1",
    "return-pallet": _LAST.format("returns_pallet"),
    "scan-pallet-one": "SELECT id FROM returns_pallet ORDER BY (state = 'open') DESC, id LIMIT 1",
    "departure": _LAST.format("returns_departure"),
    "store-credit": "SELECT id FROM payments_credit ORDER BY id LIMIT 1",
    "purchase-order": _BOUGHT,
    "supplier": _SUPPLIER,
    "customer": "SELECT customer_id FROM orders_order WHERE customer_id IS NOT NULL LIMIT 1",
    "notice": _LAST.format("purchasing_notice"),
    "sku": "SELECT sku_id FROM stock_position ORDER BY allocated DESC, sku_id LIMIT 1",
    "sku-past": "SELECT sku_id FROM stock_position ORDER BY allocated DESC, sku_id LIMIT 1",
    "sku-catalog": "SELECT sku_id FROM stock_position ORDER BY allocated DESC, sku_id LIMIT 1",
    "bin": "SELECT bin_id FROM stock_bucket WHERE quantity > 0 AND bin_id IS NOT NULL ORDER BY id LIMIT 1",
    "count": _TO_COUNT,
    "wave": _LAST.format("warehouse_wave"),
    "pick-list": _LAST.format("warehouse_picklist"),
    "scan-walk": _FULFILLMENT.replace("f.id", "'order', f.id", 1).format(
        "'released', 'picked', 'packed', 'shipped'"
    ),
    "scan-sort-one": _LAST.format("warehouse_picklist"),
    "scan-pack-one": _FULFILLMENT.format(PACKED),
    "scan-count-one": _TO_COUNT,
    "scan-receive-one": _BOUGHT,
    "transfer": "SELECT id FROM stock_transfer ORDER BY (state = 'in_transit') DESC, id LIMIT 1",
    "scan-receive-transfer": "SELECT id FROM stock_transfer ORDER BY (state = 'in_transit') DESC, id LIMIT 1",
    "scan-inspect-one": _RETURN,
    "scan-replenish-one": _LAST.format("warehouse_replenishment"),
    "plate": _LAST.format("stock_plate"),
    "scan-plate": "SELECT plate_id FROM stock_plateunits ORDER BY plate_id LIMIT 1",
    "scan-put-away-one": _BUCKET.format("receiving"),
    "scan-move-in": "SELECT bin_id FROM stock_bucket WHERE quantity > 0 AND bin_id IS NOT NULL ORDER BY id LIMIT 1",
    "scan-move-one": _BUCKET.format("pick"),
    "person": "SELECT id FROM auth_user ORDER BY is_superuser, id LIMIT 1",
    "service": "SELECT id FROM carriage_service ORDER BY id LIMIT 1",
    "calendar": "SELECT id FROM network_node ORDER BY id LIMIT 1",
    "webhook": _LAST.format("channels_webhook"),
    "work-item": "SELECT id FROM work_item ORDER BY (state = 'open') DESC, id LIMIT 1",
    "entry": "SELECT entry_id FROM ledger_line ORDER BY id DESC LIMIT 1",
    "manual-entry": _LAST.format("ledger_manualentry"),
    "event": "SELECT seq FROM kernel_event ORDER BY seq DESC LIMIT 1",
    "refund-trail": _LAST.format("returns_refund"),
    "message": "SELECT 'out', id::text FROM kernel_delivery ORDER BY (state = 'dead') DESC, id LIMIT 1",
    "document": "SELECT id FROM shipping_shipment ORDER BY id LIMIT 1",
}
"""The pages of one thing, by the name of their address, and how one is found that has much to show."""

GIVEN: dict[str, list[Any]] = {
    "account": [1200],
    "policy": ["sourcing.profile"],
    "policy-draft": ["sourcing.profile"],
    "report": ["perfect-order"],
}
"""Pages whose address names what is in every house."""

OF_THE_PORTAL = ("portal-start", "portal-order", "portal-return")
"""The pages of a customer's visit."""

NOT_WALKED = {
    "book-file": "is made by the worker when somebody asks for it",
    "find": "parts of the search",
    "report-tile": "a part of the reports",
    "view": "leads to a list",
    "return-photo": "a picture",
    "barcode-photo": "a picture",
    "order-file": "a file",
    "departure-paper": "a file",
    "purchase-order-document": "a file",
    "label-of-carrier": "a file",
    "manifest-form": "a file",
    "audit-heads": "a file",
    "file": "a file",
    "portal-quote": "a file",
    "portal-slip": "a file",
    "portal-label": "a file",
    "portal-link": "leads to an order",
}
"""Addresses that answer a GET, and are no page of the walk, and why."""

_READING = {"GET", "HEAD"}


def shown() -> dict[str, int]:
    """The addresses of the house that show a page, by name, with the number of their arguments."""
    from entrepot.web.urls import urlpatterns

    found = {}
    for one in urlpatterns:
        name, address = getattr(one, "name", None), str(one.pattern)
        methods = getclosurevars(one.callback).nonlocals.get("request_method_list", ()) if name else ()
        if _READING & set(methods) and (address == "" or address.endswith("/")) and name not in NOT_WALKED:
            found[name] = len(one.pattern.converters)
    return found


def stops() -> Iterator[Stop]:
    """A page of each kind that this database can show, and every further list of a page; those of the portal last, in
    the order of a visit."""
    from django.urls import reverse

    from entrepot.web.lists import LISTS

    for name, arguments in shown().items():
        if name.startswith("portal-"):
            continue
        given = _given(name) if arguments else []
        if given is not None:
            yield Stop(name, reverse(name, args=given))
    for one in LISTS.values():
        if one.part:
            yield Stop(one.name, f"{reverse(one.url)}?list={one.part}")
    yield from _portal()


def _given(name: str) -> list[Any] | None:
    from entrepot.kernel import sql

    if name in GIVEN:
        return GIVEN[name]
    found = sql.run(WHICH[name])
    if not found:
        return None
    return list(found[0])


def _portal() -> Iterator[Stop]:
    from django.core import signing
    from django.urls import reverse

    from entrepot.kernel import sql
    from entrepot.web.views.portal import LINK

    for company, channel in sql.run(DOOR):
        yield Stop("portal-start", reverse("portal-start", args=[company, channel]))
    for (order,) in sql.run(_RICHEST):
        token = signing.dumps(str(order), salt=LINK, compress=True)
        yield Stop("portal-order", reverse("portal-link", args=[token]))
        for (number,) in sql.run(
            "SELECT number FROM returns_return WHERE order_id = %(o)s LIMIT 1", {"o": order}
        ):
            yield Stop("portal-return", reverse("portal-return", args=[number]))
