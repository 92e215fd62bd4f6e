"""shipping.tell_manifests, shipping.record_forms: what carriers collect, told by the relay to a local imitation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.delivery import RETRY_AFTER
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.relay import relay_once
from entrepot.shipping import adapters, errors, queries, tasks
from entrepot.shipping.commands.buy import BuyLabels, RecordPurchase, buy_labels, record_purchases
from entrepot.shipping.commands.label import PrintLabels, print_labels
from entrepot.shipping.commands.manifest import CloseManifest, ManifestClosed, close_manifests
from entrepot.shipping.commands.take_off import TakenOff, TakeOffManifest, take_off
from entrepot.shipping.commands.tell_manifests import (
    FormRecorded,
    ManifestTold,
    RecordForm,
    TellManifest,
    record_forms,
    tell_manifests,
)
from entrepot.shipping.easypost.client import Client
from entrepot.shipping.live import Bought, Form, InDoubtError, OnPaperError
from entrepot.shipping.queries import FormRow
from entrepot.work import queries as work
from tests.commands.test_shipping_live import HOME
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.imitation import Imitation, a_form, easypost
from tests.live import a_live_house, an_account
from tests.sizes import SIZES
from tests.walk import placed, shipped

pytestmark = pytest.mark.django_db
MADE = FormRow("easypost", "made", "https://forms.example/1.pdf", "")


@pytest.fixture
def house(db: None) -> Floor:
    return a_live_house()


@pytest.fixture
def other(settings) -> Iterator[Imitation]:
    with an_account(settings) as imitation:
        yield imitation


def relayed(minutes: int = 0) -> int:
    return relay_once({"carriers": tasks.send}, at=NOW + timedelta(minutes=minutes))


def asked_for(house: Floor, orders: int = 1) -> list[UUID]:
    """Labels that a message was left for."""
    sent = shipped(*placed(house, orders, (0, 1), address=HOME))
    printed = print_labels(SYSTEM, requests=[PrintLabels(one) for one in sent])
    buy_labels(SYSTEM, requests=[BuyLabels(one) for one in sent])
    return [label.label for one in printed for label in one.labels]


def sold(house: Floor, name: str = "shp_1", number: str = "PP100200300GB") -> None:
    """A label that was asked for and sold."""
    (label,) = asked_for(house)
    bought = Bought(name, number, 250, "GBP", "")
    record_purchases(SYSTEM, requests=[RecordPurchase(label, "buy", bought)])


def closed(house: Floor) -> UUID:
    (one,) = close_manifests(SYSTEM, requests=[CloseManifest(COMPANY, house.nodes[0], "Post")])
    assert isinstance(one, ManifestClosed)
    return one.manifest


def forms(manifest: UUID) -> tuple[FormRow, ...]:
    found = queries.manifest(manifest, COMPANY)
    assert found is not None
    return found.forms


def about_forms(other: Imitation) -> list[tuple[str, object]]:
    """What was asked after the labels were bought."""
    paths = [path for path, _ in other.asked]
    begin = next((n for n, path in enumerate(paths) if path.endswith("/buy")), len(paths))
    return other.asked[begin + 1 :]


def test_a_carrier_is_told_of_the_labels_that_were_bought_of_it(house: Floor, other: Imitation):
    asked_for(house)
    own = shipped(*placed(house, 1, (0, 1), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in own])
    assert relayed() == 2
    manifest = closed(house)
    assert forms(manifest) == (FormRow("easypost", "asked", "", ""),)
    assert relayed() == 1
    assert about_forms(other) == [("/v2/scan_forms", {"shipments": [{"id": "shp_1"}]})]
    assert forms(manifest) == (MADE,)
    refused = tell_manifests(SYSTEM, requests=[TellManifest(manifest)])
    assert refused == [errors.NothingToTell(manifest=queries.manifest(manifest, COMPANY).number)]


def test_a_manifest_of_our_own_labels_is_told_to_nobody(house: Floor, other: Imitation):
    sent = shipped(*placed(house, 1, (0, 1), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in sent])
    assert forms(closed(house)) == ()
    assert (relayed(), other.asked) == (0, [])


def test_a_manifest_of_which_nothing_was_bought_is_told_to_nobody_and_says_so(house: Floor, other: Imitation):
    """As one may be that was closed before labels were waited for."""
    sold(house)
    manifest = closed(house)
    sql.run("UPDATE shipping_purchase SET state = 'failed', reference = '' RETURNING label_id")
    other.asked.clear()
    relayed()
    assert forms(manifest) == (FormRow("easypost", "failed", "", "no label on it was bought"),)
    assert not [path for path, _ in other.asked if "scan_forms" in path]


def test_a_label_that_is_being_bought_when_the_carrier_comes_goes_on_the_next_manifest(
    house: Floor, other: Imitation
):
    wanted = CloseManifest(COMPANY, house.nodes[0], "Post")
    (label,) = asked_for(house)
    ((number,),) = sql.run("SELECT number FROM shipping_shipment")
    (refused,) = close_manifests(SYSTEM, requests=[wanted])
    assert refused == errors.LabelNotAnswered(shipment=number, source="easypost")
    own = shipped(*placed(house, 1, (0, 1), address=HOME))
    print_labels(SYSTEM, requests=[PrintLabels(one) for one in own])
    (first,) = close_manifests(SYSTEM, requests=[wanted])
    assert isinstance(first, ManifestClosed)
    assert (first.labels, first.left_out, forms(first.manifest)) == (1, (number,), ())

    assert relayed() == 2
    manifest = closed(house)
    assert relayed(1) == 1
    assert queries.labels(label=label)[0].tracking == "PP100200300GB"
    assert forms(manifest) == (MADE,)


def test_a_label_that_was_not_sold_is_told_to_nobody(house: Floor, other: Imitation):
    asked_for(house)
    other.answer = lambda *_: (422, {"error": {"message": "no street"}})
    assert relayed() == 1
    assert forms(closed(house)) == ()


def test_a_form_takes_its_time_and_is_asked_for_once(house: Floor, other: Imitation):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    other.answer = lambda *_: (200, a_form("creating"))
    assert relayed() == 1
    assert forms(manifest) == (FormRow("easypost", "making", "", ""),)
    other.answer = easypost
    assert relayed(1) == 1
    assert forms(manifest) == (MADE,)
    paths = [path for path, _ in about_forms(other)]
    assert paths == ["/v2/scan_forms", "/v2/scan_forms/sf_1", "/v2/scan_forms/sf_1"]


def test_what_was_taken_off_is_on_the_form_of_the_manifest_that_it_was_on(house: Floor, other: Imitation):
    """EasyPost refuses a form with a label that stands on another: the next manifest's form leaves it out."""
    (label,) = asked_for(house)
    assert relayed() == 2
    first = closed(house)
    assert relayed() == 1
    off = take_off(SYSTEM, requests=[TakeOffManifest(label, "the van was full")])
    assert off == [TakenOff(label, queries.manifest(first, COMPANY).number, "easypost")]
    again = closed(house)
    assert [one.id for one in queries.labels(manifest=again)] == [label]
    assert (forms(again), relayed()) == ((), 0)

    take_off(SYSTEM, requests=[TakeOffManifest(label, "full again")])
    sold(house, "shp_2", "PP100200301GB")
    relayed()
    other.asked.clear()
    third = closed(house)
    assert relayed() == 1
    assert other.asked == [("/v2/scan_forms", {"shipments": [{"id": "shp_2"}]})]
    assert forms(third) == (MADE,)
    assert len(queries.labels(manifest=third)) == 2


