"""Policies: which versions steer the house, how they differ, and what might become the next one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from entrepot.kernel import drafts, policies, shapes
from entrepot.kernel.drafts import (
    ActivateDraft,
    DraftNow,
    DraftPolicy,
    DraftRow,
    DropDraft,
    TryDraft,
    activate_draft,
    draft_policy,
    drop_draft,
    try_draft,
)
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import VersionRow
from entrepot.network import queries as network
from entrepot.sourcing import naming
from entrepot.web import format as fmt
from entrepot.web import lists_insight, words
from entrepot.web.edge import Request, back, beginning_in, clean, console, give, page, uuid_in
from entrepot.web.listed import listed_whole
from entrepot.web.policy_form import differences, filled, form, purpose, read, title

REPLAYED = "sourcing.profile"
"""The kind of which a replay tells what came of a trial."""

DRAFTS_MAX = 1_000


class Kind(NamedTuple):
    """A kind of policy: what it steers, what is in force by scope, and how many drafts live."""

    name: str
    title: str
    purpose: str
    in_force: tuple[VersionRow, ...]
    coming: tuple[VersionRow, ...]
    drafts: int
    wrong: str
    """What is wrong with one that is in force; '' where nothing is."""

    @property
    def called(self) -> str:
        return gettext(self.title)

    @property
    def since(self) -> datetime | None:
        """When the newest version in force began."""
        return max((row.in_force_from for row in self.in_force), default=None)

    @property
    def next(self) -> datetime | None:
        """When the next one begins."""
        return min((row.in_force_from for row in self.coming), default=None)


@require_safe
@console
def kinds(request: Request) -> HttpResponse:
    """All kinds of policies, with what is in force of each."""
    company, now = request.reader.company.id, fmt.reading().now
    rows = policies.versions(company)
    living = [one.kind for one in drafts.drafts(company) if one.state in ("draft", "tried")]
    found = []
    for name, body in sorted(policies.bodies.items()):
        mine = [row for row in rows if row.kind == name]
        held, coming = _in_force(mine, now), _coming(mine, now)
        wrong = next((told for row in held if (told := _wrong(row))), "")
        found.append(Kind(name, title(name), purpose(body), held, coming, living.count(name), wrong))
    shown = listed_whole(request, lists_insight.POLICIES, found)
    return shown.answer or page(request, "web/policies.html", shown.context("kinds"), area="policies")


@require_safe
@console
def one(request: Request, kind: str) -> HttpResponse:
    """A policy: its versions, two of them compared, and its drafts."""
    body, company = _body(kind), request.reader.company.id
    rows = policies.versions(company, kind)
    in_force = _in_force(rows, fmt.reading().now)
    chosen = [
        next((row for row in rows if f"{row.scope}:{row.version}" == request.GET.get(name)), None)
        for name in ("one", "other")
    ]
    context: dict[str, Any] = {
        "kind": kind, "title": title(kind), "purpose": purpose(body), "in_force": in_force,
        "versions": [(row, _wrong(row)) for row in rows],
        "says": _says(body, in_force), "coming": _coming(rows, fmt.reading().now),
        "now": fmt.reading().now, "one": chosen[0], "other": chosen[1],
        "drafts": [(draft, _changes(body, draft, in_force)) for draft in drafts.drafts(company, kind, limit=50)],
        "replayed": kind == REPLAYED, "by_word": kind not in shapes.trials, "names": {},
    }  # fmt: skip
    if kind == REPLAYED:
        living = [one for one, _ in context["drafts"] if one.state in ("draft", "tried")]
        read_ = [(one, policies.understood(kind, one.body)[0]) for one in living]
        said = [naming.Named(one.scope, profile) for one, profile in read_ if profile is not None]
        ids = [one.id for one, profile in read_ if profile is not None]
        context["names"] = dict(zip(ids, naming.unknown(company, said), strict=True))
    if chosen[0] and chosen[1]:
        unread = [row for row in chosen if row and policies.understood(kind, row.body)[0] is None]
        context["unread"] = [(row, _wrong(row), _as_written(row.body)) for row in unread]
        if not unread:
            context["differences"] = differences(body, chosen[0].body, chosen[1].body)
    return page(request, "web/policy.html", context, area="policies")


@require_http_methods(["GET", "HEAD", "POST"])
@console
def draft(request: Request, kind: str) -> HttpResponse:
    """The form of a draft, filled with what is in force for its scope, or with what another draft (`like`) says;
    keeping it has nothing come into force."""
    body, company = _body(kind), request.reader.company.id
    asked = request.POST if request.method == "POST" else request.GET
    scope = clean(asked.get("scope"))
    context: dict[str, Any] = {
        "kind": kind, "title": title(kind), "purpose": purpose(body), "scope": scope, "note": clean(asked.get("note")),
        "channels": network.channels(company=company).values(),
    }  # fmt: skip
    if request.method == "POST":
        found = read(body, request.POST.dict())
        if not isinstance(found, Refused):
            wanted = [DraftPolicy(company, kind, found, scope, context["note"])]
            answers = give(
                request, draft_policy, wanted, lambda _: gettext("The draft is kept. It is not in force.")
            )
            if isinstance(answers[0], DraftNow):
                return redirect("policy", kind=kind)
            found = answers[0]
        wrong = re.split("[ ,:]", str(found.facts.get("field", "")))[0]
        context |= {"refused": words.refusal(found), "wrong": wrong}
        sent = filled(body, request.POST.dict())
        return page(request, "web/policy_draft.html", context | {"fields": sent}, area="policies")
    rows = _in_force(policies.versions(company, kind), fmt.reading().now)
    held = {row.scope: row for row in rows}
    begun = _begun(context, body, kind, held.get(scope) or held.get(""))
    context["own"] = scope in held
    if like := uuid_in(asked.get("like")):
        row = next((one for one in drafts.drafts(company, kind, limit=DRAFTS_MAX) if one.id == like), None)
        if row is None:
            raise Http404
        begun = _begun(context, body, kind, row)
        context |= {"like": row, "scope": row.scope, "note": row.note}
    return page(request, "web/policy_draft.html", context | {"fields": form(begun)}, area="policies")


@require_POST
@console
def act(request: Request, which: UUID) -> HttpResponse:
    """Say what came of a trial, switch a draft on, or put it away, with one command."""
    known = {one.id for one in drafts.drafts(request.reader.company.id, limit=DRAFTS_MAX)}
    if which not in known:
        raise Http404
    text = clean(request.POST.get("text"))
    match request.POST.get("do"):
        case "try":
            give(request, try_draft, [TryDraft(which, text)], lambda _: gettext("The draft is tried."))
        case "activate":
            since = beginning_in(request.POST.get("from"))
            give(request, activate_draft, [ActivateDraft(which, since)], _activated)
        case "drop":
            give(request, drop_draft, [DropDraft(which, text)], lambda _: gettext("The draft is put away."))
    return back(request, "/policies/")


def _activated(_: int) -> str:
    return gettext("The draft is a version now; it is in force from its day on.")


def _body(kind: str) -> type:
    if kind not in policies.bodies:
        raise Http404
    return policies.bodies[kind]


def _in_force(rows: Sequence[VersionRow], now: datetime) -> tuple[VersionRow, ...]:
    """The version of each scope that holds now."""
    return tuple(policies.holding(rows, now).values())


def _coming(rows: Sequence[VersionRow], now: datetime) -> tuple[VersionRow, ...]:
    """Versions whose day is to come, but for those that another one for the same day has called off."""
    waiting = (row for row in rows if row.in_force_from > now)
    return tuple(
        row for row in waiting if policies.holding(rows, row.in_force_from)[row.kind, row.scope] is row
    )


def _begun(context: dict[str, Any], body: type, kind: str, row: VersionRow | DraftRow | None) -> Any:
    """What a form begins with: what stands there, or the defaults where that can't be read, which the page says."""
    found, wrong = policies.understood(kind, row.body) if row else (None, None)
    context["unreadable"] = words.refusal(wrong) if wrong and found is None else ""
    return body() if found is None else found


