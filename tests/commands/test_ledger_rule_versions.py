"""ledger.draft_rules, ledger.activate_rules, ledger.withdraw_rules"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.insight import pages
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.ledger import queries
from entrepot.ledger import version_queries as asked
from entrepot.ledger.commands.close_month import CloseMonth, close_month
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
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.errors import MonthClosed, RulesOvertaken
from entrepot.ledger.versions import Change
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = [pytest.mark.django_db, pytest.mark.alone("ledger")]
FEE = Change("payment.paid_out", "fee", 5200, 1100)
DRAFT = DraftRules(COMPANY, (FEE,), "fees of providers are what selling costs")
OTHER = replace(DRAFT, changes=(FEE._replace(debit=5550),))
TODAY, OCTOBER = NOW.date(), date(2026, 10, 1)
EVE = Cause(Actor("eve", everything=True), NOW)
LATER = Cause(SYSTEM.actor, NOW + timedelta(days=60))


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    a_floor(skus=0, channels=())


def drafted(*requests: DraftRules) -> list[UUID]:
    answers = draft_rules(SYSTEM, requests=requests or [DRAFT])
    assert all(isinstance(one, RulesDrafted) for one in answers), answers
    return [one.version for one in answers]  # type: ignore[union-attr]


def activate(which: UUID, since: date = TODAY, **facts: Any) -> object:
    return activate_rules(EVE, requests=[ActivateRules(which, since, **facts)])[0]


def paid_out(at: datetime = NOW, fee: int = 30) -> UUID:
    amounts = [("settlement", 70), ("fee", fee)]
    posting = Posting(COMPANY, "payment.paid_out", "payout", ids.uuid7(), "GBP", amounts, at)
    (answer,) = post(LATER if at > NOW else SYSTEM, requests=[posting])
    assert isinstance(answer, Posted)
    assert answer.entry is not None
    return answer.entry


def versions_of(entry: UUID) -> set[int | None]:
    return {one.rule_version for one in pages.entry(company=COMPANY, which=entry)}


def test_what_occurs_from_its_day_on_is_posted_by_a_version_and_each_entry_says_by_which():
    before = paid_out()
    (which,) = drafted()
    assert versions_of(paid_out()) == {1}, "a draft posts nothing"
    assert (balance(5210), balance(5200)) == (60, 0)
    assert activate(which, TODAY + timedelta(days=7)) == RulesDecided(
        which, 2, "active", TODAY + timedelta(days=7)
    )
    assert versions_of(paid_out()) == {1}
    assert (balance(5210), balance(5200)) == (90, 0)

    after = paid_out(NOW + timedelta(days=7))

    assert (versions_of(before), versions_of(after)) == ({1}, {2})
    assert (balance(5210), balance(5200), balance(1100)) == (90, 30, -400)
    assert [asked.on_day(COMPANY, TODAY + timedelta(days=days)) for days in (6, 7)] == [1, 2]
    told = "SELECT state_before, state_after FROM kernel_event WHERE subject_id = %(id)s ORDER BY seq"
    assert sql.run(told, {"id": which}) == [("", "draft"), ("draft", "active")]


def test_what_was_posted_before_it_was_put_in_force_for_days_behind_stays():
    posted = paid_out(NOW - timedelta(hours=1))
    activate(drafted()[0], TODAY.replace(day=1))
    assert (versions_of(posted), versions_of(paid_out(NOW - timedelta(hours=1)))) == ({1}, {2})
    assert (balance(5210), balance(5200)) == (30, 30)


def test_what_does_not_fit_is_not_drafted():
    for request, refusal in (
        (replace(DRAFT, company=77), NotFound), (replace(DRAFT, reason=" "), Invalid),
        (replace(DRAFT, changes=()), Invalid), (replace(DRAFT, changes=(FEE, FEE)), Invalid),
        (replace(DRAFT, changes=(FEE._replace(event="whim"),)), Invalid),
        (replace(DRAFT, changes=(FEE._replace(debit=5999),)), Invalid),
        (replace(DRAFT, changes=(FEE._replace(debit=1100),)), Invalid),
        (replace(DRAFT, changes=(FEE._replace(credit=2000),)), Invalid),
    ):  # fmt: skip
        assert isinstance(draft_rules(SYSTEM, requests=[request])[0], refusal), request
    assert asked.of_company(COMPANY) == []


def test_no_version_begins_in_a_closed_month_or_before_the_last_one():
    (first,) = drafted()
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    for day in (date(2026, 10, 31), date(2026, 9, 15)):
        refused = activate(first, day)
        assert refused == MonthClosed(company=COMPANY, month="2026-10")
    assert isinstance(activate(first, TODAY + timedelta(days=400)), Invalid)
    assert isinstance(activate(first), RulesDecided)
    (second,) = drafted(OTHER)
    assert isinstance(activate(second, TODAY - timedelta(days=1)), Invalid)
    assert isinstance(activate(second), RulesDecided)
    paid_out()
    assert (balance(5200), balance(5550)) == (0, 30)


def test_a_draft_that_was_overtaken_is_drafted_anew():
    first, second = drafted(DRAFT, OTHER)
    assert isinstance(activate(second), RulesDecided)
    assert activate(first) == RulesOvertaken(number=2, by=3)
    assert isinstance(activate(second), WrongState)
    assert isinstance(activate(ids.uuid7()), NotFound)


def test_of_two_drafts_over_one_version_the_second_is_drafted_anew_whichever_it_is():
    first, second = drafted(DRAFT, OTHER)
    assert isinstance(activate(first), RulesDecided)
    assert activate(second) == RulesOvertaken(number=3, by=2), "it was looked at without the other"
    assert isinstance(activate(drafted(OTHER)[0]), RulesDecided)


def test_a_draft_over_a_version_that_was_withdrawn_is_drafted_anew():
    (first,) = drafted()
    activate(first, TODAY + timedelta(days=1))
    (second,) = drafted(OTHER)
    withdraw_rules(SYSTEM, requests=[WithdrawRules(first, "a slip")])
    assert activate(second, TODAY + timedelta(days=1)) == RulesOvertaken(number=3, by=1)


def test_who_drafted_a_version_does_not_put_it_in_force():
    (which,) = drafted()
    (refused,) = activate_rules(SYSTEM, requests=[ActivateRules(which, TODAY)])
    assert isinstance(refused, DutiesApart)
    assert [one.state for one in asked.of_company(COMPANY)] == ["draft"]
    assert isinstance(activate(which), RulesDecided)
    (own,) = drafted(OTHER)
    alone = (
        "UPDATE ledger_ruleversion SET state = 'active', since = %(day)s::date, decided_by = drafted_by,"
        " decided_at = now() WHERE id = %(id)s RETURNING 1"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="activated_by_another_one"), transaction.atomic():
        sql.run(alone, {"id": own, "day": TODAY})


def test_a_version_by_which_something_was_posted_ahead_of_its_day_is_not_withdrawn():
    (which,) = drafted()
    activate(which, TODAY + timedelta(days=1))
    posting = Posting(
        COMPANY, "payment.paid_out", "payout", ids.uuid7(), "GBP", [("fee", 30)], NOW + timedelta(days=2)
    )
    post(SYSTEM, requests=[posting])
    (refused,) = withdraw_rules(SYSTEM, requests=[WithdrawRules(which, "a slip")])
    assert isinstance(refused, WrongState)


def test_a_version_is_withdrawn_until_its_day():
    first, second = drafted(*[DRAFT] * 2)

    def withdraw(which: UUID, reason: str = "a slip", cause: Cause = SYSTEM) -> object:
        return withdraw_rules(cause, requests=[WithdrawRules(which, reason)])[0]

    assert isinstance(withdraw(first, " "), Invalid)
    assert withdraw(first) == RulesDecided(first, 2, "withdrawn", None)
    assert isinstance(withdraw(first), WrongState)
    assert isinstance(withdraw(ids.uuid7()), NotFound)
    tomorrow = TODAY + timedelta(days=1)
    activate(second, tomorrow)
    (third,) = drafted(OTHER)
    activate(third, tomorrow)
    assert withdraw(second) == RulesOvertaken(number=3, by=4)
    assert isinstance(withdraw(third), RulesDecided)
    late = Cause(SYSTEM.actor, NOW + timedelta(days=1))
    assert isinstance(withdraw(second, cause=late), WrongState)
    assert isinstance(withdraw(second), RulesDecided)
    paid_out(NOW + timedelta(days=2))
    assert (balance(5210), balance(5200)) == (30, 0)


def test_versions_are_compared_previewed_and_tried_on_what_was_posted():
    paid_out()
    paid_out(fee=12)
    (which,) = drafted()
    (differs,) = asked.compare(COMPANY, 1, 2)
    assert differs == (*FEE.rule, (5210, 1100), (5200, 1100))
    by_first, by_draft = (
        asked.preview(COMPANY, number, FEE.event, [("settlement", 70), ("fee", 30)]) for number in (1, 2)
    )
    assert [one.account for one in by_first] == [1000, 5210, 1100, 1100]  # type: ignore[union-attr]
    assert [one.account for one in by_draft] == [1000, 5200, 1100, 1100]  # type: ignore[union-attr]
    (moved,) = asked.would_move(COMPANY, 2, TODAY.replace(day=1))
    assert (moved.was, moved.now, moved.lines, moved.functional_minor) == (5210, 5200, 2, 42)
    assert asked.would_move(COMPANY, 2, OCTOBER) == []
    activate(which)
    paid_out()
    assert asked.would_move(COMPANY, 2, TODAY.replace(day=1)) == [moved], (
        "what it posted itself would not move"
    )
    with transaction.atomic():
        written(None)
        (more,) = asked.would_move(COMPANY, 2, TODAY.replace(day=1))
        transaction.set_rollback(True)
    assert (more.lines, more.functional_minor) == (3, 43), (
        "a line from before there were versions is of the first"
    )
    assert [(one.number, one.state, one.changes) for one in asked.of_company(COMPANY)] == [(2, "active", 1)]
    with pytest.raises(NotFound):
        asked.known(COMPANY, 3)


STOLEN = Change("stock.write_off", "cost", 5550, 1200, "stolen")
SCRAP = STOLEN._replace(debit=5400, reason="")


def written_off(reason: str, at: datetime = NOW, cost: int = 10) -> None:
    posting = Posting(
        COMPANY, "stock.write_off", "adjustment", ids.uuid7(), "GBP", [("cost", cost)], at, reason=reason
    )
    assert isinstance(post(LATER if at > NOW else SYSTEM, requests=[posting])[0], Posted)
    # What stock is worth is nobody's affair here.
    back = Posting(COMPANY, "stock.found", "adjustment", ids.uuid7(), "GBP", [("cost", cost)], at)
    assert isinstance(post(LATER if at > NOW else SYSTEM, requests=[back])[0], Posted)


def test_the_rule_for_just_the_reason_posts_and_the_one_for_any_all_others():
    activate(drafted(replace(DRAFT, changes=(STOLEN,)))[0])
    for reason in ("stolen", " stolen ", "broken", "", "Stolen", "stolen" * 20):
        written_off(reason)
    assert (balance(5550), balance(5100)) == (20, 40)
    activate(drafted(replace(DRAFT, changes=(SCRAP,)))[0])
    written_off("stolen")
    written_off("broken")
    assert (balance(5550), balance(5100), balance(5400)) == (30, 40, 10), (
        "the exact one of an earlier version wins"
    )
    back = STOLEN._replace(debit=5400)
    activate(drafted(replace(DRAFT, changes=(back,)))[0])
    written_off("stolen")
    assert (balance(5550), balance(5400)) == (30, 20), "it is taken back by naming the account of any reason"
    told = "SELECT DISTINCT reason FROM ledger_line WHERE event = 'stock.write_off' ORDER BY 1"
    assert [reason for (reason,) in sql.run(told)] == ["Stolen", "broken", "stolen", None]


def test_a_version_is_previewed_compared_and_tried_by_reason():
    written_off("stolen", cost=7)
    written_off("broken", cost=5)
    drafted(replace(DRAFT, changes=(STOLEN, SCRAP)), replace(DRAFT, changes=(STOLEN,)))
    for number, reason, account in (
        (1, "stolen", 5100),
        (2, "stolen", 5550),
        (2, "lost", 5400),
        (2, "", 5400),
        (3, "x", 5100),
    ):
        lines = asked.preview(COMPANY, number, "stock.write_off", [("cost", 9)], reason)
        assert [(one.account, one.amount_minor) for one in lines] == [(account, 9), (1200, -9)]  # type: ignore[union-attr]
    assert asked.compare(COMPANY, 1, 2) == [
        ("stock.write_off", "cost", "", (5100, 1200), (5400, 1200)),
        ("stock.write_off", "cost", "stolen", (5100, 1200), (5550, 1200)),
    ]
    assert asked.compare(COMPANY, 2, 3) == [("stock.write_off", "cost", "", (5400, 1200), (5100, 1200))]
    month = TODAY.replace(day=1)
    moved = [
        (one.reason, one.was, one.now, one.functional_minor) for one in asked.would_move(COMPANY, 2, month)
    ]
    assert moved == [("", 5100, 5400, 5), ("stolen", 5100, 5550, 7)]
    moved = [
        (one.reason, one.was, one.now, one.functional_minor) for one in asked.would_move(COMPANY, 3, month)
    ]
    assert moved == [("stolen", 5100, 5550, 7)]
    told = {(one.reason, one.version) for one in asked.rules_of(COMPANY, 2, event="stock.write_off")}
    assert told == {("", 2), ("stolen", 2)}


def test_a_reason_is_one_that_events_of_the_rule_have():
    for change in (
        FEE._replace(reason="urgent"), STOLEN._replace(reason=" stolen"), STOLEN._replace(reason="s" * 101),
        STOLEN._replace(reason="sto\nlen"), STOLEN._replace(debit=5000), STOLEN._replace(debit=5100),
    ):  # fmt: skip
        (refused,) = draft_rules(SYSTEM, requests=[replace(DRAFT, changes=(change,))])
        assert isinstance(refused, Invalid), change
    (refused,) = draft_rules(SYSTEM, requests=[replace(DRAFT, changes=(STOLEN, STOLEN._replace(debit=5400)))])
    assert isinstance(refused, Invalid)
    assert drafted(replace(DRAFT, changes=(STOLEN, SCRAP, STOLEN._replace(reason="Stolen"))))


def test_rules_by_reason_stand_apart_from_closed_months_and_verify():
    written_off("stolen", NOW - timedelta(days=40))
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    (which,) = drafted(replace(DRAFT, changes=(STOLEN,)))
    assert isinstance(activate(which, date(2026, 10, 20)), MonthClosed)
    assert isinstance(activate(which, TODAY.replace(day=1)), RulesDecided)
    written_off("stolen")
    assert (balance(5100), balance(5550)) == (10, 10)
    assert queries.discrepancies() == []


def test_a_key_gets_its_answer_again_and_none_for_other_content():
    (first,) = draft_rules(SYSTEM, requests=[replace(DRAFT, key="k")])
    assert draft_rules(SYSTEM, requests=[replace(DRAFT, key="k")]) == [first]
    (other,) = draft_rules(SYSTEM, requests=[replace(DRAFT, reason="another", key="k")])
    assert other == RequestReused(key="k", command="ledger.draft_rules")
    assert isinstance(first, RulesDrafted)
    done = activate(first.version, key="a")
    assert activate(first.version, key="a") == done
    gone = [WithdrawRules(drafted(OTHER)[0], "a slip", "w")]
    assert withdraw_rules(SYSTEM, requests=gone) == withdraw_rules(SYSTEM, requests=gone)


def test_the_database_itself_refuses_what_no_command_would_write():
    (which,) = drafted()
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    active = (
        "UPDATE ledger_ruleversion SET state = 'active', since = %(since)s::date, decided_by = 'x', decided_at = now()"
        " RETURNING 1"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="month is closed"), transaction.atomic():
        sql.run(active, {"since": date(2026, 10, 31)})
    sql.run(active, {"since": TODAY})
    for change in ("since = since + 1", "reason = 'x'", "base = base - 1", "state = 'draft', since = NULL"):
        with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
            sql.run(f"UPDATE ledger_ruleversion SET {change} RETURNING 1")
    columns = ("version_id", "event", "kind", "debit", "credit")
    with pytest.raises(psycopg.errors.CheckViolation, match="by a draft"), transaction.atomic():
        sql.write("ledger_rulechange", columns, [(which, "stock.write_off", "cost", 5550, 1200)])
    (second,) = drafted(OTHER)
    with pytest.raises(psycopg.errors.CheckViolation, match="of the chart"), transaction.atomic():
        sql.write("ledger_rulechange", columns, [(second, "stock.write_off", "cost", 5999, 1200)])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        sql.run("DELETE FROM ledger_rulechange RETURNING 1")


def written(
    version: int | None, *, event: str = FEE.event, at: datetime = NOW, recorded: datetime = NOW
) -> UUID:
    """An entry that no posting wrote; take it back, for the balances don't know of it."""
    entry = ids.uuid7()
    sql.run(
        "INSERT INTO ledger_line (company_id, entry_id, number, account, amount_minor, functional_minor, currency,"
        " kind, event, document_kind, document_id, month, occurred_at, recorded_at, rule_version)"
        " SELECT 1, %(entry)s, n, CASE n WHEN 1 THEN 5210 ELSE 1100 END, 3 - 2 * n, 3 - 2 * n, 'GBP', 'fee', %(event)s,"
        " 'payout', %(entry)s, '2026-11-01', %(at)s, %(recorded)s, %(version)s::smallint"
        " FROM generate_series(1, 2) AS n",
        {"entry": entry, "event": event, "at": at, "recorded": recorded, "version": version},
    )
    return entry


