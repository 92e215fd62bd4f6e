"""Long files of orders: asking, reading, noting and withdrawing against themselves and each other."""

from __future__ import annotations

import dataclasses

import pytest

from entrepot.channels import queries, tasks
from entrepot.channels.commands import read_files
from entrepot.channels.commands.import_files import (
    QUEUE,
    ImportNow,
    NoteBatch,
    WithdrawImport,
    ask_imports,
    note_batches,
    withdraw_imports,
)
from entrepot.channels.commands.read_files import note_readings
from entrepot.kernel import aside, ready, sql, worker
from entrepot.kernel.errors import NotFound, WrongState
from tests.commands.test_channels_file_imports import a_file, asked, asking, reading
from tests.floor import SYSTEM
from tests.selling import a_seller, rows
from tests.together import all_at_once, at_once

THREADS = 4


@pytest.fixture(autouse=True)
def seller(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    a_seller(channels=("shop",))
    monkeypatch.setattr(read_files, "BATCH", 2)


def serve(rounds: int = 1) -> None:
    for _ in range(rounds):
        worker.serve_once({QUEUE: tasks.serve_files})


def test_the_same_key_at_once_is_one_file():
    answers = all_at_once(ask_imports, SYSTEM, *([asking(key="one")] for _ in range(THREADS)))
    kept = {one.file for one in answers if isinstance(one, ImportNow)}
    assert (len(kept), rows("channels_fileimport"), ready.waiting()[QUEUE]) == (1, 1, 1)


def test_a_file_is_read_once_and_each_batch_noted_once_however_many_try():
    files = sorted(asked() for _ in range(5))
    readings = [reading(file, 5) for file in files]
    answers = all_at_once(note_readings, SYSTEM, readings, readings[::-1], readings, readings[::-1])
    assert sum(isinstance(one, ImportNow) for one in answers) == len(files)
    assert sum(isinstance(one, WrongState) for one in answers) == (THREADS - 1) * len(files)
    assert rows("channels_filebatch") == 3 * len(files)

    notes = [NoteBatch(file, number, ()) for file in files for number in (1, 2, 3)]
    answers = all_at_once(note_batches, SYSTEM, notes, notes[::-1], notes, notes[::-1])
    assert sum(isinstance(one, ImportNow) for one in answers) == len(notes)
    assert sum(isinstance(one, NotFound) for one in answers) == (THREADS - 1) * len(notes)
    assert {queries.file_import(file).state for file in files} == {"done"}


def test_a_file_is_withdrawn_once_whatever_is_noted_of_it_meanwhile():
    files = sorted(asked() for _ in range(6))
    note_readings(SYSTEM, requests=[reading(file, 4) for file in files[:4]])
    withdrawals = [WithdrawImport(file) for file in files]
    answers = at_once(
        [
            lambda: withdraw_imports(SYSTEM, requests=withdrawals),
            lambda: withdraw_imports(SYSTEM, requests=withdrawals[::-1]),
            lambda: note_batches(SYSTEM, requests=[NoteBatch(file, 1, ()) for file in files[:4]]),
            lambda: note_readings(SYSTEM, requests=[reading(file, 4) for file in files[4:]]),
        ]
    )
    withdrawn = [one for batch in answers[:2] for one in batch]
    assert sum(isinstance(one, ImportNow) for one in withdrawn) == len(files)
    assert sum(isinstance(one, WrongState) for one in withdrawn) == len(files)
    assert {queries.file_import(file).state for file in files} == {"withdrawn"}
    assert sql.run("SELECT id FROM channels_filebatch WHERE orders IS NOT NULL") == []


def test_workers_together_place_each_order_once():
    files = [asked(data=a_file(6)), asked(data=a_file(6))]
    for _ in range(10):
        at_once([serve] * 3)
    found = [queries.file_import(file) for file in files]
    assert [one.state for one in found] == ["done", "done"]
    assert (rows("orders_order"), sum(one.placed for one in found)) == (6, 6)
    assert sum(one.duplicates for one in found) == 6


def test_others_see_how_far_a_reading_is_and_their_withdrawal_ends_it(monkeypatch: pytest.MonkeyPatch):
    """The transaction that reads is not through: what it tells is committed aside."""
    monkeypatch.setattr(tasks.read, "WATCH_EVERY", 2)
    file = asked(data=a_file(20))
    seen: list[int] = []

    def look() -> None:
        seen.append(queries.file_import(file).rows)
        if seen[-1] == 12:
            withdraw_imports(SYSTEM, requests=[WithdrawImport(file)])

    plain = aside.aside

    @dataclasses.dataclass
    class Looking:
        def __enter__(self):
            self.inner = plain()
            tell = self.inner.__enter__()
            return lambda *told: (tell(*told), at_once([look]))

        def __exit__(self, *error):
            return self.inner.__exit__(*error)

    monkeypatch.setattr(aside, "aside", Looking)
    serve()

    assert seen == [10, 12]
    assert (queries.file_import(file).state, rows("channels_filebatch")) == ("withdrawn", 0)
