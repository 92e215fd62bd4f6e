"""The matrix of duties: which roles and which people have both sides of a pair, and what a role would add."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from entrepot.access import duties, queries
from entrepot.access.rules import ROLES
from entrepot.web.as_file import KINDS, table_as_file
from entrepot.web.edge import Request, clean, console, page

COLUMNS = ("pair", "first", "second", "risk", "kept apart by", *sorted(ROLES), "people with both")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Pairs against roles and people; and, for a person and a role, what giving it would bring together."""
    people = queries.people()
    rows = duties.matrix({one.name: one.commands for one in people if not one.superuser})
    if (kind := request.GET.get("format")) in KINDS:
        cells = (
            [one.conflict.name, one.conflict.first, one.conflict.second, one.conflict.risk, one.conflict.kept,
             *(one.roles[role] for role in sorted(ROLES)), ", ".join(one.people)]
            for one in rows
        )  # fmt: skip
        return table_as_file(request, kind, "duties", COLUMNS, cells)
    person = next((one for one in people if one.name == clean(request.GET.get("person"))), None)
    role = clean(request.GET.get("role"))
    context = {
        "rows": rows, "roles": sorted(ROLES), "people": people, "person": person, "role": role,
        "superusers": [one.name for one in people if one.superuser],
        "violated": sum(one.violated for one in rows),
        "would": duties.would_violate(person.commands, ROLES[role]) if person and role in ROLES else None,
    }  # fmt: skip
    return page(request, "web/duties.html", context, area="month")
