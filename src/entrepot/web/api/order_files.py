"""Files of orders, for programs: tried out or placed by the worker, with what is wrong by row."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.channels import queries
from entrepot.channels.commands.import_files import AskImport, ask_imports
from entrepot.channels.spreadsheet import contract
from entrepot.channels.spreadsheet import parse as rows
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict

router = Router()
CONTENT_MAX = 12 * 1024 * 1024
"""Characters of base64: what a request may hold has room for it."""


class OrderFileIn(Strict):
    """A file of orders, CSV or XLSX in base64, one row for each line. Without `columns` (field to header) those that
    are remembered for the channel, and what the headers say; without `sheet` the one that is remembered. With `dry_run`
    all of it is carried out and undone."""

    channel: Code
    name: Code
    content: Annotated[str, Field(min_length=1, max_length=CONTENT_MAX)]
    columns: Annotated[dict[str, Code], Field(max_length=len(contract.FIELDS))] = {}
    sheet: Code | None = None
    dry_run: bool = False
    key: Own = None


class OrderFileAskedOut(Out):
    """The file, and how far the worker is with it; `GET /order-files/{file}` tells what became of it."""

    file: UUID
    state: str


class OrderFileOut(Out):
    """A file of orders: of `wanted` orders without a fault `done` are through. `totals` are by currency."""

    id: UUID
    channel: str
    name: str
    dry_run: bool
    state: str
    rows: int
    orders: int
    wanted: int
    done: int
    placed: int
    duplicates: int
    held: int
    totals: dict[str, int]
    columns: dict[str, str]
    sheet: str
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class FaultOut(Out):
    """What is wrong in a file: its row and column, what was expected and found, and the order that is left out."""

    row: int
    column: str
    expected: str
    found: str
    order: str


class FileOutcomeOut(Out):
    """What became of an order of the file, or would: its status, or `duplicate` where it had come before."""

    order: str
    row: int
    lines: int
    units: int
    total_minor: int
    currency: str
    status: str
    number: str
    holds: list[str]


class OrderFileWholeOut(OrderFileOut):
    """`refused`: why nothing of it can be read; `errors` by row; `results` are its first orders."""

    refused: str
    errors: list[FaultOut]
    results: list[FileOutcomeOut]


@router.post("/order-files", response={200: OrderFileAskedOut | list[Each[OrderFileAskedOut]], **REFUSED})
def send_order_files(
    request: HttpRequest,
    payload: OrderFileIn | Annotated[list[OrderFileIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have a file of orders tried, or placed, by the worker. The same file again changes nothing:
    a channel's order is placed once. Try it first, and look at its `errors`."""
    of = parse.company_of(company)

    def make(item: OrderFileIn, key: str) -> AskImport:
        wrong = rows.misfit_given(item.columns)
        if wrong is not None:
            raise Invalid(field="columns", expected=wrong.expected, found=wrong.found)
        return AskImport(
            of, item.channel, item.name, item.dry_run, parse.bytes_of(item.content), tuple(item.columns.items()),
            item.sheet, key,
        )  # fmt: skip

    return give(request, ask_imports, payload, idempotency_key, make)


@router.get("/order-files", response={200: list[OrderFileOut], **READ})
def list_order_files(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    limit: Limit = 50,
) -> Any:
    """Files of orders, the latest first."""
    return [_told(one) for one in queries.file_imports(parse.company_of(company), limit=limit)]


@router.get("/order-files/{which}", response={200: OrderFileWholeOut, **READ})
def get_order_file(
    request: HttpRequest,  # noqa: ARG001
    which: UUID,
    company: Company = None,
    limit: Annotated[
        int, Query(200, ge=0, le=1_000, description="Orders and errors that are told of.")
    ] = 200,
) -> Any:
    """One file of orders: how far it is, what is wrong in it by row, and what became of its orders."""
    own, found = parse.company_of(company), queries.file_import(which)
    if found is None or found.company != own:
        raise NotFound(what="file of orders", which=str(which))
    refused = found.refusal
    return _told(found) | {
        "refused": refused.message if refused else "",
        "errors": [
            {"row": one.row, "column": one.column, "expected": str(one.expected), "found": str(one.found),
             "order": one.order}
            for one in queries.file_faults(which, limit=limit)
        ],
        "results": queries.file_outcomes(which, limit=limit),
    }  # fmt: skip


def _told(found: queries.FileRow) -> dict[str, Any]:
    names = [name for name in OrderFileOut.model_fields if name != "dry_run"]
    return {name: getattr(found, name) for name in names} | {"dry_run": found.tries}
