"""What is said when a page can't be: to people as a page, to programs as problem details."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from entrepot.kernel.sql import is_away
from entrepot.web.api.problems import problem
from entrepot.web.edge import guard


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  Django gives it by name
    return _answer(
        request, HTTPStatus.BAD_REQUEST, gettext("This request made no sense"),
        gettext("The browser sent something we can't read. Go back and try again."),
    )  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = str(exception or "")
    return _answer(
        request, HTTPStatus.FORBIDDEN, gettext("Not for you, so far"),
        reason or gettext("Your roles don't include this. An administrator can change that."),
    )  # fmt: skip


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001  Django gives it by name
    return _answer(
        request, HTTPStatus.NOT_FOUND, gettext("There is nothing here"),
        gettext("The address may be mistyped, or what it named belongs to another company. Search for it by number."),
    )  # fmt: skip


def broken(request: HttpRequest) -> HttpResponse:
    if is_away(sys.exception()):  # Django gives its handler no exception
        return _answer(
            request, HTTPStatus.SERVICE_UNAVAILABLE, gettext("The database does not answer"),
            gettext("Wait a minute. If you sent something, look whether it was taken before you send it again."),
        )  # fmt: skip
    return _answer(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, gettext("Something broke on our side"),
        gettext(
            "If you sent something, look whether it was taken before you send it again. If this happens again, tell an"
            " administrator the time."
        ),
    )  # fmt: skip


def _answer(request: HttpRequest, status: HTTPStatus, title: str, detail: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem(status, f"http.{status.value}", detail)
    context = {"status": status.value, "title": title, "detail": detail}
    response = render(request, "web/error.html", context, status=status)
    guard(response)
    return response
