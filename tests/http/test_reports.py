"""Key figures: what each counts, of which rows, and what their pages say."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO, StringIO
from urllib.parse import urlencode

import openpyxl
import pytest

from entrepot.insight import audit, kpis
from entrepot.insight.kpis import KPIS, Asked, Kpi
from entrepot.kernel import ids, sql
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.web.kpi_words import KINDS, WORDS
from entrepot.web.views import reports as views
from tests.back import lines_of
from tests.shop import COMPANY, the_system


@pytest.fixture
def window(shop) -> Asked:
    return Asked(shop.now - timedelta(days=2), shop.now + timedelta(days=1))


def total(name: str, asked: Asked) -> tuple[float, float]:
    found = kpis.total(KPIS[name], COMPANY, asked.until, asked)
    return found.good, found.of


def comes_back(order, reason: str) -> None:
    wanted = Authorize(order, (Item(lines_of(order)[0], 1, reason),))
    authorize(the_system(datetime.now(UTC)), requests=[wanted])


def test_a_figure_is_the_sum_of_its_parts_and_rows(window):
    for kpi in KPIS.values():
        adds_up(kpi, window)


def adds_up(kpi: Kpi, window: Asked) -> None:
    whole = kpis.total(kpi, COMPANY, window.until, window)
    rows = kpis.rows(kpi, COMPANY, window.until, window, limit=10_000)
    assert whole.facts == len(rows)
    assert whole.good == pytest.approx(sum(row.good for row in rows))
    assert whole.of == sum(row.of for row in rows)
    assert all(0 <= row.good <= row.of for row in rows) or kpi.unit != "share"
    for parts in (
        *(kpis.over_time(kpi, COMPANY, window.until, window, period) for period in kpis.PERIODS),
        *(kpis.by(kpi, COMPANY, window.until, window, side) for side in kpis.SIDES),
    ):
        assert sum(one.facts for one in parts) == whole.facts
        assert sum(one.good for one in parts) == pytest.approx(whole.good)
    early, late = (
        Asked(window.since, window.since + timedelta(hours=30)),
        Asked(window.since + timedelta(hours=30), window.until),
    )
    assert total(kpi.name, early)[1] + total(kpi.name, late)[1] == whole.of, (
        "no fact is in both halves or in none"
    )
    for channel in {row.channel for row in rows if row.channel}:
        some = kpis.total(kpi, COMPANY, window.until, Asked(window.since, window.until, channel=channel))
        assert some.facts == sum(row.channel == channel for row in rows)
    assert kpis.total(kpi, COMPANY + 1, window.until, window).facts == 0


def test_every_figure_has_its_words():
    assert list(WORDS) == list(KPIS)
    assert {kpi.kind for kpi in KPIS.values()} - {""} == set(KINDS)


def test_a_perfect_order_is_whole_in_time_and_right(shop, window):
    delivered = shop.orders["delivered"]
    assert total("perfect order", window)[1] == len(delivered)
    late = sum(row.kind == "late" for row in kpis.rows(KPIS["perfect order"], COMPANY, window.until, window))
    assert total("perfect order", window)[0] == len(delivered) - late
    on_time = [
        row.document for row in kpis.rows(KPIS["perfect order"], COMPANY, window.until, window) if row.good
    ]
    comes_back(on_time[0], "damaged_in_transit")
    worst = kpis.rows(KPIS["perfect order"], COMPANY, window.until, window)
    assert {row.document: row.kind for row in worst}[on_time[0]] == "damaged"
    assert total("perfect order", window)[0] == len(on_time) - 1
    assert total("free of damage", window)[0] == total("free of damage", window)[1] - 1
    assert total("pick accuracy", window)[0] == total("pick accuracy", window)[1]


def test_a_wrong_thing_is_a_mistake_of_the_picker_and_returned(shop, window):
    before = total("return rate", window)
    comes_back(shop.one("delivered"), "wrong_item")
    assert total("pick accuracy", window)[0] == total("pick accuracy", window)[1] - 1
    assert total("return rate", window) == (before[0] + 1, before[1])
    sql.run("UPDATE returns_return SET state = 'cancelled'")
    assert total("return rate", window) == before


def test_orders_and_what_became_of_them(shop, window):
    placed = sql.run(
        "SELECT count(*), count(*) FILTER (WHERE held_by <> '' OR commercial = 'cancelled') FROM orders_order"
    )
    assert total("held orders", window)[1] == placed[0][0]
    kinds = {
        one.name: one.facts for one in kpis.by(KPIS["held orders"], COMPANY, window.until, window, "kind")
    }
    assert kinds["address hold"] == len(shop.orders["held"])
    units = sql.run("SELECT sum(quantity), sum(cancelled) FROM orders_line WHERE sku_id IS NOT NULL")[0]
    assert total("cancelled units", window) == (units[1], units[0])
    assert total("split rate", window)[1] == len(shop.orders["shipped"] + shop.orders["delivered"])
    assert total("oversold lines", window)[0] == 0
    hours = kpis.total(KPIS["order cycle time"], COMPANY, window.until, window)
    assert hours.value is not None
    assert hours.median is not None
    assert 0 < hours.median <= hours.late


def text_of(response) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_board_shows_all_or_the_chosen(console):
    browser = console("lead")
    page = browser.get("/reports/").content.decode()
    assert page.count('hx-trigger="load"') == len(KPIS)
    chosen = browser.get("/reports/?show=fill+rate&show=held+orders&show=nonsense").content.decode()
    assert chosen.count('hx-trigger="load"') == 2
    tile = text_of(browser.get("/reports/held-orders/tile/"))
    assert "Held orders" in tile
    assert "nothing before to compare with" in tile


def test_each_has_its_page(console):
    browser = console("auditor")
    for name, which in ((name, name.replace(" ", "-")) for name in KPIS):
        page = text_of(browser.get(f"/reports/{which}/"))
        assert str(WORDS[name].says) in page.replace("&#x27;", "'")
        for by in kpis.SIDES:
            assert browser.get(f"/reports/{which}/?by={by}&period=month").status_code == 200
        assert browser.get(f"/reports/{which}/tile/").status_code == 200


def test_figures_and_rows_as_files(console, window):
    browser = console("lead")
    figures = list(
        csv.DictReader(StringIO(browser.get("/reports/held-orders/?by=kind&format=csv").content.decode()))
    )
    rows = list(csv.DictReader(StringIO(browser.get("/reports/held-orders/?rows=csv").content.decode())))
    assert sum(int(one["facts"]) for one in figures) == len(rows) > 0
    assert {one["kind"] for one in rows} == {one["name"] for one in figures}
    for address, told in (("?by=kind&format=xlsx", figures), ("?rows=xlsx", rows)):
        book = openpyxl.load_workbook(BytesIO(browser.get(f"/reports/held-orders/{address}").content))
        assert [cell.value for cell in book.active[1]] == list(told[0])
        assert book.active.max_row == len(told) + 1
    noted = [one.payload for one in audit.entries(audit.Asked(1, kind="export"), limit=4)]
    assert {(one["what"], one["format"]) for one in noted} == {
        (what, kind) for what in ("held-orders", "held-orders-rows") for kind in ("csv", "xlsx")
    }


def test_a_row_of_days_is_told_in_days(console, window):
    """Money times days by money is nothing to somebody who reads it."""
    stock = kpis.Row(datetime.now(UTC), "", "", "stock", None, "2026-11 · stock", 600.0, 20.0)
    assert (stock.share, stock._replace(of=0.0).share) == (30, None)
    page = text_of(console("books").get("/reports/cash-to-cash/"))
    rows = page[page.index("The rows behind it") : page.index("By mail")]
    assert re.search(r"[0-9.]+ days", rows) and not re.search(r"[0-9] of [0-9]", rows)


def test_a_row_leads_to_what_it_is_of():
    """Figures of the books lead to the balances of their month, those of people's hours to their node."""
    row = kpis.Row(datetime.now(UTC), "", "LDN", "stock", None, "2026-11", 600.0, 20.0)
    assert views._behind(KPIS["cash to cash"], row) == "/books/?month=2026-11&up_to=1"
    assert views._behind(KPIS["orders packed"], row) == "/floor/labor/?node=LDN"
    order = ids.uuid7()
    assert views._behind(KPIS["held orders"], row._replace(document=order)).endswith(f"{order}/")


