"""The API as a whole: its documents, its one handler of errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, wraps
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.datastructures import MultiValueDict
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.utils import normalize_path

from entrepot.kernel.errors import AllOrNothing, Invalid, Refused, Unavailable
from entrepot.web.api import (
    accounts,
    adjustments,
    advice,
    ageing,
    aliases,
    answers,
    api_keys,
    audit,
    availability,
    bank,
    bins,
    book_files,
    books,
    calendars,
    card_holds,
    carriers,
    channel_statements,
    claims,
    clearing,
    cohorts,
    counts,
    customers,
    departures,
    disputes,
    documents,
    drafts,
    drop_ships,
    entries,
    exchanges,
    failed_payments,
    holds,
    invoices,
    jobs,
    kept_back,
    kits,
    labor,
    listed_buyers,
    manual,
    messages,
    month_end,
    order_files,
    order_notes,
    order_reports,
    orders,
    owned,
    packagings,
    packing,
    past,
    payouts,
    places,
    plates,
    policies,
    policy_drafts,
    privacy,
    problems,
    profit,
    purchasing,
    receiving,
    repairs,
    report_mails,
    reports,
    reservations,
    return_expiry,
    return_fraud,
    return_inspections,
    return_labels,
    return_pallets,
    return_parcels,
    return_times,
    returns,
    rule_versions,
    second_grade,
    shelves,
    shipping,
    skus,
    sourcing,
    supplier_invoices,
    suppliers,
    taxes,
    transfers,
    trials,
    valuation,
    waves,
    webhooks,
    work,
)
from entrepot.web.api.auth import AUTH, SAFE_METHODS

RETRY_AFTER_S = 5

DESCRIPTION = """
Operations of an ecommerce house: place and cancel orders, follow them, ask what can be promised, take goods back and
refund them, order from suppliers and receive, balance stock between nodes, pick in waves, say what kits are made of,
and keep rates of tax and exemptions.

* **Who you are**: the header `X-API-Key`, made by an integration engineer; it may do what its person's roles may.
* **For whom**: `company` in the query, where there are several. What is another company's is not there.
* **Again**: every write needs an `Idempotency-Key`. The same key with the same content gets the first answer;
  with other content it is refused.
* **Without waiting**: a write with `Prefer: respond-async` is answered 202 with a job. Its address stands in `Location`
  and tells how far it is, what was refused, and the answer to a single request; for those of a list, send the list
  again with its key. `POST /jobs/withdraw` stops the rest. Without `Preference-Applied` it was carried out at once.
* **Errors** are problem details (RFC 9457) with a stable `code`.
* **Amounts** named `…_minor` are whole minor units of the currency (pence, cents); prices are decimals as strings;
  times carry their zone.
"""


class _Api(NinjaAPI):
    """Ninja with errors documented as what they are, and operations by their own names."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self,
        *,
        path_prefix: str | None = None,
        path_params: dict[str, Any] | None = None,  # noqa: ARG002 - addresses of ours have none
    ) -> Any:
        return self._document(path_prefix)

    @cache  # noqa: B019 - there is one API, and to tell it takes a second
    def _document(self, path_prefix: str | None) -> Any:
        schema = _Document(self, self.get_root_path({}) if path_prefix is None else path_prefix)
        for path in schema["paths"].values():
            for method, operation in path.items():
                told = operation.setdefault("parameters", [])
                if method.upper() not in SAFE_METHODS:
                    told += [] if any(one["name"] == "company" for one in told) else [owned.PARAMETER]
                    told.append(answers.PARAMETER)
                    operation["responses"] = {**operation["responses"], "202": answers.LEFT}
                for status, response in operation.get("responses", {}).items():
                    if int(status) >= HTTPStatus.BAD_REQUEST and "application/json" in response.get(
                        "content", {}
                    ):
                        response["content"] = {problems.MEDIA_TYPE: response["content"]["application/json"]}
        return schema


class _Document(OpenAPISchema):
    """Ninja's document, with each shape of an answer told once: every operation may answer the same seven problems."""

    def __init__(self, api: NinjaAPI, path_prefix: str) -> None:
        self._told: dict[Any, tuple[dict[str, Any], bool]] = {}
        super().__init__(api, path_prefix)

    def _create_schema_from_model(self, model: Any, *of: Any, **how: Any) -> tuple[dict[str, Any], bool]:
        shape = model.model_fields.get("response")
        if shape is None:
            return super()._create_schema_from_model(model, *of, **how)
        key = (shape.annotation, of, *how.items())
        if key not in self._told:
            self._told[key] = super()._create_schema_from_model(model, *of, **how)
        return self._told[key]


