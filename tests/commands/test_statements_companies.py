"""A batch over several companies takes as many statements as one over a single company."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import policies
from entrepot.kernel.command import whole
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.returns.commands import lock
from entrepot.returns.rules import Policy
from entrepot.stock.commands.adjust import Adjust, Adjusted, AdjustmentPolicy, adjust
from entrepot.stock.commands.allocate import lock_positions, read_positions
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from tests.floor import NOW, SYSTEM

COMPANIES = (1, 2, 3)

Place = tuple[UUID, UUID, UUID, UUID]
"""A SKU, a node, a bin and a channel of a company."""


@pytest.fixture
def places(db: None) -> dict[int, Place]:
    return {company: a_company(company) for company in COMPANIES}


def a_company(number: int) -> Place:
    name = f"c{number}"
    register_companies(SYSTEM, requests=[RegisterCompany(number, name, name.title(), "GBP", "GB")])
    open_books(SYSTEM, requests=[OpenBooks(number)])
    (node,) = network.register_nodes(
        SYSTEM, requests=[network.RegisterNode(number, f"N{number}", "A node", "GB")]
    )
    (bin_,) = network.register_bins(SYSTEM, requests=[network.RegisterBin(number, node.id, "A", "pick")])
    (shop,) = network.register_channels(
        SYSTEM, requests=[network.RegisterChannel(number, "shop", "Shop", "GBP")]
    )
    network.serve_channels(SYSTEM, requests=[network.ServeChannel(shop.id, node.id)])
    (sku,) = register_skus(SYSTEM, requests=[RegisterSku(number, f"SKU-{number}", "A thing")])
    return sku.id, node.id, bin_.id, shop.id


def found(places: dict[int, Place], companies: tuple[int, ...], units: int) -> list[Adjust]:
    return [
        Adjust(one, sku, node, bin_, units, "counted")
        for one in companies
        for sku, node, bin_, _ in (places[one],)
    ]


def test_stock_of_several_companies_is_adjusted_and_locked_at_once(places, statements) -> None:
    whole(adjust(SYSTEM, requests=found(places, COMPANIES, 9)))
    fences = [SetRingFence(one, sku, node, shop, one) for one, (sku, node, _, shop) in places.items()]
    whole(set_ring_fence(SYSTEM, requests=fences))
    counts = []
    for some in ((1,), COMPANIES):
        with statements() as ran:
            whole(adjust(SYSTEM, requests=found(places, some, 1)))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        with statements() as ran:
            positions = lock_positions((one, places[one][0]) for one in some)
            assert positions == read_positions((one, places[one][0]) for one in some)
        assert len(ran.texts) == 4
        assert {key[0] for key in positions} == {places[one][0] for one in some}
        for one in some:
            sku, node, _, shop = places[one]
            assert positions[sku, node].fences == {shop: one}
    assert counts[0] == counts[1]
    assert lock_positions([]) == {}


def test_nobody_gets_the_positions_of_another_company(places) -> None:
    whole(adjust(SYSTEM, requests=found(places, COMPANIES, 9)))
    skus = {one: places[one][0] for one in COMPANIES}
    assert lock_positions([(1, skus[2]), (2, skus[1]), (3, skus[3])]).keys() == {places[3][:2]}


def test_each_company_keeps_its_own_limit_and_its_own_policy_of_returns(places, statements) -> None:
    yesterday = NOW - timedelta(days=1)
    whole(
        policies.set_policy(
            SYSTEM,
            requests=[
                policies.SetPolicy(2, "stock.adjustments", AdjustmentPolicy(None), yesterday),
                policies.SetPolicy(3, "returns", Policy(), yesterday),
            ],
        )
    )
    answers = adjust(SYSTEM, requests=found(places, COMPANIES, 5))
    assert [one.state for one in answers if isinstance(one, Adjusted)] == ["posted"] * 3
    counts = []
    for some in ((1,), COMPANIES):
        with statements() as ran:
            steering = lock.in_force(SYSTEM, some)
        counts.append(len(ran.texts))
        assert set(steering) == set(some)
    assert counts == [1, 1]
    assert [steering[one][0] for one in COMPANIES] == [0, 0, 1]