def test_a_day_of_the_table_leads_to_its_rows_and_the_plot_has_its_days(console, shop):
    browser = console("lead")
    since = (shop.now - timedelta(days=2)).date()
    page = browser.get(f"/reports/cancelled-units/?since={since}&period=day&channel=web").content.decode()
    table = page[page.index('id="figures"') : page.index("The rows behind it")]
    links = re.findall(r'<th scope="row"[^>]*><a href="([^"]+)">', table)
    assert links
    for link in links:
        day = re.search(r"since=([\d-]+)", link)
        assert day and f"until={day[1]}" in link and "channel=web" in link and "period" not in link
    one = browser.get(f"/reports/cancelled-units/{unescape(links[0])}").content.decode()
    assert "In 1 days" in one or "In 1 day" in one
    again = one[one.index('id="figures"') : one.index("The rows behind it")]
    assert '<th scope="row" class="title"><a' not in again, "it is the whole of what is shown"


def test_a_figure_of_days_is_that_of_the_readers_zone(console, shop):
    browser = console("lead")
    names = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Honolulu"):
        browser.cookies["zone"] = zone
        table = csv.DictReader(
            StringIO(browser.get("/reports/held-orders/?period=day&format=csv").content.decode())
        )
        names[zone] = {row["name"] for row in table}
        placed = sql.run(
            "SELECT DISTINCT to_char(placed_at AT TIME ZONE %(zone)s, 'YYYY-MM-DD') FROM orders_order",
            {"zone": zone},
        )
        assert names[zone] == {day for (day,) in placed}


