"""The pages that tell programmers of the API: all operations by subject, and each with all that it takes and answers.

Made from the document that programs read, on our own pages and without a script: what is shown in a browser that
somebody is in with may do nothing in their name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

Schema = Mapping[str, Any]

BOUNDS = {
    "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "minLength": "at least {} characters",
    "maxLength": "at most {} characters", "minItems": "at least {}", "maxItems": "at most {}", "default": "default {}",
}  # fmt: skip
PROBLEM = "Problem"
"""What every operation may answer; it is told once."""


class Field(NamedTuple):
    """A parameter, or a field of a shape."""

    name: str
    type: str
    is_needed: bool
    tells: str
    where: str = ""


class Shape(NamedTuple):
    """What is sent or answered, by its name."""

    name: str
    tells: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An operation as a programmer reads it."""

    name: str
    method: str
    path: str
    subject: str
    tells: str
    parameters: tuple[Field, ...]
    sent: str
    answers: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]
    shapes: tuple[Shape, ...]


class Manual(DocsBase):
    """Ninja asks for a page of documents at one address; an operation is chosen by its name."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_: Any) -> HttpResponse:
        found, which = _told(api), request.GET.get("operation", "")
        if which and which not in found:
            raise Http404
        context = {
            "api": api, "operations": found.values(), "one": found.get(which),
            "openapi": self.get_openapi_url(api, {}),
        }  # fmt: skip
        return render(request, "web/api_docs.html", context)


@cache
def _told(api: NinjaAPI) -> dict[str, Told]:
    """Every operation by its name, those of a subject together."""
    document = api.get_openapi_schema()
    shapes = document["components"]["schemas"]
    found = [
        told_of(method, path, one, shapes)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]
    return {one.name: one for one in sorted(found, key=lambda one: (one.subject, one.path, one.method))}


def told_of(method: str, path: str, one: Schema, shapes: Schema) -> Told:
    """An operation of the document."""
    sent = one.get("requestBody", {}).get("content", {})
    body: Schema = next((each.get("schema", {}) for each in sent.values()), {})
    good, bad = [], []
    for status, answer in sorted((str(key), each) for key, each in one.get("responses", {}).items()):
        schema: Schema = next((each.get("schema", {}) for each in answer.get("content", {}).values()), {})
        if schema == {"$ref": f"#/components/schemas/{PROBLEM}"}:
            bad.append(status)
        else:
            good.append((status, schema))
    named: dict[str, Shape] = {}
    for schema in (body, *(schema for _, schema in good)):
        gather(schema, shapes, named)
    return Told(
        one["operationId"], method.upper(), path, " ".join(one.get("tags", ())), one.get("description", ""),
        tuple(
            Field(
                each["name"], type_of(each["schema"]), each.get("required", False), each.get("description", ""),
                each["in"],
            )
            for each in one.get("parameters", ())
        ),
        type_of(body) if body else "", tuple((status, type_of(schema)) for status, schema in good), tuple(bad),
        tuple(named.values()),
    )  # fmt: skip


def gather(schema: Schema, shapes: Schema, named: dict[str, Shape]) -> None:
    """Add the shapes that a schema names, and those that they name, each once."""
    for name in names_in(schema):
        if name in named or name == PROBLEM:
            continue
        shape = shapes[name]
        needed = shape.get("required", ())
        named[name] = Shape(name, shape.get("description", ""), tuple(
            Field(field, type_of(each), field in needed, each.get("description", ""))
            for field, each in shape.get("properties", {}).items()
        ))  # fmt: skip
        gather(shape, shapes, named)


def names_in(schema: Any) -> Iterator[str]:
    """The shapes that a schema names, in its order."""
    if isinstance(schema, Mapping):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref.rpartition("/")[2]
        for each in schema.values():
            yield from names_in(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from names_in(each)


def type_of(schema: Schema) -> str:
    """A type in words, with its bounds."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            kinds = [type_of(one) for one in schema[several]]
            return " or ".join(dict.fromkeys(kinds)) + _bounds(schema)
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " | ".join(f"“{one}”" for one in schema["enum"]) + _bounds(schema)
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of ({type_of(schema.get('items', {}))}){_bounds(schema)}"
    shaped = f" ({schema['format']})" if "format" in schema else ""
    return f"{kind}{shaped}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    said = [
        text.format(schema[name]) for name, text in BOUNDS.items() if schema.get(name) not in (None, "", [])
    ]
    return ", ".join(("", *said))
