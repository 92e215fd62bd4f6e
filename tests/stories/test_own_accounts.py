"""A house that posts all income and expense to accounts of its own: what is checked and reported counts them as the
standard ones that they stand for, and rules by reason post what came back by why it did."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from entrepot.insight import profit
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger import rules, version_queries, versions
from entrepot.ledger.commands.keep_accounts import AccountKept, KeepAccount, keep_accounts
from entrepot.ledger.commands.keep_rules import (
    ActivateRules,
    DraftRules,
    RulesDrafted,
    activate_rules,
    draft_rules,
)
from entrepot.ledger.commands.write_down import WriteDown, write_down
from entrepot.ledger.versions import Change
from entrepot.returns import cohort_queries
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.stock.commands.adjust import Adjust, adjust
from tests.back import INSPECTS, asked, came, found, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.walk import a_house

pytestmark = pytest.mark.django_db
EVE = Cause(Actor("eve", everything=True), NOW)
WHY = "changed_mind"
"""What customers say whose returns tests ask for."""
MONTH = profit.Asked(NOW.date().replace(day=1), date(2026, 12, 1))


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def own(role: int, last: int = 1) -> int:
    return 10 * role + last


def in_force(*changes: Change) -> None:
    (drafted,) = draft_rules(SYSTEM, requests=[DraftRules(COMPANY, changes, "as the accountant counts")])
    assert isinstance(drafted, RulesDrafted), drafted
    activate_rules(EVE, requests=[ActivateRules(drafted.version, NOW.date())])


def all_to_own() -> set[int]:
    """Every rule that may goes to an own account that counts as the one that it named. Of which roles."""
    results = [(code, kind) for code, _, kind, _ in rules.CHART if kind in ("income", "expense")]
    made = [KeepAccount(COMPANY, own(code), f"Own {code}", kind, code) for code, kind in results]
    assert all(isinstance(one, AccountKept) for one in keep_accounts(SYSTEM, requests=made))
    chart = version_queries.charts([COMPANY])[COMPANY]
    changes = []
    for event, kind, debit, credit in rules.RULES:
        side = debit if own(debit) in chart else credit
        if own(side) in versions.instead_of(event, side, chart):
            sides = (own(side), credit) if side == debit else (debit, own(side))
            changes.append(Change(event, kind, *sides))
    in_force(*changes)
    return {one.debit // 10 if one.debit > 9999 else one.credit // 10 for one in changes}


def told() -> dict[str, int]:
    (month,) = profit.profit(COMPANY, MONTH, "month", NOW).groups()
    return dict(month.amounts)


def trade(house: Floor, unit: str = "99.5") -> None:
    """Goods are sold, come back, and are given away, disposed of and written down."""
    one = asked(sold(house, 1, (0, 4))[0], 3)
    ((inspection, _),) = found(came(one), "D")
    gift = Dispose(inspection.inspection, 1, "donate", reason="still warm")
    dispose(INSPECTS, requests=[gift, Dispose(inspection.inspection, 2)])
    adjust(SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -3, "stolen")])
    write_down(SYSTEM, requests=[WriteDown(COMPANY, house.skus[0], house.nodes[0], Decimal(unit), "worn")])


def test_reports_and_checks_count_own_accounts_as_those_that_they_stand_for(house: Floor):
    trade(house)
    before = told()
    taken, lost = sums(cohort_queries.TAKEN_BACK), sums(cohort_queries.LOST)
    assert taken < 0 < lost
    roles = all_to_own()
    assert roles >= versions.READ_BY_NAME
    trade(house, "99")
    after = told()
    assert after.keys() == before.keys()
    assert after["goods"] == 2 * before["goods"]
    assert after["cost taken back"] == pytest.approx(2 * before["cost taken back"], rel=0.01)
    for role in (4000, 5000, 5100, 5320, 5330, 5410):
        assert balance(own(role)) != 0, role
    assert sums(cohort_queries.LOST) == pytest.approx(2 * lost, rel=0.01)
    assert sums(cohort_queries.TAKEN_BACK) == pytest.approx(2 * taken, rel=0.01)


def sums(condition: str) -> int:
    return sql.run(
        f"SELECT COALESCE(sum(l.functional_minor), 0)::bigint FROM ledger_line AS l WHERE {condition}"
    )[0][0]


def test_losses_go_to_accounts_by_why_they_were_made(house: Floor):
    kept = [
        KeepAccount(COMPANY, own(5320, 2), "Faulty goods", "expense", 5320),
        KeepAccount(COMPANY, own(5410, 2), "Faulty goods given away", "expense", 5410),
        KeepAccount(COMPANY, own(5330, 2), "Worn goods", "expense", 5330),
    ]
    keep_accounts(SYSTEM, requests=kept)
    in_force(
        Change("stock.disposed", "cost", own(5320, 2), 1200, WHY),
        Change("stock.donated", "cost", own(5410, 2), 1200, "another reason"),
        Change("stock.written_down", "write_down", own(5330, 2), 1200, "worn"),
        Change("stock.write_off", "cost", 5550, 1200, "stolen"),
        Change("stock.write_off", "cost", 5400, 1200, "broken"),
    )
    trade(house)
    assert [balance(one) for one in (own(5320, 2), 5320, own(5410, 2), 5410)] == [200, 0, 0, 100]
    assert balance(own(5330, 2)) > 0
    assert [balance(one) for one in (5330, 5550, 5400, 5100)] == [0, 300, 0, 0]
    reasons = sql.run("SELECT DISTINCT event, reason FROM ledger_line WHERE reason IS NOT NULL ORDER BY 1")
    assert reasons == [
        ("stock.disposed", WHY), ("stock.donated", WHY), ("stock.write_off", "stolen"), ("stock.written_down", "worn"),
    ]  # fmt: skip
