"""Policies on the console: versions, comparisons, drafts by a form."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser

import msgspec
import pytest
from django.urls import reverse

from entrepot.kernel import drafts, ids, policies, sql
from entrepot.orders.validation import Validation
from entrepot.purchasing.receiving import Plan, Quality
from entrepot.returns.admission import Admission, Rule
from entrepot.sourcing.pegging import Backorders
from entrepot.sourcing.rules import Profile
from entrepot.web.policy_form import form
from tests.shop import COMPANY, Shop, the_system
from tests.trying import a_draft, a_trial

KIND = "sourcing.profile"


def filled(body: object, **changes: str) -> dict[str, str]:
    """The form as a browser sends it."""
    return {one.name: one.text for one in form(body)} | {"scope": "", "note": "for the season"} | changes


@pytest.fixture
def versions(shop: Shop) -> None:
    then = shop.now - timedelta(days=2)
    policies.set_policy(
        the_system(then),
        requests=[
            policies.SetPolicy(COMPANY, KIND, Profile(), then, note="the first"),
            policies.SetPolicy(
                COMPANY, KIND, Profile(excluded_nodes=("LDN",)), then, note="without <London>"
            ),
            policies.SetPolicy(COMPANY, KIND, Profile(), shop.now + timedelta(days=2), note="back again"),
            policies.SetPolicy(COMPANY, "orders.validation", Validation(), then, scope="web"),
        ],
    )


def test_every_kind_is_listed_with_what_is_in_force(shop: Shop, console, versions) -> None:
    told = console("auditor").get(reverse("policies")).content.decode()

    for kind in ("sourcing.profile", "orders.holds", "orders.validation", "orders.windows", "orders.authorizations",
                 "returns", "stock.adjustments", "sourcing.backorders", "sourcing.rebalancing", "work.calendar",
                 "work.causes", "work.priority", "work.targets"):  # fmt: skip
        assert f'href="{reverse("policy", args=[kind])}"' in told
    assert "version 2" in told


def test_two_versions_are_compared_field_by_field(shop: Shop, console, versions) -> None:
    client = console("auditor")
    plain = client.get(reverse("policy", args=[KIND])).content.decode()
    compared = client.get(reverse("policy", args=[KIND]), {"one": ":1", "other": ":2"}).content.decode()

    assert "without &lt;London&gt;" in plain
    assert [plain.count(f">{word}</span>") for word in ("in force", "coming", "over")] == [1, 1, 1]
    assert "Codes of nodes that serve no order for now." in compared
    assert "<b>LDN</b>" in compared


def test_what_another_version_for_its_day_takes_the_place_of_does_not_come(
    shop: Shop, console, versions
) -> None:
    again = policies.SetPolicy(COMPANY, KIND, Profile(), shop.now + timedelta(days=2), note="another season")
    policies.set_policy(the_system(shop.now), requests=[again])
    told = console("auditor").get(reverse("policy", args=[KIND])).content.decode()

    assert [told.count(f">{word}</span>") for word in ("in force", "coming", "called off", "over")] == [
        1,
        1,
        1,
        1,
    ]


def test_a_version_that_holds_what_none_may_is_shown_with_what_is_wrong_and_replaced(
    shop: Shop, console, versions
):
    """Such as one of an earlier release that knew another word."""
    sql.run(
        "INSERT INTO kernel_policy (id, company_id, kind, scope, version, in_force_from, body, author, note)"
        " VALUES (%(id)s, %(company)s, 'returns', '', 1, %(at)s, %(body)s::jsonb, 'ada', 'of old'),"
        "        (%(other)s, %(company)s, 'returns', 'web', 1, %(at)s, '{\"window_days\": 30}'::jsonb, 'ada', '')",
        {
            "id": ids.uuid7(), "other": ids.uuid7(), "company": COMPANY, "at": shop.now - timedelta(days=1),
            "body": json.dumps({"late": "whenever it rains"}),
        },
    )  # fmt: skip
    lead = console("lead")
    page, address = lead.get(reverse("policy", args=["returns"])), reverse("policy-draft", args=["returns"])
    assert page.status_code == 200
    told = page.content.decode()
    assert told.count("whenever it rains") >= 3, (
        "as it is written, and what is wrong, here and with the version"
    )
    assert "late: expected" in told.lower() and "What needs this policy stops" in told
    compared = lead.get(reverse("policy", args=["returns"]), {"one": ":1", "other": "web:1"}).content.decode()
    assert (
        "Version 1 (for all) can&#x27;t be read" in compared
        or "Version 1 (for all) can't be read" in compared
    )
    assert "whenever it rains" in lead.get(reverse("policies")).content.decode()
    form_ = lead.get(address).content.decode()
    assert "begins with the defaults" in form_ and "whenever it rains" in form_
    said = filled(policies.bodies["returns"]())
    assert lead.post(address, said).status_code == 302
    assert lead.get(reverse("policy", args=["returns"])).status_code == 200, "with a draft beside it"


def test_a_change_is_drafted_by_a_form_tried_and_switched_on(shop: Shop, console) -> None:
    client = console("lead")
    address = reverse("policy-draft", args=["sourcing.backorders"])
    assert "Keep the draft" in client.get(address).content.decode()

    client.post(address, filled(Backorders(), tolerance_days="4"))
    (draft,) = drafts.drafts(COMPANY)
    assert (draft.body["tolerance_days"], draft.note, draft.author) == (4, "for the season", "lead")
    assert policies.in_force(COMPANY, Backorders, shop.now + timedelta(days=9)) == {}

    act = reverse("policy-draft-act", args=[draft.id])
    client.post(act, {"do": "activate"})
    assert drafts.drafts(COMPANY)[0].state == "draft", "what was not tried is not switched on"
    client.post(act, {"do": "try", "text": "11 of 90 backorders would have slipped in silence"})
    client.post(act, {"do": "activate", "from": ""})
    assert policies.in_force(COMPANY, Backorders, shop.now + timedelta(days=9))[""][1].tolerance_days == 4


def test_the_form_begins_with_what_is_in_force_for_its_scope(shop: Shop, console, versions) -> None:
    told = console("lead").get(reverse("policy-draft", args=[KIND])).content.decode()

    assert 'name="excluded_nodes" value="LDN"' in told


def test_a_draft_of_a_profile_leads_to_its_trial(shop: Shop, console) -> None:
    client = console("lead")
    draft = a_draft(shop)
    told = client.get(reverse("policy", args=[KIND])).content.decode()
    assert f"{reverse('trials')}?draft={draft}" in told
    assert "It is tried" not in told, "a replay says what came out, not a person"

    trial = a_trial(shop, draft)
    assert reverse("trial", args=[trial]) in client.get(reverse("policy", args=[KIND])).content.decode()


def test_a_draft_is_dropped_with_a_reason(shop: Shop, console) -> None:
    draft = a_draft(shop)
    console("lead").post(reverse("policy-draft-act", args=[draft]), {"do": "drop", "text": "London is done"})

    assert drafts.drafts(COMPANY)[0].state == "dropped"


def test_a_form_that_cannot_be_comes_back_as_it_was_filled_in(shop: Shop, console) -> None:
    form_ = filled(Profile(), split_minor="two <hundred>", handling_minor="17")

    answer = console("lead").post(reverse("policy-draft", args=[KIND]), form_)

    told = answer.content.decode()
    assert answer.status_code == 200
    assert "split: expected a whole number, found two &lt;hundred&gt;." in told
    assert 'name="handling_minor" value="17"' in told
    assert drafts.drafts(COMPANY) == []


def test_who_may_not_neither_sees_nor_does_it(shop: Shop, console) -> None:
    client, draft = console("auditor"), a_draft(shop)
    told = client.get(reverse("policy", args=[KIND])).content.decode()
    for word in ("Draft a change", "Try it on recorded orders", 'value="drop"', "Activate"):
        assert word not in told
    assert "Keep the draft" not in client.get(reverse("policy-draft", args=[KIND])).content.decode()

    answer = client.post(reverse("policy-draft", args=[KIND]), filled(Profile()))
    assert "may not do kernel.draft_policy" in answer.content.decode()
    for do in ("try", "activate", "drop"):
        client.post(reverse("policy-draft-act", args=[draft]), {"do": do, "text": "no"})
    assert [one.state for one in drafts.drafts(COMPANY)] == ["draft"]


def test_what_is_not_there_is_not_found(shop: Shop, console) -> None:
    client = console("lead")
    assert client.get(reverse("policy", args=["sourcing.luck"])).status_code == 404
    assert client.get(reverse("policy-draft", args=["sourcing.luck"])).status_code == 404
    assert client.post(reverse("policy-draft-act", args=[ids.uuid7()]), {"do": "drop"}).status_code == 404


# ---- the form


def test_a_change_for_a_channel_begins_with_what_holds_there(shop: Shop, console, versions) -> None:
    """What holds for all would silently take the place of what the channel has of its own."""
    own = policies.SetPolicy(COMPANY, KIND, Profile(excluded_nodes=("GLA",)), shop.now, "web")
    policies.set_policy(the_system(shop.now), requests=[own])
    client, address = console("lead"), reverse("policy-draft", args=[KIND])
    assert f'href="{address}?scope=web"' in client.get(reverse("policy", args=[KIND])).content.decode()

    told = client.get(address, {"scope": "web"}).content.decode()
    assert 'name="excluded_nodes" value="GLA"' in told
    assert 'type="hidden" name="scope" value="web"' in told
    assert "filled with what is in force for web" in told
    others = client.get(address, {"scope": "shop"}).content.decode()
    assert "Nothing is in force for shop alone" in others
    assert 'name="excluded_nodes" value="LDN"' in others


def test_a_draft_is_begun_like_another(shop: Shop, console) -> None:
    client, address = console("lead"), reverse("policy-draft", args=[KIND])
    draft = a_draft(shop, note="fewer parcels", nodes_per_order_max=2)
    assert f'href="{address}?like={draft}"' in client.get(reverse("policy", args=[KIND])).content.decode()

    told = client.get(address, {"like": str(draft)}).content.decode()
    assert 'name="nodes_per_order_max" value="2"' in told
    assert "filled as the draft “fewer parcels” is" in told
    assert client.get(address, {"like": str(ids.uuid7())}).status_code == 404


def test_nodes_that_are_closed_and_suppliers_are_written_in_rows(shop: Shop, console) -> None:
    client, address = console("lead"), reverse("policy-draft", args=[KIND])
    form_ = filled(Profile()) | {
        "offline.0.node": "LDN", "offline.0.since": "2026-12-28", "offline.0.until": "", "offline.0.why": "rebuilt",
        "drop_ship.0.supplier": "ACNE", "drop_ship.0.lead_days": "two",
    }  # fmt: skip
    told = client.post(address, form_).content.decode()
    assert "drop ship, lead days of row 1: expected a whole number, found two." in told
    assert 'name="offline.0.node" value="LDN"' in told
    assert drafts.drafts(COMPANY) == []

    client.post(address, form_ | {"drop_ship.0.lead_days": "2"})
    (draft,) = drafts.drafts(COMPANY, KIND)
    assert draft.body["offline"] == [{"node": "LDN", "since": "2026-12-28", "until": None, "why": "rebuilt"}]
    assert draft.body["drop_ship"][0]["supplier"] == "ACNE"
    policy = client.get(reverse("policy", args=[KIND])).content.decode()
    assert "It names what nothing is called here: ACNE." in policy


class Browser(HTMLParser):
    """What a browser sends of the forms of a page: of a choice the one that is selected, else the first."""

    def __init__(self, told: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._name = self._choice = ""
        self._is_area = False
        self.feed(told)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("input", "textarea", "select") and "name" in given:
            self._name, self._is_area = given["name"], tag == "textarea"
            if tag == "input":
                self.sent[self._name] = given.get("value", "")
            elif tag == "textarea":
                self.sent[self._name] = ""
        elif tag == "option" and ("selected" in given or self._name not in self.sent):
            self.sent[self._name] = given["value"]

    def handle_data(self, data: str) -> None:
        if self._is_area:
            self.sent[self._name] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  its name is the parser's
        self._is_area = False


RULES = Admission(
    (Rule("all"), Rule("pens, ink", promotions=("A, B",), hazardous=False, answer="no")), ("gold",)
)


def test_a_form_that_nobody_touched_keeps_what_is_in_force(shop: Shop, console) -> None:
    client, then = console("lead"), shop.now - timedelta(days=2)
    own = {"returns.authorization": RULES, "purchasing.quality": Quality((Plan(), Plan("MUG")))}
    for kind, body in own.items():
        policies.set_policy(the_system(then), requests=[policies.SetPolicy(COMPANY, kind, body, then)])
    for kind, shape in policies.bodies.items():
        address = reverse("policy-draft", args=[kind])
        told = client.get(address).content.decode()
        answer = client.post(address, Browser(told).sent | {"note": "the same"})

        assert answer.status_code == 302, (kind, answer.content.decode())
        (draft,) = drafts.drafts(COMPANY, kind)
        assert msgspec.convert(draft.body, shape, strict=False) == own.get(kind, shape()), kind
