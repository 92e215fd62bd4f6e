"""Drafts of policies and trials of sourcing profiles, for programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from entrepot.kernel import ids, policies
from entrepot.sourcing.rules import Profile
from tests.http.test_api import is_problem
from tests.shop import COMPANY
from tests.trying import serve_trials

pytestmark = pytest.mark.django_db

DRAFTS, TRIALS, KIND = "/api/v1/policy-drafts", "/api/v1/trials", "sourcing.profile"


def kept(lead, again: str = "keep", **body: object) -> str:
    made = lead.post(DRAFTS, {"kind": KIND, "body": body, "note": "London is rebuilt"}, again=again)
    assert made.status_code == 201, made.content
    assert made.json() | {"draft": ""} == {"draft": "", "state": "draft", "version": None}
    return made.json()["draft"]


def asked(lead, shop, draft: str, again: str = "ask") -> str:
    today = shop.now.astimezone(UTC).date()
    days = {"since": str(today - timedelta(days=2)), "until": str(today + timedelta(days=1))}
    answer = lead.post(TRIALS, {"draft": draft} | days, again=again)
    assert (answer.status_code, answer.json()["state"]) == (201, "asked"), answer.content
    return answer.json()["trial"]


def test_a_program_drafts_tries_and_activates_a_profile(shop, program):
    lead = program("lead")
    draft = kept(lead, excluded_nodes=["LDN", "LDM"], split_minor=200)
    assert kept(lead, excluded_nodes=["LDN", "LDM"], split_minor=200) == draft, "the same key, the same draft"
    early = lead.post(f"{DRAFTS}/activate", {"draft": draft}, again="early")
    assert is_problem(early, 409, "kernel.wrong_state")

    trial = asked(lead, shop, draft)
    assert asked(lead, shop, draft) == trial
    serve_trials(shop)
    told = lead.get(f"{TRIALS}/{trial}").json()
    assert (told["state"], told["draft"], told["profile"]["excluded_nodes"]) == (
        "done",
        draft,
        ["LDN", "LDM"],
    )
    report = told["report"]
    assert report["strangers"] == ["LDM"], "a slip of the pen"
    assert report["changed_count"] == len(report["changed"]) > 5
    assert {one["node"] for one in report["after"]["nodes"]} == {
        one["node"] for one in report["before"]["nodes"]
    }
    assert next(one for one in report["after"]["nodes"] if one["node"] == "LDN")["orders"] == 0
    assert report["after"]["figures"]["cost"]["split"] % 200 == 0
    assert report["after"]["gap"] is None, "costs do not decide"
    assert [one["id"] for one in lead.get(TRIALS).json()["items"]] == [trial]

    (row,) = lead.get(f"{DRAFTS}?kind={KIND}&state=tried").json()
    assert (row["id"], row["report"], row["summary"]) == (draft, trial, told["summary"])
    done = lead.post(f"{DRAFTS}/activate", {"draft": draft}, again="on").json()
    assert done == {"draft": draft, "state": "active", "version": 1}
    assert lead.post(f"{DRAFTS}/activate", {"draft": draft}, again="on").json() == done
    later = timezone.now() + timedelta(minutes=1)
    assert policies.of_company(COMPANY, Profile, later)[1].excluded_nodes == ("LDN", "LDM")
    assert lead.get(f"{DRAFTS}?state=draft").json() == []


def test_a_batch_that_costs_decide_says_how_far_it_may_be_from_the_best(shop, program):
    lead = program("lead")
    trial = asked(lead, shop, kept(lead, choose_by="cost", km_minor=0.1, split_minor=100))
    serve_trials(shop)
    report = lead.get(f"{TRIALS}/{trial}").json()["report"]
    assert 0 <= report["after"]["gap"] < 1 and report["before"]["gap"] is None


def test_a_draft_is_activated_from_a_day_and_another_is_dropped(shop, program):
    lead, since = program("lead"), timezone.now() + timedelta(days=9)
    one, other = kept(lead, "1", nodes_per_order_max=1), kept(lead, "2", nodes_per_order_max=2)
    sent = [{"draft": draft, "summary": "as was told"} for draft in (one, str(ids.uuid7()))]
    told = lead.post(f"{DRAFTS}/try", sent, again="try").json()
    assert [each["code"] for each in told] == ["kernel.trial_needed", "kernel.not_found"]
    asked(lead, shop, one)
    serve_trials(shop)
    past = {"draft": one, "in_force_from": "2026-01-01T00:00:00Z"}
    assert is_problem(lead.post(f"{DRAFTS}/activate", past, again="past"), 422, "kernel.invalid")
    lead.post(f"{DRAFTS}/activate", {"draft": one, "in_force_from": since.isoformat()}, again="on")
    assert policies.in_force(COMPANY, Profile, since - timedelta(seconds=1)) == {}
    assert policies.in_force(COMPANY, Profile, since)[""][1].nodes_per_order_max == 1

    dropped = lead.post(f"{DRAFTS}/drop", {"draft": other, "reason": "not better"}, again="drop")
    assert dropped.json()["state"] == "dropped"
    again = lead.post(f"{DRAFTS}/drop", {"draft": other, "reason": "twice"}, again="again")
    assert is_problem(again, 409, "kernel.wrong_state")


def test_a_trial_is_withdrawn_and_has_no_report(shop, program):
    lead = program("lead")
    trial = asked(lead, shop, kept(lead, nodes_per_order_max=1))
    assert lead.post(f"{TRIALS}/withdraw", {"trial": trial}, again="no").json()["state"] == "withdrawn"
    serve_trials(shop)
    told = lead.get(f"{TRIALS}/{trial}").json()
    assert (told["state"], told["report"]) == ("withdrawn", None)


def test_what_makes_no_sense_is_refused_and_so_is_who_may_not(shop, program):
    lead = program("lead")
    unknown = {"kind": KIND, "body": {"exclude_nodes": []}}
    assert is_problem(lead.post(DRAFTS, unknown, again="1"), 422, "kernel.invalid")
    assert is_problem(lead.post(DRAFTS, {"kind": "none", "body": {}}, again="2"), 422, "kernel.invalid")
    draft = kept(lead)
    window = {"since": "2026-11-20", "until": "2026-11-02"}
    assert is_problem(lead.post(TRIALS, {"draft": draft} | window, again="3"), 422, "kernel.invalid")
    day = {"since": "2026-11-02", "until": "2026-11-20"}
    assert is_problem(
        lead.post(TRIALS, {"draft": str(ids.uuid7())} | day, again="4"), 404, "kernel.not_found"
    )
    assert lead.post(TRIALS, {"draft": draft, "since": "2026-02-30", "until": "2026-11-20"}, again="5"
                     ).status_code == 422  # fmt: skip
    assert is_problem(lead.get(f"{TRIALS}/{ids.uuid7()}"), 404, "kernel.not_found")

    version = {"kind": KIND, "body": {}, "in_force_from": "2026-01-01T00:00:00Z"}
    assert is_problem(lead.post("/api/v1/policies", version, again="9"), 409, "kernel.trial_needed")
    version["reason"] = "London burns"
    engineer = program("engineer")
    assert engineer.post("/api/v1/policies/untried", version, again="10").status_code == 403
    assert policies.versions(COMPANY, KIND) == []

    service = program("service")
    assert service.post(DRAFTS, {"kind": KIND, "body": {}}, again="6").status_code == 403
    assert service.post(f"{DRAFTS}/try", {"draft": draft, "summary": "fine"}, again="7").status_code == 403
    assert service.post(TRIALS, {"draft": draft} | day, again="8").status_code == 403
    assert service.get(f"{DRAFTS}?kind={KIND}").status_code == service.get(TRIALS).status_code == 200


def test_the_version_that_holds_is_told_though_a_newer_one_waits_for_its_day(shop, program):
    lead, now = program("lead"), datetime.now(UTC)
    for again, since, most in (("1", now, 1), ("2", now + timedelta(days=9), 2), ("3", now, 4)):
        sent = {"kind": KIND, "body": {"nodes_per_order_max": most}, "reason": "no time"}
        sent |= {"in_force_from": since.isoformat()}
        assert lead.post("/api/v1/policies/untried", sent, again=again).status_code == 201
    rows = lead.get(f"/api/v1/policies?kind={KIND}").json()
    assert [(one["version"], one["is_in_force"]) for one in rows] == [(3, True), (2, False), (1, False)]
    assert policies.of_company(COMPANY, Profile, now + timedelta(days=10))[0] == 2


def test_of_other_kinds_a_program_says_what_came_of_a_trial(shop, program):
    lead = program("lead")
    sent = {"kind": "sourcing.backorders", "body": {"tolerance_days": 4}}
    draft = lead.post(DRAFTS, sent, again="1").json()["draft"]
    tried = lead.post(f"{DRAFTS}/try", {"draft": draft, "summary": "fewer slip"}, again="2").json()
    (row,) = lead.get(f"{DRAFTS}?kind=sourcing.backorders").json()
    assert (tried["state"], row["tried_by"], row["report"]) == ("tried", "word", None)
