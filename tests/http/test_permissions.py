"""Every address of the house: closed to strangers and to who has no role, and without effect for who may do nothing.

The walk reads the addresses from where they are declared, so that a new one is walked without anybody thinking of it.
"""

from __future__ import annotations

import html
import json
import logging
import re
from collections.abc import Iterator
from functools import cache
from inspect import getclosurevars
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from docs import walk
from entrepot.kernel import ids, sql
from entrepot.web import edge, shield
from entrepot.web.api import house
from entrepot.web.urls import urlpatterns
from tests.asking import a_program
from tests.shop import PASSWORD

pytestmark = pytest.mark.django_db

FOR_EVERYBODY = {
    "login": "the door",
    "login-code": "the door, behind the password",
    "logout": "Django's; ends a session",
    "set_language": "Django's; keeps a cookie",
    "webhook-easypost": "opens to a signature alone",
    "webhook-stripe": "opens to a signature alone",
    "healthz": "says whether the house is up",
    "metrics": "counts, without any name",
    "favicon": "a picture",
}
"""Addresses that ask nobody who they are, and why; those of the portal ask for an order and its mail address."""
OF_ONESELF = {
    "own-password",
    "own-factor",
    "own-factor-confirm",
    "own-factor-remove",
    "own-session-end",
    "company",
}
"""What everybody may who has entered, about themselves."""
WRITTEN = (
    "kernel_event", "kernel_request", "kernel_delivery", "kernel_inbox", "kernel_policy", "access_view",
    "access_apikey", "access_subscription", "auth_user", "auth_user_groups", "stock_move", "ledger_line", "work_item",
)  # fmt: skip
"""What anything that has an effect writes to."""


class Address(NamedTuple):
    name: str
    method: str
    converters: tuple[tuple[str, str], ...]
    pattern: str

    def url(self, found: dict[str, Any] | None = None) -> str:
        made: dict[str, Any] = dict.fromkeys(("StringConverter", "SlugConverter"), "x")
        made |= {"UUIDConverter": ids.uuid7(), "IntConverter": 1}
        given = {name: (found or {}).get(kind, made[kind]) for name, kind in self.converters}
        return reverse(self.name, kwargs=given)


@cache
def addresses() -> list[Address]:
    """Each address of pages with the method it answers: a POST where it takes one, else a GET."""
    found = []
    for one in urlpatterns:
        name = getattr(one, "name", None) or ("favicon" if str(one.pattern) == "favicon.ico" else "")
        if not name:
            assert "api/" in str(one.pattern) or str(one.pattern) in ("healthz", "metrics"), one
            continue
        methods = getclosurevars(one.callback).nonlocals.get("request_method_list") or ("GET", "POST")
        kinds = tuple((key, type(kind).__name__) for key, kind in one.pattern.converters.items())
        asked = [method for method in ("GET", "POST") if method in methods]
        found += [Address(name, method, kinds, str(one.pattern)) for method in asked]
    return found


def inside() -> Iterator[Address]:
    """Those of the console."""
    return (
        one for one in addresses() if one.name not in FOR_EVERYBODY and not one.name.startswith("portal-")
    )


def counted() -> list[int]:
    return list(sql.run(f"SELECT {', '.join(f'(SELECT count(*) FROM {one})' for one in WRITTEN)}")[0])


def ask(browser: Client, one: Address, url: str) -> Any:
    return (
        browser.get(url)
        if one.method == "GET"
        else browser.post(url, {"reason": "a reason", "name": "a name"})
    )


def test_a_stranger_gets_no_further_than_the_door(shop):
    browser = Client()
    wrong = []
    for one in inside():
        answer = ask(browser, one, one.url())
        if answer.status_code != 302 or not answer["Location"].startswith("/login/?next="):
            wrong.append((one.name, one.method, answer.status_code))
    assert wrong == [], "put @console below the decorator of methods, or say in FOR_EVERYBODY why not"
    assert len(list(inside())) > 250, "they were read"


def test_who_has_no_role_reads_and_does_nothing(console, shop):
    browser, before = console("nobody"), counted()
    wrong = [
        (one.name, one.method, answer.status_code)
        for one in inside()
        for answer in [ask(browser, one, one.url())]
        if answer.status_code != 403
    ]
    assert wrong == [] and counted() == before


def test_who_may_do_nothing_has_no_effect_wherever_they_send_a_form(console, shop):
    """With the ids of real things where an address names one, so that it is not refused for what is not there."""
    browser, found = console("auditor"), real_things()
    wrong = []
    before = counted()
    for one in inside():
        if one.method == "GET" or one.name in OF_ONESELF:
            continue
        browser.post(one.url(thing_of(one, found)), {"reason": "a reason", "name": "a name"})
        if (after := counted()) != before:
            wrong.append(
                (one.name, [name for name, a, b in zip(WRITTEN, before, after, strict=True) if a != b])
            )
            before = after
    assert wrong == []


