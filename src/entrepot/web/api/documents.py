"""Documents of suppliers as they write them, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.channels.commands.take_documents import TakeDocument, take_documents
from entrepot.channels.x12.contract import CONTENT_MAX
from entrepot.web.api import parse
from entrepot.web.api.answers import REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Each, Out, Own, Strict

router = Router()


class EdiDocumentIn(Strict):
    """An X12 interchange as it came: `content` is its text, separators and all."""

    content: Annotated[str, Field(min_length=1, max_length=CONTENT_MAX)]
    key: Own = None


class EdiNoticeOut(Out):
    """What became of a ship notice, or of an answer to an order. `number` is that of our notice or order, empty where
    it was refused, and `problem` says why."""

    control: str
    reference: str
    number: str
    is_fresh: bool
    packages: int
    units: int
    problem: str


class EdiDocumentOut(Out):
    """`acknowledgement` is the functional acknowledgement (997) for the sender; `refused` counts notices and answers.
    They wait in the inbox as `message`, which a person mends and replays; the same document brought again takes them as
    well."""

    message: UUID
    sender: str
    control: str
    is_fresh: bool
    refused: int
    notices: list[EdiNoticeOut]
    acknowledgement: str


@router.post("/edi-documents", response={200: EdiDocumentOut | list[Each[EdiDocumentOut]], **REFUSED})
def take_edi_document(
    request: HttpRequest,
    payload: EdiDocumentIn | Annotated[list[EdiDocumentIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take the ship notices (856) and answers to orders (855) of a supplier's X12 interchange, each whole or not at
    all."""
    which = parse.company_of(company)
    return give(
        request, take_documents, payload, idempotency_key,
        lambda one, key: TakeDocument(which, one.content, key=key),
    )  # fmt: skip
