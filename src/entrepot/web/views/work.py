"""The work queues: what the rules could not decide and what customers ask, and who takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import queries as access
from entrepot.access.rules import ASKED, ROLES, stands_for
from entrepot.insight import advice_facts as facts
from entrepot.insight import finding, making, pages, questions, suggestions, urgency
from entrepot.insight.advising import PRIORITY, Advice
from entrepot.kernel import policies
from entrepot.kernel import queries as kernel
from entrepot.orders import queries as orders
from entrepot.orders.rules import RESOLUTIONS
from entrepot.sourcing.commands.decide_holds import DecideHold, decide_holds
from entrepot.web import advice_words, lists
from entrepot.web import format as fmt
from entrepot.web.edge import (
    Request,
    Undo,
    back,
    clean,
    console,
    give,
    ids_in,
    int_in,
    moment_in,
    page,
    uuid_in,
)
from entrepot.web.homes import OWN
from entrepot.web.listed import chosen, listed, order_of
from entrepot.web.templatetags import console as tags
from entrepot.web.timeline import steps
from entrepot.web.views import barcodes, failed_payments
from entrepot.web.views.orders import listing_of
from entrepot.work import queries as work
from entrepot.work import rules
from entrepot.work.commands.assign import AssignItem, assign
from entrepot.work.commands.cases import LinkItems, OpenCase, link, open_case
from entrepot.work.commands.claim import ClaimItem, PutBackItem, claim, put_back
from entrepot.work.commands.escalate import EscalateItem, escalate
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.commands.snooze import SnoozeItem, snooze

SNOOZES = (
    (1, _("for an hour")), (4, _("for four hours")), (24, _("for a day")), (72, _("for three days")),
    (168, _("for a week")),
)  # fmt: skip
VIEWS = {
    "": _("Waiting"),
    "mine": _("Mine"),
    "untaken": _("Not taken"),
    "overdue": _("Overdue"),
    "snoozed": _("Put aside"),
    "advised": _("In the suggested order"),
}
KINDS = {"": _("All"), "exceptions": _("Exceptions"), "cases": _("Cases of customers")}
ROOT_CAUSES = {
    "customer": _("The customer's data or wish"),
    "channel": _("What the channel sent"),
    "catalog": _("The catalog"),
    "stock record": _("Stock record was wrong"),
    "damage": _("Damage or loss"),
    "supplier": _("The supplier"),
    "carrier": _("The carrier"),
    "payment provider": _("The payment provider"),
    "policy": _("A rule is set too tight or too loose"),
    "our mistake": _("A slip of ours"),
    "no fault": _("Nothing was wrong"),
}
"""The usual root causes in words; those of a company's own lists are their own words."""


@require_safe
@console
def work_list(request: Request) -> HttpResponse:
    company, now = request.reader.company.id, fmt.reading().now
    asked = _asked(request)
    by = _ranked(request, asked) if asked["view"] == "advised" else None
    fetch = partial(_advised, request, by) if by else partial(_items, request, asked)
    shown = listed(request, lists.WORK, fetch)
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context("items"),
        **asked,
        "points": {one.id: one.points_at(now) for one in shown.rows},
        "costs": {one.item.id: one.cost_minor for one in by.found} if by else {},
        "advice_is_off": asked["view"] == "advised" and by is None,
        "ranked_max": facts.RANKED_MAX if by and len(by.found) >= facts.RANKED_MAX else 0,
        "filtered": any(asked.values()),
        "names": pages.names(item.subject for item in shown.rows),
        "now": now,
    }
    if request.htmx and request.GET.get("after"):
        return page(request, "web/parts/work_rows.html", context, area="work")
    queues = work.queues(company, now)
    context |= {
        "queues": [one for one in queues if asked["kind"] in ("", f"{one.kind}s")],
        "oldest_at": min((one.oldest_at for one in queues), default=None),
        "views": VIEWS,
        "kinds": KINDS,
        "types": sorted({one.type for one in queues}),
        "roles": sorted(ROLES),
        "own": OWN if len(request.reader.roles) > 1 else "",
        "open": sum(one.items for one in queues),
        "overdue": sum(one.overdue for one in queues),
        **_choices(request, asked["type"]),
    }
    template = "web/parts/work_table.html" if request.htmx else "web/work.html"
    return page(request, template, context, area="work")


def _asked(request: Request) -> dict[str, str]:
    return {name: clean(request.GET.get(name)) for name in ("type", "role", "view", "kind")}


