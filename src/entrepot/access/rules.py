"""Which role may give which command, and which duties one person must not do both of. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access.errors import DutiesApart
from entrepot.kernel.errors import Invalid, Refused, Said, one_of

PAIRS: dict[str, tuple[str, ...]] = {
    # of one order to a supplier: whoever orders the goods, whoever attests that they came, whoever accepts the bill
    "order×receive×accept": ("order", "receive", "accept"),
    "propose×approve": ("propose", "approve"),  # whoever proposes an order does not accept it
    "order×approve": ("order", "approve"),  # whoever orders beyond the limit does not approve the order
    "adjust×approve": ("adjust", "approve"),  # whoever corrects stock does not approve the correction
    # of one count: whoever counts first, whoever counts again, and whoever approves the difference
    "count×recount×approve": ("count", "recount", "approve"),
    "enter×approve": ("enter", "approve"),  # whoever enters a credit or journal entry does not approve it
    "draft×activate": ("draft", "activate"),  # whoever drafts posting rules does not put them in force
    # of one return: whoever asks for it, whoever receives it, and whoever approves its refund
    "request×receive×approve": ("request", "receive", "approve"),
    # of one dispute: whoever answers it, or proposes to accept it, does not accept the loss
    "answer×accept": ("answer", "accept"),
    "send×credit": ("send", "credit"),  # whoever lets goods leave does not say what was given for them
    "sell×credit": (
        "sell",
        "credit",
    ),  # whoever places or changes an order does not approve what is given back of it
    "bill×pay": (
        "bill",
        "pay",
    ),  # whoever enters an invoice, or registers its supplier, does not say what paid it
    "register×correct": (
        "register",
        "correct",
    ),  # whoever keeps an item does not approve corrections of its stock
}
"""The duties kept apart: one person may take one side of a pair on a document, never another."""

FIRST_BY: dict[str, tuple[str, ...]] = {
    "sell×credit": ("orders.place", "orders.edit"),
    "bill×pay": ("parties.register_suppliers",),
    "register×correct": ("catalog.register_skus",),
}
"""Pairs whose first side nobody takes as a duty: the event log tells who gave these commands about the document."""


@dataclass(frozen=True, slots=True)
class Duty:
    """A person takes a side of a pair on a document, which people know by its `name`."""

    document: UUID
    pair: str
    side: str
    person: str
    name: str = ""
    key: str | None = None


def misfit(duty: Duty) -> Refused | None:
    """Why a duty can't be one: an unknown pair or side, or nobody to take it."""
    if duty.pair not in PAIRS:
        return Invalid(field="pair", expected=one_of(sorted(PAIRS)), found=duty.pair)
    if duty.side not in PAIRS[duty.pair]:
        return Invalid(field="side", expected=one_of(PAIRS[duty.pair]), found=duty.side)
    if not duty.person:
        return Invalid(field="person", expected="a name", found="nothing")
    return None


def decide_duties(wanted: Sequence[Duty]) -> list[Refused | None]:
    """For each duty of a batch, why it is refused before the table is asked; the earlier of a contrary two stands."""
    answers: list[Refused | None] = []
    sides: dict[tuple[UUID, str, str], str] = {}
    for duty in wanted:
        refusal = misfit(duty)
        if (
            refusal is None
            and sides.setdefault((duty.document, duty.pair, duty.person), duty.side) != duty.side
        ):
            refusal = apart(duty)
        answers.append(refusal)
    return answers


def apart(duty: Duty) -> Refused:
    return DutiesApart(
        person=duty.person, pair=duty.pair, document=duty.name or duty.document, side=duty.side
    )


PERSON_NAME = re.compile(r"[\w.@+-]{1,150}")
MAIL_MAX = 254


def misfit_person_added(name: str, mail: str) -> Refused | None:
    """Why somebody can't be let in under a name."""
    if not PERSON_NAME.fullmatch(name):
        return Invalid(field="name", expected="1 to 150 letters, digits and @ . + - _", found=name)
    return misfit_mail(mail)


def misfit_mail(mail: str) -> Refused | None:
    """Why something can't be where somebody gets mail."""
    if mail and ("@" not in mail or len(mail) > MAIL_MAX):
        return Invalid(field="email", expected="an address of mail, or none", found=mail)
    return None


