"""The chart of accounts as a house keeps it: what an account may be called, stand for and be numbered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from entrepot.kernel.errors import Invalid, Refused, Said, one_of

TYPES = ("asset", "liability", "equity", "income", "expense")
RESULTS = ("income", "expense")
OWN_MIN, OWN_MAX = 10_000, 999_999_999
"""Numbers of the house's own accounts. Shorter ones are of the standard chart, to which releases add."""
NAME_MAX = 100
EXTERNAL_MAX = 30


class Account(NamedTuple):
    """An account as it stands. `role`: the standard account that checks and reports count it as; an own account without
    one is counted by its type alone. `external`: its number in the chart of whoever the books are handed to."""

    name: str
    type: str
    role: int | None
    external: str = ""
    closed: bool = False


class Wanted(NamedTuple):
    """What an account is to be; None: as it stands."""

    name: str | None = None
    type: str | None = None
    role: int | None = None
    external: str | None = None
    closed: bool | None = None


def misfit(number: int, wanted: Wanted, chart: Mapping[int, Account]) -> Refused | None:
    """Why an account can't be added or changed so, whatever was posted to it."""
    known = chart.get(number)
    return _misfit_texts(wanted) or (
        _misfit_new(number, wanted, chart) if known is None else _misfit_kept(number, wanted, known)
    )


def _misfit_texts(wanted: Wanted) -> Refused | None:
    for field, text, most in (("name", wanted.name, NAME_MAX), ("external", wanted.external, EXTERNAL_MAX)):
        if text is not None and (len(text) > most or not text.isprintable()):
            return Invalid(
                field=field, expected=Said("at most {0} characters, on one line", most), found=text[:most]
            )
    if wanted.name is not None and not wanted.name.strip():
        return Invalid(field="name", expected="what the account is called", found="nothing")
    return None


def _misfit_new(number: int, wanted: Wanted, chart: Mapping[int, Account]) -> Refused | None:
    if not OWN_MIN <= number <= OWN_MAX:
        expected = Said("a number from {0} to {1}; shorter ones are of the standard chart", OWN_MIN, OWN_MAX)
        return Invalid(field="number", expected=expected, found=number)
    if wanted.name is None:
        return Invalid(field="name", expected="what the account is called", found="nothing")
    if wanted.type not in TYPES:
        return Invalid(field="type", expected=one_of(TYPES), found=wanted.type or "nothing")
    return None if wanted.role is None else _misfit_role(wanted.role, wanted.type, chart.get(wanted.role))


def _misfit_role(role: int, kind: str, standard: Account | None) -> Refused | None:
    """Of the balance sheet nothing is stood in for: records are compared with the very account."""
    if standard is None or standard.role != role or standard.type not in RESULTS:
        return Invalid(field="role", expected="a standard account of income or expense, or none", found=role)
    if standard.type != kind:
        return Invalid(field="type", expected=Said("{0}, as account {1} is", standard.type, role), found=kind)
    return None


def _misfit_kept(number: int, wanted: Wanted, known: Account) -> Refused | None:
    """What was posted was counted by type and role: both stay."""
    if wanted.type is not None and wanted.type != known.type:
        return Invalid(
            field="type", expected=Said("{0}, as account {1} is", known.type, number), found=wanted.type
        )
    if wanted.role is not None and wanted.role != known.role:
        stands = "none" if known.role is None else str(known.role)
        return Invalid(
            field="role", expected=Said("{0}, as account {1} has it", stands, number), found=wanted.role
        )
    return None


def kept(wanted: Wanted, known: Account | None) -> Account:
    """The account as it is to stand. What is wanted fits."""
    if known is None:
        assert wanted.name is not None
        assert wanted.type is not None
        external = (wanted.external or "").strip()
        return Account(wanted.name.strip(), wanted.type, wanted.role, external, bool(wanted.closed))
    return known._replace(
        name=known.name if wanted.name is None else wanted.name.strip(),
        external=known.external if wanted.external is None else wanted.external.strip(),
        closed=known.closed if wanted.closed is None else wanted.closed,
    )


def change(was: Account | None, now: Account) -> str:
    """What became of an account: added, changed, closed, opened; empty: nothing."""
    if was is None:
        return "added"
    if was.closed != now.closed:
        return "closed" if now.closed else "opened"
    return "changed" if was != now else ""


def plays(line: str, *roles: int) -> str:
    """SQL: whether a line or balance, by the name that a statement has for it, is of an account that counts as one of
    these, whatever its number. The accounts are few, and looked up once for the statement."""
    of = ", ".join(map(str, roles))
    return f"({line}.company_id, {line}.account) IN (SELECT company_id, code FROM ledger_account WHERE role IN ({of}))"
