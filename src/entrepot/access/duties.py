"""Which pairs of duties no one should hold both sides of, and who does, by role and by person. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.access.errors import ConflictsUnseen
from entrepot.access.rules import ROLES
from entrepot.kernel.errors import Invalid, Refused, one_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two duties that ought to be two people's: what each is, by which commands, and how grave it is where one person
    has both. `kept` names the pair by which the house keeps them apart on the same document, whoever has the roles;
    where it is empty, only the roles do. Of a credit no sale is known that somebody could have made."""

    name: str
    first: str
    second: str
    first_by: tuple[str, ...]
    second_by: tuple[str, ...]
    risk: str
    kept: str = ""


CONFLICTS = (
    Conflict(
        "supplier × payment", "registers suppliers", "books what is paid",
        ("parties.register_suppliers",), ("settlement.decide_bank_lines",), "high", "bill×pay",
    ),
    Conflict(
        "bill × payment", "enters bills", "books what is paid",
        ("settlement.take_supplier_invoices", "settlement.take_carrier_invoices", "purchasing.land_costs"),
        ("settlement.decide_bank_lines",), "high", "bill×pay",
    ),
    Conflict(
        "bill × approval", "enters bills", "accepts what they bill beyond what was expected",
        ("settlement.take_supplier_invoices", "settlement.take_carrier_invoices"),
        ("settlement.decide_supplier_lines", "settlement.decide_charges"), "high", "enter×approve",
    ),
    Conflict(
        "order × receipt", "orders goods", "attests that they came",
        ("purchasing.order", "purchasing.change", "purchasing.accept_proposals"),
        ("purchasing.receive", "purchasing.receive_scans"), "high", "order×receive×accept",
    ),
    Conflict(
        "order × bill", "orders goods", "accepts what is billed for them",
        ("purchasing.order", "purchasing.change", "purchasing.accept_proposals"),
        ("settlement.decide_supplier_lines",), "high", "order×receive×accept",
    ),
    Conflict(
        "order × approval", "orders goods", "approves orders beyond what one person may order",
        ("purchasing.order", "purchasing.change", "purchasing.accept_proposals"), ("purchasing.decide_orders",), "high",
        "order×approve",
    ),
    Conflict(
        "credit × approval", "enters credits", "approves them", ("orders.credit",), ("orders.approve_credits",), "high",
        "enter×approve",
    ),
    Conflict(
        "write-off × approval", "writes off what is open", "approves write-offs", ("settlement.write_off",),
        ("settlement.decide_write_offs",), "high", "enter×approve",
    ),
    Conflict(
        "journal entry × approval", "enters journal entries by hand", "approves them",
        ("ledger.enter_entries", "ledger.reverse_entries"), ("ledger.decide_entries",), "high", "enter×approve",
    ),
    Conflict(
        "posting rules × approval", "drafts posting rules", "puts them in force",
        ("ledger.draft_rules",), ("ledger.activate_rules",), "high", "draft×activate",
    ),
    Conflict(
        "customer × credit", "makes customers, who come with their orders", "approves what is given back to them",
        ("parties.register_customers", "orders.place"), ("orders.approve_credits", "returns.approve_refunds"), "medium",
    ),
    Conflict(
        "sale × credit", "places or changes orders", "approves what is given back of them",
        ("orders.place", "channels.ask_imports", "sourcing.edit"), ("returns.approve_refunds",), "medium",
        "sell×credit",
    ),
    Conflict(
        "return × refund", "asks for returns or receives them", "approves their refunds",
        ("returns.authorize", "returns.receive", "returns.refund"), ("returns.approve_refunds",), "high",
        "request×receive×approve",
    ),
    Conflict(
        "item × stock", "keeps items", "approves corrections of their stock", ("catalog.register_skus",),
        ("warehouse.approve_adjustment",), "medium", "register×correct",
    ),
    Conflict(
        "adjustment × approval", "corrects stock", "approves the corrections", ("warehouse.adjust",),
        ("warehouse.approve_adjustment",), "high", "adjust×approve",
    ),
    Conflict(
        "count × approval", "counts", "approves the differences", ("warehouse.enter_counts",),
        ("warehouse.decide_counts",), "high", "count×recount×approve",
    ),
    Conflict(
        "departure × credit", "lets goods leave", "says what was given for them", ("returns.leave_departures",),
        ("returns.settle_departures",), "medium", "send×credit",
    ),
    Conflict(
        "dispute × loss", "answers disputes, or proposes to accept them", "accepts that they are lost",
        ("settlement.contest_disputes",), ("payments.accept_disputes",), "medium", "answer×accept",
    ),
    Conflict(
        "price × credit", "gives prices of their own", "approves what is given back", ("sourcing.reprice",),
        ("returns.approve_refunds", "orders.approve_credits"), "medium",
    ),
    Conflict(
        "webhook × payout", "says where messages go", "takes in what was paid out",
        ("channels.add_webhooks", "channels.change_webhooks"),
        ("settlement.take_payouts", "settlement.explain"), "medium",
    ),
    Conflict(
        "matching × closing", "matches and writes off", "closes the books", ("ledger.match_lines",),
        ("settlement.close_books",), "low",
    ),
)  # fmt: skip
"""Pairs of the trade's matrices of duties, as far as this house has both sides. It pays no wages and sends no money:
what is paid is booked when the bank says so."""

