"""kernel.note_exports, and what notes an export: lists, everything of a person, the command line."""

from __future__ import annotations

import argparse
from contextlib import nullcontext

import pytest

from entrepot.cli import export
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.exports import ExportNoted, NoteExport, as_oneself, note_exports
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


def noted() -> list[tuple]:
    statement = (
        "SELECT actor, company_id::int, payload->>'what', payload->>'format', (payload->>'rows')::int, reason"
    )
    return sql.run(f"{statement} FROM kernel_event WHERE command = 'kernel.note_exports' ORDER BY seq")


def test_who_took_what_stands_in_the_trail_whatever_their_role(db):
    reader = as_oneself(Cause(Actor("aude"), NOW))
    about = ids.uuid7()
    (answer,) = note_exports(reader, requests=[NoteExport(COMPANY, "orders", "csv", 7, about, "k")])
    assert isinstance(answer, ExportNoted)
    assert note_exports(reader, requests=[NoteExport(COMPANY, "orders", "csv", 7, about, "k")]) == [answer]
    assert noted() == [("aude", COMPANY, "orders", "csv", 7, "")]


def test_the_command_line_notes_what_it_wrote_but_not_the_heads(db, tmp_path, monkeypatch):
    a_floor(skus=0)
    monkeypatch.setattr(export, "opened", lambda *_, **__: nullcontext())
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    for kind in ("beancount", "journal", "saft", "heads"):
        facts = {"database": None, "format": kind, "file": tmp_path / kind, "company": "", "year": None}
        assert export.run(argparse.Namespace(**facts)) == 0
    assert noted() == [
        ("system:export", COMPANY, "journal", kind, 0, "by anna in a terminal")
        for kind in ("beancount", "journal", "saft")
    ]


@pytest.mark.counts("kernel.note_exports")
def test_statements_do_not_grow_with_the_batch(statements):
    for size in SIZES:
        with statements():
            note_exports(SYSTEM, requests=[NoteExport(COMPANY, "orders", "csv", 1)] * size)
