"""Whose documents ids stand for: what is another company's is not there for a reader."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import models

from entrepot.kernel import sql

SHARED = ("network",)
"""Rooms whose rows companies may name to each other: a node holds goods of several owners."""


def others(ids: Iterable[UUID], *, company: int) -> set[UUID]:
    """Of ids of any documents, those that belong to another company; ids of nothing belong to nobody. One statement."""
    wanted = list(set(ids))
    if not wanted:
        return set()
    return {found for (found,) in sql.run(_statement(), {"ids": wanted, "company": company})}


@cache
def _statement() -> str:
    """Every table whose rows have a company and an id of their own: a new one needs nobody to think of it."""
    parts = "\nUNION ALL ".join(
        f"SELECT id, company_id FROM {table} WHERE id = ANY(%(ids)s::uuid[])" for table in tables()
    )
    return f"SELECT id FROM (\n{parts}\n) AS one WHERE company_id <> %(company)s::smallint"


def tables() -> list[str]:
    """Tables of documents that belong to a company."""
    return [
        model._meta.db_table
        for room in settings.ROOMS
        if room not in SHARED
        for model in (apps.get_app_config(room).get_models() if apps.is_installed(f"entrepot.{room}") else ())
        if isinstance(model._meta.pk, models.UUIDField)
        and model._meta.pk.name == "id"
        and any(field.attname == "company_id" for field in model._meta.concrete_fields)
    ]
