"""Shipments, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.kernel.errors import NotFound, NotPermitted
from entrepot.parties import queries as parties
from entrepot.shipping import queries
from entrepot.shipping.commands.label import PrintLabels, VoidLabel, print_labels, void_labels
from entrepot.shipping.commands.manifest import CloseManifest, close_manifests
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.web import papers
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Code, Key, Out, Problem, Reason, Strict, Text

router = Router()


class ShipIn(Strict):
    """A packed fulfillment that the carrier takes. Without `tracking` our own number serves."""

    fulfillment: UUID
    tracking: Text = ""
    key: Key | None = Field(
        None, description="Idempotency key of this one of a list; else the header's and its place."
    )


class ShippedOut(Out):
    """The shipment. `doubt` says what is odd about the tracking number of a carrier whose forms nobody knows."""

    fulfillment: UUID
    shipment: UUID
    number: str
    service: str
    cost_minor: int
    amount_minor: int
    doubt: str


class LabelsIn(Strict):
    """A shipment, and the carrier's numbers for its packages without a label, in their order."""

    shipment: UUID
    numbers: Annotated[list[Code], Field(max_length=200)] = []
    key: Key | None = Field(
        None, description="Idempotency key of this one of a list; else the header's and its place."
    )


class LabelMadeOut(Out):
    label: UUID
    package: UUID
    tracking: str


class LabelsOut(Out):
    shipment: UUID
    labels: list[LabelMadeOut]


class PrintableOut(Out):
    """A label with what a label printer (ZPL) is sent."""

    label: UUID
    tracking: str
    state: str
    zpl: str


class VoidIn(Strict):
    label: UUID
    reason: Reason
    key: Key | None = Field(
        None, description="Idempotency key of this one of a list; else the header's and its place."
    )


class VoidedOut(Out):
    label: UUID


class ManifestIn(Strict):
    """A carrier (by its code; '' for own means) at a node."""

    node: UUID
    carrier: Text
    key: Key | None = Field(
        None, description="Idempotency key of this one of a list; else the header's and its place."
    )


class ManifestClosedOut(Out):
    manifest: UUID
    number: str
    labels: int
    weight_g: int


class ManifestOut(Out):
    id: UUID
    number: str
    node_code: str
    carrier: str
    labels: int
    weight_g: int
    closed_at: datetime
    closed_by: str


class ManifestsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ManifestOut]
    next: UUID | None


@router.post("/shipments", response={200: ShippedOut | list[ShippedOut | Problem], **REFUSED})
def ship_fulfillments(
    request: HttpRequest,
    payload: ShipIn | Annotated[list[ShipIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Hand packed fulfillments to the carrier: out of stock, into the books, told to the channel."""
    return give(
        request, ship, payload, idempotency_key,
        lambda one, key: ShipFulfillment(one.fulfillment, one.tracking, key=key),
    )  # fmt: skip


@router.post("/labels", response={200: LabelsOut | list[LabelsOut | Problem], **REFUSED})
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
) -> list[dict[str, Any]]:
    """The labels of a shipment that are in force, ready for a label printer. Only for those who may print them."""
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
        {"label": one.id, "tracking": one.tracking, "state": one.state, "zpl": papers.label_zpl(paper)}
        for one, paper in zip(rows, told, strict=True)
    ]


@router.post("/labels/void", response={200: VoidedOut | list[VoidedOut | Problem], **REFUSED})
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


@router.get("/manifests", response={200: ManifestsOut, **READ})
def list_manifests(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Closed manifests, the latest first, a page at a time."""
    return paged(queries.manifests(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.post("/manifests", response={200: ManifestClosedOut | list[ManifestClosedOut | Problem], **REFUSED})
def close_manifest(
    request: HttpRequest,
    payload: ManifestIn | Annotated[list[ManifestIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Close the manifest of a carrier at a node: all labels that wait there. Later ones go on the next."""
    which = parse.company_of(company)
    return give(
        request, close_manifests, payload, idempotency_key,
        lambda one, key: CloseManifest(which, one.node, one.carrier, key=key),
    )  # fmt: skip
