"""Views of lists: keep filters and columns under a name, and forget them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access.rules import misfit_of_view
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class SaveView:
    """`query` is what stands behind the address of the `list`; `role`, one of the person's own, sees it too."""

    company: int
    list: str
    name: str
    query: str
    role: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ViewSaved:
    id: UUID


@dataclass(frozen=True, slots=True)
class DropView:
    id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ViewDropped:
    id: UUID


@command("access.save_view")
def save_view(cause: Cause, /, *, requests: Sequence[SaveView]) -> list[ViewSaved | Refused]:
    """Views of the person who asks; one of the same name is written over, and keeps its id and so its address.

    Refuses: Invalid (the name; a role that is not the person's).
    Again: the same view; by key. 2 statements.
    """
    roles = {name for (name,) in sql.run(_ROLES, {"person": cause.actor.name})}
    answers = [misfit_of_view(one.name, one.query, one.role, roles) for one in requests]
    wanted = {
        (one.company, one.list, one.name): one
        for one, refusal in zip(requests, answers, strict=True)
        if refusal is None
    }
    rows = [(ids.uuid7(), *key, one.query, one.role) for key, one in sorted(wanted.items())]
    batch = sql.columns(("ids", "companies", "lists", "names", "queries", "roles"), rows)
    saved = {
        (company, of, name): ViewSaved(which)
        for which, company, of, name in sql.run(_SAVE, {**batch, "person": cause.actor.name, "at": cause.at})
    }
    return [
        refusal or saved[one.company, one.list, one.name]
        for one, refusal in zip(requests, answers, strict=True)
    ]


@command("access.drop_view")
def drop_view(cause: Cause, /, *, requests: Sequence[DropView]) -> list[ViewDropped | Refused]:
    """Views of the person who asks, forgotten.

    Refuses: NotFound (also where it is another person's).
    Again: NotFound; by key. 1 statement.
    """
    wanted = {"ids": [one.id for one in requests], "person": cause.actor.name}
    dropped = {which for (which,) in sql.run(_DROP, wanted)}
    return [
        ViewDropped(one.id) if one.id in dropped else NotFound(what="view of yours", which=one.id)
        for one in requests
    ]


_ROLES = """
SELECT g.name FROM auth_group AS g JOIN auth_user_groups AS m ON m.group_id = g.id
JOIN auth_user AS u ON u.id = m.user_id
WHERE u.username = %(person)s::text
"""

_SAVE = f"""
INSERT INTO access_view AS v (id, company_id, person, list, name, query, role, saved_at)
SELECT ids, companies, %(person)s::text, lists, names, queries, roles, %(at)s::timestamptz
FROM {sql.unnest("one", ids="uuid", companies="smallint", lists="text", names="text", queries="text", roles="text")}
ON CONFLICT (company_id, list, person, name) DO UPDATE
SET query = excluded.query, role = excluded.role, saved_at = excluded.saved_at
RETURNING id, company_id, list, name
"""

_DROP = """
DELETE FROM access_view WHERE id = ANY(%(ids)s::uuid[]) AND person = %(person)s::text RETURNING id
"""
