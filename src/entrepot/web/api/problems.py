"""Errors for programs: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from entrepot.kernel import wire
from entrepot.kernel.errors import Refused

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


def of_refusal(refused: Refused) -> dict[str, Any]:
    status = STATUS_OF_KIND.get(refused.kind, HTTPStatus.CONFLICT)
    return details(status, refused.code, refused.message, facts=refused.facts)


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