@pytest.mark.parametrize("answer", ["no answer yet", "creating"])
def test_nothing_is_taken_off_while_its_carrier_is_being_told(house: Floor, other: Imitation, answer: str):
    """Whether it stands on the form is known when that is made, or is not."""
    (label,) = asked_for(house)
    own = shipped(*placed(house, 1, (0, 1), address=HOME))
    (printed,) = print_labels(SYSTEM, requests=[PrintLabels(one) for one in own])
    assert relayed() == 2
    first = closed(house)
    if answer == "creating":
        other.answer = lambda *_: (200, a_form("creating"))
        assert relayed() == 1
    off = [TakeOffManifest(one, "the van was full") for one in (label, printed.labels[0].label)]
    refused, not_told = take_off(SYSTEM, requests=off)
    assert isinstance(refused, WrongState)
    assert isinstance(not_told, TakenOff), "no adapter is to tell of it"

    other.answer = lambda *_: (200, a_form("failed"))
    relayed(1)
    assert [one.state for one in forms(first)] == ["failed"]
    (done,) = take_off(SYSTEM, requests=off[:1])
    assert done == TakenOff(label, queries.manifest(first, COMPANY).number), "it is on no form"
    other.answer = easypost
    second = closed(house)
    assert (relayed(1), forms(second)) == (1, (MADE,))


def test_what_the_carrier_does_not_take_is_work_until_it_is_told_again(house: Floor, other: Imitation):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    other.answer = lambda *_: (200, a_form("failed"))
    assert relayed() == 1
    assert forms(manifest) == (FormRow("easypost", "failed", "", "labels of two accounts"),)
    (item,) = work.of_subject(manifest)
    assert (item.type, item.role) == ("manifest not told", "warehouse supervisor")
    assert "labels of two accounts" in item.reason

    other.answer = easypost
    wanted = TellManifest(manifest, key="again")
    for _ in range(2):
        assert tell_manifests(SYSTEM, requests=[wanted]) == [ManifestTold(manifest, ("easypost",))]
    assert relayed(1) == 1
    assert forms(manifest) == (MADE,)
    assert [one.state for one in work.of_subject(manifest)] == ["done"]


