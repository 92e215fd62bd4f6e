"""A file that the worker makes: the page that would answer it is asked in the name of whoever wanted it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, Any, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import FileResponse, Http404, HttpResponseBase
from django.urls import resolve
from django.utils import translation

from entrepot.kernel import aside
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, NotPermitted, Refused
from entrepot.kernel.files import MAKE, Made, MakeFile
from entrepot.web.as_file import Making, Stopped, is_made_of
from entrepot.web.doors import FACTOR
from entrepot.web.edge import ACTED, COMPANY, LANGUAGE, Request

LOOKED_S = 0.5
"""Seconds after which it is told how far the file is, and asked whether it is still wanted."""


@dataclass(slots=True)
class _Run:
    """What a thread is at, and what came of it."""

    making: Making = field(default_factory=Making)
    answer: Made | Refused | None = None
    error: BaseException | None = None


def make_file(cause: Cause, asked: MakeFile) -> Made | Refused:
    """The file of a page. It is read on a connection of its own, all of one moment, while this one tells how far it is
    and hears whether it is withdrawn."""
    run = _Run()
    thread = threading.Thread(target=_read, args=(run, cause, asked), name="file", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(LOOKED_S)
            aside.step(run.making.rows, 0)
    finally:
        run.making.stop.set()
        thread.join()
    if run.error is not None:
        raise run.error
    assert run.answer is not None
    return run.answer


def _read(run: _Run, cause: Cause, asked: MakeFile) -> None:
    try:
        run.answer = _answer(run.making, cause, asked)
    except Stopped:
        pass
    except BaseException as error:  # noqa: BLE001  raised again by whoever waits for it
        run.error = error
    finally:
        connection.close()


def _answer(making: Making, cause: Cause, asked: MakeFile) -> Made | Refused:
    name = cause.actor.name
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None:
        return NotPermitted(actor=name, command=MAKE)
    path, _, query = asked.address.partition("?")
    request = _request(path, query, asked)
    request.user = user
    request.session = {COMPANY: asked.company, FACTOR: True, ACTED: cause.at.isoformat()}  # type: ignore[assignment]
    request.making = making  # type: ignore[attr-defined]
    found = request.resolver_match = resolve(path)
    try:
        with translation.override(asked.language or None):
            response = found.func(request, *found.args, **found.kwargs)
    except Http404:
        return NotFound(what="page", which=path)
    except PermissionDenied:
        return NotPermitted(actor=name, command=MAKE)
    if making.refused is not None:
        return making.refused
    reader = getattr(request, "reader", None)
    if reader is None or reader.company.id != asked.company:  # they were taken out of it just now
        return NotPermitted(actor=name, command=MAKE)
    assert is_made_of(response), f"{path} answers no file"
    return Made(
        making.what, making.format, making.told,
        response.headers["Content-Disposition"].partition('filename="')[2].rstrip('"'),
        response.headers["Content-Type"], _content(response),
    )  # fmt: skip


def _request(path: str, query: str, asked: MakeFile) -> Request:
    request = WSGIRequest({
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_ACCEPT_LANGUAGE": asked.accepts,
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(),
    })  # fmt: skip
    cookies = {LANGUAGE: asked.language, "zone": asked.zone}
    request.COOKIES = {name: value for name, value in cookies.items() if value}
    request.htmx = False  # type: ignore[attr-defined]
    return cast("Request", request)


def _content(response: HttpResponseBase) -> IO[bytes]:
    if isinstance(response, FileResponse):
        found: Any = response.file_to_stream
        return cast("IO[bytes]", found)
    return BytesIO(response.content)  # type: ignore[attr-defined]
