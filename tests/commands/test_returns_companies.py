"""Two companies in one house: each its own policy of returns, and none reaches into what is the other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import policies
from entrepot.kernel.errors import NotFound
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.returns import errors, queries
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.estimate import Estimate, Estimated, estimate
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.review import Review, review
from entrepot.returns.commands.watch import Watch, Watched, watch
from entrepot.returns.rules import Policy
from tests import floor, walk
from tests.back import APPROVES, ARRIVED, ASKS, INSPECTS, RECEIVES, asked, came, found, lines_of, sold
from tests.floor import NOW, SYSTEM, Floor
from tests.walk import a_house

pytestmark = pytest.mark.django_db

HOME, ABROAD = 1, 2


@contextmanager
def company(number: int) -> Iterator[None]:
    """The helpers of tests work for this company."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (floor, walk):
            patch.setattr(module, "COMPANY", number)
        yield


def a_house_abroad() -> Floor:
    """The least that another company needs to sell."""
    register_companies(SYSTEM, requests=[RegisterCompany(ABROAD, "abroad", "Abroad Ltd", "GBP", "GB")])
    open_books(SYSTEM, requests=[OpenBooks(ABROAD)])
    (node,) = network.register_nodes(SYSTEM, requests=[network.RegisterNode(ABROAD, "X1", "Abroad", "GB")])
    kinds = ("pick", "packing", "staging", "quarantine")
    bins = network.register_bins(
        SYSTEM, requests=[network.RegisterBin(ABROAD, node.id, kind.upper(), kind) for kind in kinds]
    )
    (shop,) = network.register_channels(
        SYSTEM, requests=[network.RegisterChannel(ABROAD, "shop", "Shop", "GBP")]
    )
    network.serve_channels(SYSTEM, requests=[network.ServeChannel(shop.id, node.id)])
    thing = RegisterSku(ABROAD, "SKU-000", "Thing", weight_g=250, length_mm=100, width_mm=100, height_mm=50)
    (sku,) = register_skus(SYSTEM, requests=[thing])
    service = RegisterService(
        ABROAD, "Post", "slow", "Slow", 4, 30_000, "GBP", (("GB", "GB", "inland"),), (("inland", 30_000, 300),)
    )  # fmt: skip
    register_services(SYSTEM, requests=[service])
    places = {(node.id, kind): one.id for kind, one in zip(kinds, bins, strict=True)}
    return Floor([node.id], places, {"shop": shop.id}, [sku.id], ["SKU-000"])


@pytest.fixture
def houses(db: None) -> tuple[Floor, Floor]:
    here, there = a_house(), None
    here.stock(0, 500)
    with company(ABROAD):
        there = a_house_abroad()
        there.stock(0, 500)
    for number, body in (
        (HOME, Policy(late="review", approve_above_minor=None, dispositions={"A": "restock"})),
        (ABROAD, Policy(late="decline", approve_above_minor=0, dispositions={"A": "liquidate"})),
    ):
        kept = policies.SetPolicy(number, "returns", body, NOW - timedelta(days=1))
        policies.set_policy(SYSTEM, requests=[kept])
    return here, there


def two_orders(houses: tuple[Floor, Floor], quantity: int = 2) -> tuple:
    here, there = houses
    (home,) = sold(here, 1, (0, quantity))
    with company(ABROAD):
        (abroad,) = sold(there, 1, (0, quantity))
    return home, abroad


def test_a_batch_over_both_follows_each_ones_policy(houses: tuple[Floor, Floor], statements):
    home, abroad = orders = two_orders(houses)
    late = ARRIVED + timedelta(days=31)
    asks = [Authorize(order, (Item(lines_of(order)[0], 1),), occurred_at=late) for order in orders]
    reviewed, declined = authorize(ASKS, requests=asks)
    assert reviewed.state == "requested"
    assert isinstance(declined, errors.TooLate)
    with statements() as alone:
        review(ASKS, requests=[Review(reviewed.return_id, accept=True)])

    one, two = asked(home, 1), asked(abroad, 1)
    inspections = found([*came(one), *came(two)])
    assert [inspection.proposed for inspection, _ in inspections] == ["restock", "liquidate"]
    dispose(INSPECTS, requests=[Dispose(inspection.inspection, 1) for inspection, _ in inspections])
    with statements() as both:
        paid, waits = refund(ASKS, requests=[Refund(one.return_id), Refund(two.return_id)])
    assert (paid.state, waits.state) == ("paid", "waiting")
    # What money goes back when, and until when the goods are waited for.
    assert sum("kernel_policy" in text for text in alone.texts) == 2
    # Two kinds of policies of both at once, and the terms of the work item that the second opens.
    assert sum("kernel_policy" in text for text in both.texts) == 3
    (decided,) = approve(APPROVES, requests=[Approve(waits.refund)])
    assert decided.state == "paid"
    assert [len(queries.returns_page(number)) for number in (HOME, ABROAD)] == [2, 1]


def test_nothing_of_one_company_comes_into_the_others_house(houses: tuple[Floor, Floor]):
    here, there = houses
    home, _ = two_orders(houses)
    line = lines_of(home)[0]

    (refused,) = authorize(ASKS, requests=[Authorize(home, (Item(line, 1),), node=there.nodes[0])])
    assert refused == NotFound(what="node of the company", which=str(there.nodes[0]))

    one = asked(home, 1)
    foreign = there.bin(0, "quarantine")
    (refused,) = receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 1, foreign)])
    assert refused == errors.NoBin(node=str(here.nodes[0]), kind="quarantine or receiving", bin=f" {foreign}")
    (receipt,) = came(one)
    (inspection,) = inspect(INSPECTS, requests=[Inspect(receipt.receipt, 1, "A")])
    (refused,) = dispose(INSPECTS, requests=[Dispose(inspection.inspection, 1, bin=there.bin())])
    assert refused == errors.NoBin(node=str(here.nodes[0]), kind="such", bin=f" {there.bin()}")


def test_lines_of_the_others_order_are_not_found(houses: tuple[Floor, Floor]):
    home, abroad = two_orders(houses)
    foreign = lines_of(abroad)[0]
    (refused,) = authorize(ASKS, requests=[Authorize(home, (Item(foreign, 1),))])
    assert isinstance(refused, NotFound)
    one, two = asked(home, 1), asked(abroad, 1)
    answers = receive(RECEIVES, requests=[Receive(one.return_id, two.lines[0], 1)])
    answers += refund(ASKS, requests=[Refund(one.return_id, ((two.lines[0], 1),))])
    assert [type(answer) for answer in answers] == [NotFound, NotFound]


def test_each_is_estimated_and_watched_by_itself(houses: tuple[Floor, Floor]):
    _, abroad = two_orders(houses)
    body = Policy(expected_percent=Decimal(50))
    kept = policies.SetPolicy(ABROAD, "returns", body, NOW - timedelta(hours=1))
    policies.set_policy(SYSTEM, requests=[kept])
    assert estimate(SYSTEM, requests=[Estimate(HOME), Estimate(ABROAD)]) == [
        Estimated(HOME, 0, 0, 0),
        Estimated(ABROAD, 999, 100, 999),
    ]
    came(asked(abroad, 1))
    later = floor.Cause(SYSTEM.actor, NOW + timedelta(hours=99))
    assert watch(later, requests=[Watch(HOME), Watch(ABROAD)]) == [Watched(HOME, 0), Watched(ABROAD, 1)]
