"""Words for states, kinds, commands and entries as people read them, and the tone in which a state is shown."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from entrepot.kernel.errors import Refused

TONES: dict[str, tuple[str, ...]] = {
    "bad": (
        "declined", "differs", "lost", "refused",
        "exception", "failed", "dead", "short", "voided", "rejected", "damaged", "non_sellable", "overdue",
    ),
    "held": (
        "payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "open", "waiting", "held",
        "backordered", "part backordered", "quarantined", "pending_inspection", "researching", "refurbish", "unmatched",
        "unpaid", "split", "part_refunded", "part refunded", "requested", "second_grade", "vendor_return",
        "liquidation", "proposed", "recount",
    ),
    "going": (
        "ready", "with supplier", "with_supplier", "asked", "warehouse release", "released", "picking", "picked",
        "packed", "partly shipped", "part_shipped", "allocated",
        "inspected", "disposed", "in return", "claimed", "placed", "confirmed", "authorized", "in_transit",
        "in transit", "issued", "ordered", "accepted",
        "part_received", "counting", "coming",
    ),
    "good": (
        "shipped", "delivered", "done", "captured", "sellable", "posted", "received", "matched", "closed", "returned",
        "paid", "won", "explained", "sent", "active", "agreed", "in force",
    ),
    "quiet": ("cancelled", "called_off", "refunded", "none", "draft", "revoked", "discontinued", ""),
}  # fmt: skip
"""Tone → states. A tone colors; the word tells."""

_TONE_OF = {state: tone for tone, states in TONES.items() for state in states}


def tone(state: str) -> str:
    return _TONE_OF.get(state, "quiet")


WORDS: dict[str, str | Promise] = {
    # kinds and fields
    "work_item": _("work item"),
    "non_sellable": _("non-sellable"),
    "sku": _("SKU"),
    "skus": _("SKUs"),
    "sku_code": _("SKU"),
    "api_key": _("API key"),
    "hs_code": _("HS code"),
    "why": _("why"),
    "drop_ship": _("drop-ship order"),
    "part_shipped": _("partly sent"),
    "with_supplier": _("with supplier"),
    "weight_g": _("weight in grams"),
    # policies of an order
    "partial_backorder": _("send what there is, backorder the rest"),
    "partial_cancel": _("send what there is, cancel the rest"),
    "ship_complete": _("send only complete"),
    "line_complete": _("send only complete lines"),
    # what comes back
    "second_grade": _("second grade"),
    "vendor_return": _("for the vendor"),
    "return_to_vendor": _("return to vendor"),
    "store_credit": _("store credit"),
    "return": _("return"),
    "refund": _("refund"),
    "return.goods": _("goods returned"),
    "return.shipping": _("shipping given back"),
    "return.tax": _("tax given back"),
    "return.fee": _("return fee kept"),
    "return.fee_tax": _("tax in the fee kept"),
    "return.clawback": _("lost promotion"),
    "return.clawback_tax": _("tax on the lost promotion"),
    "return.adjustment": _("price adjustment"),
    "return.expected": _("estimate of returns"),
    "stock.return": _("goods came back"),
    "stock.donated": _("goods donated"),
    "stock.disposed": _("goods disposed of"),
    "returns.authorize": _("return asked for"),
    "returns.review": _("return decided"),
    "returns.receive": _("goods came back"),
    "returns.inspect": _("inspected"),
    "returns.dispose": _("disposition"),
    "returns.refund": _("refund computed"),
    "returns.approve_refunds": _("refund decided"),
    "returns.settle_refunds": _("refund settled"),
    "returns.close": _("return closed"),
    "returns.estimate": _("expected returns estimated"),
    "orders.approve_credits": _("credit decided"),
    "payments.take_messages": _("told by the payment provider"),
    "payments.open_disputes": _("disputed by the bank"),
    "payments.close_disputes": _("dispute decided"),
    "payment.disputed": _("disputed by the bank"),
    "payment.dispute_won": _("dispute won"),
    "payment.dispute_lost": _("dispute lost"),
    "payment.explained": _("difference of a payout"),
    "settlement.take_payouts": _("payout taken in"),
    "settlement.explain": _("payout explained"),
    "shipping.open_claims": _("claim to the carrier opened"),
    "shipping.advance_claims": _("claim to the carrier advanced"),
    "shipping.reship": _("sent again"),
    "claim.agreed": _("claim agreed by the carrier"),
    "claim.credited": _("claim credited by the carrier"),
    "supplier_claim.agreed": _("claim agreed by the supplier"),
    "supplier_claim.credited": _("claim credited by the supplier"),
    "shipping.record_purchases": _("label bought or given back"),
    "settlement.take_carrier_invoices": _("carrier invoice taken in"),
    "settlement.decide_charges": _("charge of a carrier decided"),
    "settlement.close_books": _("month closed"),
    "settlement.take_statements": _("bank statement taken in"),
    "settlement.decide_bank_lines": _("line of a bank statement decided"),
    "settlement.issue_documents": _("invoice or credit note issued"),
    "carrier.invoiced": _("billed by the carrier"),
    "carrier.accepted": _("charge of a carrier accepted"),
    "carrier.credited": _("credited by the carrier"),
    "ledger.choose_costing": _("method of valuation chosen"),
    "purchasing.land_costs": _("landed cost spread"),
    "stock.cost_added": _("cost added to stock"),
    "landed_cost": _("landed cost"),
    "costing": _("method of valuation"),
    "fifo": _("first in, first out"),
    "average": _("moving average"),
    # source kinds
    "fee.marketplace": _("marketplace fee"),
    "fee.bank": _("bank charge"),
    "bad_debt": _("bad debt"),
    "sale.goods": _("goods sold"),
    "sale.shipping": _("shipping sold"),
    "sale.discount": _("discount"),
    "sale.tax": _("tax"),
    "sale.manual": _("manual adjustment"),
    "sale.sample": _("sample"),
    "sale.fee.marketplace": _("marketplace fee"),
    "sale.fee.bank": _("bank charge"),
    "sale.donation": _("donation"),
    "sale.packaging": _("packaging"),
    "sale.voucher": _("gift voucher"),
    # journal entries
    "sale": _("sale"),
    "credit": _("credit to a customer"),
    "payment.captured": _("payment captured"),
    "payment.refunded": _("payment refunded"),
    "payment.paid_out": _("paid out by the provider"),
    "shipping.accrued": _("carriage accrued"),
    "stock.receipt.purchase": _("goods received"),
    "stock.issue.sale": _("goods issued for a sale"),
    "stock.write_off": _("goods written off"),
    "stock.found": _("goods found"),
    "stock.transfer_out": _("goods sent to another node"),
    "stock.transfer_in": _("goods arrived from another node"),
    "stock.transfer_lost": _("goods lost on their way"),
    # commands, as what happened
    "access.issue_key": _("API key issued"),
    "access.revoke_key": _("API key revoked"),
    "catalog.register_skus": _("registered in the catalog"),
    "catalog.register_kits": _("kit registered"),
    "carriage.register_services": _("carriage service registered"),
    "kernel.set_policy": _("policy set"),
    "kernel.draft_policy": _("policy drafted"),
    "kernel.try_draft": _("policy draft tried"),
    "kernel.activate_draft": _("policy draft activated"),
    "kernel.drop_draft": _("policy draft dropped"),
    "ledger.open_books": _("books opened"),
    "ledger.close_month": _("month closed"),
    "network.register_nodes": _("node registered"),
    "network.register_channels": _("channel registered"),
    "orders.place": _("order placed"),
    "orders.cancel": _("cancelled"),
    "sourcing.cancel": _("cancelled"),
    "orders.credit": _("credited"),
    "orders.place_hold": _("held"),
    "orders.release_holds": _("hold released"),
    "orders.release_satisfied": _("hold released by rule"),
    "orders.take_payment": _("payment taken"),
    "orders.split": _("order split"),
    "orders.merge": _("orders merged"),
    "sourcing.expire_holds": _("hold expired"),
    "satisfied": _("what it waited for came"),
    "payments.authorize": _("payment authorized"),
    "payments.capture": _("payment captured"),
    "payments.refund": _("payment refunded"),
    "payments.settle": _("payment settled"),
    "payments.void": _("payment voided"),
    "warehouse.set_slots": _("kept for"),
    "warehouse.classify_skus": _("SKUs told apart by their picks"),
    "purchasing.order": _("goods ordered"),
    "purchasing.receive": _("goods received"),
    "purchasing.cancel": _("purchase cancelled"),
    "purchasing.reschedule": _("expected on another day"),
    "purchasing.drop_ship": _("asked of a supplier"),
    "purchasing.confirm_drop_ships": _("confirmed by the supplier"),
    "purchasing.refuse_drop_ships": _("refused by the supplier"),
    "purchasing.call_off_drop_ships": _("called off at the supplier"),
    "purchasing.confirm": _("confirmed by the supplier"),
    "purchasing.take_notices": _("announced by the supplier"),
    "purchasing.close_notices": _("nothing more comes of it"),
    "purchasing.review_reorders": _("stock looked at"),
    "purchasing.propose_orders": _("order proposed"),
    "purchasing.accept_proposals": _("proposal ordered"),
    "purchasing.reject_proposals": _("proposal rejected"),
    "purchasing.receive_scans": _("goods received by scan"),
    "purchasing.decide_checks": _("quality check decided"),
    "purchasing.close_claims": _("claim answered by the supplier"),
    "purchasing.close_rest": _("nothing more expected"),
    "shipping.ship": _("shipped"),
    "shipping.ship_drop_ships": _("sent by the supplier"),
    "shipping.deliver": _("delivered"),
    "shipping.perform": _("services performed"),
    "sourcing.allocate": _("sourced"),
    "sourcing.peg": _("promised date slipped"),
    "stock.adjust": _("stock adjusted"),
    "stock.set_preorder": _("day of shipping set"),
    "stock.approve_adjustment": _("adjustment decided"),
    "stock.ship_transfer": _("transfer sent"),
    "stock.receive_transfer": _("transfer received"),
    "sourcing.propose_transfers": _("transfer proposed"),
    "sourcing.accept_transfers": _("proposal accepted"),
    "sourcing.reject_transfers": _("proposal rejected"),
    "sourcing.send_transfers": _("proposal sent"),
    "warehouse.release": _("released to the warehouse"),
    "warehouse.propose_wave": _("wave proposed"),
    "warehouse.release_wave": _("wave released"),
    "warehouse.drop_wave": _("wave dropped"),
    "warehouse.take_lists": _("list taken"),
    "warehouse.pick_lists": _("list picked"),
    "warehouse.pick": _("picked"),
    "warehouse.pack": _("packed"),
    "warehouse.put_away": _("put away"),
    "warehouse.fit_standards": _("standard time fitted"),
    "warehouse.expire_lots": _("lot expired"),
    "warehouse.plan_counts": _("count planned"),
    "warehouse.ask_counts": _("count asked for"),
    "warehouse.start_counts": _("count begun"),
    "warehouse.enter_counts": _("counted"),
    "warehouse.decide_counts": _("difference decided"),
    "stock.count": _("stock as counted"),
    "warehouse.recall": _("rest of a kit called back"),
    "warehouse.withdraw": _("withdrawn from the warehouse"),
    "warehouse.adjust": _("stock adjusted"),
    "warehouse.approve_adjustment": _("adjustment decided"),
    "work.open": _("work item opened"),
    "work.claim": _("taken"),
    "work.put_back": _("put back"),
    "work.assign": _("given to somebody"),
    "work.snooze": _("put aside"),
    "work.escalate": _("another role was asked"),
    "work.escalate_overdue": _("overdue: another role was asked"),
    "work.open_case": _("case opened"),
    "work.link": _("linked"),
    "work.resolve": _("resolved"),
    "work.resolve_subjects": _("resolved: its cause went away"),
}
"""What is not simply its own name with spaces."""

TO_CUSTOMERS = {
    "refund": _("Money back"),
    "exchange": _("Something else instead"),
    "store_credit": _("Store credit"),
    "repair": _("Have it repaired"),
    "keep": _("Money back, and keep it"),
}
"""What is asked for with a return, to those who ask for it."""


def word(name: object) -> str:
    """A state, kind, field or command as people write it."""
    text = str(name or "")
    return str(WORDS.get(text) or (text and gettext(spaced(text))))


def spaced(name: str) -> str:
    """A name that is its own word, with spaces: in English as it is, elsewhere by its translation."""
    return name.replace("_", " ").replace(".", " · ")


def refusal(one: Refused) -> str:
    """What a refusal says, in the language of the page."""
    return one.told(gettext(one.says))


def sentence(name: object) -> str:
    """The same with a capital letter first."""
    text = word(name)
    return text[:1].upper() + text[1:]
