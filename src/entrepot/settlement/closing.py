"""What stands in the way of closing a month, and what is only told. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entrepot.kernel.errors import Said
from entrepot.kernel.shapes import shape

KINDS = (
    "bank lines",
    "payout lines",
    "documents",
    "refunds",
    "credits",
    "carrier charges",
    "supplier lines",
    "write-offs",
    "journal entries",
    "exchange differences",
    "expected returns",
    "own tasks",
    "earlier months",
    "open lines",
    "clearing",
)
"""What may be open: lines of bank statements and payouts that wait, bookings without an invoice or credit note, refunds
and credits that nobody has approved, what carriers and suppliers bill and is in question, write-offs and journal
entries that nobody has approved, balances in other currencies and months of sales that were not measured as of the end,
tasks of the policy that nobody has ticked, months before that are not closed, old lines of clearing accounts that
nobody has explained, and clearing accounts that are not zero."""
OWN_TASKS = "own tasks"
TASK_MAX, TASKS_MAX = 200, 50


@shape("settlement.closing")
@dataclass(frozen=True, slots=True)
class Closing:
    """For each kind, whether a month is refused to be closed while something of it is open; and `tasks` that people do
    outside: it is refused until somebody has ticked each of them, with a note."""

    bank_lines: bool = True
    payout_lines: bool = True
    documents: bool = True
    refunds: bool = True
    credits: bool = True
    carrier_charges: bool = False
    supplier_lines: bool = False
    write_offs: bool = True
    journal_entries: bool = True
    exchange_differences: bool = True
    expected_returns: bool = True
    earlier_months: bool = True
    open_lines: bool = False
    clearing: bool = False
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = next((one for one in self.tasks if not one.strip() or len(one) > TASK_MAX), None)
        if wrong is not None:
            raise ValueError(
                f"tasks: expected 1 to {TASK_MAX} characters each, found {wrong[: TASK_MAX + 1]!r}"
            )
        if len(self.tasks) > TASKS_MAX or len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks: expected at most {TASKS_MAX}, each once, found {len(self.tasks)}")

    def refuses(self, kind: str) -> bool:
        if kind == OWN_TASKS:
            return True
        return bool(getattr(self, kind.replace(" ", "_").replace("-", "_")))


@dataclass(frozen=True, slots=True)
class Open:
    """Things of one kind that are open at the end of a month, of one currency: their amounts are added up, and those of
    two currencies are not. `about`: the account or the task, where it is one."""

    kind: str
    count: int
    amount_minor: int
    about: str
    currency: str


class Held(NamedTuple):
    """An account of a month: what was posted in it, and what it held at its end; debit positive."""

    account: int
    name: str
    type: str
    clearing: bool
    debit_minor: int
    credit_minor: int
    end_minor: int

    @property
    def balance_minor(self) -> int:
        """What the month added to it."""
        return self.debit_minor - self.credit_minor


class Part(NamedTuple):
    """Accounts of a type in a statement, with their sum as its readers expect it: above zero where there is income, a
    debt or equity, an expense or something owned."""

    type: str
    accounts: tuple[tuple[Held, int], ...]
    sum_minor: int


class Statements(NamedTuple):
    """What a month earned, and what there was at its end: assets are what is owed, equity and the result so far."""

    earned: tuple[Part, ...]
    result_minor: int
    stood: tuple[Part, ...]
    result_so_far_minor: int
    assets_minor: int
    claims_minor: int


def statements(accounts: Sequence[Held]) -> Statements:
    """Income statement of a month and balance sheet of its end. No account of income or expense is emptied into equity
    at the end of a year: what they all hold is the result so far."""
    earned = tuple(_part(accounts, kind, lambda one: one.balance_minor) for kind in ("income", "expense"))
    held = ("asset", "liability", "equity")
    stood = tuple(_part(accounts, kind, lambda one: one.end_minor) for kind in held)
    so_far = -sum(one.end_minor for one in accounts if one.type in ("income", "expense"))
    result = earned[0].sum_minor - earned[1].sum_minor
    claims = stood[1].sum_minor + stood[2].sum_minor + so_far
    return Statements(earned, result, stood, so_far, stood[0].sum_minor, claims)


def _part(accounts: Sequence[Held], kind: str, amount: Callable[[Held], int]) -> Part:
    sign = 1 if kind in ("asset", "expense") else -1
    own = tuple((one, sign * amount(one)) for one in accounts if one.type == kind and amount(one))
    return Part(kind, own, sum(minor for _, minor in own))


class Checked(NamedTuple):
    """Something open, and whether it stands in the way."""

    open: Open
    refuses: bool


def check(found: Sequence[Open], policy: Closing) -> list[Checked]:
    """What is open, what stands in the way first."""
    checked = [Checked(one, policy.refuses(one.kind)) for one in found if one.count]
    return sorted(checked, key=_place)


def _place(one: Checked) -> tuple[bool, int, str, str]:
    return not one.refuses, KINDS.index(one.open.kind), one.open.about, one.open.currency


def looked_at(found: Sequence[Open], policy: Closing) -> list[Checked]:
    """As `check`, with what passed: tasks that are ticked, and the kinds of which nothing is open, for whoever keeps a
    record of what was looked at."""
    named = [one for one in found if not one.count and one.about]
    known = {one.kind for one in (*named, *(one for one in found if one.count))}
    passed = [*named, *(Open(kind, 0, 0, "", "") for kind in KINDS if kind not in known)]
    return check(found, policy) + [Checked(one, policy.refuses(one.kind)) for one in passed]


def of_tasks(tasks: Sequence[str], ticked: Collection[str]) -> list[Open]:
    """The tasks of a month, those that nobody has ticked as open."""
    return [Open(OWN_TASKS, int(one not in ticked), 0, one, "") for one in tasks]


def state(one: Checked) -> str:
    """Of something that was looked at: nothing is open, it stands in the way, or it is only told."""
    if not one.open.count:
        return "passed"
    return "in the way" if one.refuses else "told"


def reasons(checked: Sequence[Checked]) -> Said | None:
    """Why a month can't be closed, as a sentence's end: each kind with how many; None where it can."""
    counts: dict[str, int] = {}
    for one in checked:
        if one.refuses and one.open.count:
            counts[one.open.kind] = counts.get(one.open.kind, 0) + one.open.count
    facts = [fact for kind, count in counts.items() for fact in (Said(kind), count)]
    places = ", ".join(f"{{{2 * n}}}: {{{2 * n + 1}}}" for n in range(len(counts)))
    return Said(places, *facts) if counts else None
