"""returns.inspect"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Invalid, NotFound, RequestReused
from entrepot.returns import errors, queries
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.proposing import Dispositions, Rule
from entrepot.returns.recovery import Recovery, Sum, Way
from tests.back import INSPECTS, asked, asked_all, came, came_all, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, units
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def a_receipt(house: Floor, quantity: int = 1) -> tuple[UUID, UUID]:
    """A return whose units came, and their receipt."""
    one = asked(sold(house, 1, (0, quantity))[0], quantity)
    return one.return_id, came(one)[0].receipt


def test_an_inspector_grades_units_and_the_policy_proposes(house: Floor):
    policy(dispositions={"A": "restock", "C": "liquidate"})
    one, receipt = a_receipt(house, 3)
    at = NOW + timedelta(hours=5)

    answers = inspect(
        INSPECTS,
        requests=[
            Inspect(receipt, 1, "A", occurred_at=at),
            Inspect(receipt, 1, "C", ("scratched", "no-box"), "mended before"),
            Inspect(receipt, 1, "D"),
        ],
    )

    assert [answer.proposed for answer in answers] == ["restock", "liquidate", "dispose"]
    assert answers[1].why == "grade C (worn or damaged, can be mended): liquidate"
    found = queries.whole(one)
    assert found.head.state == "inspected"
    assert [line.inspected for line in found.lines] == [3]
    row = found.inspections[1]
    assert (row.id, row.receipt, row.quantity) == (answers[1].inspection, receipt, 1)
    assert (row.grade, row.codes, row.note) == ("C", "scratched no-box", "mended before")
    assert (found.inspections[0].inspected_by, found.inspections[0].inspected_at) == ("ivy", at)
    assert units(house.skus[0], "pending_inspection") == 3, "nothing moves before its disposition"


def test_what_is_inspected_in_part_still_waits(house: Floor):
    one, receipt = a_receipt(house, 2)
    inspect(INSPECTS, requests=[Inspect(receipt, 1, "A")])
    assert queries.return_(one).state == "received"


def test_refusals_leave_everything_as_it_was(house: Floor):
    one, receipt = a_receipt(house, 2)
    unknown = ids.uuid7()

    answers = inspect(
        INSPECTS,
        requests=[
            Inspect(unknown, 1, "A"),
            Inspect(receipt, 1, "E"),
            Inspect(receipt, 0, "A"),
            Inspect(receipt, 1, "A", ("two words",)),
            Inspect(receipt, 3, "A"),
        ],
    )

    assert answers == [
        NotFound(what="receipt", which=str(unknown)),
        Invalid(field="grade", expected="one of A, B, C, D", found="E"),
        Invalid(field="quantity", expected="1 or more", found=0),
        Invalid(field="codes", expected="words without spaces", found="two words"),
        errors.MoreThanWaits(wanted=3, step="inspected", left=2),
    ]
    assert queries.whole(one).inspections == []
    assert queries.return_(one).state == "received"


def test_the_same_receipt_several_times_in_a_batch(house: Floor):
    one, receipt = a_receipt(house, 2)
    answers = inspect(INSPECTS, requests=[Inspect(receipt, n, "A") for n in (1, 2, 1, 1)])
    assert [isinstance(answer, Inspected) for answer in answers] == [True, False, True, False]
    assert answers[1].facts["left"] == 1
    assert queries.whole(one).receipts[0].inspected == 2


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one, receipt = a_receipt(house, 2)
    first = inspect(INSPECTS, requests=[Inspect(receipt, 1, "A", key="k")])
    assert inspect(INSPECTS, requests=[Inspect(receipt, 1, "A", key="k")]) == first
    again = inspect(INSPECTS, requests=[Inspect(receipt, 1, "B", key="k")])
    assert again == [RequestReused(key="k", command="returns.inspect")]
    assert len(queries.whole(one).inspections) == 1


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in (1, 10, 100):
        receipts = [one.receipt for one in came_all(asked_all(sold(house, size, (0, 2)), 2))]
        requests = [Inspect(one, 1, grade, key=f"{one}{grade}") for one in receipts for grade in "AD"]
        with statements() as ran:
            answers = inspect(INSPECTS, requests=requests)
        assert all(isinstance(one, Inspected) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [17] * 3


def test_where_the_rules_leave_a_choice_what_brings_the_most_is_proposed_and_its_sum_kept(house: Floor):
    ways = {
        "refurbish": Way({"C": 90}, success_percent=80, refurbish_minor=300),
        "liquidate": Way({"C": 50}, fee_percent=10),
        "return_to_vendor": Way({"C": 100}, of="cost", window_days=4),
    }
    body = Recovery(("C",), ways)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.recovery", body, NOW)])
    _, receipt = a_receipt(house, 2)

    old, young = inspect(
        INSPECTS,
        requests=[
            Inspect(receipt, 1, "C", occurred_at=NOW + timedelta(days=5)),
            Inspect(receipt, 1, "B"),
        ],
    )

    assert old.proposed == "liquidate"
    assert old.sums == (
        Sum("liquidate", 500, 50, 0, 0, 450), Sum("refurbish", 719, 0, 300, 0, 419),
    )  # fmt: skip
    assert "liquidate is expected to bring the most, before refurbish" in old.why
    assert (young.proposed, young.sums) == ("second_grade", ()), "the sum does not decide about grade B"
    tasks = {one.grade: one for one in queries.tasks(COMPANY)}
    assert [one["total_minor"] for one in tasks["C"].sums] == [450, 419]
    assert tasks["B"].sums == []


def test_recovery_counts_the_list_price_of_today_and_else_what_was_paid_in_the_company_s_currency(
    house: Floor,
):
    """What was paid in dollars as well: all that the sums weigh is in pounds."""
    body = Recovery(("C",), {"liquidate": Way({"C": 50})})
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.recovery", body, NOW)])
    _, receipt = a_receipt(house, 3)
    found = inspect(INSPECTS, requests=[Inspect(receipt, 1, "C")])
    sql.run("UPDATE catalog_sku SET list_price = 20 WHERE id = %(sku)s", {"sku": house.skus[0]})
    found += inspect(INSPECTS, requests=[Inspect(receipt, 1, "C")])
    sql.run("UPDATE catalog_sku SET list_price = NULL WHERE id = %(sku)s", {"sku": house.skus[0]})
    sql.run("UPDATE returns_return SET currency = 'USD'")
    sql.run(
        "INSERT INTO ledger_rate (company_id, currency, on_date, rate)"
        " VALUES (%(company)s, 'USD', '2020-01-01', 0.8)",
        {"company": COMPANY},
    )
    found += inspect(INSPECTS, requests=[Inspect(receipt, 1, "C")])
    sql.run("UPDATE returns_return SET currency = 'GBP'")
    assert [one.sums[0].gross_minor for one in found] == [500, 1_000, 400]
    assert {one.currency for one in queries.tasks(COMPANY)} == {"GBP"}


def test_rules_by_reason_category_defect_and_supplier_come_before_the_grade(house: Floor):
    rules = Dispositions((
        Rule("the vendor takes them", ("return_to_vendor",), suppliers=("ACME",), sold_days_max=30),
        Rule("opened cosmetics", ("dispose",), categories=("cosmetics",), codes=("opened",)),
    ))  # fmt: skip
    _, receipt = a_receipt(house, 3)
    (recalled,) = came(asked(sold(house, 1, (0, 1))[0], 1, reason="recalled"))
    kept = inspect(INSPECTS, requests=[Inspect(recalled.receipt, 1, "A")])
    assert (kept[0].proposed, kept[0].why) == ("quarantine", "recalled goods are set apart: quarantine")
    dispose(INSPECTS, requests=[Dispose(kept[0].inspection, 1)])
    assert units(house.skus[0], "quarantined") == 1

    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.dispositions", rules, NOW)])
    sql.run("UPDATE catalog_sku SET category = 'cosmetics' WHERE id = %(sku)s", {"sku": house.skus[0]})
    opened, whole = inspect(INSPECTS, requests=[
        Inspect(receipt, 1, "A", ("opened",)), Inspect(receipt, 1, "A"),
    ])  # fmt: skip
    assert [opened.proposed, whole.proposed] == ["dispose", "restock"]
    assert queries.tasks(COMPANY)[0].why == "opened cosmetics: dispose"
    sql.run(
        "WITH s AS (INSERT INTO parties_supplier (id, company_id, code, name, currency)"
        " VALUES (%(id)s, %(company)s, 'ACME', 'Acme', 'GBP') RETURNING id)"
        " INSERT INTO parties_offer (id, supplier_id, sku_id, cost) SELECT %(offer)s, s.id, %(sku)s, 2 FROM s",
        {"id": ids.uuid7(), "offer": ids.uuid7(), "company": COMPANY, "sku": house.skus[0]},
    )
    (vendor,) = inspect(INSPECTS, requests=[Inspect(receipt, 1, "A", ("opened",))])
    assert (vendor.proposed, vendor.why) == ("return_to_vendor", "the vendor takes them: return to vendor")


def test_the_lot_on_the_unit_is_compared_with_what_was_sent(house: Floor):
    receipts = [came(one)[0].receipt for one in asked_all(sold(house, 3, (0, 1)), 1)]
    sql.run("UPDATE catalog_sku SET lot_policy = 'lot' WHERE id = %(sku)s", {"sku": house.skus[0]})
    assert {one.has_lots for one in queries.tasks(COMPANY)} == {True}
    sql.run(
        "UPDATE stock_bucket SET lot = 'L-1' WHERE id IN"
        " (SELECT from_bucket FROM stock_move WHERE to_place = 'customer')"
    )
    same, other, silent = inspect(INSPECTS, requests=[
        Inspect(receipt, 1, "A", lot=lot) for receipt, lot in zip(receipts, ("L-1", "L-2", ""), strict=True)
    ])  # fmt: skip
    assert [(one.grade, one.codes) for one in (same, other, silent)] == [
        ("A", ()),
        ("D", ("other_lot",)),
        ("A", ()),
    ]
    sql.run("UPDATE stock_bucket SET lot = ''")