def test_an_answer_that_was_lost_is_found_with_the_labels(house: Floor, other: Imitation):
    """The form was made, and nobody heard of it: the second time it is refused, and stands with its labels."""
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)

    def answer(path: str, body: object) -> tuple[int, object]:
        if path.endswith("/scan_forms"):
            return 422, {"error": {"message": "already on a form"}}
        return 200, {"id": "shp_1", "scan_form": a_form(numbers=("PP100200300GB", "PP1"))}

    other.answer = answer
    assert relayed() == 1
    assert forms(manifest) == (MADE,)


def test_a_form_of_other_labels_is_not_taken_for_it(house: Floor, other: Imitation):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    other.answer = lambda path, _: (
        (422, {"error": {"message": "already on a form"}})
        if path.endswith("/scan_forms")
        else (200, {"id": "shp_1", "scan_form": a_form(numbers=("PP1",))})
    )
    assert relayed() == 1
    assert forms(manifest) == (FormRow("easypost", "failed", "", "HTTP 422 already on a form"),)


def test_an_outage_is_tried_again(house: Floor, other: Imitation):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    other.answer = lambda *_: (503, "busy")
    assert relayed() == 0
    assert forms(manifest) == (FormRow("easypost", "asked", "", ""),)
    other.answer = easypost
    assert relayed(1) == 1
    assert forms(manifest) == (MADE,)


def test_an_outage_that_does_not_end_is_work_and_told_again(house: Floor, other: Imitation):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    other.answer = lambda *_: (503, "busy")
    for day in range(len(RETRY_AFTER) + 1):
        relayed(day * 24 * 60)
    assert forms(manifest) == (FormRow("easypost", "failed", "", "EasyPost: HTTP 503 Service Unavailable"),)
    assert [one.type for one in work.of_subject(manifest)] == ["manifest not told"]

    other.answer = easypost
    assert tell_manifests(SYSTEM, requests=[TellManifest(manifest)]) == [
        ManifestTold(manifest, ("easypost",))
    ]
    assert relayed(1) == 1
    assert forms(manifest) == (MADE,)


@pytest.mark.parametrize("state", ["dead", "dropped"])
@pytest.mark.parametrize("answer", ["asked", "making"])
def test_a_message_that_is_gone_is_left_once_more(house: Floor, other: Imitation, state: str, answer: str):
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)
    if answer == "making":
        other.answer = lambda *_: (200, a_form("creating"))
        assert relayed() == 1
    sql.change("UPDATE kernel_delivery SET state = %(state)s WHERE state = 'waiting'", {"state": state})
    assert forms(manifest) == (FormRow("easypost", answer, "", ""),)

    other.answer = easypost
    wanted = [TellManifest(manifest)]
    assert tell_manifests(SYSTEM, requests=wanted) == [ManifestTold(manifest, ("easypost",))]
    assert isinstance(tell_manifests(SYSTEM, requests=wanted)[0], errors.NothingToTell)
    assert relayed(1) == 1
    assert forms(manifest) == (MADE,)


def test_without_an_account_a_person_is_told(house: Floor):
    sold(house)
    manifest = closed(house)
    relayed()
    assert forms(manifest) == (FormRow("easypost", "failed", "", "this installation has no account with it"),)


def test_a_carrier_that_is_told_of_none_is_left_to_the_paper(house: Floor, other: Imitation, monkeypatch):
    """karrio's plugin of a carrier may make no manifests: that is told, and is nobody's work."""
    asked_for(house)
    assert relayed() == 2
    manifest = closed(house)

    def manifests(*_: object) -> Form:
        raise OnPaperError("karrio tells post of no manifests")

    monkeypatch.setattr(Client, "manifest", manifests)
    assert relayed() == 1
    assert forms(manifest) == (FormRow("easypost", "on paper", "", "karrio tells post of no manifests"),)
    assert work.of_subject(manifest) == []
    (refused,) = tell_manifests(SYSTEM, requests=[TellManifest(manifest)])
    assert isinstance(refused, errors.NothingToTell)


class Killed(BaseException):
    """As nobody catches it, so nobody catches a kill."""


