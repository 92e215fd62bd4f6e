"""What a program changes is its company's: another company's things are not there for it, by whatever field it names
them.

Here for every write at once, so that no operation has to think of it: all ids in what was sent are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.operation import Operation
from pydantic import BaseModel

from entrepot.insight import owners
from entrepot.kernel.errors import NotFound
from entrepot.parties import queries as parties
from entrepot.web.api import parse
from entrepot.web.api.auth import SAFE_METHODS
from entrepot.web.api.named import id_of
from entrepot.web.api.schemas import MAY_BE_ID

PARAMETER = {
    "in": "query",
    "name": "company",
    "schema": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "required": False,
    "description": "The code of a company. Needed where there are several.",
}
"""Of every write, also of those that name nothing by code."""


def writes(api: NinjaAPI) -> Iterator[Operation]:
    """Operations that change something."""
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            yield from (one for one in view.operations if not SAFE_METHODS.issuperset(one.methods))


def keep_apart(api: NinjaAPI) -> None:
    """Have each write refuse what is another company's, after it was seen who asks and that what was sent fits."""
    for operation in writes(api):
        operation.view_func = _own(operation.view_func)


def _own(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def call(request: HttpRequest, **values: Any) -> Any:
        named = {
            which: field
            for name, value in values.items()
            if not isinstance(value, str)  # of an address or a header
            for which, field in _named(name, value)
        }
        if named:
            _refuse_others(named, request.GET.get("company"))
        return view(request, **values)

    return call


def _named(name: str, sent: Any) -> Iterator[tuple[UUID, str]]:
    """Every id in what was sent, with the name of its field."""
    if isinstance(sent, UUID):
        yield sent, name
    elif isinstance(sent, str):
        if which := id_of(sent):
            yield which, name
    elif isinstance(sent, BaseModel):
        for field in _naming(type(sent)):
            yield from _named(field, getattr(sent, field))
    elif isinstance(sent, list | tuple):
        for one in sent:
            yield from _named(name, one)


@cache
def _naming(schema: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a schema in which an id may stand: to look at the others takes longer than to read a request."""
    return tuple(
        name
        for name, field in schema.model_fields.items()
        if MAY_BE_ID in field.metadata or _may_name(field.annotation)
    )


def _may_name(kind: Any) -> bool:
    """Whether values of a type can hold an id. Of what is no plain class it is assumed."""
    if get_origin(kind) is Annotated:
        return MAY_BE_ID in get_args(kind) or _may_name(get_args(kind)[0])
    if inner := get_args(kind):
        return get_origin(kind) is not Literal and any(map(_may_name, inner))
    return not isinstance(kind, type) or issubclass(kind, UUID | BaseModel)


def _refuse_others(named: dict[UUID, str], code: str | None) -> None:
    """As if it were not there. Where there is one company, all is its own."""
    if code is None and len(parties.companies()) == 1:
        return
    foreign = owners.others(named, company=parse.company_of(code))
    if foreign:
        which = min(foreign)
        raise NotFound(what=named[which].removesuffix("_id").replace("_", " "), which=str(which))