def _items(request: Request, asked: dict[str, str], after: UUID | None, limit: int) -> list[work.Item]:
    now, view = fmt.reading().now, asked["view"]
    return work.items(
        request.reader.company.id,
        kind=asked["type"],
        roles=request.reader.roles if asked["role"] == OWN else [asked["role"]] if asked["role"] else (),
        owner=request.reader.name if view == "mine" else "",
        untaken=view == "untaken",
        cases={"cases": True, "exceptions": False}.get(asked["kind"]),
        overdue_at=now if view == "overdue" else None,
        awake_at=None if view in ("snoozed", "overdue") else now,
        asleep_at=now if view == "snoozed" else None,
        order=order_of(request, lists.WORK),
        after=after,
        limit=limit,
    )


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A queue in the suggested order, what tells the cost of each item, and the policy that it goes by."""

    found: list[urgency.Cost]
    durations: Mapping[str, Sequence[float]]
    unknown_minor: int


def _ranked(request: Request, asked: Mapping[str, str]) -> _Ranked | None:
    """The queue as it is asked for, by what waiting with each item is expected to cost; None where the policy switches
    that advice off."""
    company, now = request.reader.company.id, fmt.reading().now
    policy = policies.of_company(company, Advice, now)[1]
    if not policy.is_on(PRIORITY):
        return None
    role = asked["role"]
    roles = (request.reader.roles if role == OWN else [role] if role else ()) or None
    queue = facts.Queue(asked["type"], roles, _KIND_OF.get(asked["kind"], ""))
    durations = questions.item_durations(company, now)
    found = making.ranked(company, policy, now, durations, queue)
    return _Ranked(found, durations, policy.value_minor)


_KIND_OF = {"exceptions": "exception", "cases": "case"}


def _advised(request: Request, by: _Ranked, after: UUID | None, limit: int) -> list[work.Item]:
    """A page of the suggested order: what comes behind an item, though it is finished meanwhile. All priorities stay as
    they are."""
    was = facts.item(request.reader.company.id, after) if after else None
    last = urgency.cost_of(was, by.durations, fmt.reading().now, by.unknown_minor) if was else None
    which = [one.item.id for one in urgency.behind(by.found, last)[:limit]]
    items = {one.id: one for one in work.these(which)}
    return [items[one] for one in which if one in items]


def _choices(request: Request, kind: str) -> dict[str, Any]:
    """What the forms of items offer: root causes of a type, roles, people, and how long to put aside."""
    causes = policies.of_company(request.reader.company.id, rules.Causes, fmt.reading().now)[1]
    return {
        "causes": {name: ROOT_CAUSES.get(name, name) for name in causes.of(kind)},
        "roles": ASKED,
        "may_decide": request.reader.actor.may("sourcing.decide_holds"),
        "may_reject": request.reader.actor.may("sourcing.cancel"),
        "resolutions": RESOLUTIONS,
        "people": access.able("work.claim") if request.reader.actor.may("work.assign") else [],
        "snoozes": SNOOZES,
    }


def _of_order(found: work.Item) -> str:
    """The currency of an item's order; '' where it is about something else."""
    return orders.currency_of(found.subject) if found.subject_kind == "order" else ""


def _currency(found: work.Item, of_order: str) -> str:
    """What its amounts are in: as its facts say, else that of its order; '' where nobody knows."""
    if not any(name.endswith("_minor") for name in found.facts):
        return ""
    return found.facts.get("currency", "") or of_order


def _called(request: Request, found: work.Item) -> dict[str, Any]:
    """What an item is about, and its facts, in which documents, SKUs and bins stand as people call them."""
    facts = {name: fact for name, fact in found.facts.items() if name != "hold"}  # the subject shows it
    ids = set(ids_in(_texts(facts)))
    names = pages.names([found.subject, *ids])
    told: dict[str, str] = {str(one): tags.link(one, names[one]) for one in ids & names.keys()}
    others = finding.called(request.reader.company.id, ids - names.keys())
    told |= {str(one): text for one, text in others.items()}
    return {"name": names.get(found.subject), "facts": _renamed(facts, told)}


def _texts(fact: Any) -> Iterator[str]:
    """Every text in a fact, however deep it stands."""
    if isinstance(fact, str):
        yield fact
    elif isinstance(fact, (dict, list)):
        for one in fact.values() if isinstance(fact, dict) else fact:
            yield from _texts(one)


def _renamed(fact: Any, told: Mapping[str, str]) -> Any:
    if isinstance(fact, dict):
        return {name: _renamed(one, told) for name, one in fact.items()}
    if isinstance(fact, list):
        return [_renamed(one, told) for one in fact]
    return told.get(fact, fact) if isinstance(fact, str) else fact


