"""Advice in races: a suggestion is decided once, and made anew by two it stands once."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.insight import suggestions
from entrepot.insight.advising import PRIORITY
from entrepot.insight.commands.advise import Advise, Advised, advise
from entrepot.insight.commands.decide_suggestions import (
    AcceptSuggestion,
    DeclineSuggestion,
    SuggestionAccepted,
    SuggestionDeclined,
    accept_suggestions,
    decline_suggestions,
)
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import WrongState
from entrepot.returns.commands.correct_reasons import CorrectReason, ReasonCorrected, correct_reasons
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.work import queries as work
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from tests.back import ASKS, INSPECTS, asked, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.together import at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 8


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 100)
    return house


def dear_one_behind() -> UUID:
    def item(priority: int, value: int) -> OpenItem:
        return OpenItem(
            COMPANY, "address hold", "order", ids.uuid7(), "Look.", "customer service", priority=priority,
            value_minor=value,
        )  # fmt: skip

    open_items(SYSTEM, requests=[item(60, 1) for _ in range(8)])
    (dear,) = open_items(SYSTEM, requests=[item(10, 9_000_000)])
    assert isinstance(dear, ItemOpened)
    return dear.item


def test_a_suggestion_is_made_once_and_decided_once(house: Floor) -> None:
    dear = dear_one_behind()
    made = at_once([lambda: advise(SYSTEM, requests=[Advise(COMPANY, PRIORITY)])[0]] * THREADS)
    assert all(isinstance(one, Advised) and one.suggestions == 1 for one in made)
    (told,) = suggestions.suggestions(COMPANY)

    def accept() -> object:
        return accept_suggestions(SYSTEM, requests=[AcceptSuggestion(told.id)])[0]

    def decline() -> object:
        return decline_suggestions(SYSTEM, requests=[DeclineSuggestion(told.id, "it can wait")])[0]

    answers = at_once([accept, decline] * (THREADS // 2))
    done = [one for one in answers if isinstance(one, (SuggestionAccepted, SuggestionDeclined))]
    assert len(done) == 1 and sum(isinstance(one, WrongState) for one in answers) == THREADS - 1
    raised = work.item(dear).priority == told.suggested["priority"]
    assert raised is isinstance(done[0], SuggestionAccepted)


def test_what_is_decided_while_advice_is_made_is_not_suggested_again(house: Floor) -> None:
    """Making takes long, and what it reads is older than the decision by then."""
    dear = dear_one_behind()
    advise(SYSTEM, requests=[Advise(COMPANY, PRIORITY)])
    (told,) = suggestions.suggestions(COMPANY)
    answers = at_once([
        *[lambda: advise(SYSTEM, requests=[Advise(COMPANY, PRIORITY)])[0]] * (THREADS - 1),
        lambda: decline_suggestions(SYSTEM, requests=[DeclineSuggestion(told.id, "it can wait")])[0],
    ])  # fmt: skip
    assert isinstance(answers[-1], SuggestionDeclined), answers
    assert suggestions.of_subjects([dear]) == {}


def test_a_reason_is_corrected_before_a_refund_or_not_at_all(house: Floor) -> None:
    policy(refund_at="authorized")
    for order in sold(house, 4, (0, 2)):
        one = asked(order, 2, occurred_at=NOW + timedelta(days=1))
        line = one.lines[0]
        wanted = CorrectReason(one.return_id, line, "defective")
        corrected, refunded = at_once([
            lambda wanted=wanted: correct_reasons(INSPECTS, requests=[wanted])[0],
            lambda one=one: refund(ASKS, requests=[Refund(one.return_id)])[0],
        ])  # fmt: skip
        assert isinstance(refunded, Refunded), refunded
        (reason,) = sql.run("SELECT reason FROM returns_line WHERE id = %(line)s", {"line": line})[0]
        is_first = isinstance(corrected, ReasonCorrected)
        assert is_first or isinstance(corrected, WrongState)
        assert reason == ("defective" if is_first else "changed_mind")
