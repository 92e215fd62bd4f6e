"""The audit chain against transactions that still run: no event is sealed over."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from entrepot import postgres
from entrepot.kernel import ids, seal
from entrepot.work.commands.open_items import OpenItem, open_items
from tests.floor import COMPANY, SYSTEM, a_floor

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.alone("kernel", "work")]


def another_connection() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(postgres.server_dsn(str(connection.settings_dict["NAME"])))


def test_what_is_younger_than_the_last_commit_and_still_runs_is_waited_for(committed_db: None, monkeypatch):
    """The younger of two writers has the lower number, and the older one commits first."""
    a_floor(skus=0, channels=())
    open_items(SYSTEM, requests=[OpenItem(COMPANY, "test", "t", ids.uuid7(), "A test.", "controller")])
    seal.seal(SYSTEM)
    monkeypatch.setattr(seal, "WAIT_S", 0.05)
    with another_connection() as older, another_connection() as younger:
        older.execute("SELECT pg_current_xact_id()")
        younger.execute(_ANOTHER)
        older.execute(_ANOTHER)
        older.commit()
        assert seal.seal(SYSTEM) == 0, "the younger one still runs"
    assert seal.seal(SYSTEM) == 2
    assert seal.verify().discrepancies == []


_ANOTHER = """
INSERT INTO kernel_event (
    SELECT (jsonb_populate_record(e, jsonb_build_object('seq', nextval('kernel_event_seq_seq')))).*
    FROM kernel_event AS e ORDER BY seq LIMIT 1)
"""
