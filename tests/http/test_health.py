"""What machines that watch over the house are told."""

from __future__ import annotations

from django.db import OperationalError, connection
from django.test import Client


def test_healthz_says_ok_to_anybody(db):
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_healthz_says_when_the_database_is_away(db, monkeypatch):
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", away)
    response = Client().get("/healthz")
    monkeypatch.undo()
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")


def test_metrics_tell_what_waits_to_those_with_a_key(program):
    assert Client().get("/metrics").status_code == 401
    caller = program("engineer")
    text = caller.get("/metrics").content.decode()
    assert 'entrepot_ready{queue="pick"}' in text
    assert 'entrepot_work_items{type="fraud review"}' in text
    bearer = caller.client.get("/metrics", headers={"Authorization": f"Bearer {caller.key}"})
    assert bearer.status_code == 200
