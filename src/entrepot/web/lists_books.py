"""The lists of the books, of messages, of trials and of the audit trail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from entrepot.insight.audit import Entry
from entrepot.kernel.queries import MessageRow
from entrepot.ledger.manual_queries import AccountRow, ManualRow
from entrepot.ledger.queries import TrialLine
from entrepot.payments.attempt_queries import FailedRow
from entrepot.payments.dispute_queries import DisputeRow
from entrepot.purchasing.landing_queries import LandedCost
from entrepot.settlement.bank_queries import StatementRow
from entrepot.settlement.carrier_queries import CarrierInvoiceRow
from entrepot.settlement.invoice_queries import DocumentRow
from entrepot.settlement.privacy_queries import ErasureRow, HoldRow, RunRow
from entrepot.settlement.queries import PayoutRow
from entrepot.settlement.supplier_queries import SupplierInvoiceRow
from entrepot.simulation.queries import TrialRow
from entrepot.tax.queries import ExemptionRow
from entrepot.web.listing import Head, Listing, attributes, cells_of, major

INVOICES = Listing(
    "invoices", "invoices",
    (
        Head(_("Number")), Head(_("Issued"), "issued"), Head(_("For"), "for"),
        Head(_("Net"), "net", n=True, sum="net_minor"), Head(_("Tax"), "tax", n=True, sum="tax_minor"),
        Head(_("Total"), "total", n=True, sum="total_minor"), Head(_("Files"), "files"),
    ),
    cells_of(DocumentRow),
)  # fmt: skip
DISPUTES = Listing(
    "disputes", "disputes",
    (
        Head(_("Dispute")), Head(_("Order"), "order"), Head(_("State"), "state"),
        Head(_("Disputed"), "disputed", n=True, sum="amount_minor"),
        Head(_("Refunded"), "refunded", n=True, sum="given_back_minor"), Head(_("Answer until"), "until"),
    ),
    cells_of(DisputeRow),
)  # fmt: skip
FAILED_PAYMENTS = Listing(
    "failed-payments", "failed-payments",
    (
        Head(_("Paid for")), Head(_("Kind"), "kind"), Head(_("Amount"), "amount", n=True, sum="amount_minor"),
        Head(_("Provider"), "provider"), Head(_("Why"), "why"), Head(_("Since"), "since"),
    ),
    cells_of(FailedRow),
)  # fmt: skip
STATEMENTS = Listing(
    "statements", "bank",
    (
        Head(_("Statement")), Head(_("State"), "state"), Head(_("Lines"), "lines", n=True, sum="lines"),
        Head(_("Waiting"), "waiting", n=True, sum="waiting"),
        Head(_("Closing balance"), "closing-balance", n=True),
    ),
    cells_of(StatementRow),
)  # fmt: skip
CARRIER_INVOICES = Listing(
    "carrier-invoices", "carriers",
    (
        Head(_("Invoice")), Head(_("State"), "state"), Head(_("Charges"), "charges", n=True, sum="lines"),
        Head(_("Billed"), "billed", n=True, sum="total_minor"),
        Head(_("Accrued"), "accrued", n=True, sum="expected_minor"),
        Head(_("Variance"), "variance", n=True, sum="variance_minor"),
        Head(_("In question"), "in-question", n=True, sum="question_minor"),
    ),
    cells_of(CarrierInvoiceRow),
)  # fmt: skip
SUPPLIER_INVOICES = Listing(
    "supplier-invoices", "supplier-invoices",
    (
        Head(_("Invoice")), Head(_("State"), "state"), Head(_("Lines"), "lines", n=True, sum="lines"),
        Head(_("Billed"), "billed", n=True, sum="total_minor"),
        Head(_("Tax"), "tax", n=True, sum="tax_minor"),
        Head(_("Came at"), "came-at", n=True, sum="expected_minor"),
        Head(_("Variance"), "variance", n=True, sum="variance_minor"),
        Head(_("In question"), "in-question", n=True, sum="question_minor"),
    ),
    cells_of(SupplierInvoiceRow),
)  # fmt: skip
LANDED = Listing(
    "landed-costs", "valuation",
    (
        Head(_("Bill")), Head(_("Spread by"), "spread-by"), Head(_("Lines"), "lines", n=True, sum="lines"),
        Head(_("Amount"), "amount", n=True, sum="amount_minor"),
        Head(_("In stock"), "in-stock", n=True, sum="stock_minor"),
        Head(_("In the cost of sales"), "in-the-cost-of-sales", n=True, sum="gone_minor"),
    ),
    cells_of(LandedCost),
)  # fmt: skip
MESSAGES = Listing(
    "messages", "messages",
    (
        Head(_("Message")), Head(_("From or to"), "from-or-to"), Head(_("State"), "state"),
        Head(_("Age"), "age"), Head(_("Attempts"), "attempts", n=True),
        Head(_("Why"), "why"),
    ),
    cells_of(MessageRow),
)  # fmt: skip
TRIALS = Listing(
    "trials", "trials",
    (
        Head(_("Draft")), Head(_("State"), "state", "state"), Head(_("Window"), "window", "since"),
        Head(_("What came out"), "what-came-out", "summary"), Head(_("Asked by"), "asked-by", "asked_by"),
        Head(_("When"), "when", "asked_at"),
    ),
    cells_of(TrialRow),
)  # fmt: skip
AUDIT = Listing(
    "audit", "audit",
    (
        Head(_("When")), Head(_("What"), "what"), Head(_("Document"), "document"),
        Head(_("Before and after"), "before-and-after"), Head(_("Who"), "who"), Head(_("Why"), "why"),
    ),
    cells_of(Entry),
)  # fmt: skip
CLEARING = Listing(
    "clearing", "clearing-lines",
    (
        Head(_("What")), Head(_("Document"), "document"), Head(_("With"), "with"), Head(_("Since"), "since"),
        Head(_("Open"), n=True, sum="open_minor"), Head(_("Of it")), Head(_("Note"), "note"),
    ),
    {
        **attributes("line", "entry", "account", "since", "event", "document_kind", "document", "counterparty"),
        "amount": major("amount_minor"), "open": major("open_minor"),
        **attributes("currency", "code", "note", "role", "due_on"),
    },
)  # fmt: skip
ENTRIES = Listing(
    "entries", "entries",
    (
        Head(_("Entry")), Head(_("State"), "state"), Head(_("Kind"), "kind"), Head(_("Day"), "day"),
        Head(_("Why"), "why"), Head(_("Entered by"), "entered-by"), Head(_("Approved by"), "approved-by"),
        Head(_("Amount"), "amount", n=True, sum="amount_minor"),
    ),
    cells_of(ManualRow),
)  # fmt: skip
PAYOUTS = Listing(
    "payouts", "payouts",
    (
        Head(_("Payout")), Head(_("State"), "state"), Head(_("Provider"), "provider"), Head(_("Arrived"), "arrived"),
        Head(_("Lines"), "lines", n=True, sum="lines"),
        Head(_("To explain"), "to-explain", n=True, sum="open_lines"),
        Head(_("Before fees"), "before-fees", n=True, sum="gross_minor"),
        Head(_("Fees"), "fees", n=True, sum="fee_minor"), Head(_("Paid out"), "paid-out", n=True, sum="net_minor"),
    ),
    cells_of(PayoutRow),
)  # fmt: skip
EXEMPTIONS = Listing(
    "exemptions", "taxes",
    (
        Head(_("Customer")), Head(_("Country"), "country"), Head(_("Certificate"), "certificate"),
        Head(_("From"), "from"), Head(_("Last day"), "last-day"),
    ),
    cells_of(ExemptionRow),
)  # fmt: skip
ERASURES = Listing(
    "erasures", "privacy",
    (
        Head(_("Number"), by="number"), Head(_("Why"), "why"), Head(_("By"), "by", "erased_by"),
        Head(_("When"), "when", "erased_at"), Head(_("Orders"), "orders", "orders", n=True, sum="orders"),
        Head(_("Addresses gone"), "addresses-gone", "addresses", n=True, sum="addresses"),
        Head(_("Kept for invoices"), "kept-for-invoices", "kept", n=True, sum="kept"),
        Head(_("Messages emptied"), "messages-emptied", "messages", n=True, sum="messages"),
        Head(_("Taken out of notes"), "taken-out", "notes", n=True, sum="notes"),
        Head(_("Still named in logs"), "still-named", "remaining", n=True, sum="remaining"),
    ),
    cells_of(ErasureRow),
)  # fmt: skip
LEGAL_HOLDS = Listing(
    "legal-holds", "privacy",
    (
        Head(_("Of")), Head(_("Why"), "why"), Head(_("Placed"), "placed", "placed_at"),
        Head(_("Released"), "released", "released_at"),
    ),
    cells_of(HoldRow),
    part="holds",
)  # fmt: skip
RETENTION = Listing(
    "retention", "privacy",
    (
        Head(_("When"), by="run_at"), Head(_("What"), "what", "kind"),
        Head(_("Older than"), "older-than", "older_than"),
        Head(_("Gone"), "gone", "gone", n=True, sum="gone"),
        Head(_("Kept: open or held"), "kept", "kept", n=True, sum="kept"),
    ),
    cells_of(RunRow),
    part="runs",
)  # fmt: skip
CHART = Listing(
    "chart", "chart",
    (
        Head(_("Account")), Head(_("Type"), "type"), Head(_("Counts as"), "counts-as"),
        Head(_("Number elsewhere"), "number-elsewhere"), Head(_("State"), "state"),
    ),
    cells_of(AccountRow),
)  # fmt: skip
TRIAL_BALANCE = Listing(
    "trial-balance", "books",
    (
        Head(_("Account")), Head(_("Debit"), n=True), Head(_("Credit"), n=True),
        Head(_("Balance"), n=True),
    ),
    cells_of(TrialLine),
)  # fmt: skip
"""A statement: all of its rows stand by the kinds of accounts, so that it has one order, no pages, and no column less.
Its views and files are those of every list; its sums stand in its last row."""

ALL = (
    ENTRIES, CLEARING, INVOICES, STATEMENTS, CARRIER_INVOICES, SUPPLIER_INVOICES, LANDED, MESSAGES, TRIALS, AUDIT,
    PAYOUTS, FAILED_PAYMENTS, DISPUTES, EXEMPTIONS, ERASURES, LEGAL_HOLDS, RETENTION, CHART, TRIAL_BALANCE,
)  # fmt: skip
