"""Transfers between nodes, proposed and on their way, for programs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.ask_transfers import AskTransfer, ask_transfers
from entrepot.sourcing.commands.rebalance import ReviewStock, review_stock
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    RejectTransfer,
    SendTransfer,
    accept_transfers,
    reject_transfers,
    send_transfers,
)
from entrepot.stock import transfer_queries
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
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
from entrepot.web.api.plates import plates_of
from entrepot.web.api.schemas import (
    LINES_MAX,
    Code,
    Each,
    Out,
    Own,
    Quantity,
    Reason,
    Strict,
    Text,
    Units,
)

router = Router()


class ProposalIn(Strict):
    """A proposal by its id."""

    proposal: UUID
    key: Own = None


class SentIn(ProposalIn):
    """An accepted proposal whose units left: all that were free, or so many, and then the rest stays to be sent."""

    quantity: Quantity | None = None


class RejectedIn(ProposalIn):
    """A proposal that is not to be carried out, and why."""

    reason: Reason


class TransferAskedIn(Strict):
    """Units of a SKU that shall go from one node to another, and why."""

    sku: Code
    origin: Code
    target: Code
    quantity: Quantity
    reason: Reason
    key: Own = None


class TransferAskedOut(Out):
    """The accepted proposal that it is."""

    proposal: UUID
    number: str


class ProposalOut(Out):
    """Units of a SKU that should go from one node to another. `terms` has the figures that say why."""

    id: UUID
    number: str
    sku_code: str
    from_code: str
    to_code: str
    quantity: int
    cost_minor: int
    value_minor: int
    terms: dict[str, Any]
    state: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    sent: int
    transfer: UUID | None


class ProposalsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ProposalOut]
    next: UUID | None


class DecidedTransferOut(Out):
    proposal: UUID
    number: str
    state: str


class SentTransferOut(Out):
    """The transfer that carries it, and how many of its units left. `left` of them stay to be sent as the proposal
    `rest`; `missing` ones were not free, and are proposed anew where they are still needed."""

    proposal: UUID
    transfer: UUID
    number: str
    sent: int
    left: int
    rest: UUID | None
    missing: int


class TransferOut(Out):
    """A transfer on its way, with the units that are still to come; `skus` names the first few of so many."""

    id: UUID
    number: str
    from_code: str
    to_code: str
    shipped_at: datetime
    expected_at: datetime
    units: int
    count: int
    skus: list[str]


class TransfersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[TransferOut]
    next: UUID | None


class FinishedTransferOut(Out):
    """A transfer of which all has come or is lost, with the units that were sent; `skus` names the first few of so
    many."""

    id: UUID
    number: str
    from_code: str
    to_code: str
    shipped_at: datetime
    expected_at: datetime
    closed_at: datetime | None
    sent: int
    received: int
    lost: int
    count: int
    skus: list[str]


class FinishedTransfersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[FinishedTransferOut]
    next: UUID | None


class StockReviewIn(Strict):
    """That all SKUs are to be looked at."""

    key: Own = None


class StockReviewedOut(Out):
    """How many SKUs will be looked at; what should go from one node to another is proposed in a moment."""

    skus: int


class TransferGoodsOut(Out):
    """Goods alike of a transfer; `plate` is the number (SSCC) of the plate that they were sent on."""

    sku_code: str
    lot: str
    serial: str
    plate: str
    quantity: int
    received: int
    lost: int
    to_come: int


class WholeTransferOut(Out):
    """A transfer with what was sent, and what became of it."""

    id: UUID
    number: str
    from_code: str
    to_code: str
    state: str
    shipped_by: str
    shipped_at: datetime
    expected_at: datetime
    closed_at: datetime | None
    goods: list[TransferGoodsOut]


class LeavingIn(Strict):
    """Units of a SKU, lot and serial number that leave a bin."""

    sku: Code
    bin: Code
    quantity: Quantity
    lot: Text = ""
    serial: Text = ""


class TransferIn(Strict):
    """Goods that leave a node for another now, of bins and on whole `plates` (SSCC); expected after the usual days
    where nobody says when."""

    origin: Code
    target: Code
    lines: Annotated[list[LeavingIn], Field(max_length=LINES_MAX)] = []
    plates: Annotated[list[Code], Field(max_length=LINES_MAX)] = []
    expected_at: datetime | None = None
    key: Own = None


class TransferShippedOut(Out):
    transfer: UUID
    number: str


class ArrivedIn(Strict):
    """What became of a transfer's units of a SKU and lot: come for sale, lost on the way, or come damaged. Those of a
    `plate` (SSCC) stay on it; what of it is not named comes loose, if it comes."""

    sku: Code
    received: Units = 0
    lost: Units = 0
    lot: Text = ""
    damaged: Units = 0
    serial: Text = ""
    plate: Text = ""


class ArrivalIn(Strict):
    """What came of a transfer: `plates` (SSCC) whole, with all that was sent on them; `rest` is what became of all that
    is not named, if that is known."""

    transfer: UUID
    lines: Annotated[list[ArrivedIn], Field(max_length=LINES_MAX)] = []
    plates: Annotated[list[Code], Field(max_length=LINES_MAX)] = []
    rest: Literal["received", "lost"] | None = None
    reason: Text = Field("", description="Why units are lost or damaged. Needed where some are.")
    key: Own = None


class ArrivedOut(Out):
    """What came now; `expired` of what was received may not be sold any more."""

    transfer: UUID
    state: str
    received: int
    lost: int
    damaged: int
    expired: int


@router.get("/transfer-proposals", response={200: ProposalsOut, **READ})
def list_transfer_proposals(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Literal["proposed", "accepted", "rejected", "sent"] = "proposed",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Proposals in a state, the oldest first, a page at a time."""
    rows = sourcing.proposals(company=parse.company_of(company), state=state, after=after, limit=limit + 1)
    return paged(rows, limit)


