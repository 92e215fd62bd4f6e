"""Whoever drafts or activates a version of the posting rules at once does it once, and postings are by one of them."""

from __future__ import annotations

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import WrongState
from entrepot.ledger.commands.keep_rules import (
    ActivateRules,
    DraftRules,
    RulesDecided,
    RulesDrafted,
    WithdrawRules,
    activate_rules,
    draft_rules,
    withdraw_rules,
)
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.versions import Change
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.together import at_once

EVE = Cause(Actor("eve", everything=True), NOW)
FOUND = Change("stock.found", "cost", 1200, 4020)


def test_a_version_is_put_in_force_once_and_every_entry_is_by_the_one_that_it_says(committed_db):
    a_floor(skus=0, channels=())
    draft = DraftRules(COMPANY, (FOUND,), "found goods are other income")
    answers = at_once([lambda: draft_rules(SYSTEM, requests=[draft])[0]] * 3)
    drafted = sorted(one.number for one in answers if isinstance(one, RulesDrafted))
    assert drafted == [2, 3, 4]
    (which,) = (one.version for one in answers if isinstance(one, RulesDrafted) and one.number == 4)

    def posted() -> object:
        there_and_back = [("cost", 7), ("cost", -7)]
        amounts = [
            Posting(COMPANY, "stock.found", "adjustment", ids.uuid7(), "GBP", [one], NOW)
            for one in there_and_back
        ]
        return post(SYSTEM, requests=amounts)

    told = at_once([
        lambda: activate_rules(EVE, requests=[ActivateRules(which, NOW.date())])[0], posted,
        lambda: activate_rules(EVE, requests=[ActivateRules(which, NOW.date())])[0], posted,
        lambda: withdraw_rules(SYSTEM, requests=[WithdrawRules(which, "a slip")])[0], posted,
    ])  # fmt: skip
    assert sum(isinstance(one, RulesDecided) for one in told) == 1
    assert sum(isinstance(one, WrongState) for one in told) == 2
    posted()
    sides = "SELECT DISTINCT rule_version, account FROM ledger_line WHERE event = 'stock.found' AND account <> 1200"
    ((state,),) = sql.run("SELECT state FROM ledger_ruleversion WHERE id = %(id)s", {"id": which})
    assert set(sql.run(sides)) <= {(1, 5110), (4, 4020)}
    assert ((4, 4020) in sql.run(sides)) == (state == "active")
    # Of one writer after another: a line is numbered when it is written, so none by the first version follows one by
    # the fourth, nor is any written by it once activation has been written.
    of_first, of_fourth = (
        sql.run(
            "SELECT max(id), min(id) FROM ledger_line WHERE event = 'stock.found' AND rule_version = %(by)s::smallint",
            {"by": number},
        )[0]
        for number in (1, 4)
    )
    if of_first[0] is not None and of_fourth[1] is not None:
        assert of_first[0] < of_fourth[1]
