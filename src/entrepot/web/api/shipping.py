"""Shipments, for programs."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.rules import Surcharge, Zone
from entrepot.kernel.errors import NotFound, NotPermitted
from entrepot.parties import queries as parties
from entrepot.shipping import queries, told
from entrepot.shipping.choosing import Choosing
from entrepot.shipping.commands.buy import BuyLabels, buy_labels
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, close_manifests
from entrepot.shipping.commands.quote import AskRates, ask_rates
from entrepot.shipping.commands.relabel import Relabel, relabel
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.shipping.commands.ship_labeled import ShipOnPaper, ship_on_paper
from entrepot.shipping.commands.take_off import TakeOffManifest, take_off
from entrepot.shipping.commands.take_tracking import TakeTracking, take_tracking
from entrepot.shipping.commands.tell_manifests import TellManifest, tell_manifests
from entrepot.web import papers
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
    paged,
)
from entrepot.web.api.schemas import (
    SKUS_MAX,
    Code,
    Currency,
    Each,
    Minor,
    Moment,
    Out,
    Own,
    Reason,
    Strict,
    Text,
)

router = Router()

Grams = Annotated[StrictInt, Field(ge=0, le=10**9)]


class ShipIn(Strict):
    """A packed fulfillment that the carrier takes. Without `tracking` our own number serves. `service`: the code of the
    one that it goes with; where that breaks a promise which another would keep, say the `reason`."""

    fulfillment: UUID
    tracking: Text = ""
    service: Text = ""
    reason: Text = ""
    key: Own = None


class ShippedOut(Out):
    """The shipment. `doubt` says what is odd about the tracking number of a carrier whose forms nobody knows. `state`:
    `shipped`; or `labeling`, where its service sells labels: these are asked for, nothing is booked, and it leaves by
    itself under this id and number when they are bought. `unasked` says why none could be asked for: it waits, and is
    asked for when it is shipped again."""

    fulfillment: UUID
    shipment: UUID
    number: str
    service: str
    cost_minor: int
    amount_minor: int
    doubt: str
    state: str
    unasked: str


class OnPaperIn(Strict):
    """A packed fulfillment that leaves without a label of the service that would sell it one, and why; with the
    `service` of a code where one is named."""

    fulfillment: UUID
    reason: Reason
    service: Text = ""
    key: Own = None


class ConsignmentOut(Out):
    """A packed fulfillment that has not left since its labels are not bought, under the id and number that its shipment
    will have. Of its `packages` so many are `bought`, `asked` for, were refused (`failed`), or are in doubt (`doubted`:
    somebody has to look in the account with `source`). `stage`: what of that matters most: in doubt, failed, asked,
    bought (something else keeps it), or not asked. `problem`: what the carrier said."""

    id: UUID
    number: str
    fulfillment: UUID
    fulfillment_number: str
    order: UUID
    order_number: str
    node_code: str
    carrier: str
    service: str
    source: str
    asked_at: datetime
    leave_by: datetime | None
    packages: int
    bought: int
    asked: int
    failed: int
    doubted: int
    problem: str
    stage: str


class LabelsIn(Strict):
    """A shipment, and the carrier's numbers for its packages without a label, in their order."""

    shipment: UUID
    numbers: Annotated[list[Code], Field(max_length=200)] = []
    key: Own = None


class LabelMadeOut(Out):
    label: UUID
    package: UUID
    tracking: str


class LabelsOut(Out):
    shipment: UUID
    labels: list[LabelMadeOut]


class PrintableOut(Out):
    """A label with what a label printer (`zpl`) is sent, or as `pdf` (4 × 6 inches, in base64); the other is empty.

    Of one that was bought, the carrier's own is what goes onto the parcel: it is at `carrier_label` (a web address, or
    a `data:` one with the label in it), and `zpl` and `pdf` are empty unless it is kept here in that form. Of one that
    is `awaited` all three are empty until it is bought.
    """

    label: UUID
    tracking: str
    state: str
    zpl: str
    pdf: str
    carrier_label: str


class RelabelIn(Strict):
    """A shipment that no carrier has yet: with the `service` of a code, or the best one now, and why."""

    shipment: UUID
    reason: Reason
    service: Text = ""
    key: Own = None


class RelabeledOut(Out):
    """The service that takes it now, what it costs, and its new labels."""

    shipment: UUID
    carrier: str
    service: str
    cost_minor: Minor
    currency: str
    labels: list[LabelMadeOut]