def misfit_of_roles(roles: Iterable[str]) -> Refused | None:
    """Why somebody can't have some roles: there are no such."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        return Invalid(field="roles", expected=one_of(sorted(ROLES)), found=", ".join(unknown))
    return None


VIEW_NAME_MAX = 60
VIEW_QUERY_MAX = 2_000


def misfit_of_view(name: str, query: str, role: str, roles: Collection[str]) -> Refused | None:
    """Why a view of a list can't be kept: no name or too long a one, or for a role that its person does not have."""
    if not 0 < len(name) <= VIEW_NAME_MAX:
        return Invalid(field="name", expected=Said("1 to {0} letters", VIEW_NAME_MAX), found=f"{len(name)}")
    if len(query) > VIEW_QUERY_MAX:
        return Invalid(
            field="query", expected=Said("{0} letters at most", VIEW_QUERY_MAX), found=f"{len(query)}"
        )
    if role and role not in roles:
        return Invalid(field="role", expected="a role of yours, or none", found=role)
    return None


EVERYBODY = (
    "work.claim", "work.put_back", "work.snooze", "work.escalate", "work.link", "work.resolve",
    "work.keep_scans", "work.report_scans", "catalog.report_barcodes", "access.save_view", "access.drop_view",
    "access.subscribe_reports", "access.end_subscriptions",
    # each as far as they may give the command that follows from it
    "insight.accept_suggestions", "insight.decline_suggestions",
)  # fmt: skip
"""What every role may do that changes anything at all."""

