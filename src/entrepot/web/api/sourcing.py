"""Where orders come from, and nodes that give lines back, for programs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from entrepot.kernel.errors import NotFound
from entrepot.network import queries as network
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.reject import AskAgain, RejectOrder, ask_again, reject
from entrepot.sourcing.commands.replan import LeaveNode, ReplanOrder, leave_node, replan
from entrepot.sourcing.explain import Explanation, LineExplained, Together
from entrepot.warehouse.commands.reject import reject as reject_on_floor
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import (
    AskAgainIn,
    AskedAgainOut,
    Each,
    LeaveNodeIn,
    NodeLeftOut,
    RejectedOut,
    RejectIn,
    ReplanIn,
    ReplannedOut,
    SourcingOut,
)

router = Router()


@router.get("/orders/{order_id}/sourcing", response={200: list[SourcingOut], **READ})
def explain_sourcing(
    request: HttpRequest,  # noqa: ARG001
    order_id: UUID,
    company: Company = None,
) -> list[dict[str, Any]]:
    """Why the order comes from where it comes from: its decisions, the latest first."""
    parse.own_order(order_id, company)
    return [
        {
            "outcome": one.decision.outcome, "why": one.decision.reasons.get("why", ""),
            "policy": one.decision.reasons.get("policy", ""), "profile_version": one.decision.profile_version,
            "profile_scope": one.decision.reasons.get("scope", ""),
            "priority": one.decision.reasons.get("priority", 0),
            "priority_terms": one.decision.reasons.get("priority_terms", {}), "softened": one.explanation.softened,
            "together": _together(one.explanation.together),
            "costs_decided": one.explanation.costs_decided,
            "limited": one.explanation.limited._asdict() if one.explanation.limited else None,
            "replanned": one.decision.reasons.get("replanned"),
            "decided_at": one.decision.decided_at,
            **_explained(one.explanation),
            "lines": [
                {
                    "number": line.number, "units": line.units,
                    "served": [{"node": node, "units": units} for node, units in line.served],
                    "instead": [sent._asdict() for sent in line.instead],
                    "suppliers": [
                        {"supplier": code, "units": units, "days": days} for code, units, days in line.suppliers
                    ],
                    "suppliers_not_asked": [
                        {"supplier": code, "why": why} for code, why in line.not_passed
                    ],
                    **_explained(line),
                }
                for line in one.explanation.lines
            ],
        }
        for one in sourcing.explained_with_costs(order=order_id)
    ]  # fmt: skip


def _together(one: Together | None) -> dict[str, Any] | None:
    return one._asdict() | {"gap": one.gap} if one else None


def _explained(one: Explanation | LineExplained) -> dict[str, Any]:
    return {
        "candidates": [
            candidate._asdict() | {"needs": candidate.needs._asdict() if candidate.needs else None}
            for candidate in one.candidates
        ],
        "flip": one.flip._asdict() if one.flip else None,
    }


@router.post("/orders/reject", response={200: RejectedOut | list[Each[RejectedOut]], **REFUSED})
def reject_orders(
    request: HttpRequest,
    payload: RejectIn | Annotated[list[RejectIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """A node gives back what it was to serve of an order: too busy, or not to be found. With a key that may
    `warehouse.reject` also what is on its floor, as long as nobody has picked of it; else what is not released.

    It is sourced again without that node. Lines that too many nodes have rejected become a work item.
    """
    items = payload if isinstance(payload, list) else [payload]
    nodes = _nodes(parse.company_of(company), {item.node for item in items})

    def make(item: RejectIn, key: str) -> RejectOrder:
        return RejectOrder(item.order, nodes[item.node], item.reason, tuple(item.lines or ()), key=key)

    command = reject_on_floor if parse.actor_of(request).may("warehouse.reject") else reject
    return give(request, command, payload, idempotency_key, make)


@router.post("/orders/ask-again", response={200: AskedAgainOut | list[Each[AskedAgainOut]], **REFUSED})
def ask_nodes_again(
    request: HttpRequest,
    payload: AskAgainIn | Annotated[list[AskAgainIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Every node is asked once more for the lines that it had rejected."""
    return give(request, ask_again, payload, idempotency_key, lambda item, key: AskAgain(item.order, key=key))


@router.post("/orders/replan", response={200: ReplannedOut | list[Each[ReplannedOut]], **REFUSED})
def replan_orders(
    request: HttpRequest,
    payload: ReplanIn | Annotated[list[ReplanIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Plan promised orders again, until they are released: they come from elsewhere where their node may not serve them
    any more, or where a better plan is possible by now. Nobody loses what was promised by that."""
    items = payload if isinstance(payload, list) else [payload]
    nodes = _nodes(parse.company_of(company), {node for item in items for node in item.leave})

    def make(item: ReplanIn, key: str) -> ReplanOrder:
        return ReplanOrder(item.order, item.reason, tuple(nodes[code] for code in item.leave), key=key)

    return give(request, replan, payload, idempotency_key, make)


@router.post("/nodes/leave", response={200: NodeLeftOut | list[Each[NodeLeftOut]], **REFUSED})
def leave_nodes(
    request: HttpRequest,
    payload: LeaveNodeIn | Annotated[list[LeaveNodeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Move what nodes have promised and not released to others, the most urgent orders first. What nobody else has
    whole stays."""
    items = payload if isinstance(payload, list) else [payload]
    of = parse.company_of(company)
    nodes = _nodes(of, {item.node for item in items})

    def make(item: LeaveNodeIn, key: str) -> LeaveNode:
        return LeaveNode(of, nodes[item.node], item.reason, item.limit, key)

    return give(request, leave_node, payload, idempotency_key, make)


def _nodes(company: int, codes: Collection[str]) -> dict[str, UUID]:
    """Nodes of a company by their codes; none may be unknown."""
    nodes = {one.code: one.id for one in network.nodes(company=company)} if codes else {}
    if unknown := sorted(set(codes) - set(nodes)):
        raise NotFound(what="node", which=", ".join(unknown))
    return nodes
