"""Repairs for customers: who pays, what can't be offered or reported so, and the tax within a price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.ledger.rules import RULES
from entrepot.returns import errors, portal, proposing, repairing, rules, states
from entrepot.returns.onward import Outcome
from entrepot.returns.recovery import Goods, Recovery
from entrepot.returns.repairing import Repairs


@pytest.mark.parametrize(
    ("days", "ours", "conforms", "payer"),
    [
        (730, True, False, "warranty"),
        (731, True, False, "customer"),
        (0, False, False, "customer"),
        (2_000, False, True, "warranty"),
        (None, True, False, ""),
        (None, False, False, "customer"),
        (None, True, True, "warranty"),
    ],
)
def test_who_pays(days: int | None, ours: bool, conforms: bool, payer: str):
    assert Repairs().payer(days, ours=ours, conforms=conforms) == payer


def test_what_conforms_not_by_law_is_repaired_free():
    assert repairing.misfit_offer("customer", 500, "RMA-1", conforms=True) == errors.RepairIsFree(
        number="RMA-1"
    )
    assert repairing.misfit_offer("customer", 500, "RMA-1", conforms=False) is None
    assert isinstance(repairing.misfit_offer("customer", 0, "RMA-1", conforms=False), Invalid)
    assert isinstance(repairing.misfit_offer("warranty", 5, "RMA-1", conforms=False), Invalid)
    assert repairing.misfit_offer("goodwill", 0, "RMA-1", conforms=True) is None


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 5))
def test_all_units_were_repaired_or_none(repaired: int, failed: int, units: int):
    wrong = repairing.misfit_worked((), 0, repaired, failed, units)
    assert (wrong is None) == ((repaired, failed) in ((units, 0), (0, units)))
    assert repairing.misfit_worked((Outcome(1, "A"),), 0, units, 0, units) is not None
    assert repairing.misfit_worked((), 1, units, 0, units) is not None


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(0, 100))
def test_the_tax_is_a_part_of_the_price(price: int, net: int, percent: int):
    """As the goods were taxed, so is the price: their tax is never more than what it is within."""
    tax = net * percent // 100
    found = repairing.tax_within(price, tax, net + tax)
    assert 0 <= found <= price
    assert repairing.tax_within(net + tax, tax, net + tax) == tax


def test_a_price_of_what_was_free_bears_no_tax():
    assert repairing.tax_within(500, 0, 0) == 0


def test_every_cost_of_a_repair_has_its_posting_rules():
    known = {(event, kind) for event, kind, _, _ in RULES}
    for policy in (Repairs(), Repairs(warranty_from="provision")):
        for payer in repairing.PAYERS:
            cost = policy.cost(payer)
            assert ("repair.worked", cost) in known
            assert (repairing.part_event(cost), "cost") in known


def proposed(**facts: object) -> str:
    unit = proposing.Unit(Goods("C", "", 5_000, 2_000, 3), to_repair=True, **facts)  # type: ignore[arg-type]
    return proposing.propose(rules.Policy(), proposing.Dispositions(), Recovery(), unit).disposition


def test_what_its_customer_wants_repaired_is_proposed_for_that_unless_it_is_set_apart():
    assert proposed() == "repair"
    assert proposed(reason="recalled") == "quarantine"
    assert proposed(codes=("serial_swap",)) == "quarantine"


@pytest.mark.parametrize(
    ("found", "waits", "step"),
    [
        ((), 1, "in repair"),
        ((), 0, "refunded"),
        (("delivered", "settled"), 0, "with you again"),
        (("delivered",), 1, "in repair"),
        (("sent", "delivered"), 0, "sent back"),
        (("repaired", "sent"), 0, "repaired"),
        (("declined", "delivered"), 0, "in repair"),
        (("settled",), 0, "refunded"),
    ],
)
def test_what_a_customer_sees_of_his_repairs_waits_for_the_slowest(
    found: tuple[str, ...], waits: int, step: str
):
    assert portal.repair_step("refunded", found, 1, waits) == step
    assert portal.repair_step("on its way", found, 0, waits) == "on its way"


def test_nobody_is_charged_for_what_was_not_repaired():
    uncharged = set(states.REPAIR.states) - set(repairing.CHARGED)
    assert {"declined", "failed", "settled"} <= uncharged


def test_a_price_is_taxed_as_the_goods_with_their_shipping_were():
    """Goods of 100 and shipping of 20 bore 24: 20 %, so that a price of 120 has 20 in it."""
    assert repairing.tax_within(12_000, 2_400, 10_000 + 2_000 + 2_400) == 2_000
