"""What belongs together on clearing accounts, and why one is not at zero."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.ledger.clearing import Group, Item, net, propose, takes
from entrepot.ledger.rules import CHART, RULES, WRITTEN_OFF
from entrepot.settlement.clearing import MEANS, ClearingPolicy, Held, needs_another, reasons, state

AMOUNTS = st.lists(st.integers(-50, 50), max_size=8)


def test_the_oldest_of_the_larger_side_go_first_and_the_last_in_part():
    assert net([(3, -60), (1, 40), (2, 30)]) == [(1, 40), (2, 20), (3, -60)]
    assert net([(1, 40), (2, 30)]) == []
    assert net([]) == []


@given(AMOUNTS)
@settings(max_examples=60)
def test_parts_make_zero_and_are_some_of_what_was_wanted(amounts):
    wanted = dict(enumerate(amounts, 1))
    parts = net(wanted.items())
    assert sum(amount for _, amount in parts) == 0
    assert all(0 < amount * wanted[line] <= wanted[line] ** 2 for line, amount in parts)
    left = [amount - dict(parts).get(line, 0) for line, amount in wanted.items()]
    assert min(left, default=0) >= 0 or max(left, default=0) <= 0  # one side is used up


@given(st.lists(AMOUNTS, max_size=4), AMOUNTS)
@settings(max_examples=60)
def test_no_line_gives_more_than_is_open_of_it_to_all_groups_together(wanted, amounts):
    open_ = dict(enumerate(amounts, 1))
    groups = [Group("why", "document", list(enumerate(some, 1))) for some in wanted]
    taken = dict.fromkeys(open_, 0)
    for one in propose(groups, open_):
        assert sum(amount for _, amount in one.parts) == 0
        for line, amount in one.parts:
            taken[line] += amount
    assert all(
        abs(amount) <= abs(open_[line]) and amount * open_[line] >= 0 for line, amount in taken.items()
    )


def test_only_what_is_open_can_be_taken_and_on_its_own_side():
    item = Item(1, 1, 2050, "GBP", 100, 40)
    assert [takes(item, amount) for amount in (40, 1, 41, 0, -1)] == [True, True, False, False, False]


def test_an_account_tells_zero_or_why_not():
    assert state(Held(2050, 0, 0, 0, 0, 0, 0)) == "zero"
    assert state(Held(2050, 0, 0, 2, -30, 0, 0)) == "young"
    assert state(Held(2050, 1, 5, 2, -30, 2, 1)) == "unexplained"
    assert state(Held(2050, 1, 5, 2, -30, 2, 2)) == "explained"
    assert reasons(Held(2050, 0, 0, 2, -30, 0, 0)) == [("came, not billed yet", 2, -30)]
    assert reasons(Held(2050, 0, 0, 0, 0, 0, 0)) == []


def test_every_clearing_account_says_what_its_sides_mean_and_none_is_written_off_onto_another():
    clearing = {code for code, _, _, is_clearing in CHART if is_clearing}
    assert clearing == set(MEANS)
    assert set(WRITTEN_OFF) < clearing
    assert not clearing & set(WRITTEN_OFF.values())
    posted = {
        (kind, debit, credit) for event, kind, debit, credit in RULES if event == "clearing.written_off"
    }
    assert posted == {(f"remainder.{account}", other, account) for account, other in WRITTEN_OFF.items()}


def test_what_one_person_gives_up_alone():
    policy = ClearingPolicy(alone_up_to_minor=500)
    assert [needs_another(amount, policy) for amount in (500, -500, 501, -501)] == [False, False, True, True]