@pytest.mark.parametrize("lost", [Killed(), InDoubtError("karrio: timed out")])
def test_a_form_that_karrio_may_have_made_is_asked_for_by_a_person_alone(house: Floor, monkeypatch, lost):
    """karrio has no name for a form before it is made: whoever asks twice has two."""

    class Karrio:
        asked = 0
        then: BaseException | None = lost

        def manifest(self, *_: object) -> Form:
            self.asked += 1
            if self.then:
                raise self.then
            return Form("post:m1", "data:application/pdf;base64,JVBERi0=")

    karrio = Karrio()
    monkeypatch.setattr(adapters, "adapter", lambda _: karrio)
    (label,) = asked_for(house)
    record_purchases(
        SYSTEM, requests=[RecordPurchase(label, "buy", Bought("post:s1", "PP1", 250, "GBP", ""))]
    )
    sql.change("UPDATE shipping_purchase SET source = 'karrio'", {})
    sql.change("DELETE FROM kernel_delivery", {})
    manifest = closed(house)
    if isinstance(lost, Killed):
        with pytest.raises(Killed):
            relayed()
        assert relayed(1) == 0, "whoever is gone may be at it still"
    assert relayed(5) == 1
    assert relayed(60) == 0
    ((source, state, url, problem),) = forms(manifest)
    assert (karrio.asked, source, state, url) == (1, "karrio", "failed", "")
    assert "ask it before you tell it again" in problem
    assert [one.type for one in work.of_subject(manifest)] == ["manifest not told"]

    karrio.then = None
    assert tell_manifests(SYSTEM, requests=[TellManifest(manifest)]) == [ManifestTold(manifest, ("karrio",))]
    assert relayed(61) == 1
    assert (karrio.asked, forms(manifest)[0].state) == (2, "made")


def test_answers_are_recorded_for_what_was_asked(house: Floor):
    sold(house)
    manifest, none = closed(house), ids.uuid7()
    form = Form("sf_1", "https://forms.example/1.pdf")
    made = RecordForm(manifest, "easypost", "make", form, key="m")
    assert tell_manifests(SYSTEM, requests=[TellManifest(none)]) == [
        NotFound(what="manifest", which=str(none))
    ]
    unknown, stranger, odd, empty = record_forms(
        SYSTEM,
        requests=[
            RecordForm(none, "easypost", "make", form),
            RecordForm(manifest, "karrio", "make", form),
            RecordForm(manifest, "easypost", "wonder", form),
            RecordForm(manifest, "easypost", "make"),
        ],
    )
    assert isinstance(unknown, NotFound) and isinstance(stranger, NotFound)
    assert isinstance(odd, Invalid) and isinstance(empty, Invalid)
    done = [FormRecorded(manifest, "easypost", "made")]
    assert record_forms(SYSTEM, requests=[made]) == done == record_forms(SYSTEM, requests=[made])
    (late,) = record_forms(SYSTEM, requests=[replace(made, key=None)])
    assert isinstance(late, WrongState)


def test_the_last_of_several_answers_about_a_form_stands(house: Floor):
    sold(house)
    manifest = closed(house)
    answers = [
        RecordForm(manifest, "easypost", "begin", Form("sf_1", "")),
        RecordForm(manifest, "easypost", "make", Form("sf_1", MADE.url)),
    ]
    told = record_forms(SYSTEM, requests=answers)
    assert told == [FormRecorded(manifest, "easypost", state) for state in ("making", "made")]
    assert forms(manifest) == (MADE,)


@pytest.mark.counts("shipping.tell_manifests", "shipping.record_forms")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    sold(house)
    like = closed(house)
    for size in SIZES:
        made = [ids.uuid7() for _ in range(size)]
        sql.change(_MANIFESTS, {"ids": made, "like": like})
        sql.change(_FORMS, {"ids": made, "company": COMPANY})
        failed = [RecordForm(one, "easypost", "fail", problem="no", key=f"f{one}") for one in made]
        with statements():
            record_forms(SYSTEM, requests=failed)
        with statements():
            tell_manifests(SYSTEM, requests=[TellManifest(one, key=f"t{one}") for one in made])
        form = Form("sf", "https://forms.example/1.pdf")
        told = [RecordForm(one, "easypost", "make", form, key=f"m{one}") for one in made]
        with statements():
            record_forms(SYSTEM, requests=told)
        sql.change(
            "DELETE FROM shipping_manifest WHERE id = ANY(%(ids)s::uuid[])", {"ids": made}
        )  # none has a label


_MANIFESTS = """
INSERT INTO shipping_manifest (id, number, company_id, node_id, carrier, labels, weight_g, closed_at, closed_by)
SELECT n, 'MF-' || n, company_id, node_id, carrier, labels, weight_g, closed_at, closed_by
FROM shipping_manifest, unnest(%(ids)s::uuid[]) AS n WHERE id = %(like)s::uuid
"""

_FORMS = """
INSERT INTO shipping_manifestform (manifest_id, source, company_id, state)
SELECT n, 'easypost', %(company)s::smallint, 'asked' FROM unnest(%(ids)s::uuid[]) AS n
"""
