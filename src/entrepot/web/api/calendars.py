"""Calendars of nodes, for programs: until when they ship on each weekday, and on which days they are closed."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.network import queries as network
from entrepot.network.commands.register import SetCutOff, SetHoliday, set_cut_offs, set_holidays
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, as_list, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict, Text

router = Router()


class CutOffIn(Strict):
    """Until when a node ships on a weekday (0 is Monday), in its own time; null: not on that day. A node without any
    ships on every day, to its end."""

    node: Code
    weekday: Annotated[StrictInt, Field(ge=0, le=6)]
    at: time | None
    key: Own = None


class CutOffSetOut(Out):
    node: UUID


class CutOffOut(Out):
    node_code: str
    weekday: int
    at: time


class HolidayIn(Strict):
    """A day on which a node is closed, by its name; null: it is open on it."""

    node: Code
    day: date
    name: Text | None
    key: Own = None


class HolidaySetOut(Out):
    node: UUID
    day: date


class HolidayOut(Out):
    node_code: str
    day: date
    name: str


@router.get("/cut-offs", response={200: list[CutOffOut], **READ})
def list_cut_offs(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> list[dict[str, Any]]:
    """Until when nodes ship, by node and weekday."""
    nodes = {node.id: node.code for node in network.nodes(company=parse.company_of(company))}
    return [
        {"node_code": nodes[node], "weekday": weekday, "at": at}
        for node, calendar in network.calendars(nodes=nodes).items()
        for weekday, at in sorted(calendar.week.items())
    ]


@router.post("/cut-offs", response={200: CutOffSetOut | list[Each[CutOffSetOut]], **REFUSED})
def save_cut_offs(
    request: HttpRequest,
    payload: CutOffIn | Annotated[list[CutOffIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say until when nodes ship."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})

    def make(one: CutOffIn, key: str) -> SetCutOff:
        return SetCutOff(nodes[one.node], one.weekday, one.at, key)

    return give(request, set_cut_offs, payload, idempotency_key, make)


@router.get("/holidays", response={200: list[HolidayOut], **READ})
def list_holidays(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    since: date | None = None,
) -> list[dict[str, Any]]:
    """Days on which nodes are closed, by node and day."""
    nodes = {node.id: node.code for node in network.nodes(company=parse.company_of(company))}
    return [
        {"node_code": nodes[node], "day": day, "name": name}
        for node, day, name in network.holidays(nodes=nodes, since=since)
    ]


@router.post("/holidays", response={200: HolidaySetOut | list[Each[HolidaySetOut]], **REFUSED})
def save_holidays(
    request: HttpRequest,
    payload: HolidayIn | Annotated[list[HolidayIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Close nodes on days, or open them again."""
    nodes = parse.nodes_of(parse.company_of(company), {one.node for one in as_list(payload)})

    def make(one: HolidayIn, key: str) -> SetHoliday:
        return SetHoliday(nodes[one.node], one.day, one.name, key)

    return give(request, set_holidays, payload, idempotency_key, make)