class _Strict(Parser):
    """A parameter that stands for one value may not be said twice."""

    def parse_querydict(
        self, data: MultiValueDict, list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:  # type: ignore[type-arg]
        for name in data:
            if name not in list_fields and len(data.getlist(name)) > 1:
                raise Invalid(field=name, expected="one value", found=len(data.getlist(name)))
        return super().parse_querydict(data, list_fields, request)


class _Json(BaseRenderer):
    """Keys and times of long lists without a call of Python for each, as Django's encoder makes one."""

    media_type = "application/json"

    def render(self, _request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        return msgspec.json.encode(data, enc_hook=str)  # facts of refusals are more than texts


api = _Api(
    title="Entrepot",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=manual.Manual(),
    docs_url="/docs",
    openapi_url="/openapi.json",
    auth=AUTH,
    parser=_Strict(),
    renderer=_Json(),
)
api.add_router("/v1", holds.router, tags=["orders"])  # before orders, whose ids would match its addresses
api.add_router("/v1", sourcing.router, tags=["orders"])  # likewise
api.add_router("/v1", orders.router, tags=["orders"])
api.add_router("/v1", drafts.router, tags=["orders"])
api.add_router("/v1", order_files.router, tags=["orders"])
api.add_router("/v1", order_notes.router, tags=["orders"])
api.add_router("/v1", order_reports.router, tags=["orders"])
api.add_router("/v1", customers.router, tags=["orders"])
api.add_router("/v1", availability.router, tags=["availability"])
api.add_router("/v1", reservations.router, tags=["availability"])
api.add_router("/v1", return_expiry.router, tags=["returns"])
api.add_router("/v1", return_labels.router, tags=["returns"])
api.add_router("/v1", kept_back.router, tags=["availability"])
api.add_router("/v1", bins.router, tags=["stock"])
api.add_router("/v1", adjustments.router, tags=["stock"])
api.add_router("/v1", calendars.router, tags=["availability"])
api.add_router("/v1", places.router, tags=["availability"])
api.add_router("/v1", return_fraud.router, tags=["returns"])
api.add_router("/v1", return_inspections.router, tags=["returns"])
api.add_router("/v1", return_pallets.router, tags=["returns"])
api.add_router("/v1", return_parcels.router, tags=["returns"])
api.add_router("/v1", departures.router, tags=["returns"])
api.add_router("/v1", second_grade.router, tags=["returns"])
api.add_router("/v1", repairs.router, tags=["returns"])
api.add_router("/v1", return_times.router, tags=["returns"])
api.add_router("/v1", disputes.router, tags=["settlement"])
api.add_router("/v1", failed_payments.router, tags=["settlement"])
api.add_router("/v1", payouts.router, tags=["settlement"])
api.add_router("/v1", listed_buyers.router, tags=["orders"])
api.add_router("/v1", policies.router, tags=["policies"])
api.add_router("/v1", policy_drafts.router, tags=["policies"])
api.add_router("/v1", trials.router, tags=["policies"])
api.add_router("/v1", card_holds.router, tags=["returns"])
api.add_router("/v1", exchanges.router, tags=["returns"])
api.add_router("/v1", returns.router, tags=["returns"])
api.add_router("/v1", advice.router, tags=["work"])
api.add_router("/v1", work.router, tags=["work"])
api.add_router("/v1", transfers.router, tags=["transfers"])
api.add_router("/v1", drop_ships.router, tags=["drop-ships"])
api.add_router("/v1", packing.router, tags=["packing"])
api.add_router("/v1", shipping.router, tags=["shipping"])
api.add_router("/v1", carriers.router, tags=["carriers"])
api.add_router("/v1", supplier_invoices.router, tags=["supplier invoices"])
api.add_router("/v1", bank.router, tags=["bank"])
api.add_router("/v1", channel_statements.router, tags=["integration"])
api.add_router("/v1", documents.router, tags=["integration"])
api.add_router("/v1", messages.router, tags=["messages"])
api.add_router("/v1", api_keys.router, tags=["access"])
api.add_router("/v1", webhooks.router, tags=["webhooks"])
api.add_router("/v1", jobs.router, tags=["jobs"])
api.add_router("/v1", report_mails.router, tags=["reports"])
api.add_router("/v1", reports.router, tags=["reports"])
api.add_router("/v1", audit.router, tags=["audit"])
api.add_router("/v1", privacy.router, tags=["privacy"])
api.add_router("/v1", valuation.router, tags=["valuation"])
api.add_router("/v1", clearing.router, tags=["clearing"])
api.add_router("/v1", month_end.router, tags=["month end"])
api.add_router("/v1", entries.router, tags=["books"])
api.add_router("/v1", accounts.router, tags=["books"])
api.add_router("/v1", rule_versions.router, tags=["books"])
api.add_router("/v1", book_files.router, tags=["books"])
api.add_router("/v1", books.router, tags=["books"])
api.add_router("/v1", cohorts.router, tags=["returns"])
api.add_router("/v1", profit.router, tags=["profit"])
api.add_router("/v1", invoices.router, tags=["invoices"])
api.add_router("/v1", claims.router, tags=["claims"])
api.add_router("/v1", waves.router, tags=["floor"])
api.add_router("/v1", shelves.router, tags=["floor"])
api.add_router("/v1", plates.router, tags=["floor"])
api.add_router("/v1", ageing.router, tags=["stock"])
api.add_router("/v1", past.router, tags=["stock"])
api.add_router("/v1", counts.router, tags=["floor"])
api.add_router("/v1", labor.router, tags=["floor"])
api.add_router("/v1", suppliers.router, tags=["inbound"])
api.add_router("/v1", receiving.router, tags=["inbound"])  # before purchasing, likewise
api.add_router("/v1", purchasing.router, tags=["inbound"])
api.add_router("/v1", kits.router, tags=["catalog"])
api.add_router("/v1", packagings.router, tags=["catalog"])
api.add_router("/v1", aliases.router, tags=["catalog"])
api.add_router("/v1", skus.router, tags=["catalog"])
api.add_router("/v1", taxes.router, tags=["taxes"])
owned.keep_apart(api)


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problems.refuse(request, error)


@api.exception_handler(AllOrNothing)
def all_refused(request: HttpRequest, error: AllOrNothing) -> HttpResponse:
    return problems.refuse(request, error.refusals[0])


@api.exception_handler(Unavailable)
def unavailable(_request: HttpRequest, _error: Unavailable) -> HttpResponse:
    response = problems.problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "http.503",
        "What this needs does not answer. Send the same request again, with the same key.",
    )
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@api.exception_handler(ValidationError)
def invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [{"where": _where(one["loc"]), "message": one["msg"]} for one in _meant(error.errors)]
    first = found[0] if found else {"where": [], "message": "it does not fit the schema"}
    where = ".".join(map(str, first["where"]))
    return problems.problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "http.422", f"{where}: {first['message']}", errors=found
    )


