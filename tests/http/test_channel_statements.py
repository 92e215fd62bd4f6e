"""Channels' statements: the page, the API and the command line."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.channels import queries
from entrepot.kernel import policies, sql
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db

LINE = "W-1,2026-01-01T05:00Z,GBP,MUG-BLUE,2,12.50,25.00,GB"
HEADER = "order,ordered_at,currency,sku,quantity,unit_price,total,country"


def a_file(shop, *rows: str) -> SimpleUploadedFile:
    """Orders that were placed two days ago."""
    day = f"{shop.now:%Y-%m-}{shop.now.day:02}T00:00:00Z"
    text = "\n".join([HEADER, *(row.replace("DAY", day) for row in rows)])
    return SimpleUploadedFile("november.csv", text.encode())


def taking(shop, *rows: str, **facts: str) -> dict[str, object]:
    return {"channel": "web", "kind": "orders", "source": "table", "file": a_file(shop, *rows)} | facts


@pytest.fixture
def early(shop):
    """The shop with no grace: what is stated of a moment ago is asked about."""
    policies.set_policy(the_system(shop.now), requests=[policies.SetPolicy(
        COMPANY, "channels.reconciliation", {"grace_hours": 0}, shop.now
    )])  # fmt: skip
    return shop


def test_a_file_is_compared_and_what_differs_is_mended_or_explained(console, early):
    engineer = console("engineer")
    page = engineer.get("/integration/channels/").content.decode()
    assert "No statement yet" in page and "postal_code" in page
    page = engineer.post(
        "/integration/channels/take/", taking(early, "W-1,DAY,GBP,MUG-BLUE,2,12.50,25.00,GB"), follow=True
    ).content.decode()
    assert "The statement is compared." in page and "W-1" in page and "Place it here" in page
    row = next(one for one in queries.differences(COMPANY) if one.name == "W-1")

    seen = console("auditor").get("/integration/channels/").content.decode()
    assert "Place it here" not in seen and "An integration engineer mends it." in seen
    console("books").post("/integration/channels/decide/", {"mend": str(row.id)})
    assert [one.state for one in queries.differences(COMPANY) if one.id == row.id] == ["open"]

    page = engineer.post("/integration/channels/decide/", {"mend": str(row.id)}, follow=True).content.decode()
    assert "1 difference is mended. The next statement shows" in page
    assert sql.run("SELECT count(*)::int FROM orders_order WHERE external_id = 'W-1'") == [(1,)]
    asked = {"do": "explain", "difference": str(row.id), "reason": "a test"}
    page = engineer.post("/integration/channels/decide/", asked, follow=True).content.decode()
    assert "1 difference is explained." in page
    assert "a test" in engineer.get("/integration/channels/?state=explained").content.decode()


def test_a_file_that_can_not_be_read_says_why(console, shop):
    engineer = console("engineer")
    page = engineer.post("/integration/channels/take/", taking(shop, "W-1,never,GBP,A,1,1,1,GB"), follow=True)
    assert "row 2, ordered_at" in page.content.decode()
    assert "Choose a file" in engineer.post("/integration/channels/take/", {}, follow=True).content.decode()
    page = engineer.post("/integration/channels/pull/", {"channel": "web"}, follow=True).content.decode()
    assert "No shop is set up for this channel." in page


def test_programs_take_list_mend_and_explain(program, early):
    api = program("engineer")
    told = {
        "channel": "web", "kind": "orders", "source": "table", "name": "one", "since": "2026-01-01T00:00:00Z",
        "until": "2026-01-02T00:00:00Z", "content": f"{HEADER}\n{LINE}\n",
    }  # fmt: skip
    taken = api.post("/api/v1/channel-statements", told).json()
    assert (taken["stated"], taken["differing"], taken["fresh"]) == (1, 1, 1)
    (one,) = api.get("/api/v1/channel-differences?channel=web&kind=missing%20here").json()["items"]
    assert (one["name"], one["mend"], one["statement"]) == ("W-1", "import", taken["number"])
    mended = api.post("/api/v1/channel-differences/mend", {"difference": one["id"]}).json()
    assert mended["state"] == "mended" and mended["order"]
    done = api.post("/api/v1/channel-differences/explain", {"difference": one["id"], "reason": "as agreed"})
    assert done.json()["state"] == "explained"
    refused = api.post("/api/v1/channel-statements", told | {"content": "nonsense"})
    assert refused.status_code == 422 and refused.json()["code"] == "kernel.invalid"
