"""`entrepot whatif sourcing`: a draft of a sourcing profile over recorded orders, beside the profile in force."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from entrepot import Problem
from entrepot.cli.session import add_database_option, opened, say
from entrepot.progress import Progress

if TYPE_CHECKING:
    from entrepot.parties.queries import Company
    from entrepot.simulation.whatif import Report
    from entrepot.sourcing.rules import Profile

CHANGED_SHOWN = 10


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "whatif", help="try a draft of a policy on what is recorded, before it is in force"
    )
    kinds = parser.add_subparsers(metavar="POLICY", required=True)
    sourcing = kinds.add_parser("sourcing", help="replay recorded orders by another sourcing profile")
    sourcing.add_argument(
        "--profile", required=True, metavar="DRAFT",
        help="a draft of sourcing.profile, by its note or the last digits of its key; or a JSON file with its fields",
    )  # fmt: skip
    sourcing.add_argument(
        "--scope", metavar="CHANNEL", help="of a JSON file: the channel that it is for (default: all)"
    )
    sourcing.add_argument(
        "--from",
        dest="since",
        type=_day,
        required=True,
        metavar="DAY",
        help="the first day, as 2026-03-01 (UTC)",
    )
    sourcing.add_argument(
        "--to",
        dest="until",
        type=_day,
        required=True,
        metavar="DAY",
        help="the last day, which counts in full",
    )
    sourcing.add_argument("--company", metavar="CODE", help="the company, where there are several")
    sourcing.add_argument(
        "--report", default="text", metavar="text|json|FILE", help="how to tell it, or the file for the JSON"
    )
    sourcing.add_argument(
        "--keep", action="store_true", help="keep the report for the console, and tell it to the draft"
    )
    add_database_option(sourcing)
    sourcing.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as 2026-03-01, found {text!r}") from None


class _Chosen(NamedTuple):
    """What is to be tried, and the draft that it is, where it is one."""

    profile: Profile
    scope: str
    draft: UUID | None


def run(arguments: argparse.Namespace) -> int:
    """Replay, tell, and write nothing but what was asked for."""
    with opened(arguments.database, migrates=False):
        from entrepot.kernel.errors import Refused
        from entrepot.simulation import whatif

        company = _company(arguments.company)
        chosen = _chosen(company.id, arguments.profile, arguments.scope)
        since, until = whatif.whole_days(arguments.since, arguments.until)
        if until <= since:
            raise Problem(
                f"--to {arguments.until} is before --from {arguments.since}: name the earlier day first."
            )
        with Progress("Replaying", unit="decisions") as bar:

            def tell(done: int, total: int) -> None:
                bar.total = total
                bar.advance(done - bar.done)

            report = whatif.tried(
                company.id, chosen.profile, chosen.scope, since, until, datetime.now(UTC), tell
            )
        if isinstance(report, Refused):
            raise Problem(report.message)
        _tell(arguments.report, report, company.currency)
        if arguments.keep:
            _keep(company.id, report, chosen)
    return 0


def _company(code: str | None) -> Company:
    from entrepot.parties import queries as parties

    companies = {one.code: one for one in parties.companies()}
    found = companies.get(code or next(iter(companies), ""))
    if found is None or (code is None and len(companies) > 1):
        raise Problem(f"Name the company with --company: {', '.join(companies) or 'there is none yet'}.")
    return found


# ---- what is tried


def _chosen(company: int, name: str, scope: str | None) -> _Chosen:
    from entrepot.kernel import drafts
    from entrepot.sourcing.rules import Profile

    file = Path(name)
    if file.suffix == ".json" or file.is_file():
        return _Chosen(_read(file), scope or "", None)
    known = [one for one in drafts.drafts(company, "sourcing.profile") if one.state in ("draft", "tried")]
    meant = [one for one in known if name in (one.note, str(one.id)) or str(one.id).endswith(name)]
    if len(meant) != 1:
        many = "Several drafts are" if meant else "No draft of sourcing.profile is"
        listed = "; ".join(f"{str(one.id)[-8:]} {one.note!r}" for one in meant or known)
        raise Problem(
            f"{many} called {name!r}. There are: {listed or 'none; draft one, or name a JSON file'}."
        )
    (draft,) = meant
    if scope is not None and scope != draft.scope:
        raise Problem(f"The draft is for {draft.scope or 'all channels'}: leave --scope out.")
    body = drafts.draft_of(company, draft.id, Profile)
    assert isinstance(body, Profile)
    return _Chosen(body, draft.scope, draft.id)


def _read(file: Path) -> Profile:
    """A profile from JSON; a field that it does not have is a slip of the pen, and not passed over."""
    import msgspec

    from entrepot.sourcing.rules import Profile

    if not file.is_file():
        raise Problem(f"There is no file {file}.")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Problem(f"{file} is no JSON: {error}.") from error
    names = [one.name for one in fields(Profile)]
    if not isinstance(found, dict) or (unknown := sorted(set(found) - set(names))):
        what = ", ".join(unknown) if isinstance(found, dict) else type(found).__name__
        raise Problem(f"{file}: expected an object with fields of sourcing.profile, found {what}. "
                      f"They are: {', '.join(names)}.")  # fmt: skip
    try:
        return msgspec.convert(found, Profile)
    except msgspec.ValidationError as error:
        raise Problem(f"{file} does not fit the shape of sourcing.profile: {error}.") from error


# ---- what is told


def _tell(how: str, report: Report, currency: str) -> None:
    from entrepot.kernel import wire

    if how == "text":
        _print(report, currency)
        return
    text = json.dumps(json.loads(wire.dump(report)), indent=2)
    if how == "json":
        say(text)
        return
    # Beside its place and then renamed: a half-written report never stands under the real name.
    making = Path(f"{how}.part")
    try:
        making.write_text(f"{text}\n", encoding="utf-8")
        making.replace(how)
    except OSError as error:
        raise Problem(f"The report can't be written to {how}: {error.strerror}.") from error


def _keep(company: int, report: Report, chosen: _Chosen) -> None:
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.simulation.commands.try_profiles import KeepTrial, keep_trials

    cause = Cause(Actor("whatif", everything=True), datetime.now(UTC), "tried on the command line")
    (kept,) = whole(keep_trials(cause, requests=[KeepTrial(company, report, chosen.draft)]))
    say(f"kept: /orders/trials/{kept.trial}/")


def _print(report: Report, currency: str) -> None:
    from entrepot.kernel import money
    from entrepot.simulation.comparison import LATENESS

    found = report.found
    one, other = found.before, found.after
    say(f"{'':<34}{'in force':>14}{'draft':>14}")
    for name in ("orders", "shipped", "shipments", "units", "promised", "late", "late_days", "backordered",
                 "waiting", "cancelled", "substituted", "held", "unpriced"):  # fmt: skip
        _row(name.replace("_", " "), *(f"{getattr(side.figures, name):,}" for side in (one, other)))
    _row("shipments ÷ shipped orders − 1", *(f"{side.figures.splits:.4f}" for side in (one, other)))
    _row("unit days waited", *(f"{side.figures.unit_days:,.1f}" for side in (one, other)))
    for term in one.figures.cost:
        _row(
            f"cost: {term}, {currency}",
            *(money.text(side.figures.cost[term], currency) for side in (one, other)),
        )
    _row(f"cost, {currency}", *(money.text(side.figures.cost_minor, currency) for side in (one, other)))
    _row(
        f"cost of a unit sent, {currency}",
        *(money.text(side.figures.cost_of_unit, currency) for side in (one, other)),
    )
    if (one.gap, other.gap) != (None, None):
        gaps = ("–" if side.gap is None else f"{side.gap:.2%}" for side in (one, other))
        _row("planned together: gap at most", *gaps)
    for name in LATENESS:
        _row(f"orders {name}", *(f"{side.figures.lateness[name]:,}" for side in (one, other)))
    for before, after in zip(one.nodes, other.nodes, strict=True):
        _row(f"{before.node}: shipments", f"{before.orders:,}", f"{after.orders:,}")
        _row(f"{before.node}: on its busiest day", f"{before.peak_orders:,}", f"{after.peak_orders:,}")
    say(f"\n{found.changed_count:,} orders go another way")
    for changed in found.changed[:CHANGED_SHOWN]:
        ways = (" ".join(nodes) or "nobody" for nodes in (changed.before, changed.after))
        say(f"  {changed.number}: {' → '.join(ways)}: {changed.why}")
    if found.changed_count > CHANGED_SHOWN:
        say(f"  … and {found.changed_count - CHANGED_SHOWN:,} more: --report json has them")
    trust = found.trust
    say(
        f"\n{trust.same:,} of {trust.orders:,} orders ({trust.share:.1%}) are served by the nodes that really did"
    )
    for name in report.not_followed:
        of_orders = report.concerns[name]
        orders = "1 order" if of_orders == 1 else f"{of_orders:,} orders"
        say(f"The record does not tell of {GAPS[name]}: this may matter to {orders}")
    if report.strangers:
        say(
            f"The draft names what serves none of these orders, or nothing is called: {', '.join(report.strangers)}"
        )
    if trust.by_another:
        say(f"{trust.by_another:,} of them had been decided by another version of the profile")


GAPS = {
    "carts": "what carts had reserved",
    "changes": "splits, merges and part cancellations as they happened",
    "customers": "customers' tiers and wishes before they were changed: it takes today's",
    "catalog": "categories, costs and what was for sale: it takes today's catalog",
    "suppliers": "what suppliers had to send: no order is passed to one here",
    "windows": "the days and the least part of orders before they were changed: it takes today's",
    "half_kits": "components that are called back when their kit can't be made whole: they stay promised here",
    "limits": "what somebody would have decided about orders that a limit of selling ahead holds",
}


def _row(name: str, before: str, after: str) -> None:
    say(f"{name:<34}{before:>14}{after:>14}")
