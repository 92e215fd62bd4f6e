"""Errors for programs: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

from entrepot.kernel import wire
from entrepot.kernel.errors import Refused
from entrepot.parties import queries as parties
from entrepot.web.refusals import named

MEDIA_TYPE = "application/problem+json"
STATUS_OF_KIND = {
    "conflict": HTTPStatus.CONFLICT,
    "not_found": HTTPStatus.NOT_FOUND,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "forbidden": HTTPStatus.FORBIDDEN,
}


def details(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    facts: dict[str, Any] | None = None,
    errors: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """A problem: `code` is stable, `detail` is for people, `facts` and `errors` say what it was about."""
    found: dict[str, Any] = {
        "type": f"urn:entrepot:problem:{code}",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": detail,
    }
    if facts:
        found["facts"] = {name: value if _is_plain(value) else str(value) for name, value in facts.items()}
    if errors:
        found["errors"] = list(errors)
    return found


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool, list, dict))


def of_refusals(request: HttpRequest, refusals: Sequence[Refused]) -> list[dict[str, Any]]:
    """The sentence calls what the company has by its codes and numbers; the facts keep the ids, for programs. One
    statement, where there are ids."""
    company = _company(request) if refusals else None
    told = refusals if company is None else named(company, refusals)
    return [
        details(STATUS_OF_KIND.get(one.kind, HTTPStatus.CONFLICT), one.code, said.message, facts=one.facts)
        for one, said in zip(refusals, told, strict=True)
    ]


def _company(request: HttpRequest) -> int | None:
    """Whose things a request is about, if it said so or there is one company alone."""
    code, known = request.GET.get("company"), parties.companies()
    if code is None:
        return known[0].id if len(known) == 1 else None
    return next((one.id for one in known if one.code == code), None)


def refuse(request: HttpRequest, refused: Refused) -> HttpResponse:
    return respond(of_refusals(request, [refused])[0])


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    facts: dict[str, Any] | None = None,
    errors: Sequence[dict[str, Any]] | None = None,
) -> HttpResponse:
    return respond(details(status, code, detail, facts=facts, errors=errors))


def respond(found: dict[str, Any]) -> HttpResponse:
    response = HttpResponse(wire.dump(found), status=found["status"], content_type=MEDIA_TYPE)
    if found["status"] == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'ApiKey realm="Entrepot"'
    return response
