"""The books as files, for programs: a job makes one, and whoever asked takes it for a day."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Router
from pydantic import Field, StrictInt

from entrepot.insight.book_files import FORMATS, YEARS
from entrepot.kernel import files, jobs
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.exports import as_oneself
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.jobs import JobNowOut
from entrepot.web.api.schemas import Each, Own, Strict
from entrepot.web.as_csv import sent_kept

router = Router()


class BookFileIn(Strict):
    """The journal of a company: `beancount`, `journal` (CSV) or `saft`, of a year or of all."""

    format: Literal[tuple(FORMATS)]  # type: ignore[valid-type]
    year: Annotated[StrictInt | None, Field(ge=YEARS[0], le=YEARS[1])] = None
    key: Own = None


@router.post("/book-files", response={200: JobNowOut | list[Each[JobNowOut]], **REFUSED})
def make_book_files(
    request: HttpRequest,
    payload: BookFileIn | Annotated[list[BookFileIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have the worker make files of the books. The job's `answer` names the `file` once it is there."""
    chosen = parse.company_of(company)
    return give(request, _ask, payload, idempotency_key, lambda one, key: _job(chosen, one, key))


def _job(company: int, one: BookFileIn, key: str) -> jobs.AskJob:
    year = f"?year={one.year}" if one.year else ""
    name = f"books.{one.format}"
    wanted = files.MakeFile(company, reverse("book-file", args=[one.format]) + year)
    return jobs.AskJob(company, files.MAKE, (wanted,), (name,), name, key=key)


def _ask(cause: Cause, *, requests: list[jobs.AskJob]) -> list[jobs.JobNow | Refused]:
    return list(jobs.ask_jobs(as_oneself(cause), requests=requests))


@router.get("/files/{file_id}", response={200: bytes, **READ})
def take_file(request: HttpRequest, file_id: UUID, company: Company = None) -> HttpResponse:
    """A file that the worker made, for whoever asked for it alone, for a day."""
    parse.own("file", file_id, company)
    by = parse.actor_of(request).name
    found = files.kept(parse.company_of(company), file_id, by=by, now=timezone.now())
    if found is None:
        raise NotFound(what="file", which=str(file_id))
    return sent_kept(found)
