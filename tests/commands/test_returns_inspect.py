"""returns.inspect"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies
from entrepot.kernel.errors import Invalid, NotFound, RequestReused
from entrepot.returns import errors, queries
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
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
    assert [len(one) for one in counts] == [16] * 3


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
