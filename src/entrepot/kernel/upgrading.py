"""Which tables migrations can change, so that an upgrade of a large house reads no others."""

from __future__ import annotations

from collections.abc import Iterable

import pgtrigger.migrations
from django.apps import apps
from django.db import migrations

OF_MODEL: dict[type, str] = {
    migrations.CreateModel: "name",
    migrations.AlterModelOptions: "name",
    migrations.AlterModelManagers: "name",
    migrations.AddField: "model_name",
    migrations.RemoveField: "model_name",
    migrations.RenameField: "model_name",
    migrations.AddIndex: "model_name",
    migrations.RemoveIndex: "model_name",
    migrations.AddConstraint: "model_name",
    migrations.RemoveConstraint: "model_name",
    pgtrigger.migrations.AddTrigger: "model_name",
    pgtrigger.migrations.RemoveTrigger: "model_name",
}
"""Operations that write no rows but change how one table stands, and where each names its model. To alter a column is
none of them: rows may be updated, and triggers on them may write elsewhere. Nor is a statement or a function, and of a
table that is dropped no model tells any more that it has rows."""


def touched(plan: Iterable[migrations.Migration]) -> set[str] | None:
    """The tables that migrations can change; None where one of them may change any."""
    found: set[str] = set()
    for migration in plan:
        for operation in migration.operations:
            where = OF_MODEL.get(type(operation))
            if where is None:
                return None
            name = getattr(operation, where)
            if name.lower() not in apps.all_models[migration.app_label]:  # a later one drops or renames it
                return None
            found.add(apps.get_model(migration.app_label, name)._meta.db_table)
    return found
