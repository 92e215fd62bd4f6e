"""Bring Django's permissions and groups into step with the commands and the table of roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.access import registry, rules
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class SyncRoles:
    """There is only one table of roles, so there is nothing to say."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class RolesSynced:
    commands: int
    roles: int
    grants: int


@command("access.sync_roles")
def sync_roles(_cause: Cause, /, *, requests: Sequence[SyncRoles]) -> list[RolesSynced | Refused]:
    """A permission for every command and a group for every role, with what the table gives it and nothing more.

    Locks: the groups of the roles, by name.
    Again: changes nothing. 5 statements.
    """
    names = registry.command_names()
    granted = rules.grants(names)
    roles = sorted(rules.ROLES)
    pairs = sql.columns(("roles", "names"), granted)
    content_type = sql.run(_CONTENT_TYPE)[0][0]

    sql.run(_PERMISSIONS, {"names": list(names), "content_type": content_type})
    sql.run(_GROUPS, {"roles": roles})
    sql.run(_TAKE_AWAY, {**pairs, "all_roles": roles, "content_type": content_type})
    sql.run(_GIVE, {**pairs, "content_type": content_type})
    return [RolesSynced(len(names), len(roles), len(granted)) for _ in requests]


# All commands hang on one content type, so that a permission reads `access.orders.place`.
_CONTENT_TYPE = """
INSERT INTO django_content_type (app_label, model) VALUES ('access', 'duty')
ON CONFLICT (app_label, model) DO UPDATE SET model = excluded.model RETURNING id
"""

_PERMISSIONS = """
INSERT INTO auth_permission (name, content_type_id, codename)
SELECT name, %(content_type)s::int, name FROM unnest(%(names)s::text[]) AS one(name)
ON CONFLICT (content_type_id, codename) DO NOTHING
"""

_GROUPS = "INSERT INTO auth_group (name) SELECT unnest(%(roles)s::text[]) ON CONFLICT (name) DO NOTHING"

_TAKE_AWAY = """
DELETE FROM auth_group_permissions AS given USING auth_group, auth_permission
WHERE given.group_id = auth_group.id AND given.permission_id = auth_permission.id
  AND auth_group.name = ANY(%(all_roles)s::text[]) AND auth_permission.content_type_id = %(content_type)s::int
  AND (auth_group.name, auth_permission.codename) NOT IN (SELECT * FROM unnest(%(roles)s::text[], %(names)s::text[]))
"""

_GIVE = """
INSERT INTO auth_group_permissions (group_id, permission_id)
SELECT auth_group.id, auth_permission.id FROM unnest(%(roles)s::text[], %(names)s::text[]) AS one(role, name)
JOIN auth_group ON auth_group.name = role
JOIN auth_permission ON auth_permission.codename = one.name AND content_type_id = %(content_type)s::int
ON CONFLICT (group_id, permission_id) DO NOTHING
"""