@require_safe
@console
def item(request: Request, which: UUID) -> HttpResponse:
    found = work.item(which)
    if found is None:
        raise Http404
    now, actor = fmt.reading().now, request.reader.actor
    of_order = _of_order(found)
    linked = work.linked(which)
    known = {which, *(one.id for one in linked)}
    context: dict[str, Any] = {
        "item": found,
        "is_theirs": rules.misfit_person(
            which, found.role, found.owner, request.reader.name, actor.may, actor.roles
        )
        is None,
        "asks_about_hold": "hold" in found.facts,
        "asleep": found.snoozed_until if found.snoozed_until and found.snoozed_until > now else None,
        "terms": found.terms_at(now),
        "worth_in": of_order or request.reader.company.currency,
        "points": found.points_at(now),
        "currency": _currency(found, of_order),
        **_called(request, found),
        "steps": steps(kernel.timeline(subjects=[which]), which, {}),
        "advice": advice_words.told(
            suggestions.of_subjects([which]).get(which, ()), actor, request.reader.company.currency
        ),
        "linked": linked,
        "others": [one for one in work.of_subject(found.subject) if one.id not in known],
        **_choices(request, found.type),
        **barcodes.of_item(request, found),
        "failed": failed_payments.of_item(found) if found.state != "done" else [],
        **(listing_of(request, found.subject) if _is_review(found) else {}),
        "roles": [role for role in ASKED if role != found.role],
    }
    return page(request, "web/item.html", context, area="work")


