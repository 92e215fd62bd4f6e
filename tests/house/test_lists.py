"""Each list of the console has all that a list has: columns to choose, views, files, sums, and a way to more rows."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.urls import URLPattern

from entrepot import web
from entrepot.web import lists, lists_books, lists_floor, lists_insight, lists_returns, urls
from entrepot.web.areas import RENEWED_S
from entrepot.web.listing import Listing
from entrepot.web.lists import BOARDS, JOURNAL, LISTS

PLACES: tuple[ModuleType, ...] = (lists, lists_books, lists_floor, lists_insight, lists_returns)
TEMPLATES = Path(web.__file__).parent / "templates"
ROOMS = Path(web.__file__).parent.parent
DECLARED = re.compile(r"^([A-Z_]+) = Listing\(", re.MULTILINE)
INCLUDED = re.compile(r'\{% include "(web/parts/[a-z_]+\.html)"')
TEMPLATE = re.compile(r'"(web/[a-z_]+\.html)"')
OWN_HEADS = re.compile(r'<table class="rows">(?:<caption.*?</caption>)?\s*<thead')

OTHERWISE = {
    "web/own.html": (1, "one's own sessions, a few, each with a button"),
    "web/advice.html": (1, "what each kind was worth"),
    "web/audit.html": (1, "the proofs of the log"),
    "web/bank.html": (1, "the accounts"),
    "web/calendars.html": (2, "the week of each node; the calendars of targets"),
    "web/carriers.html": (1, "what a file of an invoice said"),
    "web/channel_differences.html": (2, "sums by channel and kind; the statements taken last"),
    "web/channels.html": (2, "a form of settings in rows"),
    "web/clearing.html": (1, "one row for each clearing account"),
    "web/clearing_lines.html": (1, "the greatest of the other side"),
    "web/closing.html": (2, "a check list, and the months of ten years"),
    "web/closing_report.html": (4, "statements to print"),
    "web/cohorts.html": (3, "a measurement, its entry, and those before"),
    "web/companies.html": (2, "a check list; the companies of one house"),
    "web/conflicts.html": (1, "sums by cause"),
    "web/count_accuracy.html": (1, "a report: sums"),
    "web/counts.html": (1, "what a policy plans"),
    "web/currencies.html": (5, "a measurement, its entry, rates, and those that were wrong"),
    "web/departures.html": (2, "goods that wait, as forms"),
    "web/draft.html": (3, "a form"),
    "web/duties.html": (1, "a matrix of what is the same for everybody"),
    "web/edi_documents.html": (1, "what became of one file"),
    "web/entry_new.html": (1, "a form"),
    "web/floor.html": (2, "what waits at each node"),
    "web/home.html": (4, "figures"),
    "web/labor.html": (4, "the steps of each node, what else waits, what comes in by day, and sums by step"),
    "web/manifests.html": (3, "what waits for each carrier"),
    "web/messages.html": (1, "a board of destinations"),
    "web/order_import.html": (5, "what became of one file"),
    "web/packing.html": (2, "what is packed: it waits for its labels, or to be handed over"),
    "web/performance.html": (1, "the packers of a node"),
    "web/payout_look.html": (1, "what one file would settle"),
    "web/payouts.html": (2, "a form to explain lines of one payout"),
    "web/preview.html": (2, "an entry that would be posted"),
    "web/preview_step.html": (1, "entries that would be posted"),
    "web/privacy.html": (1, "the rules of retention"),
    "web/profit.html": (2, "a report: sums, and lines behind them"),
    "web/promises.html": (1, "a report: sums"),
    "web/purchase_order_new.html": (1, "a form"),
    "web/put_away.html": (1, "plates that stand at the dock"),
    "web/quality.html": (1, "sums by supplier"),
    "web/recovery.html": (1, "sums"),
    "web/replenishment.html": (1, "moves that wait, as a form"),
    "web/reports.html": (1, "figures"),
    "web/return_expiry.html": (1, "sums by month and reason"),
    "web/return_fraud.html": (2, "sums, and the marks of customers"),
    "web/return_staging.html": (1, "sums by node"),
    "web/return_times.html": (2, "a report: sums"),
    "web/repairs.html": (2, "what waits to be offered, and sums of a report"),
    "web/rules.html": (4, "versions of one thing, what two of them say, sums, and a form"),
    "web/station.html": (1, "what stands at one station"),
    "web/style.html": (1, "an example"),
    "web/supplier_invoices.html": (1, "lines of one invoice"),
    "web/suppliers.html": (1, "sums"),
    "web/tax_report.html": (2, "a report: sums"),
    "web/taxes.html": (1, "rates in force"),
    "web/transfers.html": (1, "lines of one transfer"),
    "web/valuation.html": (3, "sums by account and month"),
    "web/work.html": (1, "sums by type"),
    "web/work_orders.html": (1, "a form"),
}
"""Tables of pages that are no lists, and so have heads of their own: how many, and what they are instead."""


CARDS = {"claims": "a card for each, with its steps", "drop-ships": "a card for each, with its lines"}
"""Lists whose rows are no rows of a table, and why."""


def whole(name: str, within: frozenset[str] = frozenset()) -> str:
    """A template with the parts that it includes."""
    text = (TEMPLATES / name).read_text()
    within |= {name}
    return text + "".join(whole(part, within) for part in INCLUDED.findall(text) if part not in within)


def templates(one: URLPattern) -> Iterator[str]:
    """The templates that the view of an address names."""
    found = TEMPLATE.findall(inspect.getsource(inspect.unwrap(one.callback)))
    yield from (name for name in found if (TEMPLATES / name).exists())


def addresses() -> dict[str, URLPattern]:
    return {str(one.name): one for one in urls.urlpatterns if isinstance(one, URLPattern) and one.name}


def page_of(one: Listing) -> str:
    return "".join(whole(name) for name in templates(addresses()[one.url]))


def test_every_list_is_known_by_a_name_of_its_own():
    declared = [name for place in PLACES for name in DECLARED.findall(inspect.getsource(place))]
    names = Counter(
        (place.__name__, name) for place in PLACES for name in DECLARED.findall(inspect.getsource(place))
    )
    assert [one for one, count in names.items() if count > 1] == [], "the second takes the place of the first"
    assert len(LISTS) == len(declared), "a list that LISTS does not have can't keep a view"
    all_of_them = [one for place in PLACES for one in vars(place).values() if isinstance(one, Listing)]
    assert {one.name for one in all_of_them} == set(LISTS)


@pytest.mark.parametrize(
    "one", [one for one in LISTS.values() if one is not BOARDS], ids=lambda one: one.name
)
def test_a_list_has_its_tools_its_sums_and_columns_that_can_be_left_out(one: Listing):
    text = page_of(one)
    assert ("{% heads" in text) is (one.name not in CARDS), "the heads of a list are drawn by its listing"
    assert "web/parts/list_tools.html" in text, "views, columns and files"
    if one is not JOURNAL:  # whose sums are the balance of its account
        assert "web/parts/list_foot.html" in text, "sums, and how many rows there are"
    left = [name for name in one.columns if f'{{% column "{name}" %}}' not in text]
    assert left == [], "columns that stay where a reader leaves them out"
    assert "data-row" in text or one.name in CARDS, "rows that the keyboard walks"


def test_no_table_of_a_page_is_a_list_without_the_tools_of_one():
    found: dict[str, int] = {}
    for one in addresses().values():
        if "<" not in str(one.pattern):
            found |= {name: len(OWN_HEADS.findall(whole(name))) for name in templates(one)}
    own = {name: count for name, count in found.items() if count}
    told = {name: count for name, (count, _) in OTHERWISE.items()}
    assert own == told, (
        "a list is a Listing; whatever else has heads of its own is named here with its reason"
    )


PASSED_OVER = {
    "returns/recovery_queries.py": "for programs of before; what is owed is made of three tables, and short"
}


def test_no_statement_passes_over_rows_to_find_a_page():
    """What is passed over is read all the same: a page far down would be slow."""
    passing = re.compile(r"OFFSET %\(")
    places = [one for kind in ("*.py", "*.sql") for one in ROOMS.rglob(kind)]
    found = {str(one.relative_to(ROOMS)) for one in places if passing.search(one.read_text())}
    assert found == PASSED_OVER.keys()


STANDS_STILL = {
    "cartons": "set up once",
    "chart": "set up once",
    "invoices": "issued by number, nobody waits for one",
    "listed-buyers": "kept by hand, a few a month",
    "people": "kept by hand, a few a month",
    "services": "set up once, changed with the rates of a carrier",
    "suppliers": "set up once",
    "taxes": "set up once, changed with the law",
    "valuation": "what a month end is made of, looked at by one person",
}
"""Pages with a list and forms that don't keep themselves up to date, and why."""


def test_each_page_where_work_is_done_on_a_list_keeps_itself_up_to_date():
    """Two people at one queue would else act on what is gone."""
    forms = re.compile(r'method="post"')
    tools = (TEMPLATES / "web/parts/list_tools.html").read_text()
    acted_on = set()
    for one in LISTS.values():
        text = page_of(one).replace(tools, "")
        if one is not BOARDS and ("data-row" in text or one.name in CARDS) and forms.search(text):
            acted_on.add(one.url)
    acted_on = {one for one in acted_on if "<" not in str(addresses()[one].pattern)}
    assert sorted(acted_on - RENEWED_S.keys()) == sorted(STANDS_STILL), (
        "a page that is acted on is in areas.RENEWED_S, or here with its reason"
    )
