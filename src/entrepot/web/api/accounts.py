"""The chart of accounts, for programs: what there is, and what is added, named, closed and opened."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.ledger import chart, manual_queries
from entrepot.ledger.commands.keep_accounts import KeepAccount, keep_accounts
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Each, Out, Own, Strict

router = Router()
Type = Literal["asset", "liability", "equity", "income", "expense"]
Number = Annotated[StrictInt, Field(ge=1, le=chart.OWN_MAX)]


class AccountIn(Strict):
    """An account by its number; what is left out stays as it is. A new one has at least a name and a type.

    `role`: the standard account of income or expense that it counts as, so that rules may name it in place of that one.
    `external`: its number in the chart of whoever the books are handed to.
    """

    number: Number
    name: Annotated[str | None, Field(min_length=1, max_length=chart.NAME_MAX)] = None
    type: Type | None = None
    role: Number | None = None
    external: Annotated[str | None, Field(max_length=chart.EXTERNAL_MAX)] = None
    closed: StrictBool | None = None
    key: Own = None


class AccountKeptOut(Out):
    """The account as it stands; `change` is empty where it stood so before."""

    number: int
    name: str
    type: Type
    role: int | None
    external: str
    closed: bool
    change: Literal["added", "changed", "closed", "opened", ""]


class AccountOut(Out):
    """An account of the chart. `role`: the standard account that it counts as; none: by its type alone."""

    code: int
    name: str
    type: Type
    clearing: bool
    role: int | None
    external: str
    closed: bool


@router.get("/accounts", response={200: list[AccountOut], **READ})
def list_accounts(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> Any:
    """The chart of accounts, by number."""
    return manual_queries.chart(parse.company_of(company))


@router.post("/accounts", response={200: AccountKeptOut | list[Each[AccountKeptOut]], **REFUSED})
def keep_account(
    request: HttpRequest,
    payload: AccountIn | Annotated[list[AccountIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Add accounts, name and number them, close them and open them again."""
    which = parse.company_of(company)
    return give(
        request, keep_accounts, payload, idempotency_key,
        lambda one, key: KeepAccount(
            which, one.number, one.name, one.type, one.role, one.external, one.closed, key
        ),
    )  # fmt: skip
