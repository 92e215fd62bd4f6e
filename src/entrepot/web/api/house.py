"""The API as a whole: its documents, its one handler of errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation

from entrepot.kernel.errors import AllOrNothing, Refused, Unavailable
from entrepot.web.api import orders, problems
from entrepot.web.api.auth import AUTH

RETRY_AFTER_S = 5

DESCRIPTION = """
Operations of an ecommerce house: place and cancel orders, follow them, ask what can be promised.

* **Who you are**: the header `X-API-Key`, made by an integration engineer; it may do what its person's roles may.
* **Again**: every write needs an `Idempotency-Key`. The same key with the same content gets the first answer; with other
  content it is refused.
* **Errors** are problem details (RFC 9457) with a stable `code`.
* **Amounts** named `…_minor` are whole minor units of the currency (pence, cents); prices are decimals as strings; times
  carry their zone.
"""


class _Api(NinjaAPI):
    """Ninja with errors documented as what they are, and operations by their own names."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        for path in schema["paths"].values():
            for operation in path.values():
                for status, response in operation.get("responses", {}).items():
                    if int(status) >= HTTPStatus.BAD_REQUEST and "application/json" in response.get("content", {}):
                        response["content"] = {problems.MEDIA_TYPE: response["content"]["application/json"]}
        return schema


api = _Api(
    title="Entrepot",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url="/docs",
    openapi_url="/openapi.json",
    auth=AUTH,
)
api.add_router("/v1", orders.router, tags=["orders"])


@api.exception_handler(Refused)
def refused(_request: HttpRequest, error: Refused) -> HttpResponse:
    return problems.respond(problems.of_refusal(error))


@api.exception_handler(AllOrNothing)
def all_refused(_request: HttpRequest, error: AllOrNothing) -> HttpResponse:
    return problems.respond(problems.of_refusal(error.refusals[0]))


@api.exception_handler(Unavailable)
def unavailable(_request: HttpRequest, _error: Unavailable) -> HttpResponse:
    response = problems.problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "http.503", "What this needs does not answer. Send the same request again, with the same key."
    )
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@api.exception_handler(ValidationError)
def invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [{"where": list(one["loc"]), "message": one["msg"]} for one in error.errors]
    first = found[0] if found else {"where": [], "message": "it does not fit the schema"}
    where = ".".join(map(str, first["where"]))
    return problems.problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "http.422", f"{where}: {first['message']}", errors=found
    )


@api.exception_handler(HttpError)
def http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    status = HTTPStatus(error.status_code)
    detail = str(error)
    if status is HTTPStatus.UNAUTHORIZED:
        detail = "Send an API key that is in force in the header X-API-Key."
    return problems.problem(status, f"http.{status.value}", detail)


@api.exception_handler(Http404)
def absent(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return problems.problem(HTTPStatus.NOT_FOUND, "http.404", "There is nothing at this address.")


def _tells_problems(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A method that an address does not know is a problem too; ninja says it in plain words."""

    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        told = problems.problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "http.405", f"{request.method} is not among: {response['Allow']}."
        )
        told["Allow"] = response["Allow"]
        return told

    return call


def urls() -> tuple[list[URLPattern], str, str]:
    """For `path("api/", …)`."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        pattern.callback = _tells_problems(pattern.callback)
    return patterns, app, namespace
