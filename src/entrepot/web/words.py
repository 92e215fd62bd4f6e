"""Words for states, kinds, commands and entries as people read them, and the tone in which a state is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from entrepot.kernel.errors import Refused, Said
from entrepot.ledger.rules import CHART
from entrepot.returns import refusing, rules
from entrepot.web import format as fmt

TONES: dict[str, tuple[str, ...]] = {
    "bad": (
        "unreadable",
        "declined", "differs", "lost", "refused",
        "lapsed", "exception", "failed", "dead", "silent", "short", "voided", "rejected", "damaged", "non_sellable",
        "overdue", "unexplained", "given_up", "blocked", "no_channel",
    ),
    "held": (
        "payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "open", "waiting", "held",
        "backordered", "part backordered", "part cancelled", "quarantined", "pending_inspection", "researching",
        "refurbish", "unmatched",
        "unpaid", "split", "part_refunded", "part refunded", "requested", "second_grade", "vendor_return",
        "liquidation", "proposed", "recount", "planned", "late", "set_aside", "kept", "doubtful",
        "needs_response",
    ),
    "going": (
        "reading",
        "renewing", "taking",
        "ready", "with supplier", "with_supplier", "asked", "warehouse release", "released", "picking", "picked",
        "packed", "partly shipped", "part_shipped", "allocated",
        "inspected", "disposed", "in return", "claimed", "placed", "confirmed", "authorized", "in_transit",
        "in transit", "issued", "ordered", "accepted", "awaited", "labeling",
        "part_received", "counting", "coming", "gone", "started", "sending", "under_review", "making",
    ),
    "good": (
        "shipped", "delivered", "done", "captured", "sellable", "posted", "received", "matched", "closed", "returned",
        "taken", "paid", "won", "explained", "sent", "active", "agreed", "in force", "settled", "finished", "fresh",
        "zero", "mended", "in use", "made", "repaired",
    ),
    "quiet": ("cancelled", "withdrawn", "called_off", "refunded", "none", "draft", "revoked", "discontinued", "",
              "retired", "removed", "young", "declined"),
}  # fmt: skip
"""Tone → states. A tone colors; the word tells."""

_TONE_OF = {state: tone for tone, states in TONES.items() for state in states}


def tone(state: str) -> str:
    return _TONE_OF.get(state, "quiet")


WORDS: dict[str, str | Promise] = {
    # what channels report of an order
    "high_risk": _("high risk"),
    "velocity": _("many orders in a short time"),
    "mismatch": _("addresses that do not match"),
    "stolen_card": _("a stolen card"),
    # kinds and fields
    "work_item": _("work item"),
    "non_sellable": _("non-sellable"),
    "sku": _("SKU"),
    "skus": _("SKUs"),
    "sku_code": _("SKU"),
    "api_key": _("API key"),
    "hs_code": _("HS code"),
    "3pl": _("3PL"),
    "lot_expiry": _("lots with their expiry"),
    "at_ship": _("noted when it is sent"),
    "why": _("why"),
    "day": _("day"),
    "week": _("week"),
    "account": _("account"),
    "address": _("address"),
    "card": _("card"),
    "registered": _("registered"),
    "settlement": _("settlement"),
    "goods receipt": _("goods receipt"),
    "pick_face": _("pick face"),
    "from_another_bin": _("from another bin"),
    "drop_ship": _("drop-ship order"),
    "part_shipped": _("partly sent"),
    "superseded": _("superseded"),
    "with_supplier": _("with supplier"),
    "weight_g": _("weight in grams"),
    # why orders are cancelled, and how holds end (`orders.rules`)
    "the customer changed their mind": _("the customer changed their mind"),
    "ordered twice": _("ordered twice"),
    "fraud": _("fraud"),
    "not to be had": _("not to be had"),
    "a wrong price": _("a wrong price"),
    "can't be delivered there": _("can't be delivered there"),
    "not paid": _("not paid"),
    "another reason": _("another reason"),
    "what was doubted is right": _("what was doubted is right"),
    "what was wrong was put right": _("what was wrong was put right"),
    "let go all the same": _("let go all the same"),
    "another way": _("another way"),
    # policies of an order
    "partial_backorder": _("send what there is, backorder the rest"),
    "partial_cancel": _("send what there is, cancel the rest"),
    "ship_complete": _("send only complete"),
    "line_complete": _("send only complete lines"),
    "orders.list_buyers": _("buyer blocked or trusted"),
    "orders.unlist_buyers": _("taken off the list of buyers"),
    "orders.write_notes": _("note written"),
    "orders.correct_notes": _("note corrected"),
    "orders.withdraw_notes": _("note withdrawn"),
    "orders.attach_files": _("file kept with the order"),
    "orders.withdraw_files": _("file withdrawn"),
    "email": _("mail address"),
    "line1": _("street"),
    "line2": _("second line of the street"),
    "listing": _("entry on the list of buyers"),
    # what comes back
    "second_grade": _("second grade"),
    "vendor_return": _("for the vendor"),
    "return_to_vendor": _("return to vendor"),
    "dispose": _("dispose of"),
    "store_credit": _("store credit"),
    "replacement": _("replacement"),
    "return": _("return"),
    "refund": _("refund"),
    "card_hold": _("amount held on a card"),
    "card_hold.taken": _("held amount taken"),
    "card_hold.returned": _("taken amount given back"),
    "hold.goods": _("goods that did not come back"),
    "hold.shipping": _("their shipping"),
    "hold.tax": _("their tax"),
    "returns.note_scans": _("carrier's scan noted"),
    "returns.place_holds": _("amount to be held on a card"),
    "returns.settle_holds": _("held amount looked at"),
    "returns.decide_holds": _("held amount decided"),
    "payments.hold": _("amount held on a card"),
    "return.goods": _("goods returned"),
    "return.shipping": _("shipping given back"),
    "return.tax": _("tax given back"),
    "return.fee": _("return fee kept"),
    "return.fee_tax": _("tax in the fee kept"),
    "return.exchanged": _("goods exchanged"),
    "return.clawback": _("lost promotion"),
    "return.clawback_tax": _("tax on the lost promotion"),
    "return.adjustment": _("price adjustment"),
    "return.expected": _("estimate of returns"),
    "stock.return": _("goods came back"),
    "stock.donated": _("goods donated"),
    "stock.disposed": _("goods disposed of"),
    "stock.written_down": _("stock written down"),
    "stock.written_up": _("stock written up again"),
    "currency.revalued": _("balances in other currencies measured"),
    "ledger.write_down": _("stock valued at what it brings"),
    "ledger.record_rate_files": _("rates of exchange of a file recorded"),
    "ledger.correct_rates": _("rate of exchange corrected"),
    "ledger.revalue": _("balances in other currencies measured"),
    "writedown": _("write-down"),
    # components of profit
    "goods": _("goods"),
    "shipping": _("shipping"),
    "discounts": _("discounts"),
    "other income": _("other income"),
    "other expenses": _("other expenses"),
    "own": _("its own"),
    "tier": _("tier"),
    "margin": _("margin"),
    "cost": _("cost"),
    "freight": _("freight"),
    "handling": _("handling"),
    "lateness": _("lateness"),
    "scarcity": _("scarcity"),
    "packaging": _("packaging"),
    "fees": _("fees"),
    "refunds": _("refunds"),
    "return fees": _("return fees"),
    "cost taken back": _("cost taken back"),
    "losses on returns": _("losses on returns"),
    "expected returns": _("expected returns"),
    "recovered": _("recovered"),
    "lost payments": _("lost payments"),
    "currency": _("currency"),
    "labor": _("labor"),
    "cartons": _("cartons"),
    "returns.authorize": _("return asked for"),
    "returns.announce_parcels": _("parcel announced"),
    "returns.make_labels": _("return label made"),
    "returns.void_labels": _("return label voided"),
    "returns.add_return_photos": _("photo of the customer added"),
    "returns.add_photos": _("photo added"),
    "returns.receive_parcels": _("parcel opened"),
    "returns.take_comebacks": _("back in stock after it was sent again"),
    "returns.decide_strays": _("decided what it is"),
    "returns.receive_pallets": _("pallet taken in"),
    "returns.count_packages": _("parcels counted off"),
    "returns.close_pallets": _("pallet counted"),
    "returns.override_dispositions": _("decided otherwise than proposed"),
    "returns.expire": _("goods waited for"),
    "returns.reopen": _("return opened again"),
    "returns.watch": _("what waits too long looked at"),
    "returns.watch_departures": _("what is owed looked at"),
    "returns.watch_repairs": _("repairs looked at"),
    "returns.watch_sent_back": _("what goes back to customers looked at"),
    "returns.forget_marks": _("old fingerprints forgotten"),
    "returns.forget_photos": _("photos of a person forgotten"),
    "returns.review": _("return decided"),
    "returns.receive": _("goods came back"),
    "returns.inspect": _("inspected"),
    "returns.dispose": _("disposition"),
    "returns.refund": _("refund computed"),
    "returns.exchange": _("exchange agreed"),
    "returns.settle_exchanges": _("exchange settled"),
    "returns.give_back": _("money of a cancelled replacement given back"),
    "returns.withdraw_exchanges": _("exchange given up"),
    "payments.expire_credits": _("store credit expired"),
    "payment.passed_on": _("payment passed on to a replacement"),
    "store_credit.issued": _("store credit given"),
    "store_credit.used": _("store credit used"),
    "store_credit.returned": _("store credit given back"),
    "store_credit.expired": _("store credit expired"),
    "returns.approve_refunds": _("refund decided"),
    "returns.settle_refunds": _("refund settled"),
    "returns.close": _("return closed"),
    "returns.open_departures": _("goods gathered"),
    "returns.leave_departures": _("goods left"),
    "returns.settle_departures": _("credit or payment noted"),
    "returns.withdraw_departures": _("goods stay"),
    "returns.add_papers": _("file kept"),
    "returns.open_work_orders": _("refurbishing planned"),
    "returns.start_work": _("refurbishing begun"),
    "returns.finish_work": _("refurbishing done"),
    "returns.withdraw_work": _("refurbishing given up"),
    "returns.refuse_units": _("not taken back"),
    "returns.accept_units": _("taken back after all"),
    "returns.offer_repairs": _("repair offered"),
    "returns.answer_repairs": _("price of the repair answered"),
    "returns.settle_repairs": _("something else agreed on than the repair"),
    "returns.send_back": _("sent back to the customer"),
    "returns.note_arrivals": _("parcel to the customer arrived"),
    "returns.note_troubles": _("carrier tells of trouble with the parcel"),
    "returns.claim_parcels": _("claimed of the carrier"),
    "returns.claim_by_policy": _("claimed of the carrier by policy"),
    "stock.repair_warranty": _("parts used in repairs under warranty"),
    "stock.repair_goodwill": _("parts used in repairs as goodwill"),
    "stock.repair_provision": _("parts used in repairs, from the provision"),
    "stock.repair_customer": _("parts used in repairs for customers"),
    "repair.worked": _("work on repairs for customers"),
    "repair.charged": _("repair charged to the customer"),
    "repair.price": _("price of a repair"),
    "repair.tax": _("tax of a repair"),
    "returns.grade_skus": _("SKU of second grade named"),
    "returns.redispose": _("second grade decided about again"),
    "stock.returned_to_vendor": _("goods returned to their vendor"),
    "stock.liquidated": _("goods sold as a lot"),
    "stock.work_taken": _("goods taken to be refurbished"),
    "stock.work_returned": _("refurbished goods put into stock"),
    "stock.sent_back": _("refused goods sent back to their customer"),
    "stock.graded_down": _("goods taken to be sold as second grade"),
    "stock.second_grade": _("second grade put into stock"),
    "second_grade.written_down": _("second grade written down"),
    "stock.work_used": _("parts used in refurbishing"),
    "vendor_return.shipped": _("credit of a vendor expected"),
    "vendor_return.credited": _("credit of a vendor taken"),
    "liquidation.sold": _("lot sold"),
    "liquidation.paid": _("lot paid"),
    "liquidation.reduced": _("price of a lot lowered"),
    "lot.goods": _("goods of a lot"),
    "lot.tax": _("tax of a lot"),
    "refurbishment.worked": _("work on returned goods"),
    "returns.decide_fraud": _("review of fraud decided"),
    "returns.estimate": _("expected returns estimated"),
    "orders.approve_credits": _("credit decided"),
    "payments.take_messages": _("told by the payment provider"),
    "payments.open_disputes": _("disputed by the bank"),
    "payments.follow_disputes": _("dispute followed"),
    "payments.close_disputes": _("dispute decided"),
    "payments.expire_disputes": _("dispute not answered in time"),
    "payments.accept_disputes": _("dispute accepted"),
    "payments.withdraw_acceptances": _("acceptance withdrawn"),
    "payments.settle_answers": _("answer taken by the provider"),
    "payments.submit_evidence": _("evidence sent to the bank"),
    "settlement.contest_disputes": _("evidence sent"),
    "dispute": _("dispute"),
    "needs_response": _("to answer"),
    "under_review": _("in review"),
    "proposed": _("proposed"),
    "accepted": _("accepted"),
    "payment.disputed": _("disputed by the bank"),
    "payment.refund_bounced": _("refund came back"),
    "refund_reversal": _("refund that came back"),
    "reserve_held": _("held back"),
    "reserve_released": _("no longer held back"),
    "held_back": _("held back"),
    "payment.dispute_won": _("dispute won"),
    "payment.dispute_lost": _("dispute lost"),
    "payment.explained": _("difference of a payout"),
    "marketplace_fee": _("marketplace fee"),
    "marketplace_difference": _("difference of a payout"),
    "settlement.take_payouts": _("payout taken in"),
    "settlement.explain": _("payout explained"),
    "settlement.split_payout_lines": _("line of a payout split"),
    "shipping.open_claims": _("claim to the carrier opened"),
    "shipping.advance_claims": _("claim to the carrier advanced"),
    "shipping.reship": _("sent again"),
    "shipping.relabel": _("labeled anew"),
    "returns.record_label_purchases": _("return label bought or given back"),
    "returns.expect_sent_back": _("brought back by the carrier"),
    "returns.poll_labels": _("carrier asked where it is"),
    "settlement.question_voided": _("credit of a carrier due"),
    "claim.agreed": _("claim agreed by the carrier"),
    "claim.credited": _("claim credited by the carrier"),
    "supplier_claim.agreed": _("claim agreed by the supplier"),
    "supplier_claim.credited": _("claim credited by the supplier"),
    "shipping.record_purchases": _("label bought or given back"),
    "settlement.take_carrier_invoices": _("carrier invoice taken in"),
    "settlement.decide_charges": _("charge of a carrier decided"),
    "settlement.take_supplier_invoices": _("supplier invoice taken in"),
    "settlement.decide_supplier_lines": _("line of a supplier's invoice decided"),
    "settlement.match_arrivals": _("goods came that were billed before"),
    "supplier.invoiced": _("billed by the supplier"),
    "supplier.arrived": _("goods came that were billed before"),
    "supplier.accepted": _("line of a supplier accepted"),
    "supplier.credited": _("credited by the supplier"),
    "settlement.close_books": _("month closed"),
    "settlement.tick_tasks": _("task of the month end ticked"),
    "own tasks": _("own tasks"),
    "approve refund": _("approve a refund"),
    "approve credit": _("approve a credit"),
    "clearing": _("clearing accounts"),
    "bank lines": _("lines of bank statements"),
    "payout lines": _("lines of payouts"),
    "documents": _("bookings without a document"),
    "credits": _("credits to approve"),
    "carrier charges": _("charges of carriers in question"),
    "supplier lines": _("lines of suppliers in question"),
    "exchange differences": _("balances in other currencies to measure"),
    "earlier months": _("months before that are not closed"),
    "open lines": _("old lines that nobody explained"),
    "write-offs": _("write-offs to approve"),
    "ledger.match_lines": _("lines matched"),
    "ledger.undo_matches": _("match taken apart"),
    "settlement.write_off": _("write-off asked for"),
    "settlement.decide_write_offs": _("write-off decided"),
    "settlement.note_lines": _("open line explained"),
    "clearing.written_off": _("what was left is written off"),
    "write_off": _("write-off"),
    "journal entries": _("journal entries to approve"),
    "manual_entry": _("journal entry by hand"),
    "manual.posted": _("entered by hand"),
    "manual.opening": _("opening balance"),
    "manual.accrual": _("accrual"),
    "manual.tax": _("taxes declared"),
    "manual.correction": _("correction"),
    "manual.other": _("entered by hand"),
    "ledger.keep_accounts": _("account of the chart kept"),
    "ledger.draft_rules": _("version of posting rules drafted"),
    "ledger.activate_rules": _("version of posting rules put in force"),
    "ledger.withdraw_rules": _("version of posting rules withdrawn"),
    "rule_version": _("version of posting rules"),
    "ledger.enter_entries": _("journal entry entered by hand"),
    "ledger.decide_entries": _("journal entry decided"),
    "ledger.reverse_entries": _("journal entry to be taken back"),
    "beancount": _("Beancount"),
    "saft": _("SAF-T"),
    "journal": _("journal"),
    "own_account": _("between own accounts"),
    "taxes": _("taxes paid"),
    "clearing_note": _("note on an open line"),
    "young": _("in time"),
    "unexplained": _("to explain"),
    "rule": _("by rule"),
    "hand": _("by hand"),
    "one order": _("one order"),
    "one order to a supplier": _("one order to a supplier"),
    "one work order": _("one work order"),
    "one invoice of a carrier": _("one invoice of a carrier"),
    "one payout": _("one payout"),
    "one document": _("one document"),
    "one dispute": _("one dispute"),
    "one customer": _("one customer"),
    "one order on account": _("one order on account"),
    "collected": _("collected"),
    "invoice not in": _("invoice not in"),
    "goods not in": _("goods not in"),
    "payment not in": _("payment not in"),
    "in dispute": _("in dispute"),
    "booked wrongly": _("booked wrongly"),
    "rounding": _("rounding"),
    "kernel.replay_messages": _("message sent on its way again"),
    "dead_letters": _("messages given up"),
    "feed": _("feed"),
    "kernel.drop_messages": _("message dropped"),
    "kernel.note_exports": _("taken out as a file"),
    "exported": _("taken out"),
    "kernel.ask_jobs": _("left to the worker"),
    "kernel.make_files": _("file of a list"),
    "kernel.drop_files": _("files removed"),
    "kernel.note_jobs": _("done by the worker"),
    "kernel.withdraw_jobs": _("job withdrawn"),
    "job": _("job"),
    "set_aside": _("set aside"),
    "settlement.erase_people": _("erased on request"),
    "settlement.hold_data": _("legal hold placed"),
    "settlement.release_data": _("legal hold released"),
    "settlement.take_statements": _("bank statement taken in"),
    "settlement.decide_bank_lines": _("line of a bank statement decided"),
    "settlement.split_bank_lines": _("line of a bank statement split"),
    "orders.restore_draft": _("draft goes on"),
    "channels.take_documents": _("ship notices of a supplier taken in"),
    "channels.retake_documents": _("ship notices of a supplier taken again"),
    "channels.take_statements": _("statement of a channel compared"),
    "channels.ask_imports": _("import of a file asked for"),
    "channels.note_readings": _("file of orders read"),
    "channels.note_batches": _("orders of a file taken in"),
    "channels.withdraw_imports": _("import of a file withdrawn"),
    "file_import": _("file of orders"),
    "channels.mend_differences": _("difference with a channel mended"),
    "channels.import_stated": _("order of a channel's statement placed"),
    "channels.explain_differences": _("difference with a channel explained"),
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
    "serial": _("serial number noted"),
    "credit": _("credit to a customer"),
    "crediting": _("credit it"),
    "payment.captured": _("payment captured"),
    "payment.refunded": _("payment refunded"),
    "payment.paid_out": _("paid out by the provider"),
    "prepayment.returned": _("prepayment given back"),
    "bank.booked": _("booked from the bank"),
    "stock.drop_ship": _("goods sent by the supplier"),
    "shipping.accrued": _("carriage accrued"),
    "stock.receipt.purchase": _("goods received"),
    "stock.issue.sale": _("goods issued for a sale"),
    "stock.write_off": _("goods written off"),
    "stock.found": _("goods found"),
    "stock.transfer_out": _("goods sent to another node"),
    "stock.transfer_in": _("goods arrived from another node"),
    "stock.transfer_lost": _("goods lost on their way"),
    # commands, as what happened
    "access.add_people": _("let in"),
    "access.set_roles": _("roles changed"),
    "access.set_companies": _("companies changed"),
    "access.admit_people": _("shut out, or let in again"),
    "access.renew_passwords": _("password renewed"),
    "access.set_mails": _("address of mail changed"),
    "access.drop_view": _("view of a list dropped"),
    "access.end_subscriptions": _("report by mail ended"),
    "access.save_view": _("view of a list kept"),
    "access.subscribe_reports": _("report subscribed to by mail"),
    "channels.import_invoices": _("sales taken in from their invoices"),
    "channels.import_sales": _("sales taken in"),
    "channels.receive_supply": _("supply of a channel taken in"),
    "channels.save_mapping": _("columns of a file named"),
    "channels.set_aside": _("message of a channel set aside"),
    "ledger.record_rates": _("rate of exchange recorded"),
    "network.register_layouts": _("map of a floor kept"),
    "network.register_places": _("place kept"),
    "network.register_zones": _("zone kept"),
    "network.serve_channels": _("channel served by nodes"),
    "parties.keep_gift_messages": _("gift message kept"),
    "parties.register_addresses": _("address kept"),
    "parties.register_customers": _("customer kept"),
    "parties.register_offers": _("offer of a supplier kept"),
    "parties.register_suppliers": _("supplier kept"),
    "settlement.clear_accounts": _("lines of clearing accounts matched"),
    "shipping.ask_rates": _("rates of carriers asked for"),
    "shipping.take_tracking": _("news of a carrier taken in"),
    "simulation.ask_trials": _("trial asked for"),
    "simulation.withdraw_trials": _("trial withdrawn"),
    "sourcing.decide_holds": _("hold decided"),
    "sourcing.edit": _("order changed, and sourced anew"),
    "sourcing.merge": _("orders merged, with what is promised"),
    "sourcing.reprice": _("order changed, with its price"),
    "sourcing.review_stock": _("stock of nodes reviewed"),
    "sourcing.split": _("order split, with what is promised"),
    "sourcing.state_quantities": _("quantities of a supplier stated"),
    "stock.give_back": _("reservation given back"),
    "stock.renew": _("reservation renewed"),
    "stock.reserve": _("stock reserved"),
    "stock.set_ring_fence": _("stock kept for a channel"),
    "stock.set_safety": _("safety stock set"),
    "tax.register_exemptions": _("exemption from tax kept"),
    "tax.register_rates": _("tax rate kept"),
    "warehouse.register_cartons": _("carton kept"),
    "warehouse.replenish": _("pick face filled"),
    "warehouse.retire_bins": _("bin retired"),
    "warehouse.review_faces": _("pick faces reviewed"),
    "warehouse.set_pick_faces": _("pick face set"),
    "warehouse.stack_plates": _("plate stacked"),
    "work.keep_scans": _("scans kept"),
    "work.report_scans": _("scans reported"),
    "has_mail": _("has an address of mail"),
    "network.register_bins": _("bin registered"),
    "network.set_cut_offs": _("cut-offs of a node set"),
    "network.set_holidays": _("holidays of a node set"),
    "network.switch_bins": _("blocked or opened"),
    "warehouse.switch_bins": _("blocked or opened"),
    "network.retire_bins": _("retired"),
    "channels.add_webhooks": _("webhook added"),
    "channels.change_webhooks": _("webhook changed"),
    "channels.renew_secrets": _("secret renewed"),
    "channels.switch_webhooks": _("opened, paused or removed"),
    "channels.give_up_webhooks": _("given up"),
    "channels.try_webhooks": _("test sent"),
    "channels.send_again": _("sent again"),
    "access.retry_mailings": _("mail of a report tried again"),
    "access.issue_key": _("API key issued"),
    "access.revoke_key": _("API key revoked"),
    "access.rotate_keys": _("API key rotated"),
    "catalog.register_skus": _("registered in the catalog"),
    "catalog.register_kits": _("kit registered"),
    "catalog.register_packagings": _("cases and pallets set"),
    "catalog.add_aliases": _("further barcodes added"),
    "catalog.drop_aliases": _("further barcodes taken away"),
    "catalog.report_barcodes": _("barcode reported"),
    "catalog.attach_barcodes": _("barcode attached"),
    "carriage.register_services": _("carriage service registered"),
    "kernel.set_policy": _("policy set"),
    "kernel.set_untried": _("policy set untried"),
    "access.withdraw_links": _("links withdrawn"),
    "kernel.draft_policy": _("policy drafted"),
    "kernel.try_draft": _("policy draft tried"),
    "kernel.attach_trials": _("policy draft tried"),
    "kernel.activate_draft": _("policy draft activated"),
    "kernel.drop_draft": _("policy draft dropped"),
    "ledger.open_books": _("books opened"),
    "ledger.set_up_companies": _("company set up"),
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
    "orders.edit": _("order changed"),
    "orders.draft": _("draft written"),
    "orders.place_draft": _("draft placed"),
    "orders.discard_draft": _("draft discarded"),
    "orders.ask_again": _("asked about again"),
    "sourcing.reject": _("given back by its node"),
    "sourcing.ask_again": _("nodes asked again"),
    "sourcing.replan": _("promises planned again"),
    "sourcing.leave_node": _("node left"),
    "payments.retry": _("provider asked again"),
    "shipping.buy_labels": _("labels bought"),
    "shipping.print_labels": _("labels printed"),
    "shipping.void_labels": _("labels voided"),
    "shipping.take_off": _("taken off the manifest"),
    "shipping.close_manifests": _("manifest closed"),
    "shipping.tell_manifests": _("carrier told of a manifest again"),
    "shipping.record_forms": _("carrier's answer about a manifest"),
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
    "purchasing.decide_orders": _("purchase order approved or declined"),
    "purchasing.change": _("asked for otherwise"),
    "purchasing.send_orders": _("sent to the supplier"),
    "purchasing.note_sendings": _("mail to the supplier noted"),
    "channels.send_order_documents": _("sent to the supplier by EDI"),
    "channels.note_order_documents": _("document to the supplier noted"),
    "purchasing.receive": _("goods received"),
    "purchasing.cancel": _("purchase cancelled"),
    "purchasing.reschedule": _("expected on another day"),
    "purchasing.drop_ship": _("asked of a supplier"),
    "purchasing.confirm_drop_ships": _("confirmed by the supplier"),
    "purchasing.refuse_drop_ships": _("refused by the supplier"),
    "purchasing.call_off_drop_ships": _("called off at the supplier"),
    "purchasing.send_drop_ships": _("sent to the supplier again"),
    "purchasing.note_drop_ship_sendings": _("message to the supplier noted"),
    "channels.route_drop_ships": _("way to the supplier chosen"),
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
    "shipping.ship_labeled": _("shipped with bought labels"),
    "shipping.ship_on_paper": _("shipped on paper"),
    "shipping.stop_consignments": _("bought labels given back"),
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
    "sourcing.ask_transfers": _("transfer asked for"),
    "sourcing.reject_transfers": _("proposal rejected"),
    "sourcing.send_transfers": _("proposal sent"),
    "warehouse.release": _("released to the warehouse"),
    "warehouse.propose_wave": _("wave proposed"),
    "warehouse.pace": _("work sent to the floor as there was time for it"),
    "carriage.set_cut_offs": _("cut-offs of carriers set"),
    "warehouse.release_wave": _("wave released"),
    "warehouse.drop_wave": _("wave dropped"),
    "warehouse.take_lists": _("list taken"),
    "warehouse.pick_lists": _("list picked"),
    "warehouse.split_lists": _("list split"),
    "warehouse.use_totes": _("tote taken"),
    "warehouse.sort_stops": _("sorted"),
    "warehouse.pick": _("picked"),
    "warehouse.pack": _("packed"),
    "warehouse.pack_unproved": _("packed without proof"),
    "warehouse.unpack": _("packages opened again"),
    "warehouse.put_away": _("put away"),
    "warehouse.build_plates": _("plate built"),
    "warehouse.move_plates": _("plate moved"),
    "warehouse.open_plates": _("plate opened"),
    "warehouse.fit_standards": _("standard time fitted"),
    "insight.advise": _("advice made"),
    "insight.accept_suggestions": _("advice accepted"),
    "insight.decline_suggestions": _("advice declined"),
    "returns.correct_reasons": _("reason corrected"),
    "warehouse.show_performance": _("performance of people looked at"),
    "warehouse.expire_lots": _("lot expired"),
    "warehouse.plan_counts": _("count planned"),
    "warehouse.ask_counts": _("count asked for"),
    "warehouse.start_counts": _("count begun"),
    "warehouse.enter_counts": _("counted"),
    "warehouse.decide_counts": _("difference decided"),
    "warehouse.withdraw_counts": _("count withdrawn"),
    "stock.count": _("stock as counted"),
    "warehouse.recall": _("rest of a kit called back"),
    "warehouse.withdraw": _("cancelled"),
    "warehouse.reject": _("given back by its node"),
    "warehouse.adjust": _("stock adjusted"),
    "warehouse.approve_adjustment": _("adjustment decided"),
    "warehouse.change_status": _("status of goods changed"),
    "warehouse.redate": _("due anew"),
    "work.open": _("work item opened"),
    "work.claim": _("taken"),
    "work.put_back": _("put back"),
    "work.assign": _("given to somebody"),
    "work.snooze": _("put aside"),
    "work.escalate": _("another role was asked"),
    "work.escalate_overdue": _("overdue: another role was asked"),
    "work.open_case": _("case opened"),
    "work.raise_items": _("made more urgent"),
    "work.link": _("linked"),
    "work.resolve": _("resolved"),
    "work.resolve_subjects": _("resolved: its cause went away"),
}
"""What is not simply its own name with spaces."""

STAYS: dict[str, str | Promise] = {
    "same": _("It comes from where it should already."),
    "not better": _("No plan is better than the one that it has."),
    "nobody else": _("No other node, or few together, have all of it."),
    "more urgent wait": _("More urgent orders wait for the units that it would take."),
    "not wanted": _("The profile has nothing planned again of itself."),
    "held": _("A hold keeps it from being planned."),
    "released": _("The floor has some of it."),
}
"""Why an order that is planned again stays where it is."""

DEPARTURES = {
    "vendor_return": _("Return to vendor"),
    "liquidation": _("Liquidation lot"),
    "donation": _("Donation"),
    "disposal": _("Disposal"),
    "carrier_claim": _("Claim to a carrier"),
    "supplier_claim": _("Claim to a supplier"),
}
"""Ways that goods leave, and that something is owed for goods."""

TO_CUSTOMERS = {
    "refund": _("Money back"),
    "exchange": _("Something else instead"),
    "store_credit": _("Store credit"),
    "repair": _("Have it repaired"),
    "keep": _("Money back, and keep it"),
}
"""What is asked for with a return, to those who ask for it."""

MILESTONES = {
    "authorized": _("authorized"),
    "scanned": _("scanned by the carrier"),
    "received": _("received"),
    "inspected": _("inspected"),
    "disposed": _("inspected and put where they go"),
}
"""What the policy waits for before units are refunded."""

GIVEN_TO_CUSTOMERS = {
    "authorized": _("Given at once."),
    "scanned": _("Given when the carrier has the parcel."),
    "received": _("Given when it has come to us."),
    "inspected": _("Given when we have looked at it."),
    "disposed": _("Given when we have looked at it."),
}
"""From where money or credit is given for what comes back, to whoever sends it."""

SENT_TO_CUSTOMERS = {
    "authorized": _("We send the other one at once."),
    "secured": _(
        "We send the other one when an amount is held on your card for it, or else when yours has come."
    ),
    "received": _("We send the other one when yours has come."),
    "inspected": _("We send the other one when we have looked at yours."),
    "disposed": _("We send the other one when we have looked at yours."),
}
"""From where a replacement is sent, to whoever waits for it."""

ORDERS_TO_CUSTOMERS = {
    "payment hold": _("waiting for payment"),
    "inventory hold": _("waiting for goods"),
    "partly shipped": _("part of it is on its way"),
    "shipped": _("on its way"),
    "delivered": _("delivered"),
    "cancelled": _("cancelled"),
    "closed": _("finished"),
}
"""How far an order is, to whoever placed it. Why the house holds one, and where it stands on the floor, is its own."""


def when_to_customer(terms: Iterable[Any], asked: str) -> list[str]:
    """When a customer gets what he asks for, of the terms of lines: once of those that are alike."""
    if asked == "exchange":
        found = (SENT_TO_CUSTOMERS.get(one.send_at) for one in terms)
    elif asked in ("refund", "store_credit"):
        found = (GIVEN_TO_CUSTOMERS.get(one.refund_at) for one in terms)
    else:
        return []
    return list(dict.fromkeys(str(text) for text in found if text))


def order_to_customer(status: str) -> str:
    """The status of an order as its customer reads it."""
    return str(ORDERS_TO_CUSTOMERS.get(status) or _("we get it ready"))


def word(name: object) -> str:
    """A state, kind, field or command as people write it."""
    text = str(name or "")
    return str(WORDS.get(text) or (text and gettext(spaced(text))))


def ours(text: str, defaults: frozenset[str]) -> str:
    """A word of a policy, which is ours or of the house: ours in the language of the page, its own as it stands, also
    where it is spelt as something that is said on a page. `defaults` are those that policies say by default."""
    if text in rules.REASONS:
        return gettext(rules.REASONS[text].says)
    known = text in WORDS or text in _TONE_OF or spaced(text) in OF_RETURNS
    return word(text) if known else gettext(text) if text in defaults else text


ACCOUNTS = frozenset(name for _code, name, _type, _clearing in CHART)
"""Names of the accounts that books open with."""


def account(name: str) -> str:
    """An account of the chart in the language of the page; one that a house has named, as it is named."""
    return pgettext("account", name) if name in ACCOUNTS else name


def numbered_account(text: str) -> str:
    """The same of an account that is told with its number."""
    number, _, name = text.partition(" ")
    return f"{number} {account(name)}"


def spoken(more: str) -> str:
    """What stands beside the name of a document: its state in words, and what has names of its own as it is."""
    parts = (more or "").split(" · ")
    return " · ".join(word(part) if part in WORDS or part in _TONE_OF else part for part in parts)


def spaced(name: str) -> str:
    """A name that is its own word, with spaces: in English as it is, elsewhere by its translation."""
    return name.replace("_", " ").replace(".", " · ")


OF_RETURNS = frozenset({
    *rules.GRADES.values(), *(one.says for one in rules.REASONS.values()), *map(spaced, rules.EVERY),
    *refusing.REASONS.values(),
})  # fmt: skip
"""Why things come back, how they are found, and what is done with them."""

IN_WORDS = frozenset({
    "asked", "carrier", "event", "expected", "field", "found", "kind", "lot", "milestone", "scanned", "step", "subject",
    "wanted", "what", "where", "why",
})  # fmt: skip
"""Facts of refusals that are words, or may be."""

NAMES = frozenset({"event", "field", "subject"})
"""Those that are names of ours: states' events, fields and documents."""