def test_programs_read_the_same_figures(program, window, shop):
    def ask(path: str = "", **query: object):
        return program("auditor").get(f"/api/v1/reports{path}?{urlencode(query)}")

    told = {one["report"]: one for one in ask().json()}
    assert list(told) == list(kpis.BY_SLUG)
    assert told["return-rate"]["target"] == 0.176 and told["return-rate"]["unit"] == "share"
    time = {"since": window.since.isoformat(), "until": window.until.isoformat()}
    for which, kpi in kpis.BY_SLUG.items():
        whole = kpis.total(kpi, COMPANY, datetime.now(UTC), window)
        answer = ask(f"/{which}", **time).json()
        assert (answer["report"], answer["now"]["facts"]) == (which, whole.facts)
        assert answer["now"]["value"] == (whole.value and pytest.approx(whole.value, rel=1e-3))
        assert sum(one["facts"] for one in answer["figures"]) == whole.facts
    kinds = ask("/held-orders", **time, by="kind").json()["figures"]
    held = next(one for one in kinds if one["name"] == "address hold")
    assert held["facts"] == len(shop.orders["held"])
    rows = ask("/held-orders/rows", **time, kind="address hold", limit=200).json()
    assert {one["document"] for one in rows} == {str(one) for one in shop.orders["held"]}
    assert ask("/no-such", **time).status_code == 422
    assert ask("/held-orders").status_code == 422
    for wrong in ({"until": time["since"]}, {"zone": "Europe/Atlantis"}, {"by": "customer"}):
        assert ask("/held-orders", **(time | wrong)).status_code == 422, wrong
    zone = time | {"zone": "Pacific/Kiritimati", "by": "month"}
    assert ask("/held-orders", **zone).status_code == 200


ODD = ("since=2026-99-99", "until=x", "since=2030-01-01", "since=0001-01-01", "by=x&period=y", "kind='")


def test_a_page_has_a_link_that_shows_the_same_days_later(console):
    page = console("lead").get("/reports/fill-rate/?channel=web").content.decode()
    (link,) = re.findall(r'href="([^"]+)">(?:<svg.*?</svg>)?Permanent link', page)
    assert re.fullmatch(r"\?channel=web&amp;since=\d{4}-\d\d-\d\d&amp;until=\d{4}-\d\d-\d\d", link)


def test_what_no_calendar_has_is_the_last_thirty_days(console):
    browser = console("lead")
    for query in ODD:
        assert browser.get(f"/reports/held-orders/?{query}").status_code == 200, query


def test_no_other_figures(console):
    assert console("lead").get("/reports/no-such/").status_code == 404
    assert console("lead").get("/reports/Held-orders/").status_code == 404
