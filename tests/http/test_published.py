"""What channels were told, on the page of a SKU and for programs."""

from __future__ import annotations

from django.utils import timezone

from entrepot.kernel import sql, worker
from entrepot.stock import availability_queries

PUBLISHED = "/api/v1/availability/published"


def published() -> None:
    served = worker.queues()
    worker.serve_once({"republish": served["republish"]})
    while worker.sweep_once(worker.sweeps()):
        pass


def test_the_page_of_a_sku_shows_what_each_channel_was_told_and_when(shop, console):
    ((sku, code),) = sql.run("SELECT id, code FROM catalog_sku ORDER BY code LIMIT 1")
    browser = console("inventory")
    assert "never" in browser.get(f"/stock/{sku}/").content.decode()
    published()
    told = availability_queries.published_of(sku=sku)
    shown = {
        one.channel: one.quantity
        for one in availability_queries.availability_by_channel(company=1, sku=code, at=timezone.now())
    }
    assert {channel: one.quantity for channel, one in told.items()} == {
        channel: units for channel, units in shown.items() if channel in told
    }
    assert "never" not in browser.get(f"/stock/{sku}/").content.decode()


def test_a_program_follows_a_channel_page_by_page_and_compares(shop, program):
    published()
    auditor, got, since = program("auditor"), [], 0
    while True:
        answer = auditor.get(f"{PUBLISHED}?channel=web&since={since}&limit=7").json()
        if not answer["items"]:
            break
        got += answer["items"]
        since = answer["next"]
    assert answer["next"] == since
    versions = [one["version"] for one in got]
    assert versions == sorted(set(versions))
    digest = auditor.get(f"{PUBLISHED}/digest?channel=web").json()
    assert (digest["skus"], digest["units"]) == (
        sum(one["quantity"] > 0 for one in got), sum(one["quantity"] for one in got),
    )  # fmt: skip
    assert digest["version"] == since


def test_an_unknown_channel_is_not_there(shop, program):
    for path in (PUBLISHED, f"{PUBLISHED}/digest"):
        assert program("auditor").get(f"{path}?channel=nowhere").status_code == 404
    assert program("auditor").get(f"{PUBLISHED}?channel=web&since=-1").status_code == 422
