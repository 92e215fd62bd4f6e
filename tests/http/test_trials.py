"""Trials of sourcing profiles on the console."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.urls import reverse

from entrepot.kernel import drafts, ids, policies
from entrepot.simulation import queries
from entrepot.sourcing.rules import Profile
from tests.shop import COMPANY, Shop
from tests.trying import a_draft, serve_trials

KIND = "sourcing.profile"


@pytest.fixture
def draft(shop: Shop):
    """A draft that excludes London."""
    return a_draft(shop, note="London <is> rebuilt")


def days(shop: Shop) -> dict[str, str]:
    today = shop.now.astimezone(UTC).date()
    return {"since": str(today - timedelta(days=2)), "until": str(today + timedelta(days=1))}


def tried(shop: Shop, client, draft) -> str:
    """The address of the report."""
    answer = client.post(reverse("trials-ask"), {"draft": str(draft), **days(shop)})
    (trial,) = queries.trials(company=COMPANY)
    assert answer["Location"] == reverse("trial", args=[trial.id])
    serve_trials(shop)
    return answer["Location"]


def test_a_draft_is_tried_read_and_switched_on(shop: Shop, console, draft) -> None:
    client = console("lead")
    assert "London &lt;is&gt; rebuilt" in client.get(reverse("trials")).content.decode()
    answer = client.post(reverse("trials-ask"), {"draft": str(draft), **days(shop)})
    address = answer["Location"]
    waiting = client.get(address).content.decode()
    assert "every 2s" in waiting
    serve_trials(shop)

    told = client.get(address).content.decode()

    assert "every 2s" not in told
    assert "LDN is excluded; MAN is the preferred node" in told
    assert "<script>" not in told and 'style="' not in told
    (trial,) = queries.trials(company=COMPANY)
    report = queries.report(trial.id)
    assert report.found.changed_count > 5
    first = report.found.changed[0]
    assert f'href="{reverse("order", args=[first.order])}">{first.number}</a>' in told
    assert trial.summary in told

    done = client.post(reverse("trial-activate", args=[trial.id]), {"from": ""}, follow=True).content.decode()
    assert "The draft has become version 1." in done
    later = shop.now + timedelta(hours=1)
    assert policies.in_force(COMPANY, Profile, later)[""][1].excluded_nodes == ("LDN",)


def test_a_report_says_in_words_what_the_record_does_not_tell_and_its_rates_in_money(
    shop: Shop, console
) -> None:
    draft = a_draft(shop, note="others", substitutes="unless refused", km_minor=0.5)
    client = console("lead")

    told = client.get(tried(shop, client, draft)).content.decode()

    assert "Catalog: categories, costs and what is for sale are those of today" in told
    assert "a kilometre 0.005 GBP, each further shipment £2.00" in told


def test_what_is_switched_on_from_a_day_waits_for_it(shop: Shop, console, draft) -> None:
    client = console("lead")
    address = tried(shop, client, draft)
    day = (shop.now + timedelta(days=9)).date()

    client.post(f"{address}activate/", {"from": str(day)})

    assert policies.in_force(COMPANY, Profile, shop.now + timedelta(days=8)) == {}
    assert "" in policies.in_force(COMPANY, Profile, shop.now + timedelta(days=10))


def test_changed_orders_come_as_a_file(shop: Shop, console, draft) -> None:
    client = console("lead")
    address = tried(shop, client, draft)

    lines = client.get(f"{address}?format=csv").content.decode().splitlines()

    assert lines[0] == "order,channel,before,after,lacks_before,lacks_after,why"
    assert len(lines) == 1 + queries.report(queries.trials(company=COMPANY)[0].id).found.changed_count


def test_only_the_last_trial_of_a_draft_switches_it_on(shop: Shop, console, draft) -> None:
    client = console("lead")
    first = tried(shop, client, draft)
    client.post(reverse("trials-ask"), {"draft": str(draft), **days(shop)})
    serve_trials(shop)

    told = client.get(first).content.decode()

    assert "tried again since" in told
    assert "Activate with these figures" not in told


def test_who_may_not_neither_sees_nor_does_it(shop: Shop, console, draft) -> None:
    address = tried(shop, console("lead"), draft)
    client = console("auditor")

    assert "Try it" not in client.get(reverse("trials")).content.decode()
    assert "Activate with these figures" not in client.get(address).content.decode()
    refused = client.post(reverse("trials-ask"), {"draft": str(draft), **days(shop)}, follow=True)
    assert "may not do simulation.ask_trials" in refused.content.decode()
    refused = client.post(f"{address}activate/", {"from": ""}, follow=True)
    assert "may not do kernel.activate_draft" in refused.content.decode()
    assert policies.in_force(COMPANY, Profile, shop.now + timedelta(days=30)) == {}
    assert len(queries.trials(company=COMPANY)) == 1
    assert [one.state for one in drafts.drafts(COMPANY, KIND)] == ["tried"]


@pytest.mark.parametrize(
    "form",
    [
        {"draft": "nonsense"}, {"since": "2026-13-01"}, {"until": ""}, {"draft": str(ids.uuid7())},
        {"until": "2001-01-01"},
    ],
)  # fmt: skip
def test_a_form_that_makes_no_sense_asks_for_nothing(shop: Shop, console, draft, form) -> None:
    answer = console("lead").post(
        reverse("trials-ask"), {"draft": str(draft), **days(shop)} | form, follow=True
    )

    assert answer.status_code == 200
    assert queries.trials(company=COMPANY) == []


def test_a_window_without_orders_says_so(shop: Shop, console, draft) -> None:
    client = console("lead")
    answer = client.post(
        reverse("trials-ask"), {"draft": str(draft), "since": "2001-01-01", "until": "2001-01-02"}
    )
    serve_trials(shop)

    told = client.get(answer["Location"]).content.decode()

    assert "No order was decided from 1 Jan 2001 to 2 Jan 2001." in told


def test_a_trial_that_is_not_there_is_not_found(shop: Shop, console) -> None:
    assert console("lead").get(reverse("trial", args=[ids.uuid7()])).status_code == 404
    assert console("lead").post(reverse("trial-activate", args=[ids.uuid7()])).status_code == 404
