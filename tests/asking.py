"""Clients that ask as somebody: a program with an API key, a browser with a session."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from entrepot.access import keys
from entrepot.access.commands.issue_key import IssueKey, issue_key
from tests.shop import PASSWORD, the_system


@dataclass
class Program:
    """A program with an API key."""

    client: Client
    key: str

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"X-API-Key": self.key} | headers)

    def post(self, path: str, body: Any, again: str | None = "one", **headers: str) -> Any:
        told = {"X-API-Key": self.key} | ({"Idempotency-Key": again} if again else {}) | headers
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.client.post(path, text, content_type="application/json", headers=told)


def a_program(person: User) -> Program:
    raw = keys.fresh()
    issue_key(the_system(datetime.now(UTC)), requests=[IssueKey("test", person.pk, raw)])
    return Program(Client(), raw)


def a_browser(name: str) -> Client:
    client = Client()
    assert client.login(username=name, password=PASSWORD)
    return client


def walked(browser: Client, address: str) -> list[list[str]]:
    """The titles of the rows of each page of a list, page by page to its end."""
    pages: list[list[str]] = []
    where = address
    while where:
        page = browser.get(where).content.decode()
        table = page.partition('<p class="totals"')[0].rpartition('<table class="rows">')[2]
        rows = re.findall(r'<tr data-row>.*?<th scope="row"[^>]*>(.*?)</th>', table, re.DOTALL)
        pages.append([re.sub(r"<[^>]+>", " ", one).strip() for one in rows])
        assert len(pages) < 50, "the pages have no end"
        further = re.search(r'href="(\?[^"]*)">(?:<svg(?:(?!</svg>).)*</svg>)?Further ones', page, re.DOTALL)
        where = f"{address.partition('?')[0]}{unescape(further[1])}" if further else ""
    return pages


def sure(browser: Client, asked: Any, **more: str) -> Any:
    """The answer to the form of a page that asks back whether it shall be done, sent as the page shows it."""
    page = asked.content.decode()
    form = re.search(r'<form class="body stack" method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL)
    assert form, "the page asks nothing back"
    said: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="(?:hidden|text)"[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', form[2]
    ):
        said.setdefault(name, []).append(value.replace("&amp;", "&"))
    return browser.post(form[1].replace("&amp;", "&"), said | more)