def _meant(errors: list[Any]) -> list[Any]:
    """Where one of a thing or a list of it may be sent: the errors of which of both it was, not that it is not the
    other."""
    meant = [
        one
        for one in errors
        if one["type"] not in ("model_type", "list_type") or not _is_branch(one["loc"][-1])
    ]
    return meant or errors


def _where(loc: Iterable[Any]) -> list[Any]:
    return [part for part in loc if not _is_branch(part)]


def _is_branch(part: Any) -> bool:
    """Whether it is the name of a schema, as `HoldIn` or `list[HoldIn]`: no field has a capital letter."""
    return isinstance(part, str) and part.endswith(("In", "]")) and part != part.lower()


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


def _strictly(view: Callable[..., HttpResponseBase], path: str) -> Callable[..., HttpResponseBase]:
    """What ninja lets pass or says in plain words: unknown parameters, and methods that an address does not know."""

    @wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        known = _query_names().get((path, request.method))
        unknown = sorted(set(request.GET) - known) if known is not None else []
        if unknown:
            expected = f"one of: {', '.join(sorted(known or ())) or 'none'}"
            return refused(request, Invalid(field="query", expected=expected, found=", ".join(unknown)[:100]))
        response = view(request, *args, **kwargs)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        told = problems.problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "http.405", f"{request.method} is not among: {response['Allow']}."
        )
        told["Allow"] = response["Allow"]
        return told

    return call


@cache
def _query_names() -> dict[tuple[str, str | None], frozenset[str]]:
    """Parameters of the query that each operation knows: out of its signature, since to tell the document takes
    seconds, and the first requests of each process would wait for it."""
    found: dict[tuple[str, str | None], frozenset[str]] = {}
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            address = normalize_path(f"/{router.prefix}/{path}")
            for operation in view.operations:
                names = frozenset(
                    name
                    for model in operation.models
                    if model.__ninja_param_source__ == "query"
                    for name in model.__ninja_flatten_map__
                )
                if not SAFE_METHODS.issuperset(operation.methods):
                    names |= {"company"}
                found |= {(_in_document(address), method): names for method in operation.methods}
    return found


def _in_document(path: str) -> str:
    """An address as the document writes it: without the types of its parts."""
    return re.sub(r"{[^}:]+:", "{", path)


def urls() -> tuple[list[Any], str, str]:
    """For `path("api/", …)`."""
    found: tuple[list[Any], str, str] = api.urls
    patterns, app, namespace = found
    for pattern in patterns:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{pattern.pattern}")
        pattern.callback = _strictly(pattern.callback, path)
    return patterns, app, namespace