ROLES: dict[str, tuple[str, ...]] = {
    "operations lead": (
        *EVERYBODY, "work.open", "work.open_case", "work.assign", "work.raise_items", "work.resolve_subjects",
        "kernel.set_policy", "kernel.set_untried", "insight.advise", "returns.correct_reasons",
        "kernel.draft_policy", "kernel.try_draft", "kernel.activate_draft", "kernel.drop_draft",
        "simulation.ask_trials", "simulation.withdraw_trials",
        "channels.ask_imports", "channels.withdraw_imports", "channels.save_mapping",
        "orders.place", "orders.cancel", "orders.place_hold", "orders.release_holds", "sourcing.decide_holds",
        "orders.take_payment", "orders.draft", "orders.place_draft", "orders.discard_draft", "orders.restore_draft",
        "orders.list_buyers", "orders.unlist_buyers",
        "orders.write_notes", "orders.correct_notes", "orders.withdraw_notes",
        "orders.attach_files", "orders.withdraw_files",
        "sourcing.edit", "sourcing.reprice", "sourcing.split", "sourcing.merge", "sourcing.allocate", "sourcing.cancel",
        "sourcing.reject", "warehouse.reject", "sourcing.ask_again",
        "sourcing.replan", "sourcing.leave_node",
        "purchasing.drop_ship", "purchasing.confirm_drop_ships", "purchasing.refuse_drop_ships",
        "purchasing.call_off_drop_ships", "purchasing.send_drop_ships", "shipping.ship_drop_ships",
        "stock.reserve", "stock.renew", "stock.give_back", "stock.set_safety",
        "stock.set_ring_fence", "stock.set_preorder",
        "warehouse.release", "warehouse.propose_wave", "warehouse.release_wave", "warehouse.drop_wave",
        "warehouse.pace",
        "warehouse.withdraw", "warehouse.register_cartons", "shipping.ship", "shipping.perform",
        "shipping.deliver", "shipping.print_labels", "shipping.void_labels", "shipping.relabel",
        "shipping.ship_on_paper",
        "shipping.close_manifests", "shipping.tell_manifests", "shipping.take_off",
        "shipping.take_tracking", "shipping.ask_rates", "shipping.buy_labels",
        "shipping.open_claims", "shipping.advance_claims", "shipping.reship", "network.register_layouts",
        "access.withdraw_links",
        "returns.authorize", "returns.review", "returns.close", "returns.reopen", "returns.announce_parcels",
        "returns.make_labels", "returns.void_labels", "returns.decide_strays",
        "returns.dispose", "returns.override_dispositions", "returns.decide_fraud", "returns.note_scans",
        "returns.open_departures", "returns.withdraw_departures", "returns.withdraw_work", "returns.grade_skus",
        "returns.redispose", "returns.refuse_units", "returns.accept_units",
        "returns.offer_repairs", "returns.answer_repairs", "returns.settle_repairs", "returns.send_back",
        "returns.note_arrivals", "returns.claim_parcels",
        "carriage.register_services", "carriage.set_cut_offs", "network.register_channels", "network.register_nodes",
        "network.serve_channels", "network.set_cut_offs", "network.set_holidays", "network.register_places",
        "channels.take_statements", "channels.mend_differences", "channels.explain_differences",
    ),
    "warehouse supervisor": (
        *EVERYBODY, "work.open", "work.assign", "work.raise_items", "warehouse.switch_bins", "warehouse.retire_bins",
        "warehouse.release", "warehouse.propose_wave", "warehouse.release_wave", "warehouse.drop_wave",
        "warehouse.pace",
        "warehouse.take_lists", "warehouse.pick_lists", "warehouse.split_lists", "network.register_layouts",
        "carriage.set_cut_offs", "network.set_cut_offs", "network.set_holidays", "warehouse.use_totes",
        "warehouse.sort_stops",
        "warehouse.set_pick_faces", "warehouse.review_faces", "warehouse.replenish",
        "warehouse.plan_counts", "warehouse.ask_counts", "warehouse.start_counts", "warehouse.enter_counts",
        "warehouse.withdraw_counts",
        "warehouse.pick", "warehouse.pack", "warehouse.pack_unproved", "warehouse.unpack", "warehouse.put_away",
        "warehouse.adjust",
        "warehouse.change_status",
        "warehouse.set_slots", "warehouse.build_plates", "warehouse.stack_plates", "warehouse.move_plates",
        "warehouse.open_plates", "warehouse.fit_standards", "warehouse.show_performance",
        "warehouse.withdraw", "warehouse.register_cartons", "sourcing.reject", "warehouse.reject",
        "shipping.ship", "shipping.deliver", "shipping.print_labels", "shipping.void_labels", "shipping.relabel",
        "shipping.ship_on_paper",
        "shipping.close_manifests", "shipping.tell_manifests", "shipping.take_off", "shipping.ask_rates",
        "shipping.buy_labels",
        "purchasing.receive", "purchasing.receive_scans", "purchasing.decide_checks", "purchasing.close_notices",
        "returns.receive", "returns.receive_parcels", "returns.receive_pallets", "returns.count_packages",
        "returns.take_comebacks", "returns.close_pallets", "returns.dispose", "returns.override_dispositions",
        "returns.open_departures", "returns.leave_departures", "returns.withdraw_departures", "returns.add_papers",
        "returns.open_work_orders", "returns.start_work", "returns.finish_work", "returns.withdraw_work",
        "returns.redispose",
        "stock.ship_transfer", "stock.receive_transfer", "sourcing.send_transfers", "sourcing.reject_transfers",
    ),
    "picker": (
        *EVERYBODY, "warehouse.pick", "warehouse.take_lists", "warehouse.pick_lists", "warehouse.put_away",
        "warehouse.build_plates", "warehouse.stack_plates", "warehouse.move_plates", "warehouse.open_plates",
        "warehouse.use_totes", "warehouse.sort_stops", "warehouse.replenish",
        "warehouse.ask_counts", "warehouse.start_counts", "warehouse.enter_counts",
    ),
    "packer": (
        *EVERYBODY, "warehouse.pack", "warehouse.unpack", "warehouse.sort_stops",
        "shipping.ship", "shipping.print_labels", "shipping.void_labels", "shipping.ask_rates", "shipping.buy_labels",
    ),
    "customer service": (
        *EVERYBODY, "work.open", "work.open_case",
        "channels.ask_imports", "channels.withdraw_imports",
        "orders.place", "orders.cancel", "orders.place_hold", "orders.release_holds", "sourcing.decide_holds",
        "sourcing.cancel",
        "orders.take_payment", "sourcing.edit", "sourcing.split", "sourcing.merge", "channels.save_mapping",
        "warehouse.withdraw", "purchasing.call_off_drop_ships",
        "orders.draft", "orders.place_draft", "orders.discard_draft", "orders.restore_draft",
        "orders.write_notes", "orders.correct_notes", "orders.withdraw_notes",
        "orders.attach_files", "orders.withdraw_files",
        "parties.register_customers", "parties.register_addresses", "parties.keep_gift_messages",
        "shipping.open_claims", "shipping.reship",
        "access.withdraw_links",
        "returns.authorize", "returns.review", "returns.refund", "returns.close", "returns.reopen",
        "returns.correct_reasons",
        "returns.announce_parcels", "returns.make_labels", "returns.void_labels", "returns.add_return_photos",
        "returns.decide_strays", "returns.exchange", "returns.withdraw_exchanges", "returns.decide_holds",
        "returns.refuse_units", "returns.accept_units", "returns.offer_repairs", "returns.answer_repairs",
        "returns.settle_repairs", "returns.send_back", "returns.note_arrivals", "returns.claim_parcels",
    ),
    "returns inspector": (
        *EVERYBODY, "work.open", "warehouse.adjust", "warehouse.put_away",
        "returns.receive", "returns.receive_parcels", "returns.receive_pallets", "returns.count_packages",
        "returns.take_comebacks", "returns.close_pallets", "returns.inspect", "returns.add_photos", "returns.dispose",
        "returns.correct_reasons", "returns.open_departures", "returns.leave_departures", "returns.add_papers",
        "returns.open_work_orders", "returns.start_work", "returns.finish_work",
        "returns.offer_repairs", "returns.send_back", "returns.note_arrivals",
    ),
    "inventory manager": (
        *EVERYBODY, "work.open", "orders.release_holds", "sourcing.decide_holds",
        "purchasing.order", "purchasing.change", "purchasing.receive", "purchasing.cancel", "purchasing.reschedule",
        "purchasing.send_orders", "channels.send_order_documents",
        "purchasing.drop_ship", "purchasing.confirm_drop_ships", "purchasing.refuse_drop_ships",
        "purchasing.call_off_drop_ships", "purchasing.send_drop_ships", "shipping.ship_drop_ships",
        "sourcing.state_quantities",
        "warehouse.set_pick_faces", "warehouse.review_faces",
        "warehouse.plan_counts", "warehouse.ask_counts", "warehouse.start_counts", "warehouse.enter_counts",
        "warehouse.decide_counts", "warehouse.withdraw_counts",
        "purchasing.receive_scans", "purchasing.decide_checks", "purchasing.close_claims", "purchasing.close_rest",
        "purchasing.confirm", "purchasing.take_notices", "purchasing.close_notices", "channels.take_documents",
        "purchasing.review_reorders", "purchasing.accept_proposals", "purchasing.reject_proposals",
        "warehouse.put_away", "warehouse.adjust", "warehouse.change_status", "warehouse.approve_adjustment",
        "warehouse.set_slots",
        "warehouse.build_plates", "warehouse.stack_plates", "warehouse.move_plates", "warehouse.open_plates",
        "stock.ship_transfer", "stock.receive_transfer", "stock.set_safety", "stock.set_ring_fence",
        "stock.set_preorder",
        "sourcing.review_stock", "sourcing.ask_transfers", "sourcing.accept_transfers", "sourcing.reject_transfers",
        "sourcing.send_transfers",
        "catalog.register_skus", "catalog.register_kits", "catalog.register_packagings", "returns.grade_skus",
        "catalog.add_aliases", "catalog.drop_aliases", "catalog.attach_barcodes",
        "network.register_nodes", "network.register_zones", "network.register_bins", "network.register_channels",
        "warehouse.switch_bins", "warehouse.retire_bins",
        "parties.register_suppliers", "parties.register_offers",
    ),
    "controller": (
        *EVERYBODY, "work.open", "orders.release_holds", "sourcing.decide_holds", "work.assign",
        "work.raise_items",
        "ledger.record_rates", "ledger.record_rate_files", "ledger.correct_rates", "ledger.choose_costing",
        "ledger.write_down", "ledger.revalue",
        "ledger.enter_entries", "ledger.reverse_entries", "ledger.decide_entries",
        "ledger.draft_rules", "ledger.activate_rules", "ledger.withdraw_rules",
        "ledger.keep_accounts",
        "purchasing.land_costs",
        "orders.credit", "orders.approve_credits",
        "warehouse.approve_adjustment", "warehouse.decide_counts", "tax.register_rates", "tax.register_exemptions",
        "returns.refund", "returns.approve_refunds", "returns.estimate", "returns.settle_refunds", "returns.close",
        "returns.decide_fraud", "returns.decide_holds",
        "returns.settle_exchanges", "returns.withdraw_exchanges", "returns.give_back", "payments.expire_credits",
        "returns.settle_departures", "returns.add_papers",
        "payments.capture", "payments.void", "payments.refund", "payments.settle", "payments.retry",
        "payments.open_disputes", "payments.follow_disputes", "payments.close_disputes", "payments.take_messages",
        "payments.accept_disputes", "payments.withdraw_acceptances", "settlement.contest_disputes",
        "settlement.take_payouts", "settlement.explain", "settlement.split_payout_lines",
        "settlement.take_supplier_invoices", "settlement.decide_supplier_lines", "settlement.match_arrivals",
        "settlement.take_carrier_invoices", "settlement.decide_charges", "shipping.advance_claims",
        "settlement.issue_documents", "settlement.take_statements", "settlement.decide_bank_lines",
        "settlement.split_bank_lines",
        "settlement.tick_tasks", "settlement.close_books", "ledger.match_lines", "ledger.undo_matches",
        "settlement.clear_accounts", "settlement.write_off", "settlement.decide_write_offs", "settlement.note_lines",
        "purchasing.decide_orders",
        "settlement.erase_people", "settlement.hold_data", "settlement.release_data",
    ),
    "integration engineer": (
        *EVERYBODY, "work.open", "work.resolve_subjects", "kernel.set_policy",
        "kernel.draft_policy", "kernel.try_draft", "kernel.activate_draft", "kernel.drop_draft",
        "simulation.ask_trials", "simulation.withdraw_trials",
        "access.issue_key", "access.rotate_keys", "access.revoke_key", "access.retry_mailings",
        "kernel.replay_messages", "kernel.drop_messages",
        "channels.add_webhooks", "channels.change_webhooks", "channels.renew_secrets", "channels.switch_webhooks",
        "channels.try_webhooks", "channels.send_again",
        "orders.place", "orders.cancel", "orders.take_payment", "sourcing.cancel", "orders.credit",
        "stock.reserve", "stock.renew", "stock.give_back",
        "catalog.register_skus", "catalog.register_kits", "catalog.register_packagings", "returns.grade_skus",
        "catalog.add_aliases", "catalog.drop_aliases", "catalog.attach_barcodes",
        "purchasing.confirm", "purchasing.take_notices", "channels.take_documents",
        "network.register_channels", "network.serve_channels", "network.register_places",
        "parties.register_customers", "parties.register_addresses", "parties.keep_gift_messages",
        "sourcing.state_quantities",
        "shipping.take_tracking", "returns.note_scans", "purchasing.confirm_drop_ships",
        "purchasing.refuse_drop_ships", "shipping.ship_drop_ships",
        "channels.ask_imports", "channels.withdraw_imports",
        "channels.save_mapping", "channels.import_invoices", "channels.import_sales", "channels.receive_supply",
        "channels.set_aside", "channels.take_statements", "channels.mend_differences", "channels.explain_differences",
    ),
    "auditor": (),
}  # fmt: skip
"""Role → commands. Whoever has a role may read everything but secrets; the auditor does nothing else."""