class LeftBehindOut(Out):
    """A package that its carrier left behind at `missed_at`, on no manifest yet."""

    label: UUID
    shipment: UUID
    fulfillment: UUID
    order: UUID
    order_number: str
    package: str
    node_code: str
    carrier: str
    tracking: str
    promised_at: datetime | None
    missed_at: datetime


class VoidIn(Strict):
    label: UUID
    reason: Reason
    key: Own = None


class VoidedOut(Out):
    label: UUID


class SurchargeIn(Strict):
    """What is added to a rate: an amount, and hundredths of a percent of what the parcel costs so far.

    `above`: mm of the longest side (oversize) or grams (overweight); `postal_code`: how those of a remote area begin.
    """

    kind: Literal["remote", "residential", "oversize", "overweight", "fuel"]
    amount_minor: Minor = 0
    per_10k: Annotated[StrictInt, Field(ge=0, le=10_000)] = 0
    above: Grams = 0
    postal_code: Text = ""
    zone: Text = "*"


Begins = Annotated[str, Field(pattern=r"^[A-Z0-9]{0,10}$")]
"""How postal codes begin."""


class ZoneIn(Strict):
    """From a country to a country ('*': any) in a zone; where it counts for postal codes that begin so, with these.
    `transit_days`: what it takes there, where that is not what the service takes. The most exact counts: the longest
    beginning of the destination, its country, any; then the same of the origin."""

    origin: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    destination: Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
    zone: Code
    origin_postal_code: Begins = ""
    destination_postal_code: Begins = ""
    transit_days: Annotated[StrictInt, Field(ge=0, le=365)] | None = None


class RateIn(Strict):
    zone: Code
    max_weight_g: Annotated[StrictInt, Field(ge=1, le=10**9)]
    price_minor: Minor


class ServiceIn(Strict):
    """A carrier's service as it shall stand, with exactly these zones, rates and surcharges.

    `divisor` turns cm³ into kilograms for bulky parcels (0: never). `live` says which adapter quotes it, and under
    which name, such as `easypost:USPS Priority`.
    """

    carrier: Code
    code: Code
    name: Text
    transit_days: Annotated[StrictInt, Field(ge=0, le=365)]
    max_weight_g: Annotated[StrictInt, Field(ge=1, le=10**9)]
    currency: Currency
    zones: Annotated[list[ZoneIn], Field(max_length=5_000)] = []
    rates: Annotated[list[RateIn], Field(max_length=5_000)] = []
    surcharges: Annotated[list[SurchargeIn], Field(max_length=1_000)] = []
    divisor: Grams = 5000
    max_length_mm: Grams = 0
    live: Text = ""
    active: bool = True
    key: Own = None


class ServiceOut(Out):
    id: UUID
    code: str


class CandidateServiceOut(Out):
    """A service that carries the packages, with every term of its cost. `source`: its table, or who quoted it;
    `timed_by`: the same of its days. `compared_minor`: its total in the company's own currency. `note`: why its
    table stands where a quote was wanted: not_asked, too_old, other_currency or problem, then who should have quoted,
    and the facts of that. `zone` and `lane`: the row of its table by which it goes, from and to, such as US021.
    """

    service: str
    carrier: str
    days: int
    source: str
    label_minor: int
    surcharges: list[tuple[str, int]]
    late_per_10k: int
    seen: int
    late_minor: int
    total_minor: int
    late: bool
    note: list[str | int]
    currency: str
    timed_by: str
    compared_minor: int
    zone: str
    lane: tuple[str, str]


class RatesOut(Out):
    """Which service would take a fulfillment (the first candidate), why, and which do not carry it.

    `leaves_on`: the day on which it goes with that. `why`: asked_for, only_one, only_in_time, fastest (none is in
    time), least, none, or own_means (none is set up).
    `barred`: service, not_there, other_currency, too_long, too_heavy, no_rate, no_exchange or hazardous, and the facts
    of that.
    """

    fulfillment: UUID
    why: str
    leaves_on: date | None
    candidates: list[CandidateServiceOut]
    barred: list[list[str | int]]


class ManifestIn(Strict):
    """A carrier (by its code; '' for own means) at a node (by its code)."""

    node: Code
    carrier: Text
    key: Own = None


class ManifestClosedOut(Out):
    """`left_out`: the shipments of which labels go on the next one, as it is not certain that they are bought."""

    manifest: UUID
    number: str
    labels: int
    weight_g: int
    left_out: list[str]


