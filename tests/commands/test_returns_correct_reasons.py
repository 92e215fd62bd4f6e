"""returns.correct_reasons"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.returns import reasons
from entrepot.returns.commands.correct_reasons import CorrectReason, ReasonCorrected, correct_reasons
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.rules import REASONS
from tests.back import ASKS, INSPECTS, asked, asked_all, back, no_consumers, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(sold_house) -> Floor:
    return sold_house


def reason_of(line: UUID) -> str:
    return sql.run("SELECT reason FROM returns_line WHERE id = %(id)s", {"id": line})[0][0]


def test_what_really_was_the_reason_stands_at_the_line(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    (line,) = one.lines

    wanted = CorrectReason(one.return_id, line, "defective", "the motor is broken")
    (answer,) = correct_reasons(INSPECTS, requests=[wanted])

    assert answer == ReasonCorrected(line, "defective", "changed_mind")
    assert reason_of(line) == "defective"
    ((was, reason),) = sql.run(
        "SELECT payload ->> 'was', reason FROM kernel_event WHERE command = 'returns.correct_reasons'"
    )
    assert (was, reason) == ("changed_mind", "the motor is broken")


def test_it_stays_and_says_nothing_where_it_is_so_already(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    (line,) = one.lines
    twice = [CorrectReason(one.return_id, line, "defective")] * 2
    assert correct_reasons(INSPECTS, requests=twice)[1] == ReasonCorrected(line, "defective", "defective")
    assert correct_reasons(INSPECTS, requests=twice[:1]) == [ReasonCorrected(line, "defective", "defective")]
    found = sql.run("SELECT count(*) FROM kernel_event WHERE command = 'returns.correct_reasons'")
    assert found == [(1,)]


def test_refusals_leave_everything_as_it_was(house: Floor):
    orders = sold(house, 3, (0, 2))
    first, ended = asked(orders[0], 2), asked(orders[1], 2)
    (going,) = first.lines
    policy(refund_at="authorized")
    paid = asked(orders[2], 2)
    assert isinstance(refund(ASKS, requests=[Refund(paid.return_id)])[0], Refunded)
    sql.run("UPDATE returns_return SET state = 'cancelled' WHERE id = %(id)s", {"id": ended.return_id})
    kept = reasons.Reasons(retired=("style",))
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.reasons", kept, NOW - timedelta(days=1))]
    )
    unknown = ids.uuid7()

    wrong, retired, gone, absent, foreign, over, late = correct_reasons(
        INSPECTS,
        requests=[
            CorrectReason(first.return_id, going, "weather"),
            CorrectReason(first.return_id, going, "style"),
            CorrectReason(first.return_id, unknown, "defective"),
            CorrectReason(unknown, going, "defective"),
            CorrectReason(ended.return_id, going, "defective"),
            CorrectReason(ended.return_id, ended.lines[0], "defective"),
            CorrectReason(paid.return_id, paid.lines[0], "defective"),
        ],
    )

    assert isinstance(wrong, Invalid) and isinstance(retired, Invalid)
    assert gone == NotFound(what="line of a return", which=str(unknown))
    assert absent == NotFound(what="return", which=str(unknown))
    assert foreign == NotFound(what="line of a return", which=str(going)), "it is of another return"
    assert isinstance(over, WrongState) and over.facts["found"] == "cancelled"
    assert isinstance(late, WrongState) and late.facts["found"] == "refunded"
    assert {reason_of(one) for one in (going, ended.lines[0], paid.lines[0])} == {"changed_mind"}
    sql.run("UPDATE returns_return SET state = 'authorized' WHERE id = %(id)s", {"id": ended.return_id})


def test_the_corrected_reason_decides_what_is_refunded(house: Floor):
    """A fee that a change of mind bears is not borne by what was ours."""
    no_consumers()
    policy(fee_percent=10)
    mine, ours = (asked(one, 2) for one in sold(house, 2, (0, 2)))
    correct_reasons(INSPECTS, requests=[CorrectReason(ours.return_id, ours.lines[0], "defective")])
    back(mine)
    back(ours)
    totals = []
    for one in (mine, ours):
        (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
        assert isinstance(answer, Refunded), answer
        totals.append(answer.total_minor)
    assert totals[1] > totals[0]


def test_a_companys_own_word_is_not_told_of_another_reason():
    own = reasons.Reasons(own={"itchy": reasons.Own("poor_quality", "It itches")})
    assert reasons.told(own, "poor_quality", "itchy") == "It itches"
    assert reasons.told(own, "defective", "itchy") == REASONS["defective"].says


@pytest.mark.counts("returns.correct_reasons")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    returns = asked_all(sold(house, sum(SIZES), (0, 2)), 1)
    for size in SIZES:
        some, returns = returns[:size], returns[size:]
        with statements():
            wanted = [CorrectReason(one.return_id, one.lines[0], "defective") for one in some]
            correct_reasons(INSPECTS, requests=wanted)


def test_a_key_is_answered_once(house: Floor):
    given = asked(sold(house, 1, (0, 2))[0], 2)
    (line,) = given.lines
    one = CorrectReason(given.return_id, line, "defective", key="k")
    (first,) = correct_reasons(INSPECTS, requests=[one])
    correct_reasons(INSPECTS, requests=[CorrectReason(given.return_id, line, "style")])
    assert correct_reasons(INSPECTS, requests=[one]) == [first]
    assert reason_of(line) == "style"