READS = "auditor"
"""The role of keys that only read: whoever has any role may do as much."""


def roles_of_key(roles: Iterable[str], *, everything: bool) -> list[str]:
    """The roles that a key may be narrowed to, of somebody who has some, or may everything."""
    has = set(ROLES) if everything else set(roles)
    return sorted(has | {READS} if has else has)


SEES_BUYERS = ("settlement.issue_documents", "orders.place_hold", "shipping.ship")
"""Whoever may give one of these sees on an invoice whom it is for."""


def sees_buyers(may: Callable[[str], bool]) -> bool:
    """Whether somebody sees who buys."""
    return any(map(may, SEES_BUYERS))


SEES_ADDRESSES = ("orders.place_hold", "warehouse.pack", "shipping.ship")
"""Whoever may give one of these sees where an order goes."""


def sees_addresses(may: Callable[[str], bool]) -> bool:
    """Whether somebody sees the name and street that orders go to, on whatever page."""
    return any(map(may, SEES_ADDRESSES))


OF_NO_ROLE = (
    "access.add_people", "access.set_roles", "access.admit_people",  # an administrator's, who is a superuser
    "access.set_companies", "access.set_mails", "access.renew_passwords", "access.reset_factors",
    # what everybody keeps of their own, given by the edge to whoever has entered, and the door itself
    "access.change_passwords", "access.offer_factors", "access.confirm_factors", "access.remove_factors",
    "access.use_factors", "access.note_sessions", "access.end_sessions",
    "access.sync_roles", "parties.register_companies", "ledger.open_books", "ledger.set_up_companies",  # a house
    "access.take_due_reports", "access.record_mailings",  # what sends the reports that people subscribed to
    "access.note_uses",  # what the API does with the key of whoever asks
    "access.count_tries", "access.forget_tries",  # what the portal of customers does before it knows whose order it is
    "access.take_duty", "ledger.post", "ledger.close_month", "payments.authorize",  # parts of what other commands do
    "payments.hold", "payments.submit_evidence", "payments.settle_answers", "payments.expire_disputes",
    "payments.tell_disputes",
    "network.retire_bins",
    "stock.adjust", "stock.allocate", "stock.count", "stock.approve_adjustment", "stock.change_status", "stock.expect",
    "parties.state_quantities", "stock.free", "stock.receive",
    "kernel.attach_trials",  # what commands that keep the reports of trials do
    "kernel.keep_unread", "kernel.note_exports", "kernel.ask_jobs", "kernel.note_jobs", "kernel.withdraw_jobs",
    "kernel.make_files", "kernel.drop_files",
    "shipping.retake_tracking", "payments.retake_messages",
    "orders.edit", "orders.split", "orders.merge",
    "returns.place_holds", "returns.settle_holds", "returns.expire",
    "returns.watch", "returns.watch_departures", "returns.watch_repairs",
    "returns.watch_sent_back", "returns.claim_by_policy", "returns.note_troubles",
    "returns.forget_marks", "returns.forget_photos",
    "purchasing.watch_drop_ships", "purchasing.watch_arrivals",
    "work.escalate_overdue", "work.watch_dead_letters", "work.watch_keys", "insight.watch_feeds",
    "sourcing.expire_reservations", "sourcing.peg", "sourcing.expire_holds", "sourcing.propose_transfers",
    "sourcing.watch_windows",
    "orders.watch_authorizations",
    "orders.release_satisfied", "orders.ask_again", "orders.forget_fingerprints",
    "orders.forget_buyers", "parties.erase", "settlement.apply_retention",
    "simulation.report_trials", "simulation.keep_trials",
    "stock.publish", "stock.republish", "stock.tell_again", "channels.import_stated", "channels.note_batches",
    "channels.retake_documents", "network.switch_bins",
    "channels.note_readings",
    "channels.tell_webhooks", "channels.give_up_webhooks",
    "warehouse.recall", "warehouse.redate", "warehouse.stream", "warehouse.watch_floor", "warehouse.classify_skus",
    "warehouse.expire_lots",
    "purchasing.propose_orders", "purchasing.note_sendings", "channels.note_order_documents",
    "channels.route_drop_ships", "purchasing.note_drop_ship_sendings",
    "shipping.record_quotes", "shipping.record_purchases", "shipping.record_forms", "shipping.poll",
    "shipping.watch_silence", "shipping.ship_labeled", "shipping.stop_consignments",
    "shipping.answer_trouble", "shipping.watch_collections", "shipping.watch_purchases",
    "returns.record_label_purchases", "returns.expect_sent_back", "returns.poll_labels",
    "settlement.question_voided",
)  # fmt: skip
"""For the system's own actors, for superusers, and for other commands: alone they would leave a part undone, as
where stock hands back promises that somebody must source anew."""


ASKED = tuple(sorted(role for role, names in ROLES.items() if "work.claim" in names))
"""The roles that can be asked to look at work: those that may take it."""


def stands_for(may: Callable[[str], bool], role: str, roles: Collection[str] = ()) -> bool:
    """Whether somebody has a role, or may do all that it may, or may give others their work: what a role is asked
    for, they may decide. Nobody has a role that does not exist."""
    commands = ROLES.get(role, ())
    return (
        may("work.assign")
        or (role in ROLES and role in roles)
        or (bool(commands) and all(map(may, commands)))
    )


def unknown(known: Collection[str]) -> list[str]:
    """Commands that the table names and nobody has declared: a slip of the pen."""
    return sorted({name for names in ROLES.values() for name in names}.union(OF_NO_ROLE) - set(known))


def forgotten(known: Collection[str]) -> list[str]:
    """Commands that exist and that the tables of this page do not name: nobody decided who may give them."""
    return sorted(set(known).difference(OF_NO_ROLE, *ROLES.values()))


def grants(known: Iterable[str]) -> list[tuple[str, str]]:
    """Every (role, command) of the table whose command exists, in order."""
    declared = set(known)
    return sorted({(role, name) for role, names in ROLES.items() for name in names if name in declared})
