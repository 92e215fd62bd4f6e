"""What of more than one person may decide alone: refused by the table itself, whoever writes to it."""

from __future__ import annotations

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import sql


def the_database_refuses(table: str, decided: str, which: str, person: str) -> None:
    """A row is not decided by who entered its document, nor by nobody, nor where it says that less was looked at."""
    for who, alone in ((person, "NULL"), ("", "NULL"), (person, "1"), ("somebody else", "0")):
        said = f"{decided}, decided_by = %(who)s::text, alone_minor = {alone}"
        with pytest.raises(psycopg.IntegrityError), transaction.atomic():
            sql.run(f"UPDATE {table} SET {said} WHERE {which} RETURNING 1", {"who": who})
