"""The reference rooms, from an empty house to a parcel with its price, its day and its tax."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from entrepot.carriage import queries as carriage
from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.rules import Leaves, Parcel, choose
from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import sql
from entrepot.kernel.ids import uuid7
from entrepot.network import queries as network
from entrepot.network.commands import register as places
from entrepot.network.rules import next_ship_date
from entrepot.parties import queries as parties
from entrepot.parties.address import problems
from entrepot.parties.commands.register import (
    RegisterCompany,
    RegisterOffer,
    RegisterSupplier,
    register_companies,
    register_offers,
    register_suppliers,
)
from entrepot.tax import queries as tax
from entrepot.tax.commands.register import RegisterRate, register_rates
from entrepot.tax.rules import tax_of_line
from tests.registers import COMPANY, done

pytestmark = pytest.mark.django_db

ROOMS = (catalog, network, parties, tax, carriage)


def discrepancies() -> list[str]:
    return [sentence for room in ROOMS for sentence in room.discrepancies()]


def test_a_house_is_set_up_and_knows_what_a_parcel_costs_when_it_leaves_and_how_it_is_taxed():
    # A company with two nodes; Leeds ships until three on weekdays, and serves the shop before Bath does.
    done(register_companies, RegisterCompany(COMPANY, "house", "The House", "GBP", "GB"))
    leeds, bath = (
        node.id
        for node in done(
            places.register_nodes,
            places.RegisterNode(COMPANY, "LDS", "Leeds", "GB", time_zone="Europe/London"),
            places.RegisterNode(COMPANY, "BTH", "Bath", "GB", time_zone="Europe/London", priority=2),
        )
    )
    (zone,) = done(places.register_zones, places.RegisterZone(leeds, "A"))
    done(places.register_bins, places.RegisterBin(COMPANY, leeds, "A-01", "pick", zone.id, 1))
    (shop,) = done(places.register_channels, places.RegisterChannel(COMPANY, "shop", "Our shop", "GBP"))
    done(places.serve_channels, places.ServeChannel(shop.id, leeds), places.ServeChannel(shop.id, bath))
    done(places.set_cut_offs, *(places.SetCutOff(leeds, weekday, time(15)) for weekday in range(5)))
    assert [node for node, _ in network.serving_nodes(channels=[shop.id])[shop.id]] == [leeds, bath]

    # A mug that two mills make: the one abroad for less.
    (mug,) = done(
        register_skus,
        RegisterSku(
            COMPANY, "MUG", "A mug", "kitchen", weight_g=310, length_mm=120, width_mm=95, height_mm=100
        ),
    )
    near, far = done(
        register_suppliers,
        RegisterSupplier(COMPANY, "NEAR", "The Mill", "GBP", 3),
        RegisterSupplier(COMPANY, "FAR", "Die Mühle", "EUR", 21),
    )
    done(
        register_offers,
        RegisterOffer(near.id, mug.id, Decimal("5.95")),
        RegisterOffer(far.id, mug.id, Decimal("3.125"), minimum_quantity=144),
    )
    assert [offer.supplier for offer in parties.offers(skus=[mug.id])] == [far.id, near.id]

    # Two services and the standard rate of the tax.
    prices = (("UK", 2000, 289), ("UK", 20_000, 799))
    slow = RegisterService(
        COMPANY, "post", "post-48", "Second class", 2, 20_000, "GBP", (("GB", "GB", "UK"),), prices
    )
    fast = RegisterService(
        COMPANY, "van", "van-24", "Next day", 1, 30_000, "GBP", (("*", "GB", "UK"),), (("UK", 30_000, 650),)
    )
    done(register_services, slow, fast)
    done(register_rates, RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2011, 1, 4)))

    # Somebody in London orders two mugs on a Friday afternoon, at four, for Tuesday.
    assert problems("GB", "SW1A 1AA", "", "London", "10 Downing Street") == []
    ready_at = datetime(2026, 3, 6, 16, tzinfo=UTC)
    leaves = next_ship_date(ready_at, "Europe/London", network.calendars(nodes=[leeds])[leeds])
    assert leaves.on == date(2026, 3, 9), leaves.reason

    sku = catalog.sku_by_id(mug.id)
    volume_cm3 = 2 * sku.length_mm * sku.width_mm * sku.height_mm // 1000
    parcel = Parcel(2 * sku.weight_g, volume_cm3, "GB", "GB", "GBP")
    services = carriage.services(companies=[COMPANY])[COMPANY]
    choice = choose(services, parcel, Leaves(leaves.on), date(2026, 3, 10))
    assert (choice.taken.service.code, choice.taken.price_minor, choice.late) == ("van-24", 650, False)
    assert choice.runner_up.service.code == "post-48"
    assert choice.runner_up.price_minor == 289 and choice.barred == ()
    patient = choose(services, parcel, Leaves(leaves.on), date(2026, 3, 11))
    assert patient.taken.service.code == "post-48"

    line = tax_of_line(
        tax.rates(company=COMPANY),
        2590,
        inclusive=True,
        country="GB",
        region="",
        category="kitchen",
        day=leaves.on,
    )
    assert (line.net_minor, line.tax_minor) == (2158, 432)

    assert discrepancies() == []
    assert all(sum(room.checked().values()) for room in ROOMS)


SPOILED = {
    "UPDATE network_bin SET node_id = %(other)s": "bin A-01 stands in a node that is not there",
    "UPDATE network_zone SET node_id = %(other)s": "zone A stands in a node that is not there",
    "UPDATE network_bin SET zone_id = %(other)s": "bin A-01 stands in a zone that is not of its node",
    "UPDATE network_channelnode SET node_id = %(other)s": "channel shop is served by a node that is not of its company",
    "UPDATE network_cutoff SET node_id = %(other)s": "but is not there",
    "UPDATE parties_offer SET sku_id = %(other)s": "which is not of their company",
    "UPDATE parties_offer SET supplier_id = %(other)s": "is of a supplier who is not there",
    "UPDATE parties_supplier SET company_id = 99": "is of company 99, which is not there",
    "UPDATE tax_rate SET jurisdiction_id = %(other)s": "of a jurisdiction that is not there",
    "UPDATE carriage_service SET carrier_id = %(other)s": "is of a carrier that is not of its company",
    "UPDATE carriage_zone SET zone = 'moon'": "goes to zone moon without a rate",
    "UPDATE carriage_rate SET service_id = %(other)s": "is of a service that is not there",
    "UPDATE carriage_rate SET currency = 'EUR' WHERE max_weight_g = 2": "has rates in several currencies",
    "UPDATE catalog_sku SET category = ' kitchen'": "has a category with blanks around it",
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_whoever_writes_past_the_commands_is_found_out(spoil):
    from django.db import transaction

    done(register_companies, RegisterCompany(COMPANY, "house", "The House", "GBP", "GB"))
    (node,) = done(places.register_nodes, places.RegisterNode(COMPANY, "LDS", "Leeds", "GB"))
    (zone,) = done(places.register_zones, places.RegisterZone(node.id, "A"))
    done(places.register_bins, places.RegisterBin(COMPANY, node.id, "A-01", "pick", zone.id))
    (shop,) = done(places.register_channels, places.RegisterChannel(COMPANY, "shop", "Our shop", "GBP"))
    done(places.serve_channels, places.ServeChannel(shop.id, node.id))
    done(places.set_cut_offs, places.SetCutOff(node.id, 0, time(15)))
    (mug,) = done(register_skus, RegisterSku(COMPANY, "MUG", "A mug", "kitchen"))
    (mill,) = done(register_suppliers, RegisterSupplier(COMPANY, "MILL", "The Mill", "GBP"))
    done(register_offers, RegisterOffer(mill.id, mug.id, Decimal(1)))
    done(register_rates, RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2011, 1, 4)))
    rates = (("all", 1, 1), ("all", 2, 2))
    done(
        register_services,
        RegisterService(COMPANY, "post", "post", "Post", 1, 9, "GBP", (("*", "*", "all"),), rates),
    )
    assert discrepancies() == []

    class Undone(Exception):  # noqa: N818
        pass

    with pytest.raises(Undone), transaction.atomic():
        sql.run(spoil, {"other": uuid7()})
        found = discrepancies()
        raise Undone
    assert [sentence for sentence in found if SPOILED[spoil] in sentence], found