@router.post(
    "/transfer-proposals/review", response={200: StockReviewedOut | list[Each[StockReviewedOut]], **REFUSED}
)
def review_stock_of_nodes(
    request: HttpRequest,
    payload: StockReviewIn | Annotated[list[StockReviewIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have all SKUs looked at now, as every night: what should go from one node to another is proposed."""
    of = parse.company_of(company)
    return give(request, review_stock, payload, idempotency_key, lambda _, key: ReviewStock(of, key=key))


@router.post(
    "/transfer-proposals", response={200: TransferAskedOut | list[Each[TransferAskedOut]], **REFUSED}
)
def ask_for_transfers(
    request: HttpRequest,
    payload: TransferAskedIn | Annotated[list[TransferAskedIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Ask nodes to send goods to others: each becomes work for the node that sends, until it has left."""
    of, items = parse.company_of(company), as_list(payload)
    nodes = parse.nodes_of(of, {code for one in items for code in (one.origin, one.target)})
    skus = parse.skus_of(of, {one.sku for one in items})
    return give(
        request, ask_transfers, payload, idempotency_key,
        lambda one, key: AskTransfer(
            of, skus[one.sku], nodes[one.origin], nodes[one.target], one.quantity, one.reason, key=key
        ),
    )  # fmt: skip


@router.post(
    "/transfer-proposals/accept",
    response={200: DecidedTransferOut | list[Each[DecidedTransferOut]], **REFUSED},
)
def accept_transfer_proposals(
    request: HttpRequest,
    payload: ProposalIn | Annotated[list[ProposalIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Accept proposals: each becomes work for the node that sends."""
    return give(
        request,
        accept_transfers,
        payload,
        idempotency_key,
        lambda one, key: AcceptTransfer(one.proposal, key=key),
    )


@router.post(
    "/transfer-proposals/reject",
    response={200: DecidedTransferOut | list[Each[DecidedTransferOut]], **REFUSED},
)
def reject_transfer_proposals(
    request: HttpRequest,
    payload: RejectedIn | Annotated[list[RejectedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Reject proposals, accepted before or not. For the policy's days they are not made again."""
    return give(
        request, reject_transfers, payload, idempotency_key,
        lambda one, key: RejectTransfer(one.proposal, one.reason, key=key),
    )  # fmt: skip


@router.post(
    "/transfer-proposals/send",
    response={200: SentTransferOut | list[Each[SentTransferOut]], **REFUSED},
)
def send_transfer_proposals(
    request: HttpRequest,
    payload: SentIn | Annotated[list[SentIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say that accepted units have left, all or a part. What goes between the same two nodes is one transfer."""
    return give(
        request,
        send_transfers,
        payload,
        idempotency_key,
        lambda one, key: SendTransfer(one.proposal, key=key, quantity=one.quantity),
    )


@router.get("/transfers", response={200: TransfersOut, **READ})
def list_transfers(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Transfers on their way, those that are expected first, a page at a time."""
    of = parse.company_of(company)
    return paged(transfer_queries.transfers_under_way(company=of, after=after, limit=limit + 1), limit)


@router.get("/transfers/finished", response={200: FinishedTransfersOut, **READ})
def list_finished_transfers(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    lost: Annotated[bool, Query(False, description="Only those of which units were lost.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Transfers of which all has come or is lost, the last that were sent first, a page at a time."""
    of = parse.company_of(company)
    return paged(
        transfer_queries.transfers_finished(company=of, after=after, limit=limit + 1, lost=lost), limit
    )


@router.post("/transfers", response={200: TransferShippedOut | list[Each[TransferShippedOut]], **REFUSED})
def ship_transfers(
    request: HttpRequest,
    payload: TransferIn | Annotated[list[TransferIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Send goods to other nodes without a proposal: units that nobody was promised, and whole plates of them."""
    of, items = parse.company_of(company), as_list(payload)
    nodes = parse.nodes_of(of, {code for one in items for code in (one.origin, one.target)})
    skus = parse.skus_of(of, {line.sku for one in items for line in one.lines})
    bins = {(one.node, one.code): one.id for one in network.bins(nodes={nodes[one.origin] for one in items})}
    plates = plates_of(of, {number for one in items for number in one.plates})

    def make(one: TransferIn, key: str) -> ShipTransfer:
        origin = nodes[one.origin]
        parse.known("bin", {line.bin for line in one.lines}, {code for node, code in bins if node == origin})
        lines = (
            TransferUnits(skus[x.sku], bins[origin, x.bin], x.quantity, x.lot, x.serial) for x in one.lines
        )
        whole = tuple(plates[number].id for number in one.plates)
        return ShipTransfer(
            of, origin, nodes[one.target], tuple(lines), one.expected_at, key=key, plates=whole
        )

    return give(request, ship_transfer, payload, idempotency_key, make)


@router.post("/transfers/receive", response={200: ArrivedOut | list[Each[ArrivedOut]], **REFUSED})
def receive_transfers(
    request: HttpRequest,
    payload: ArrivalIn | Annotated[list[ArrivalIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say what has come of transfers, and what is lost. It stands where the node takes goods in, for sale but for what
    came damaged."""
    items = as_list(payload)
    codes = {line.sku for one in items for line in one.lines}
    of = parse.company_of(company)
    skus = parse.skus_of(of, codes)
    named = {number for one in items for number in one.plates}
    plates = plates_of(of, named | {line.plate for one in items for line in one.lines if line.plate})

    def make(one: ArrivalIn, key: str) -> ReceiveTransfer:
        lines = (
            ArrivedUnits(
                skus[line.sku], None, line.received, line.lost, line.lot, line.damaged, line.serial,
                plates[line.plate].id if line.plate else None,
            )
            for line in one.lines
        )  # fmt: skip
        whole = tuple(plates[number].id for number in one.plates)
        return ReceiveTransfer(
            one.transfer, tuple(lines), one.rest or "", key=key, reason=one.reason, plates=whole
        )

    return give(request, receive_transfer, payload, idempotency_key, make)


@router.get("/transfers/{transfer}", response={200: WholeTransferOut, **READ})
def get_transfer(request: HttpRequest, transfer: UUID, company: Company = None) -> dict[str, Any]:  # noqa: ARG001
    """One transfer with its goods, those on plates first."""
    chosen, found = parse.company_of(company), transfer_queries.transfer(transfer)
    if found is None or found.company != chosen:
        raise NotFound(what="transfer", which=str(transfer))
    goods = [asdict(one) | {"to_come": one.to_come} for one in transfer_queries.transfer_goods(transfer)]
    return asdict(found) | {"goods": goods}