class FormOut(Out):
    """What an adapter made of the labels of a manifest that were bought of it: asked, making, made (the carrier's paper
    is at `url`: the carrier's address, or ours, for people who have entered, where the paper is kept here), failed, for
    the `problem`, or on paper, where it tells its carrier of none."""

    source: str
    state: str
    url: str
    problem: str


class TellIn(Strict):
    """A manifest of which an adapter did not make its form."""

    manifest: UUID
    key: Own = None


class ToldOut(Out):
    """The adapters that are told again."""

    manifest: UUID
    sources: list[str]


class ManifestOut(Out):
    id: UUID
    number: str
    node_code: str
    carrier: str
    labels: int
    weight_g: int
    closed_at: datetime
    closed_by: str
    forms: list[FormOut]


class ManifestsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ManifestOut]
    next: UUID | None


@router.post("/shipments", response={200: ShippedOut | list[Each[ShippedOut]], **REFUSED})
def ship_fulfillments(
    request: HttpRequest,
    payload: ShipIn | Annotated[list[ShipIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Hand packed fulfillments to the carrier: out of stock, into the books, told to the channel. Where the service
    sells labels and no `tracking` is given, these are bought first."""
    return give(
        request, ship, payload, idempotency_key,
        lambda one, key: ShipFulfillment(
            one.fulfillment, one.tracking, key=key, service=one.service, reason=one.reason
        ),
    )  # fmt: skip


@router.post("/shipments/on-paper", response={200: ShippedOut | list[Each[ShippedOut]], **REFUSED})
def ship_without_labels(
    request: HttpRequest,
    payload: OnPaperIn | Annotated[list[OnPaperIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Let packed fulfillments leave without labels that were bought, for a reason."""
    return give(
        request, ship_on_paper, payload, idempotency_key,
        lambda one, key: ShipOnPaper(one.fulfillment, one.reason, one.service, key=key),
    )  # fmt: skip


@router.get("/consignments", response={200: list[ConsignmentOut], **READ})
def list_consignments(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Limit = 50,
) -> list[queries.ConsignmentRow]:
    """What is packed and waits for its labels, what has to leave first the first."""
    return queries.consignments(parse.company_of(company), limit=limit)


@router.post("/services", response={200: ServiceOut | list[Each[ServiceOut]], **REFUSED})
def register_service(
    request: HttpRequest,
    payload: ServiceIn | Annotated[list[ServiceIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Carriers' services, new or changed to stand as given: where they go, for how much, and with which surcharges."""
    which = parse.company_of(company)
    return give(
        request, register_services, payload, idempotency_key,
        lambda one, key: RegisterService(
            which, one.carrier, one.code, one.name, one.transit_days, one.max_weight_g, one.currency,
            tuple(Zone(**zone.model_dump()) for zone in one.zones),
            tuple((rate.zone, rate.max_weight_g, rate.price_minor) for rate in one.rates), one.divisor, one.active,
            tuple(Surcharge(**added.model_dump()) for added in one.surcharges), one.max_length_mm, one.live, key=key,
        ),
    )  # fmt: skip


@router.get("/rates", response={200: list[RatesOut], **READ})
def list_rates(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    fulfillment: Annotated[list[UUID], Query(min_length=1, max_length=SKUS_MAX)],
) -> list[dict[str, Any]]:
    """What every service would cost and how late it may be for what is packed, if it left now."""
    now = timezone.now()
    choosing = Choosing(fulfillment, now)
    missing = [one for one in fulfillment if one not in choosing.going]
    if missing:
        raise NotFound(what="fulfillment", which=str(missing[0]))
    return [{"fulfillment": one, **choosing.choose(one, now).reasons()} for one in dict.fromkeys(fulfillment)]


@router.post("/labels", response={200: LabelsOut | list[Each[LabelsOut]], **REFUSED})
def make_labels(
    request: HttpRequest,
    payload: LabelsIn | Annotated[list[LabelsIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Labels for the packages of shipments that have none."""
    return give(
        request, print_labels, payload, idempotency_key,
        lambda one, key: PrintLabels(one.shipment, tuple(one.numbers), key=key),
    )  # fmt: skip


@router.get("/shipments/{shipment}/labels", response={200: list[PrintableOut], **READ})
def show_labels(
    request: HttpRequest,
    shipment: UUID,
    company: Company = None,
    form: Literal["zpl", "pdf"] = "zpl",
) -> list[dict[str, Any]]:
    """The labels of a shipment that are in force, for a label printer or as PDF. Only for those who may print them."""
    parse.own("shipment", shipment, company)
    actor = parse.cause_of(request).actor
    if not actor.may("shipping.print_labels"):
        raise NotPermitted(actor=actor.name, command="shipping.print_labels")
    rows = [one for one in queries.labels(shipment=shipment) if one.state != "voided"]
    if not rows:
        raise NotFound(what="label of shipment", which=str(shipment))
    names = {one.id: one.name for one in parties.companies()}
    told = papers.labels_of(rows, names[rows[0].company])
    return [
        {
            "label": one.id,
            "tracking": one.tracking,
            "state": one.state,
            "carrier_label": one.picture,
            **({"zpl": "", "pdf": ""} if one.is_to_come else _as(form, one.picture, paper)),
        }
        for one, paper in zip(rows, told, strict=True)
    ]


def _as(form: str, picture: str, paper: papers.Label) -> dict[str, str]:
    """A label in the form that is asked for: the carrier's own where it was bought."""
    if picture:
        kept = papers.kept_as(picture, papers.KINDS[form]) or b""
        return (
            {"zpl": kept.decode(errors="replace"), "pdf": ""}
            if form == "zpl"
            else {"zpl": "", "pdf": b64encode(kept).decode()}
        )
    if form == "zpl":
        return {"zpl": papers.label_zpl(paper), "pdf": ""}
    return {"zpl": "", "pdf": b64encode(papers.label_pdf([paper])).decode()}


class AskRatesIn(Strict):
    """A packed fulfillment that adapters shall quote."""

    fulfillment: UUID
    key: Own = None


class RatesAskedOut(Out):
    """Whom a message was left for; what they answer stands in `GET /rates`."""

    fulfillment: UUID
    sources: list[str]


class BuyIn(Strict):
    """A shipment whose printed labels shall be bought of the adapter that quotes its service. `not_bought`: labels
    of which nobody knew; somebody has looked there, and these were not bought. That is noted also where nothing is left
    to buy: `labels` of the answer is empty then."""

    shipment: UUID
    not_bought: Annotated[list[UUID], Field(max_length=100)] = []
    key: Own = None


class BuyOut(Out):
    shipment: UUID
    labels: list[UUID]


@router.post("/rates/ask", response={200: RatesAskedOut | list[Each[RatesAskedOut]], **REFUSED})
def ask_for_rates(
    request: HttpRequest,
    payload: AskRatesIn | Annotated[list[AskRatesIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Ask the adapters of carriers what they would take now."""
    return give(
        request, ask_rates, payload, idempotency_key, lambda one, key: AskRates(one.fulfillment, key=key)
    )


@router.post("/labels/buy", response={200: BuyOut | list[Each[BuyOut]], **REFUSED})
def buy_label(
    request: HttpRequest,
    payload: BuyIn | Annotated[list[BuyIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Buy the labels of shipments of the adapters that quote their services."""
    return give(
        request, buy_labels, payload, idempotency_key,
        lambda one, key: BuyLabels(one.shipment, tuple(one.not_bought), key=key),
    )  # fmt: skip


@router.post("/labels/void", response={200: VoidedOut | list[Each[VoidedOut]], **REFUSED})
def void_label(
    request: HttpRequest,
    payload: VoidIn | Annotated[list[VoidIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Void labels that are on no manifest yet."""
    return give(
        request,
        void_labels,
        payload,
        idempotency_key,
        lambda one, key: VoidLabel(one.label, one.reason, key=key),
    )


class TakeOffIn(Strict):
    """A label on a closed manifest whose parcel the carrier did not take, and why."""

    label: UUID
    reason: Reason
    key: Own = None


class TakenOffOut(Out):
    """`number`: of the manifest that it was on. `known_to`: the adapter whose form of that manifest bears the label, so
    that the form of the next one leaves it out; '' where none does."""

    label: UUID
    number: str
    known_to: str


class DeliveredIn(Strict):
    """A shipment that the customer has, since a moment (without: now), and how somebody knows."""

    shipment: UUID
    proof: Reason
    occurred_at: Moment | None = None
    key: Own = None


class DeliveredOut(Out):
    """`late`: it came after the day promised."""

    shipment: UUID
    late: bool


class TrackingEventIn(Strict):
    """What happened to a parcel, by its tracking number, of a carrier that no adapter reads."""

    tracking: Code
    kind: Literal[
        "announced", "in transit", "out for delivery", "waits for pickup", "delivered", "delayed", "damaged", "lost",
        "returned to sender", "exception", "cancelled",
    ]  # fmt: skip
    occurred_at: Moment
    carrier: Text = ""
    message: Text = ""
    place: Text = ""
    key: Own = None


class TrackingEventOut(Out):
    """`state`: done, or set_aside, where it is about no parcel of ours. `fresh`: events that nobody had told before;
    `delivered`: shipments that arrived with it."""

    state: str
    fresh: int
    delivered: int


@router.post("/labels/take-off", response={200: TakenOffOut | list[Each[TakenOffOut]], **REFUSED})
def take_off_manifest(
    request: HttpRequest,
    payload: TakeOffIn | Annotated[list[TakeOffIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take labels off closed manifests: they go on the next one, or are void."""
    return give(
        request, take_off, payload, idempotency_key,
        lambda one, key: TakeOffManifest(one.label, one.reason, key=key),
    )  # fmt: skip


@router.post("/shipments/delivered", response={200: DeliveredOut | list[Each[DeliveredOut]], **REFUSED})
def mark_delivered(
    request: HttpRequest,
    payload: DeliveredIn | Annotated[list[DeliveredIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Shipments that the customers have, of carriers that tell nothing."""
    return give(
        request, deliver, payload, idempotency_key,
        lambda one, key: Delivered(one.shipment, one.occurred_at, key=key, proof=one.proof),
    )  # fmt: skip


@router.post("/tracking/events", response={200: TrackingEventOut | list[Each[TrackingEventOut]], **REFUSED})
def take_tracking_events(
    request: HttpRequest,
    payload: TrackingEventIn | Annotated[list[TrackingEventIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """What carriers tell of parcels, as your own program reads it; told twice, it is one event."""
    which = parse.company_of(company)
    return give(
        request, take_tracking, payload, idempotency_key,
        lambda one, key: TakeTracking(
            which, told.SOURCE,
            told.message(one.tracking, one.carrier, one.kind, one.occurred_at, one.message, one.place), key=key,
        ),
    )  # fmt: skip


@router.post("/labels/anew", response={200: RelabeledOut | list[Each[RelabeledOut]], **REFUSED})
def label_anew(
    request: HttpRequest,
    payload: RelabelIn | Annotated[list[RelabelIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Label shipments that no carrier has yet anew, with another service: the old labels are void."""
    return give(
        request, relabel, payload, idempotency_key,
        lambda one, key: Relabel(one.shipment, one.reason, one.service, key=key),
    )  # fmt: skip


@router.get("/labels/left-behind", response={200: list[LeftBehindOut], **READ})
def list_left_behind(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Limit = 50,
) -> list[queries.LeftBehind]:
    """Packages whose carrier came and went without them, what is promised first the first."""
    return queries.left_behind(parse.company_of(company), limit=limit)


@router.get("/manifests", response={200: ManifestsOut, **READ})
def list_manifests(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Closed manifests, the latest first, a page at a time."""
    found = queries.manifests(parse.company_of(company), after=after, limit=limit + 1)
    return paged(
        [replace(one, forms=tuple(_form(one.id, each) for each in one.forms)) for one in found], limit
    )


def _form(manifest: UUID, one: queries.FormRow) -> queries.FormRow:
    if one.url != queries.KEPT_HERE:
        return one
    return one._replace(url=f"{settings.PUBLIC_URL}{reverse('manifest-form', args=[manifest, one.source])}")


@router.post("/manifests", response={200: ManifestClosedOut | list[Each[ManifestClosedOut]], **REFUSED})
def close_manifest(
    request: HttpRequest,
    payload: ManifestIn | Annotated[list[ManifestIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Close the manifest of a carrier at a node: all labels that wait there. Later ones go on the next, and so do
    labels that are asked for and not answered, or perhaps bought."""
    which = parse.company_of(company)
    nodes = parse.nodes_of(which, {one.node for one in as_list(payload)})
    return give(
        request, close_manifests, payload, idempotency_key,
        lambda one, key: CloseManifest(which, nodes[one.node], one.carrier, key=key),
    )  # fmt: skip


@router.post("/manifests/tell", response={200: ToldOut | list[Each[ToldOut]], **REFUSED})
def tell_manifest(
    request: HttpRequest,
    payload: TellIn | Annotated[list[TellIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Tell the adapters once more that did not make their forms of manifests."""
    return give(
        request,
        tell_manifests,
        payload,
        idempotency_key,
        lambda one, key: TellManifest(one.manifest, key=key),
    )
