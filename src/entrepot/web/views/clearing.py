"""The workbench of clearing accounts: whether each is at zero, what is open of it, and what belongs together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import ROLES
from entrepot.insight import answers, pages, questions
from entrepot.ledger import clearing_queries as matches
from entrepot.ledger.clearing import Part
from entrepot.ledger.commands.match_lines import MatchLines, UndoMatch, match_lines, undo_matches
from entrepot.ledger.rules import WRITTEN_OFF
from entrepot.settlement import clearing_queries as queries
from entrepot.settlement.clearing import AGES, CODES
from entrepot.settlement.clearing_queries import ItemRow, Wanted
from entrepot.settlement.commands.clear_accounts import AccountsCleared, ClearAccounts, clear_accounts
from entrepot.settlement.commands.note_lines import NoteLine, note_lines
from entrepot.settlement.commands.write_off import DecideWriteOff, WriteOff, decide_write_offs, write_off
from entrepot.web import lists_books
from entrepot.web.edge import (
    Request,
    Undo,
    back,
    clean,
    console,
    day_in,
    give,
    int_in,
    minor_in,
    page,
    uuid_in,
)
from entrepot.web.listed import listed

PAGE = 100
MATCHES_SHOWN = 20
ACCOUNT_MAX = 2**31 - 1


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Every clearing account: at zero, or why not; and what waits to be written off."""
    company = request.reader.company.id
    context = {
        "accounts": questions.clearing_accounts(company, timezone.now()),
        "ages": AGES,
        "waiting": queries.write_offs(company, waiting=True),
    }
    return page(request, "web/clearing.html", context, area="books")


@require_safe
@console
def lines(request: Request) -> HttpResponse:
    """What is open of an account, to match, split, give up or explain; and its matches. Without one named, of the first
    that holds something."""
    company, now = request.reader.company.id, timezone.now()
    told = questions.clearing_accounts(company, now)
    code = int_in(request.GET.get("account")) or next((one.account for one in told if one.since), 1100)
    found = pages.account(company=company, code=code) if code <= ACCOUNT_MAX else None
    if found is None or not found.clearing:
        raise Http404
    wanted = _wanted(request, code)

    def fetch(after: int | None, limit: int) -> list[ItemRow]:
        return queries.items(company, wanted, now, after=after, limit=limit)

    shown = listed(request, lists_books.CLEARING, fetch, key=lambda one: one.line, read=int_in, size=PAGE)
    if shown.answer:
        return shown.answer
    made = matches.matches(company, code, limit=MATCHES_SHOWN)
    parts = queries.parts([one.id for one in made])
    context = {
        **shown.context(), "account": found, "wanted": wanted,
        "told": [one for one in told if one.account == code],
        "parties": queries.by_counterparty(company, code, limit=10),
        "names": pages.names([one.document for one in shown.rows] + [one.document for one in parts]),
        "matches": [(one, [part for part in parts if part.match == one.id]) for one in made],
        "codes": CODES, "roles": sorted(ROLES), "ages": AGES, "now": now,
        "may_give_up": code in WRITTEN_OFF,
    }  # fmt: skip
    return page(request, "web/clearing_lines.html", context, area="books")


def _wanted(request: Request, account: int) -> Wanted:
    def one_of(name: str, *known: str) -> str:
        said = clean(request.GET.get(name))
        return said if said in known else ""

    older = int_in(request.GET.get("older"))
    return Wanted(
        account, clean(request.GET.get("currency"))[:3].upper(), one_of("side", "debit", "credit"),
        min(older, 10_000) if older is not None else None, clean(request.GET.get("counterparty")),
        one_of("noted", "yes", "no"),
    )  # fmt: skip


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """What is to become of the selected lines."""
    company, parts = request.reader.company.id, _parts(request)
    reason, code = clean(request.POST.get("reason")), clean(request.POST.get("code"))
    command: Callable[..., list[Any]]
    undo = None
    wanted: list[Any]
    match request.POST.get("action"):
        case "match":
            command, done = match_lines, lambda _n: gettext("The lines are matched.")
            wanted, undo = [MatchLines(company, tuple(parts), reason)], _undo
        case "write_off":
            command, done = write_off, _given_up
            wanted = [WriteOff(company, tuple(parts), code, reason)]
        case _:
            due = day_in(request.POST.get("due_on")) or timezone.now().date()
            role = clean(request.POST.get("role")) or "controller"
            command, done = note_lines, _explained
            wanted = [NoteLine(company, one.line, code, reason, due, role) for one in parts]
    results = give(request, command, wanted if parts else [], done, undo=undo)
    return back(request, reverse("clearing"), results)


def _parts(request: Request) -> list[Part]:
    """The selected lines, and how much of each where somebody said so: without a sign, on the line's own side."""
    found = []
    for text in request.POST.getlist("line"):
        number, _, currency = text.partition(" ")
        side, line = (-1 if number.startswith("-") else 1), int_in(number.lstrip("-"))
        if line is None:
            continue
        said = clean(request.POST.get(f"part-{line}"))
        amount = minor_in(said, currency) if said else None
        found.append(Part(line, side * abs(amount) if amount is not None else (0 if said else None)))
    return found


def _undo(told: list[Any]) -> Undo:
    _, answer = told[0]
    fields = [("match", str(answer.match)), ("why", gettext("taken back at once"))]
    return Undo("ledger.undo_matches", reverse("clearing-undo"), fields)


def _given_up(_n: int) -> str:
    return gettext("It is written off, or waits for another person to approve it.")


def _explained(n: int) -> str:
    return ngettext("%(n)s line is explained.", "%(n)s lines are explained.", n) % {"n": n}


@require_POST
@console
def undo(request: Request) -> HttpResponse:
    """Take a match apart."""
    which = uuid_in(request.POST.get("match"))
    wanted = [UndoMatch(which, clean(request.POST.get("why")))] if which else []
    results = give(request, undo_matches, wanted, lambda _n: gettext("The lines are open again."))
    return back(request, reverse("clearing"), results)


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Approve or decline a write-off."""
    which, note = uuid_in(request.POST.get("write_off")), clean(request.POST.get("note"))
    wanted = [DecideWriteOff(which, request.POST.get("action") == "approve", note)] if which else []
    results = give(request, decide_write_offs, wanted, lambda _n: gettext("The write-off is decided."))
    return back(request, reverse("clearing"), results)


@require_POST
@console
def by_rule(request: Request) -> HttpResponse:
    """Have the rules look for what belongs together, now."""
    results = give(
        request, clear_accounts, [ClearAccounts(request.reader.company.id)],
        lambda _n: gettext("The rules have looked at what is open."), long=answers.is_large(),
    )  # fmt: skip
    for one in results:
        if isinstance(one, AccountsCleared):
            told = ngettext("%(n)s match was found.", "%(n)s matches were found.", one.matches)
            messages.info(request, told % {"n": one.matches})
    return back(request, reverse("clearing"))
