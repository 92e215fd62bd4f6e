"""Answers that a large house keeps: the page tells them, and the worker renews them by the same function."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from entrepot import postgres
from entrepot.insight import answers, kpis, profit, questions
from entrepot.insight.models import Answer
from entrepot.kernel import sql
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A house that keeps answers, however few events it has."""
    monkeypatch.setattr(answers, "LARGE", -1)
    monkeypatch.setattr(answers, "LARGE_FOR_REPORTS", -1)


def a_year() -> profit.Asked:
    today = timezone.now().date().replace(day=1)
    return profit.Asked(today.replace(year=today.year - 1), (today + timedelta(days=32)).replace(day=1))


def something_happens() -> None:
    from entrepot.work.commands.open_items import OpenItem, open_items

    subject = sql.run("SELECT id FROM orders_order LIMIT 1")[0][0]
    item = OpenItem(COMPANY, "test", "order", subject, "A test.", "controller", dedupe="another")
    open_items(the_system(timezone.now()), requests=[item])


def test_a_small_house_keeps_nothing(shop, console):
    page = console("auditor").get("/books/profit/").content.decode()
    assert "Figures as of" not in page
    assert not Answer.objects.exists()


def test_a_middling_house_keeps_reports_alone(shop, monkeypatch):
    monkeypatch.setattr(answers, "LARGE_FOR_REPORTS", -1)
    now = timezone.now()
    window = kpis.Asked(now - timedelta(days=365), now)
    questions.flow(COMPANY, now, (), "")
    questions.pulse(COMPANY, now, 24, (), "")
    assert not Answer.objects.exists()
    questions.profit_told(COMPANY, now, a_year(), "sku")
    questions.kpi_total(COMPANY, now, next(iter(kpis.KPIS)), window)
    assert Answer.objects.count() == 2


def test_invariant_5_what_is_kept_is_what_is_worked_out(shop, large):
    now, asked = timezone.now(), a_year()
    sku = next(
        one.name for one in profit.profit(COMPANY, asked, "sku", now).groups() if one.name and one.units
    )
    narrowed = asked._replace(sku=sku)
    window = kpis.Asked(now - timedelta(days=365), now)
    for _ in range(2):  # worked out, then kept
        told = profit.profit(COMPANY, asked, "channel", now)
        assert questions.profit_told(COMPANY, now, asked, "channel") == (
            told,
            profit.ties(COMPANY, asked, told),
        )
        assert questions.profit_narrowed(COMPANY, now, narrowed, "reason", 50) == (
            profit.profit(COMPANY, narrowed, "reason", now),
            profit.lines(COMPANY, narrowed, now, 50),
        )
        for name, kpi in kpis.KPIS.items():
            assert questions.kpi_total(COMPANY, now, name, window) == kpis.total(kpi, COMPANY, now, window)
            assert questions.kpi_rows(COMPANY, now, name, window, 9) == kpis.rows(
                kpi, COMPANY, now, window, limit=9
            )
    assert Answer.objects.count() == 2 + 2 * len(kpis.KPIS)


def test_programs_read_nothing_that_is_kept_and_leave_nothing_behind(shop, large, program):
    """A dashboard asks each minute until now: its answers would be renewed for days, and asked for by nobody."""
    lead, until = program("auditor"), timezone.now()
    since = until - timedelta(days=30)
    asked = urlencode({"since": since.isoformat(), "until": until.isoformat()})
    for by in ("day", "channel"):
        assert lead.get(f"/api/v1/reports/fill-rate?{asked}&by={by}").status_code == 200
    rows = lead.get(f"/api/v1/reports/fill-rate/rows?{asked}&limit=9")
    window = kpis.Asked(since, until)
    assert (
        rows.json()[0]["name"] == kpis.rows(kpis.KPIS["fill rate"], COMPANY, until, window, limit=9)[0].name
    )
    assert not Answer.objects.exists()


def test_the_worker_renews_what_has_changed_since_and_was_asked_of_late(shop, large, console):
    browser = console("auditor")
    address = "/books/profit/?by=month"
    assert "Figures as of" not in browser.get(address).content.decode()  # just worked out
    before = browser.get(address).content.decode()
    assert "Figures as of" in before

    Answer.objects.update(answer=Answer.objects.get().answer.replace('"units":', '"units":7777'))
    assert "777," in browser.get(address).content.decode(), "it is told as it was kept"
    later = timezone.now() + timedelta(minutes=5)
    assert answers.renew(later) == 0, "nothing has happened"
    something_happens()
    assert answers.renew(later) == 1
    assert "777," not in browser.get(address).content.decode()
    assert Answer.objects.get().told_at == later

    something_happens()
    assert answers.renew(later + answers.ASKED_WITHIN) == 0
    assert not Answer.objects.exists()


def test_what_nobody_has_renewed_is_not_told(shop, large):
    now, asked = timezone.now(), profit.Asked(date(2020, 1, 1), date(2020, 2, 1))
    questions.profit_told(COMPANY, now, asked, "sku")
    Answer.objects.update(answer="wrong")
    told, ties = questions.profit_told(COMPANY, now + answers.OLDEST + timedelta(seconds=1), asked, "sku")
    assert (told.by_month, ties) == ((), [])


def test_an_answer_of_another_version_is_forgotten(shop, large):
    now = timezone.now()
    questions.profit_told(COMPANY, now, a_year(), "sku")
    Answer.objects.update(question="questions.gone", up_to=0)
    answers.renew(now)
    assert not Answer.objects.exists()


def another_connection() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(postgres.server_dsn(str(connection.settings_dict["NAME"])))


def test_a_fact_of_a_transaction_that_was_still_running_is_not_lost(shop, large):
    """A number below the last one may be committed later: an answer from before it is counts as stale."""
    now = timezone.now()
    questions.profit_told(COMPANY, now, a_year(), "sku")
    assert answers.renew(now) == 0, "nothing was running"
    sql.run("SELECT count(*) FROM pg_stat_activity")  # which is not read again in this transaction
    with another_connection() as other:
        other.execute("SELECT pg_current_xact_id()")
        questions.profit_told(COMPANY, now, a_year(), "channel")
    assert answers.renew(now) == 1
    assert answers.renew(now) == 0, "it has ended"


def test_an_answer_in_an_old_shape_is_worked_out_anew(shop, large):
    now, asked = timezone.now(), a_year()
    told = questions.profit_told(COMPANY, now, asked, "sku")
    for old in ('{"gone": 1}', "[]", "[[1, 2], 3]"):
        Answer.objects.update(answer=old)
        assert questions.profit_told(COMPANY, now, asked, "sku") == told


def test_one_that_can_not_be_renewed_stops_no_other(shop, large):
    now = timezone.now()
    questions.profit_told(COMPANY, now, a_year(), "sku")
    Answer.objects.update(arguments=["what nobody asks any more"])
    questions.profit_told(COMPANY, now + timedelta(seconds=1), a_year(), "channel")
    questions.kpi_total(COMPANY, now + timedelta(seconds=2), next(iter(kpis.KPIS)), kpis.Asked(now, now))
    Answer.objects.filter(question__endswith="kpi_total").update(arguments=["gone", {"since": "x"}])
    something_happens()
    with capture_logs() as logs:
        answers.renew(now)
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["an answer can't be renewed"] * 2
    (left,) = Answer.objects.all()
    assert left.told_at == now