def real_things() -> dict[str, tuple[Any, ...]]:
    """A thing of each kind that a page shows, by the beginning of its address, as the walk over pages finds them."""
    found = {}
    for one in addresses():
        statement = walk.WHICH.get(one.name)
        if one.method == "GET" and statement and (rows := sql.run(statement)):
            found[one.pattern] = rows[0]
    return found


def thing_of(one: Address, found: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """The thing whose page stands before a form's address, by the kind of its id."""
    begins = max((pattern for pattern in found if one.pattern.startswith(pattern)), key=len, default=None)
    values = found.get(begins, ()) if begins else ()
    return {
        {UUID: "UUIDConverter", int: "IntConverter"}.get(type(value), "StringConverter"): value
        for value in values
    }


# ---- the API


class Operation(NamedTuple):
    method: str
    path: str
    told: dict[str, Any]


@cache
def operations() -> list[Operation]:
    schema = house.api.get_openapi_schema()
    return [
        Operation(method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


@cache
def components() -> dict[str, Any]:
    return house.api.get_openapi_schema()["components"]["schemas"]


def example(schema: dict[str, Any]) -> Any:
    """The least that fits a schema: enough to come as far as the command."""
    if "$ref" in schema:
        return example(components()[schema["$ref"].rpartition("/")[2]])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            known = [one for one in schema[several] if one.get("type") != "null"]
            return example(next((one for one in known if one.get("type") != "array"), known[0]))
    if "allOf" in schema:
        return example(schema["allOf"][0])
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("examples"):
        return schema["examples"][0]
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required", ())
        return {name: example(one) for name, one in schema.get("properties", {}).items() if name in wanted}
    if kind == "array":
        return [example(schema["items"])] * max(1, schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return max(
            1,
            schema.get("minimum", 1),
            schema.get("exclusiveMinimum", 0) + 1 if "exclusiveMinimum" in schema else 1,
        )
    if kind == "boolean":
        return True
    return text_of(schema)


TEXTS = {
    "uuid": "01234567-89ab-7def-8123-456789abcdef", "date-time": "2026-03-02T09:00:00Z", "date": "2026-03-02",
    "time": "15:00:00",
}  # fmt: skip
TRIED = (
    "GB",
    "GBP",
    "x",
    "0.2",
    "1.00",
    "1",
    "2026-03",
    "2026-03-02",
    f"whsec_{'a' * 32}",
    "0" * 18,
    "a" * 64,
)
"""Texts by which patterns are tried."""


def text_of(schema: dict[str, Any]) -> str:
    if schema.get("format") in TEXTS:
        return TEXTS[schema["format"]]
    pattern, least = schema.get("pattern", ""), schema.get("minLength", 0)
    fits = [one for one in TRIED if re.search(pattern, one) and len(one) >= least]
    return fits[0] if fits else "x" * max(1, least)


def called(client: Client, one: Operation, headers: dict[str, str]) -> Any:
    path, query = one.path, {}
    for parameter in one.told.get("parameters", ()):
        value = example(parameter["schema"])
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(value))
        elif parameter["in"] == "query" and parameter.get("required"):
            query[parameter["name"]] = str(value)
    body = one.told.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        text = json.dumps(example(body["application/json"]["schema"]))
        content = {"data": text, "content_type": "application/json"}
    else:
        content = {"data": dict.fromkeys(body, "x")} if body else {}
    tail = "?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else ""
    told = headers | {
        "Idempotency-Key": f"{one.path} {one.method}".replace(" ", "-").replace("{", "").replace("}", "")
    }
    return getattr(client, one.method)(path + tail, headers=told, **content)


def test_without_a_key_no_operation_answers(shop):
    wrong = [
        (one.method, one.path, answer.status_code)
        for one in operations()
        for answer in [called(Client(), one, {})]
        if answer.status_code != 401
    ]
    assert wrong == [] and len(operations()) > 150


MAKES_A_FILE = ("/api/v1/book-files",)
"""What makes a file, for whoever asks alone, of what every reader may read: auditors need those of the books."""


def test_who_may_do_nothing_has_no_effect_by_the_api_and_is_told_so(shop):
    """Most operations say 403; what is looked up before a command is asked says 404 or 422, and does nothing either."""
    auditor = a_program(shop.people["auditor"])
    before, told = counted(), []
    for one in operations():
        if one.method == "get" or one.path in MAKES_A_FILE:
            continue
        answer = called(Client(), one, {"X-API-Key": auditor.key})
        told.append((answer.status_code, one.path))
        assert answer.status_code in (403, 404, 422), (one.path, answer.content)
        assert counted() == before, one.path
    refused = [path for status, path in told if status == 403]
    assert len(refused) > 0.75 * len(told), sorted(path for status, path in told if status != 403)


# ---- names of people


NAMED = re.compile(r"(?:@|%40)[\w-]+\.\w|\+44|[?&](?:email|phone|mail)=", re.IGNORECASE)


WORDS = {part for one in urlpatterns for part in str(one.pattern).split("/")}
"""Parts of addresses that are written in the code: a person who is called like one is not named by it."""


def names_in(link: str, people: set[str]) -> set[str]:
    """People whose names a link says, as a part of its path or a value of its query."""
    _, _, path, query, _ = urlsplit(html.unescape(link))
    said = {unquote(part) for part in path.split("/")} - WORDS
    return people & (said | {value for _, value in parse_qsl(query)})


def mail_fields(page: str) -> list[str]:
    """Fields of filters in which somebody may look for a customer and that would write it into the address."""
    forms = re.findall(r'<form[^>]*method="get".*?</form>', page, re.DOTALL)
    fields = [one for form in forms for one in re.findall(r'<input[^>]*name="q"[^>]*>', form)]
    return [one for one in fields if "data-no-mail" not in one]


def test_links_that_name_somebody_are_found():
    people = {"lead", "books"}
    assert names_in("/work/?owner=lead", people) == {"lead"}
    assert names_in("/people/lead/?x=1", people) == {"lead"}
    assert names_in("/work/?a=1&amp;owner=le%61d", people) == {"lead"}
    assert not names_in("/books/?since=2026-01-01", people)
    assert mail_fields('<form class="x" method="get"><input name="q"></form>') == ['<input name="q">']
    assert not mail_fields(
        '<form method="get"><input name="q" data-no-mail></form><form method="post"><input name="q"></form>'
    )


def test_every_page_names_nobody_in_its_links_and_says_what_it_may_load(shop, console):
    browser = console("root")
    names = {row[0] for row in sql.run("SELECT username FROM auth_user")}
    wrong, unshielded, open_fields = [], [], []
    for stop in walk.stops():
        answer = browser.get(stop.address)
        page = answer.content.decode()
        links = re.findall(r'(?:href|action|hx-get|src)="([^"]*)"', page)
        wrong += [
            (stop.name, one)
            for one in links
            if not one.startswith("mailto:") and (NAMED.search(one) or names_in(one, names))
        ]
        unshielded += [stop.name] if answer.get("Content-Security-Policy") != shield.POLICY else []
        open_fields += [stop.name] if stop.name in edge.FINDS_BUYERS and mail_fields(page) else []
    assert wrong == [] and len(names) > 5
    assert unshielded == [], "no page needs more"
    assert open_fields == [], "an address with a mail address in it stands in logs: data-no-mail"


def test_answers_outside_the_console_say_what_they_may_load(shop):
    browser = Client()
    for address in (
        "/login/",
        "/nothing/",
        "/portal/x/y/",
        "/portal/order/",
        "/healthz",
        "/api/v1/orders",
        "/api/docs",
    ):
        assert browser.get(address)["Content-Security-Policy"] == shield.POLICY, address


@pytest.mark.parametrize("address", ["orders", "returns", "taxes", "store-credits", "listed-buyers"])
def test_a_mail_address_in_an_address_is_looked_for_by_the_search_without_it(shop, console, address):
    browser = console("service")
    sent = browser.get(reverse(address), {"q": "ada@example.com"})
    assert (sent.status_code, sent["Location"]) == (302, "/search/")
    shown = browser.get("/search/").content.decode()
    assert 'value="ada@example.com"' in shown
    assert 'value="ada@example.com"' not in browser.get("/search/").content.decode(), "it is kept no longer"
    by_script = browser.get(reverse(address), {"q": "ada@example.com"}, headers={"HX-Request": "true"})
    assert by_script["HX-Redirect"] == "/search/"
    assert browser.get(reverse("stock"), {"q": "MUG@2"}).status_code == 200, "goods may be called so"


def test_the_log_names_nobody(shop, console, caplog, settings):
    browser = console("root")
    settings.AXES_ENABLED = True
    caplog.set_level(logging.INFO)
    Client().post("/login/", {"username": "my secret, in the wrong field", "password": "wrong"})
    Client().post("/login/", {"username": "lead", "password": PASSWORD})
    browser.get("/orders/00000000-0000-0000-0000-000000000000/?q=ada@example.com")
    told = " ".join(caplog.messages)
    assert "somebody" in told and "Not Found: /orders/0" in told, "it was logged"
    assert not [
        one
        for one in caplog.messages
        if "my secret" in one or "ada@" in one or PASSWORD in one or "lead" in one
    ]


def test_only_named_doors_act_for_nobody() -> None:
    """Who acts is who asks. Where the edge makes an actor, it has named rights; everything is the system's."""
    root = Path(edge.__file__).parent
    made = {
        path.relative_to(root).as_posix(): "everything=True" in path.read_text()
        for path in sorted(root.rglob("*.py"))
        if re.search(r"\bActor\(", path.read_text())
    }
    assert made == {
        "api/auth.py": False, "doors.py": False, "rehearsing.py": True, "report_mail.py": True,
        "tasks.py": False, "views/own.py": False,
        "views/portal.py": False, "views/webhooks.py": False,
    }  # fmt: skip