NONE, FIRST, SECOND, BOTH = "none", "first", "second", "both"


def sides(conflict: Conflict, commands: Collection[str]) -> str:
    """Which sides somebody has who may give these commands."""
    has = [not set(by).isdisjoint(commands) for by in (conflict.first_by, conflict.second_by)]
    return {(True, True): BOTH, (True, False): FIRST, (False, True): SECOND}.get((has[0], has[1]), NONE)


class Row(NamedTuple):
    """A pair: what each role has of it, which two roles make both sides, and which people have both."""

    conflict: Conflict
    roles: dict[str, str]
    together: list[tuple[str, str]]
    people: list[str]

    @property
    def violated(self) -> bool:
        """Whether somebody has both sides, and nothing keeps them apart on a document."""
        return bool(self.people) and not self.conflict.kept


def matrix(people: Mapping[str, Collection[str]], roles: Mapping[str, Sequence[str]] = ROLES) -> list[Row]:
    """The pairs against roles and people; `people` are those who may enter, with their commands."""
    rows = []
    for one in CONFLICTS:
        has = {role: sides(one, commands) for role, commands in roles.items()}
        together = [
            (first, second)
            for first in sorted(roles)
            for second in sorted(roles)
            if has[first] == FIRST and has[second] == SECOND
        ]
        both = sorted(name for name, commands in people.items() if sides(one, commands) == BOTH)
        rows.append(Row(one, has, together, both))
    return rows


def would_violate(commands: Iterable[str], more: Iterable[str]) -> list[Conflict]:
    """Pairs of which somebody gets both sides when they get more commands, and did not have them before."""
    before, after = set(commands), {*commands, *more}
    return [one for one in CONFLICTS if sides(one, after) == BOTH != sides(one, before)]


def brought_together(before: Iterable[str], after: Iterable[str]) -> list[Conflict]:
    """Pairs of which somebody gets both sides when they have other roles, and did not have them with those before."""
    had, has = ({name for role in roles for name in ROLES.get(role, ())} for roles in (before, after))
    return [one for one in CONFLICTS if sides(one, has) == BOTH != sides(one, had)]


def misfit_accepted(accepts: Iterable[str]) -> Refused | None:
    """Why pairs can't be accepted: there are no such."""
    known = {one.name for one in CONFLICTS}
    unknown = sorted(set(accepts) - known)
    if unknown:
        return Invalid(field="accepts", expected=one_of(sorted(known)), found=", ".join(unknown))
    return None


def misfit_unseen(
    person: str, before: Iterable[str], after: Iterable[str], accepts: Collection[str]
) -> Refused | None:
    """Why roles are not given: they bring duties together that whoever gives them has not named."""
    unseen = [one.name for one in brought_together(before, after) if one.name not in accepts]
    return ConflictsUnseen(person=person, pairs=", ".join(unseen)) if unseen else None