def _is_review(found: work.Item) -> bool:
    """Whether it asks whether an order is a fraud."""
    return found.subject_kind == "order" and found.type == "fraud review"


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Do one thing with the chosen items, by one command."""
    asked = _asked(request)
    by = _ranked(request, asked) if asked["view"] == "advised" and request.POST.get("all") else None
    fetch = partial(_advised, request, by) if by else partial(_items, request, asked)
    which = chosen(request, "item", fetch)
    note = clean(request.POST.get("note"))
    match request.POST.get("action"):
        case "claim":
            undo = partial(_undo, "put_back", seen=request.reader.name)
            give(request, claim, [ClaimItem(one) for one in which], _claimed, undo=undo)
        case "put_back":
            wanted = [PutBackItem(one, note, _seen(request, one)) for one in which]
            give(request, put_back, wanted, _put_back, undo=partial(_undo, "claim"))
        case "assign":
            _assign(request, which, note)
        case "snooze":
            _snooze(request, which, note)
        case "escalate":
            _escalate(request, which, note)
        case "link":
            other = uuid_in(request.POST.get("other"))
            give(request, link, [LinkItems(one, other) for one in which if other], _linked)
        case "release" | "reject" as decision:
            _decide(request, which, decision, note)
        case "resolve":
            cause = clean(request.POST.get("root_cause"))
            give(request, resolve, [ResolveItem(one, cause, note) for one in which], _resolved)
    return back(request, "/work/")


def _seen(request: Request, which: UUID) -> str | None:
    """Who had an item on the page that its person acted from; None where the page says nothing."""
    said = request.POST.get(f"seen-{which}", request.POST.get("seen"))
    return None if said is None else clean(said)


def _assign(request: Request, which: Sequence[UUID], note: str) -> None:
    person = clean(request.POST.get("person"))
    wanted = [AssignItem(one, person, note, _seen(request, one)) for one in which]
    give(request, assign, wanted, _assigned, undo=_given_back(which, person))


def _escalate(request: Request, which: Sequence[UUID], note: str) -> None:
    """Ask another role, and give what it has a name for to one of its people: an undo does that."""
    role, seen_role = clean(request.POST.get("role")), clean(request.POST.get("seen_role")) or None
    wanted = [
        EscalateItem(
            one, role, note, clean(request.POST.get(f"owner-{one}")), seen_role, _seen(request, one),
            request.POST.get("takes_back") == "yes", moment_in(request.POST.get(f"escalated-{one}")),
        )
        for one in which
    ]  # fmt: skip
    give(request, escalate, wanted, _escalated, undo=_asked_back(request, which, role))


def _decide(request: Request, chosen: Sequence[UUID], decision: str, note: str) -> None:
    """Items of holds, resolved by what becomes of the hold."""
    code, cause = clean(request.POST.get("code")) or "other", clean(request.POST.get("root_cause"))
    wanted = [DecideHold(one, decision, note, code, cause) for one in chosen]
    give(request, decide_holds, wanted, _released if decision == "release" else _rejected)


def _snooze(request: Request, chosen: Sequence[UUID], note: str) -> None:
    """Put aside for so many hours; for none, wake."""
    hours, seen = int_in(request.POST.get("hours")), moment_in(request.POST.get("seen_until"))
    known = [one for one, _ in SNOOZES]
    until = fmt.reading().now + timedelta(hours=hours) if hours in known else None
    wanted = [SnoozeItem(one, until, note, seen) for one in chosen]
    if until:
        undo = partial(_undo, "snooze", seen_until=until.isoformat())
        give(request, snooze, wanted, _snoozed, undo=undo)
    else:
        give(request, snooze, wanted, _woken)


def _given_back(chosen: Sequence[UUID], person: str) -> Callable[[list[Any]], Undo | None]:
    """What takes giving items away back: the queue, or the one person who had them; nothing where several had them."""
    owners = {one.id: one.owner for one in work.these(chosen)}

    def undo(done: list[Any]) -> Undo | None:
        before = {owners.get(request.item, "") for request, _ in done}
        if before == {""}:
            return _undo("put_back", done, seen=person)
        return _undo("assign", done, seen=person, person=before.pop()) if len(before) == 1 else None

    return undo


def _asked_back(
    request: Request, chosen: Sequence[UUID], role: str
) -> Callable[[list[Any]], Undo | None] | None:
    """What takes asking another role back: asking the one that was asked before, where it is one for all items, and
    giving each to whoever had it. Nothing for those who may not decide about what the other role is asked."""
    actor = request.reader.actor
    if not stands_for(actor.may, role, actor.roles):
        return None
    was = {one.id: one for one in work.these(chosen)}

    def undo(done: list[Any]) -> Undo | None:
        before = {was[request.item].role for request, _ in done}
        had = {f"owner-{one.item}": was[one.item].owner for one, _ in done if was[one.item].owner}
        times = {
            f"escalated-{one.item}": at.isoformat() for one, _ in done if (at := was[one.item].escalated_at)
        }
        if len(before) > 1:
            return None
        return _undo(
            "escalate", done, seen="", seen_role=role, takes_back="yes", role=before.pop(), **had, **times
        )

    return undo


def _undo(action: str, done: list[Any], **fields: str) -> Undo:
    """The act that takes another back from the items that were done: as they stand since, and from no others."""
    items = [("item", str(request.item)) for request, _ in done]
    return Undo(f"work.{action}", reverse("work-act"), [("action", action), *items, *fields.items()])


@require_POST
@console
def ask_for(request: Request, which: UUID) -> HttpResponse:
    """A customer asks about an order: open a case."""
    found = orders.order(which)
    if found is None:
        raise Http404
    asked = OpenCase(
        found.company, "order", which, clean(request.POST.get("topic")), clean(request.POST.get("reason")),
        value_minor=found.total_minor, promise_at=found.promise_at,
    )  # fmt: skip
    give(request, open_case, [asked], _opened, known=_open_already)
    return back(request, f"/orders/{which}/")


def _opened(_n: int) -> str:
    return gettext("The case is open, linked to what hinders the order.")


def _open_already(_answer: Any) -> str:
    return gettext("A case about that is open already: what the customer says now stands in its history.")


def _assigned(n: int) -> str:
    return ngettext("%(n)s item is given away.", "%(n)s items are given away.", n) % {"n": n}


def _snoozed(n: int) -> str:
    return ngettext("%(n)s item is put aside.", "%(n)s items are put aside.", n) % {"n": n}


def _woken(n: int) -> str:
    return ngettext("%(n)s item waits again.", "%(n)s items wait again.", n) % {"n": n}


def _escalated(n: int) -> str:
    return ngettext("%(n)s item asks another role.", "%(n)s items ask another role.", n) % {"n": n}


def _linked(n: int) -> str:
    return ngettext("%(n)s item is linked.", "%(n)s items are linked.", n) % {"n": n}


def _claimed(n: int) -> str:
    return ngettext("%(n)s item is yours.", "%(n)s items are yours.", n) % {"n": n}


def _put_back(n: int) -> str:
    return ngettext("%(n)s item is back in the queue.", "%(n)s items are back in the queue.", n) % {"n": n}


def _released(n: int) -> str:
    return ngettext(
        "%(n)s item is resolved, and its hold released.",
        "%(n)s items are resolved, and their holds released.",
        n,
    ) % {"n": n}


def _rejected(n: int) -> str:
    return ngettext(
        "%(n)s item is resolved, and its order cancelled.",
        "%(n)s items are resolved, and their orders cancelled.",
        n,
    ) % {"n": n}


def _resolved(n: int) -> str:
    return ngettext("%(n)s item is resolved.", "%(n)s items are resolved.", n) % {"n": n}