def refusal(one: Refused) -> str:
    """What a refusal says, in the language of the page."""
    return one.told(gettext(one.says), _fact)


def told(fact: str) -> str:
    """A fact in the language of the page, where it is words; else as it is."""
    if not isinstance(fact, Said):
        return fact
    return gettext(fact.says).format(*(told_fact(one) for one in fact.facts))


def told_fact(fact: object) -> object:
    """A fact of a sentence: words of ours and days in the language of the page, all else as it is."""
    if isinstance(fact, Said):
        return told(fact)
    if isinstance(fact, date):
        return fmt.day(fact)
    if not isinstance(fact, str):
        return fact
    return word(fact) if fact in WORDS or fact in _TONE_OF or fact in OF_RETURNS else fmt.apart(fact)


def _fact(name: str, fact: object) -> object:
    """A fact in the language of the page, where it is words and not what somebody typed or something is called."""
    if isinstance(fact, Said):
        return told(fact)
    if not isinstance(fact, str):
        return fact
    if name not in IN_WORDS:
        return fmt.apart(fact)
    if name in NAMES:
        return word(named(fact))
    return word(fact) if fact in WORDS or fact in _TONE_OF else fmt.apart(gettext(fact)) if fact else fact


def named(field: str) -> str:
    """The name of a field as people say it: amounts are typed as amounts are written, not in minor units."""
    return field.removesuffix("_minor")


def sentence(name: object) -> str:
    """The same with a capital letter first."""
    text = word(name)
    return text[:1].upper() + text[1:]