def _wrong(row: VersionRow) -> str:
    wrong = policies.understood(row.kind, row.body)[1]
    return words.refusal(wrong) if wrong else ""


def _as_written(body: Any) -> str:
    return json.dumps(body, indent=1, ensure_ascii=False)


class Said(NamedTuple):
    """What a field of a policy in force says, and whether that is another thing than its default."""

    label: str
    help: str
    text: str
    is_own: bool


class Held(NamedTuple):
    """What is in force for a scope: its fields, or the body `as_written` where it can't be read; and what is wrong."""

    scope: str
    fields: list[Said]
    wrong: str = ""
    as_written: str = ""


def _says(body: type, in_force: Sequence[VersionRow]) -> list[Held]:
    """By scope, what is in force; of a policy without a version for all, its defaults."""
    defaults = {one.name: one.text for one in form(body())}
    said = {"": Held("", _fields(body(), defaults))}
    for row in in_force:
        found = policies.understood(row.kind, row.body)[0]
        if found is None:
            said[row.scope] = Held(row.scope, [], _wrong(row), _as_written(row.body))
        else:
            said[row.scope] = Held(row.scope, _fields(found, defaults), _wrong(row))
    return [one for _, one in sorted(said.items())]


def _fields(says: Any, defaults: dict[str, str]) -> list[Said]:
    return [Said(one.label, one.help, one.told, one.text != defaults[one.name]) for one in form(says)]


def _changes(body: type, draft: DraftRow, in_force: Sequence[VersionRow]) -> list[Any]:
    """What a draft would change of what is in force for its scope; of the defaults where that can't be read."""
    by_scope = {
        row.scope: row.body for row in in_force if policies.understood(row.kind, row.body)[0] is not None
    }
    current = by_scope.get(draft.scope) or by_scope.get("") or msgspec.to_builtins(body())
    if policies.understood(draft.kind, draft.body)[0] is None:
        return []
    return differences(body, current, draft.body)