def told_of_rules() -> list[str]:
    return [one for one in queries.discrepancies() if "posting rules" in one]


def test_verify_tells_of_an_entry_by_a_version_that_was_not_in_force():
    with transaction.atomic():
        entry = written(7)
        (told,) = told_of_rules()
        transaction.set_rollback(True)
    assert f"{entry}" in told
    assert "version 7" in told


@pytest.mark.parametrize("version", [1, None])
def test_verify_tells_of_an_entry_by_a_version_too_old(version: int | None):
    activate(drafted()[0])
    late = NOW + timedelta(hours=2)
    with transaction.atomic():
        entry = written(version, recorded=late)
        written(version)  # before it was put in force for days behind
        written(version, at=NOW - timedelta(days=1), recorded=late)
        written(None, event="manual.posted", recorded=late)
        (told,) = told_of_rules()
        transaction.set_rollback(True)
    assert f"{entry}" in told
    assert "by version 1 of the posting rules, but version 2" in told


@pytest.mark.counts("ledger.draft_rules", "ledger.activate_rules", "ledger.withdraw_rules")
def test_statements_do_not_grow_with_the_batch(statements):
    for size in SIZES:
        with statements():
            which = drafted(*[DRAFT] * size)
            asked_for = [ActivateRules(one, TODAY + timedelta(days=1)) for one in which]
            first, *others = activate_rules(EVE, requests=asked_for)
            assert isinstance(first, RulesDecided)
            assert all(isinstance(one, RulesOvertaken) for one in others)
            gone = [WithdrawRules(one, "a slip") for one in reversed(which)]
            assert all(isinstance(one, RulesDecided) for one in withdraw_rules(SYSTEM, requests=gone))


def test_posting_takes_as_many_statements_with_versions_as_without(statements):
    with statements() as without:
        paid_out()
    activate(drafted()[0])
    with statements() as with_one:
        paid_out()
    assert len(without.texts) == len(with_one.texts)
