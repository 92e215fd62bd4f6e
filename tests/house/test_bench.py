"""The benchmark runs, and both of its sides do the same."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from inspect import getclosurevars
from pathlib import Path

import pytest

from bench import house
from entrepot import postgres
from tests.leavings import Committed

ROOT = Path(__file__).parents[2]


def measured(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.timeout(400)
def test_what_is_written_by_hand_is_what_the_commands_write_and_the_books_are_in_order(committed: Committed):
    postgres.recreate_database(house.TEMPLATE, committed.template)  # so that it need not be migrated
    few = ("--orders", "150", "--batch", "75")

    done = measured("--only", "walk", "back", "books", "--server", postgres.server_dsn("postgres"), *few)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(400)
@pytest.mark.slow  # more than a minute of both cores
def test_quick_round_ends_with_a_table_and_json():
    done = measured()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the whole walk" in done.stdout
    rows = json.loads((ROOT / "bench/result.json").read_text())["rows"]
    assert [set(row) >= {"name", "ours", "baseline", "ratio", "bar", "ok"} for row in rows] == [True] * 50


def test_every_address_that_answers_a_get_is_opened_by_the_benchmark_or_says_why_not():
    from bench import pages
    from docs import walk
    from entrepot.web.urls import urlpatterns

    # An address without a list of methods takes all.
    answering = {
        one.name
        for one in urlpatterns
        if getattr(one, "name", None)
        and "GET" in (getclosurevars(one.callback).nonlocals.get("request_method_list") or ("GET",))
    }
    opened = {*walk.shown(), *pages.BESIDE}

    assert answering - opened == set(pages.NOT_OPENED), (
        "say in bench/pages.py how these are found, or why not"
    )
    assert set(pages.ASKED) | set(pages.WIDER) <= opened, "these are no addresses any more"


def test_a_page_over_the_bar_and_one_that_can_not_be_shown_are_told():
    from bench import pages

    quick = pages.Opened("home", "lead", "/", 0.0, 200, 12, 40_000, [0.02] * 20, [0.01] * 20)
    slow = pages.Opened("orders", "service", "/orders/", 0.0, 200, 12, 90_000, [0.2] * 20, [0.01] * 20)
    broken = pages.Opened("work", "service", "/work/", 0.0, 500, 1, 100, [0.01] * 20, [0.01] * 20)

    by_clock = {
        row.name.split(":")[0].split(",")[0]: row for row in pages.rows([quick, slow, broken], "clock")
    }
    by_work = {row.name.split(":")[0].split(",")[0]: row for row in pages.rows([quick, slow, broken], "work")}

    assert (by_clock["pages over the bar"].ours, by_work["pages over the bar"].ours) == (2, 1)
    assert not by_clock["pages over the bar"].ok
    assert by_clock["pages of the house"].ours == pytest.approx(200)
    assert "returns" in pages.missing([quick, slow])
    assert not by_clock["pages that this house can't show"].ok


def test_a_page_weighs_what_it_loads_each_once_and_nothing_of_what_it_only_leads_to():
    from django.http import HttpResponse

    from bench import pages

    html = b"""<link rel="stylesheet" href="/static/web/style.css"><script src="/static/web/live.js"></script>
        <a href="/orders/">Orders</a><img src="/chart.svg"><img src="/chart.svg">
        <img src="data:image/png;base64,AA=="/>"""
    page = pages.Opened("home", "lead", "/", status=200, size=40_000, loaded=215_000)

    assert pages._loads(HttpResponse(html), html) == {
        "/static/web/style.css",
        "/static/web/live.js",
        "/chart.svg",
    }
    assert pages._loads(
        HttpResponse(gzip.compress(html), headers={"Content-Encoding": "gzip"}), gzip.compress(html)
    )
    assert not pages._loads(HttpResponse(b"%PDF", content_type="application/pdf"), b"%PDF")
    (weight,) = (row for row in pages.rows([page], "clock") if row.unit == "kB")
    assert (weight.ours, weight.ok) == (255, False)


def test_a_full_house_is_measured_again_as_long_as_it_would_be_filled_the_same_way(tmp_path, monkeypatch):
    from bench import volume

    wanted, mark = volume.Wanted(), tmp_path / "filled.json"
    assert not volume._fits(mark, wanted)

    mark.write_text(json.dumps({"as": volume._how(wanted), "migrations": volume._migrations()}))
    assert volume._fits(mark, wanted)
    assert not volume._fits(mark, volume.Wanted(orders=7))

    known = volume._migrations()
    monkeypatch.setattr(
        volume, "_migrations", lambda: known | {"entrepot/orders/migrations/9999_new.py": "1"}
    )
    assert volume._fits(mark, wanted), "what is new is migrated"
    monkeypatch.setattr(volume, "_migrations", lambda: dict.fromkeys(known, "changed"))
    assert not volume._fits(mark, wanted)

    monkeypatch.undo()
    os.utime(mark, (0, 0))
    assert not volume._fits(mark, wanted), "its days are past"
