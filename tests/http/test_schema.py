"""The API does what its OpenAPI document says, whatever is sent: schemathesis against the WSGI application."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import schemathesis
from django.core import signals
from django.db import close_old_connections
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from entrepot.web.api import house

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "2"))
OPERATIONS = [
    ("/api/v1/accounts", "get"),
    ("/api/v1/accounts", "post"),
    ("/api/v1/aliases", "post"),
    ("/api/v1/aliases/attach", "post"),
    ("/api/v1/aliases/drop", "post"),
    ("/api/v1/audit", "get"),
    ("/api/v1/audit/heads", "get"),
    ("/api/v1/audit/refunds/{refund}", "get"),
    ("/api/v1/availability", "get"),
    ("/api/v1/availability/published", "get"),
    ("/api/v1/availability/published/digest", "get"),
    ("/api/v1/backorders", "get"),
    ("/api/v1/bank-lines", "get"),
    ("/api/v1/bank-lines/decide", "post"),
    ("/api/v1/bank-lines/split", "post"),
    ("/api/v1/bank-lines/{statement}/{line}/fits", "get"),
    ("/api/v1/bank-statements", "post"),
    ("/api/v1/advice", "get"),
    ("/api/v1/advice", "post"),
    ("/api/v1/advice/accept", "post"),
    ("/api/v1/advice/decline", "post"),
    ("/api/v1/advice/worth", "get"),
    ("/api/v1/advice/{suggestion}", "get"),
    ("/api/v1/adjustments", "get"),
    ("/api/v1/adjustments", "post"),
    ("/api/v1/adjustments/decide", "post"),
    ("/api/v1/adjustments/{which}", "get"),
    ("/api/v1/api-keys", "get"),
    ("/api/v1/api-keys", "post"),
    ("/api/v1/api-keys/revoke", "post"),
    ("/api/v1/api-keys/rotate", "post"),
    ("/api/v1/bins", "get"),
    ("/api/v1/bins", "post"),
    ("/api/v1/bins/retire", "post"),
    ("/api/v1/bins/status", "post"),
    ("/api/v1/bins/switch", "post"),
    ("/api/v1/book-files", "post"),
    ("/api/v1/buyers/listed", "get"),
    ("/api/v1/buyers/listed", "post"),
    ("/api/v1/buyers/listed/end", "post"),
    ("/api/v1/campaigns", "get"),
    ("/api/v1/carrier-charges", "get"),
    ("/api/v1/carrier-charges/decide", "post"),
    ("/api/v1/carrier-cut-offs", "get"),
    ("/api/v1/carrier-cut-offs", "post"),
    ("/api/v1/carrier-invoices", "get"),
    ("/api/v1/carrier-invoices", "post"),
    ("/api/v1/cartons", "get"),
    ("/api/v1/cartons", "post"),
    ("/api/v1/channel-differences", "get"),
    ("/api/v1/channel-differences/explain", "post"),
    ("/api/v1/channel-differences/mend", "post"),
    ("/api/v1/channel-statements", "post"),
    ("/api/v1/channels", "get"),
    ("/api/v1/channels", "post"),
    ("/api/v1/channels/nodes", "post"),
    ("/api/v1/claims", "get"),
    ("/api/v1/claims", "post"),
    ("/api/v1/claims/advance", "post"),
    ("/api/v1/clearing", "get"),
    ("/api/v1/clearing", "post"),
    ("/api/v1/clearing/lines", "get"),
    ("/api/v1/clearing/matches", "get"),
    ("/api/v1/clearing/matches", "post"),
    ("/api/v1/clearing/matches/undo", "post"),
    ("/api/v1/clearing/notes", "post"),
    ("/api/v1/clearing/write-offs", "get"),
    ("/api/v1/clearing/write-offs", "post"),
    ("/api/v1/clearing/write-offs/decide", "post"),
    ("/api/v1/closing", "get"),
    ("/api/v1/closing", "post"),
    ("/api/v1/closing/months", "get"),
    ("/api/v1/closing/report", "get"),
    ("/api/v1/closing/tasks", "get"),
    ("/api/v1/closing/tasks", "post"),
    ("/api/v1/companies", "get"),
    ("/api/v1/companies", "post"),
    ("/api/v1/conflicts", "get"),
    ("/api/v1/consignments", "get"),
    ("/api/v1/costing", "get"),
    ("/api/v1/costing", "post"),
    ("/api/v1/counts", "get"),
    ("/api/v1/counts", "post"),
    ("/api/v1/counts/accuracy", "get"),
    ("/api/v1/counts/decide", "post"),
    ("/api/v1/counts/differences", "get"),
    ("/api/v1/counts/enter", "post"),
    ("/api/v1/counts/plan", "post"),
    ("/api/v1/counts/start", "post"),
    ("/api/v1/counts/withdraw", "post"),
    ("/api/v1/counts/{which}", "get"),
    ("/api/v1/currency-balances", "get"),
    ("/api/v1/currency-balances", "post"),
    ("/api/v1/customers", "get"),
    ("/api/v1/customers", "post"),
    ("/api/v1/customers/{customer}", "get"),
    ("/api/v1/cut-offs", "get"),
    ("/api/v1/cut-offs", "post"),
    ("/api/v1/disputes", "get"),
    ("/api/v1/disputes/accept", "post"),
    ("/api/v1/disputes/contest", "post"),
    ("/api/v1/disputes/withdraw", "post"),
    ("/api/v1/disputes/{dispute}", "get"),
    ("/api/v1/drafts", "get"),
    ("/api/v1/drafts", "post"),
    ("/api/v1/drafts/discard", "post"),
    ("/api/v1/drafts/restore", "post"),
    ("/api/v1/drafts/place", "post"),
    ("/api/v1/drafts/{which}", "get"),
    ("/api/v1/drafts/{which}/paper", "get"),
    ("/api/v1/drop-ships", "get"),
    ("/api/v1/drop-ships/call-off", "post"),
    ("/api/v1/drop-ships/confirm", "post"),
    ("/api/v1/drop-ships/refuse", "post"),
    ("/api/v1/drop-ships/send", "post"),
    ("/api/v1/drop-ships/sent", "post"),
    ("/api/v1/drop-ships/{drop_ship}", "get"),
    ("/api/v1/edi-documents", "post"),
    ("/api/v1/exchange-rates", "get"),
    ("/api/v1/exchange-rates", "post"),
    ("/api/v1/exchange-rates/corrections", "get"),
    ("/api/v1/exchange-rates/corrections", "post"),
    ("/api/v1/exchange-rates/files", "post"),
    ("/api/v1/expected-returns", "get"),
    ("/api/v1/expected-returns/measured", "get"),
    ("/api/v1/expected-returns/measured", "post"),
    ("/api/v1/feeds", "get"),
    ("/api/v1/files/{file_id}", "get"),
    ("/api/v1/fulfillments/{fulfillment}/packing", "get"),
    ("/api/v1/goods-not-invoiced", "get"),
    ("/api/v1/holds", "get"),
    ("/api/v1/holds", "post"),
    ("/api/v1/holds/decide", "post"),
    ("/api/v1/holds/release", "post"),
    ("/api/v1/holidays", "get"),
    ("/api/v1/holidays", "post"),
    ("/api/v1/invoices", "get"),
    ("/api/v1/invoices", "post"),
    ("/api/v1/invoices/{invoice}/ubl", "get"),
    ("/api/v1/jobs", "get"),
    ("/api/v1/jobs/withdraw", "post"),
    ("/api/v1/jobs/{job_id}", "get"),
    ("/api/v1/journal", "get"),
    ("/api/v1/journal-entries", "get"),
    ("/api/v1/journal-entries", "post"),
    ("/api/v1/journal-entries/decide", "post"),
    ("/api/v1/journal-entries/reverse", "post"),
    ("/api/v1/kept-back", "get"),
    ("/api/v1/kits", "post"),
    ("/api/v1/kits/{code}", "get"),
    ("/api/v1/labels", "post"),
    ("/api/v1/labels/anew", "post"),
    ("/api/v1/labels/buy", "post"),
    ("/api/v1/labels/left-behind", "get"),
    ("/api/v1/labels/take-off", "post"),
    ("/api/v1/labels/void", "post"),
    ("/api/v1/labor/outlook", "get"),
    ("/api/v1/labor/performance", "get"),
    ("/api/v1/labor/standards", "get"),
    ("/api/v1/labor/standards", "post"),
    ("/api/v1/labor/throughput", "get"),
    ("/api/v1/landed-costs", "get"),
    ("/api/v1/landed-costs", "post"),
    ("/api/v1/landed-costs/{cost}/parts", "get"),
    ("/api/v1/layers", "get"),
    ("/api/v1/layouts", "get"),
    ("/api/v1/layouts", "post"),
    ("/api/v1/manifests", "get"),
    ("/api/v1/manifests", "post"),
    ("/api/v1/manifests/tell", "post"),
    ("/api/v1/messages", "get"),
    ("/api/v1/messages/content", "get"),
    ("/api/v1/messages/drop", "post"),
    ("/api/v1/messages/replay", "post"),
    ("/api/v1/nodes", "get"),
    ("/api/v1/nodes", "post"),
    ("/api/v1/order-files", "get"),
    ("/api/v1/order-files", "post"),
    ("/api/v1/order-files/{which}", "get"),
    ("/api/v1/orders/{order_id}/notes", "get"),
    ("/api/v1/orders/{order_id}/files", "get"),
    ("/api/v1/order-attachments/{attachment}/content", "get"),
    ("/api/v1/order-notes", "post"),
    ("/api/v1/order-notes/correct", "post"),
    ("/api/v1/order-notes/withdraw", "post"),
    ("/api/v1/order-attachments", "post"),
    ("/api/v1/order-attachments/withdraw", "post"),
    ("/api/v1/orders", "get"),
    ("/api/v1/orders", "post"),
    ("/api/v1/orders/ask-again", "post"),
    ("/api/v1/orders/replan", "post"),
    ("/api/v1/nodes/leave", "post"),
    ("/api/v1/orders/cancel", "post"),
    ("/api/v1/orders/edit", "post"),
    ("/api/v1/orders/merge", "post"),
    ("/api/v1/orders/payments", "post"),
    ("/api/v1/orders/reject", "post"),
    ("/api/v1/orders/split", "post"),
    ("/api/v1/orders/{order_id}", "get"),
    ("/api/v1/orders/{order_id}/mergeable", "get"),
    ("/api/v1/orders/{order_id}/returnable", "get"),
    ("/api/v1/orders/{order_id}/sourcing", "get"),
    ("/api/v1/packages", "post"),
    ("/api/v1/packages/open", "post"),
    ("/api/v1/packages/unproved", "post"),
    ("/api/v1/packagings", "post"),
    ("/api/v1/packagings/{code}", "get"),
    ("/api/v1/payments/failed", "get"),
    ("/api/v1/payments/retry", "post"),
    ("/api/v1/payouts", "get"),
    ("/api/v1/payouts", "post"),
    ("/api/v1/payouts/lines/explain", "post"),
    ("/api/v1/payouts/lines/split", "post"),
    ("/api/v1/payouts/reports", "post"),
    ("/api/v1/payouts/reserves", "get"),
    ("/api/v1/payouts/stripe", "post"),
    ("/api/v1/payouts/{payout}/lines", "get"),
    ("/api/v1/payouts/{payout}/lines/{line}/fits", "get"),
    ("/api/v1/pick-faces", "get"),
    ("/api/v1/pick-faces", "post"),
    ("/api/v1/pick-faces/review", "post"),
    ("/api/v1/pick-lists/pick", "post"),
    ("/api/v1/pick-lists/split", "post"),
    ("/api/v1/pick-lists/take", "post"),
    ("/api/v1/pick-lists/{which}", "get"),
    ("/api/v1/pick-stops/sort", "post"),
    ("/api/v1/plates", "get"),
    ("/api/v1/plates", "post"),
    ("/api/v1/plates/move", "post"),
    ("/api/v1/plates/open", "post"),
    ("/api/v1/plates/stack", "post"),
    ("/api/v1/plates/{number}", "get"),
    ("/api/v1/plates/{number}/label", "get"),
    ("/api/v1/policies", "get"),
    ("/api/v1/policies", "post"),
    ("/api/v1/policies/untried", "post"),
    ("/api/v1/policy-drafts", "get"),
    ("/api/v1/policy-drafts", "post"),
    ("/api/v1/policy-drafts/activate", "post"),
    ("/api/v1/policy-drafts/drop", "post"),
    ("/api/v1/policy-drafts/try", "post"),
    ("/api/v1/posting-preview", "get"),
    ("/api/v1/posting-preview/step", "post"),
    ("/api/v1/posting-rules", "get"),
    ("/api/v1/preorders", "post"),
    ("/api/v1/privacy/erasures", "post"),
    ("/api/v1/privacy/exports", "post"),
    ("/api/v1/privacy/holds", "post"),
    ("/api/v1/privacy/holds/release", "post"),
    ("/api/v1/profit", "get"),
    ("/api/v1/profit/erosion", "get"),
    ("/api/v1/profit/lines", "get"),
    ("/api/v1/purchase-orders", "get"),
    ("/api/v1/purchase-orders", "post"),
    ("/api/v1/purchase-orders/cancel", "post"),
    ("/api/v1/purchase-orders/change", "post"),
    ("/api/v1/purchase-orders/close-rest", "post"),
    ("/api/v1/purchase-orders/confirm", "post"),
    ("/api/v1/purchase-orders/decide", "post"),
    ("/api/v1/purchase-orders/documents", "post"),
    ("/api/v1/purchase-orders/receive", "post"),
    ("/api/v1/purchase-orders/reschedule", "post"),
    ("/api/v1/purchase-orders/send", "post"),
    ("/api/v1/purchase-orders/{order_id}", "get"),
    ("/api/v1/purchase-orders/{order_id}/documents", "get"),
    ("/api/v1/purchase-orders/{order_id}/paper", "get"),
    ("/api/v1/put-away", "get"),
    ("/api/v1/put-away", "post"),
    ("/api/v1/quality-checks", "get"),
    ("/api/v1/quality-checks/decide", "post"),
    ("/api/v1/rates", "get"),
    ("/api/v1/rates/ask", "post"),
    ("/api/v1/receiving/scans", "post"),
    ("/api/v1/refunds", "get"),
    ("/api/v1/refunds/approve", "post"),
    ("/api/v1/reorder-proposals", "get"),
    ("/api/v1/reorder-proposals/accept", "post"),
    ("/api/v1/reorder-proposals/reject", "post"),
    ("/api/v1/replenishments", "get"),
    ("/api/v1/replenishments", "post"),
    ("/api/v1/report-mails", "get"),
    ("/api/v1/report-mails", "post"),
    ("/api/v1/report-mails/end", "post"),
    ("/api/v1/report-mails/retry", "post"),
    ("/api/v1/report-mails/unsent", "get"),
    ("/api/v1/reports", "get"),
    ("/api/v1/reports/{report}", "get"),
    ("/api/v1/reports/{report}/rows", "get"),
    ("/api/v1/reservations", "get"),
    ("/api/v1/reservations", "post"),
    ("/api/v1/reservations/give-back", "post"),
    ("/api/v1/reservations/renew", "post"),
    ("/api/v1/returns", "get"),
    ("/api/v1/returns", "post"),
    ("/api/v1/returns/accept", "post"),
    ("/api/v1/returns/card-holds", "get"),
    ("/api/v1/returns/card-holds/decide", "post"),
    ("/api/v1/returns/checklist", "get"),
    ("/api/v1/returns/claims", "post"),
    ("/api/v1/returns/close", "post"),
    ("/api/v1/returns/consider", "post"),
    ("/api/v1/returns/departures", "get"),
    ("/api/v1/returns/departures", "post"),
    ("/api/v1/returns/departures/leave", "post"),
    ("/api/v1/returns/departures/papers", "post"),
    ("/api/v1/returns/departures/settle", "post"),
    ("/api/v1/returns/departures/withdraw", "post"),
    ("/api/v1/returns/departures/{departure}", "get"),
    ("/api/v1/returns/correct-reasons", "post"),
    ("/api/v1/returns/dispose", "post"),
    ("/api/v1/returns/dispositions/again", "post"),
    ("/api/v1/returns/exchange", "post"),
    ("/api/v1/returns/exchange/withdraw", "post"),
    ("/api/v1/returns/fraud", "get"),
    ("/api/v1/returns/fraud/decide", "post"),
    ("/api/v1/returns/fraud/groups", "get"),
    ("/api/v1/returns/fraud/rules", "get"),
    ("/api/v1/returns/fraud/{return_id}", "get"),
    ("/api/v1/returns/given-up", "get"),
    ("/api/v1/returns/inspect", "post"),
    ("/api/v1/returns/labels", "post"),
    ("/api/v1/returns/labels/void", "post"),
    ("/api/v1/returns/onward", "get"),
    ("/api/v1/returns/override", "post"),
    ("/api/v1/returns/pallets", "get"),
    ("/api/v1/returns/pallets", "post"),
    ("/api/v1/returns/pallets/close", "post"),
    ("/api/v1/returns/pallets/count", "post"),
    ("/api/v1/returns/pallets/{pallet_id}", "get"),
    ("/api/v1/returns/parcels", "post"),
    ("/api/v1/returns/parcels/receive", "post"),
    ("/api/v1/returns/parcels/scanned", "post"),
    ("/api/v1/returns/photos", "post"),
    ("/api/v1/returns/reasons", "get"),
    ("/api/v1/returns/receive", "post"),
    ("/api/v1/returns/recovery", "get"),
    ("/api/v1/returns/refund", "post"),
    ("/api/v1/returns/refuse", "post"),
    ("/api/v1/returns/reopen", "post"),
    ("/api/v1/returns/repairs", "get"),
    ("/api/v1/returns/repairs", "post"),
    ("/api/v1/returns/repairs/answer", "post"),
    ("/api/v1/returns/repairs/settle", "post"),
    ("/api/v1/returns/review", "post"),
    ("/api/v1/returns/second-grade", "get"),
    ("/api/v1/returns/second-grade", "post"),
    ("/api/v1/returns/sent-back", "post"),
    ("/api/v1/returns/sent-back/arrived", "post"),
    ("/api/v1/returns/staging", "get"),
    ("/api/v1/returns/strays", "get"),
    ("/api/v1/returns/strays/decide", "post"),
    ("/api/v1/returns/times", "get"),
    ("/api/v1/returns/to-come", "get"),
    ("/api/v1/returns/work-orders", "get"),
    ("/api/v1/returns/work-orders", "post"),
    ("/api/v1/returns/work-orders/finish", "post"),
    ("/api/v1/returns/work-orders/start", "post"),
    ("/api/v1/returns/work-orders/withdraw", "post"),
    ("/api/v1/returns/{return_id}", "get"),
    ("/api/v1/returns/{return_id}/exchanges", "get"),
    ("/api/v1/returns/{return_id}/labels", "get"),
    ("/api/v1/ring-fences", "post"),
    ("/api/v1/rule-versions", "get"),
    ("/api/v1/rule-versions", "post"),
    ("/api/v1/rule-versions/activate", "post"),
    ("/api/v1/rule-versions/differences", "get"),
    ("/api/v1/rule-versions/effect", "get"),
    ("/api/v1/rule-versions/withdraw", "post"),
    ("/api/v1/safety-stock", "post"),
    ("/api/v1/services", "post"),
    ("/api/v1/ship-notices", "get"),
    ("/api/v1/ship-notices", "post"),
    ("/api/v1/ship-notices/close", "post"),
    ("/api/v1/ship-notices/{notice_id}", "get"),
    ("/api/v1/shipments", "post"),
    ("/api/v1/shipments/came-back", "post"),
    ("/api/v1/shipments/delivered", "post"),
    ("/api/v1/shipments/on-paper", "post"),
    ("/api/v1/shipments/reship", "post"),
    ("/api/v1/shipments/sent-again", "get"),
    ("/api/v1/shipments/{shipment}/labels", "get"),
    ("/api/v1/skus", "get"),
    ("/api/v1/skus", "post"),
    ("/api/v1/skus/{code}", "get"),
    ("/api/v1/slots", "get"),
    ("/api/v1/slots", "post"),
    ("/api/v1/stock/ageing", "get"),
    ("/api/v1/stock/expiring", "get"),
    ("/api/v1/stock/past", "get"),
    ("/api/v1/stock/past/{sku}", "get"),
    ("/api/v1/store-credits", "get"),
    ("/api/v1/store-credits/{credit}/moves", "get"),
    ("/api/v1/supplier-claims", "get"),
    ("/api/v1/supplier-claims/close", "post"),
    ("/api/v1/supplier-invoices", "get"),
    ("/api/v1/supplier-invoices", "post"),
    ("/api/v1/supplier-invoices/match-arrivals", "post"),
    ("/api/v1/supplier-lines", "get"),
    ("/api/v1/supplier-lines/decide", "post"),
    ("/api/v1/supplier-offers", "get"),
    ("/api/v1/supplier-offers", "post"),
    ("/api/v1/supplier-performance", "get"),
    ("/api/v1/supplier-quantities", "post"),
    ("/api/v1/suppliers", "get"),
    ("/api/v1/suppliers", "post"),
    ("/api/v1/tax/exemptions", "get"),
    ("/api/v1/tax/exemptions", "post"),
    ("/api/v1/tax/rates", "get"),
    ("/api/v1/tax/rates", "post"),
    ("/api/v1/tax/report", "get"),
    ("/api/v1/totes", "post"),
    ("/api/v1/totes/{tote}", "get"),
    ("/api/v1/tracking/events", "post"),
    ("/api/v1/transfer-proposals", "get"),
    ("/api/v1/transfer-proposals", "post"),
    ("/api/v1/transfer-proposals/accept", "post"),
    ("/api/v1/transfer-proposals/reject", "post"),
    ("/api/v1/transfer-proposals/review", "post"),
    ("/api/v1/transfer-proposals/send", "post"),
    ("/api/v1/transfers", "get"),
    ("/api/v1/transfers", "post"),
    ("/api/v1/transfers/finished", "get"),
    ("/api/v1/transfers/receive", "post"),
    ("/api/v1/transfers/{transfer}", "get"),
    ("/api/v1/trial-balance", "get"),
    ("/api/v1/trials", "get"),
    ("/api/v1/trials", "post"),
    ("/api/v1/trials/withdraw", "post"),
    ("/api/v1/trials/{trial}", "get"),
    ("/api/v1/waves", "get"),
    ("/api/v1/waves", "post"),
    ("/api/v1/waves/drop", "post"),
    ("/api/v1/waves/pace", "post"),
    ("/api/v1/waves/release", "post"),
    ("/api/v1/waves/{which}", "get"),
    ("/api/v1/webhooks", "get"),
    ("/api/v1/webhooks", "post"),
    ("/api/v1/webhooks/change", "post"),
    ("/api/v1/webhooks/secret", "post"),
    ("/api/v1/webhooks/send-again", "post"),
    ("/api/v1/webhooks/switch", "post"),
    ("/api/v1/webhooks/try", "post"),
    ("/api/v1/webhooks/{webhook}/messages", "get"),
    ("/api/v1/work", "get"),
    ("/api/v1/work/assign", "post"),
    ("/api/v1/work/cases", "post"),
    ("/api/v1/work/claim", "post"),
    ("/api/v1/work/escalate", "post"),
    ("/api/v1/work/link", "post"),
    ("/api/v1/work/put-back", "post"),
    ("/api/v1/work/queues", "get"),
    ("/api/v1/work/resolve", "post"),
    ("/api/v1/work/snooze", "post"),
    ("/api/v1/work/{item_id}", "get"),
    ("/api/v1/write-downs", "get"),
    ("/api/v1/write-downs", "post"),
]


@pytest.fixture
def schema(program):
    return _schema()


@cache
def _schema():
    from entrepot.web.wsgi import application

    return schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.fixture(autouse=True)
def one_connection():
    """As Django's own test client does: the connection, and with it the test's transaction, outlives a request."""
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    yield
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


@pytest.mark.schema
@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"]
)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_api_keeps_its_word(program, schema, path, method, mode):
    key = program("root").key
    operation, lists = schema[path][method], _lists()[path.removeprefix("/api"), method]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def walk(case):
        sent = case.query or {}
        assume(not any(map(_is_sent_as_nothing, sent.values())))
        assume(
            case.formatted_path == path or case.formatted_path not in dict(OPERATIONS)
        )  # another one's address
        assume(all(_is_list_of_texts(sent[name]) for name in lists & set(sent)))
        case.call_and_validate(headers={"X-API-Key": key}, checks=CHECKS)

    try:
        walk()
    except Unsatisfiable:
        # All that does not fit an address that takes a company at most is sent as nothing.
        assert (mode, method) == (GenerationMode.NEGATIVE, "get")


@cache
def _lists() -> dict[tuple[str, str], set[str]]:
    """The parameters of each operation that take a list."""
    paths = house.api.get_openapi_schema(path_prefix="")["paths"]
    return {
        (path, method): {
            one["name"] for one in operation.get("parameters", []) if '"array"' in json.dumps(one["schema"])
        }
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def _is_list_of_texts(value: object) -> bool:
    """In a query a lone value is a list of one, and false or 0 are the words for it: they fit where texts do."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_sent_as_nothing(value: object) -> bool:
    """A list in a query is sent as its items, an object as its names: without any, or with blanks, nothing is left."""
    return isinstance(value, list | dict) and all(
        one in ("", None) or _is_sent_as_nothing(one) for one in value
    )


def test_every_operation_is_walked(schema):
    told = [(found.ok().path, found.ok().method) for found in schema.get_all_operations()]
    assert sorted(told) == sorted(OPERATIONS)


def test_the_parameters_that_are_known_are_those_of_the_document() -> None:
    """They are read from the operations, so that no process tells the document before it answers."""
    paths = house.api.get_openapi_schema(path_prefix="")["paths"]

    assert house._query_names() == {
        (path, method.upper()): {
            one["name"] for one in operation.get("parameters", []) if one["in"] == "query"
        }
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_no_two_shapes_of_the_api_have_one_name():
    """The document tells shapes apart by their names: a second one of a name would be shown as the first."""
    folder = Path(house.__file__).parent
    names = Counter(
        name
        for file in folder.glob("*.py")
        for name in re.findall(r"^class (\w+)\((?:Strict|Out)\)", file.read_text(), re.MULTILINE)
    )
    assert len(names) > 200
    assert [name for name, count in names.items() if count > 1] == []
