"""Of every table it is said how a row that was changed behind the house's back is found: it leaves imprints, it is
sealed in a chain, its sums are made anew, or here is why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from entrepot.insight import verify
from entrepot.kernel import imprint, seal

pytestmark = pytest.mark.django_db

RECOMPUTED = """
catalog_alias channels_difference ledger_balance ledger_clearingitem ledger_exposure ledger_valuation parties_customer
payments_credit payments_payment purchasing_dropship purchasing_dropshipline purchasing_notice purchasing_noticeline
purchasing_scheduleline purchasing_serial returns_departureitem returns_gathered returns_hold returns_holdline
returns_line returns_sold returns_workorder returns_workpart shipping_label sourcing_backorder sourcing_dropship
stock_allocation stock_bucket stock_plateunits stock_position stock_preorder stock_published stock_reservation
stock_ringfence stock_supply stock_transfer stock_transferline warehouse_counttask warehouse_fulfillment
warehouse_fulfillmentline warehouse_liststop warehouse_package warehouse_packageline warehouse_picklist
warehouse_picktask warehouse_replenishment warehouse_waveorder settlement_series
"""
"""What other tables tell as well: `discrepancies()` of a room compares both."""

NOT_WATCHED = {
    "the chains and imprints themselves: a link that was changed breaks those after it": """
        kernel_seal kernel_rowseal""",
    "of Django and its libraries, which write them past the house; what roles may do is compared with their table": """
        auth_group auth_group_permissions auth_permission auth_user auth_user_groups auth_user_user_permissions
        django_content_type django_session procrastinate_events procrastinate_jobs procrastinate_periodic_defers
        procrastinate_workers axes_accessattempt axes_accessattemptexpiration axes_accessfailurelog
        axes_accesslog""",
    "gone when it is done, or counts for a moment": """
        access_link access_session access_tries kernel_delivery
        kernel_file kernel_fileerasure kernel_filepart kernel_inbox kernel_job kernel_ready
        kernel_request sourcing_rejection stock_displacement stock_unpublished shipping_quote shipping_purchase
        warehouse_tote work_scanning""",
    "a person's own: their views, mails and codes": """
        access_factor access_mailing access_papercode access_subscription access_view""",
    "work and talk about a document, whose decisions leave imprints themselves": """
        kernel_policydraft orders_attachment orders_draft orders_file orders_filecontent orders_note work_item
        work_link""",
    "personal data that is erased one day: what it said at the time stands on the documents": """
        orders_fingerprint parties_address parties_giftmessage parties_person""",
    "where things are and how they are packed: it moves no money, and the moves of stock are sealed": """
        catalog_packaging network_bin network_cutoff network_holiday network_layout network_node network_place
        network_zone purchasing_skuclass shipping_number stock_plate warehouse_carton warehouse_packedserial
        warehouse_pickface warehouse_slot warehouse_standardtime warehouse_velocity warehouse_wave""",
    "set up once, and named by documents that are frozen": """
        carriage_carrier carriage_cutoff carriage_zone channels_mapping network_channel network_channelnode
        parties_company""",
    "versions of a service beside it, of which the prices in `carriage_rate` leave imprints": """
        carriage_service carriage_version""",
    "renewed by feeds of suppliers day by day: what was agreed stands on the order's line": """
        parties_offer""",
    "said by carriers, channels and suppliers, who can be asked again": """
        channels_fileimport channels_filebatch channels_orderdocument channels_sentnotice channels_statement
        channels_webhook purchasing_confirmation purchasing_dropshipsending purchasing_sending
        shipping_carrierevent shipping_claim
        shipping_consignment shipping_manifest shipping_manifestform shipping_reshipment shipping_transit""",
    "beside a return, whose dispositions, refunds and departures leave imprints": """
        catalog_barcodephoto returns_claimed returns_cohort returns_expiry returns_inspectionphoto returns_label
        returns_labelreturn
        returns_mark returns_onwardseries returns_pallet returns_palletpackage returns_parcel returns_photo
        returns_photocontent returns_returnphoto returns_stray returns_suspicion""",
    "what a promotion gave stands on the order's lines, which leave imprints": "orders_promotion",
    "that something was measured: the entries are in the journal": "ledger_measurement",
    "advice and trials, which change nothing by themselves": """
        insight_answer insight_fitting insight_suggestion simulation_trial sourcing_transferproposal""",
}
"""Why a table is neither."""


def test_of_every_table_it_is_said_how_a_row_changed_behind_the_houses_back_is_found() -> None:
    every = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    sealed = set(seal.chains)
    said = [
        {meta.db_table for meta in imprint.tables()}, sealed, set(RECOMPUTED.split()),
        *(set(tables.split()) for tables in NOT_WATCHED.values()),
    ]  # fmt: skip
    twice = sorted(one for one in every if sum(one in tables for tables in said) > 1)
    assert twice == [], "said in two ways"
    unsaid = sorted(every.difference(*said))
    assert unsaid == [], (
        "let its rows leave imprints (`imprinted`), compare them in `discrepancies()`, or say here why not"
    )
    assert sorted(set().union(*said) - every) == [], "there is no such table"


def test_what_is_said_to_be_recomputed_is_read_by_those_who_look_for_discrepancies(
    statements: Callable[[], Any],
) -> None:
    with statements() as ran:
        verify.discrepancies()
    read = set(re.findall(r"\w+", " ".join(ran.texts)))
    assert sorted(set(RECOMPUTED.split()) - read) == []
