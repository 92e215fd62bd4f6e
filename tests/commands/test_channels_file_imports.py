"""channels: ask_imports, note_readings, note_batches, withdraw_imports, and the worker that reads files and takes them
in batch by batch"""

from __future__ import annotations

import contextlib
import dataclasses
from uuid import UUID

import pytest

from entrepot.channels import queries, tasks
from entrepot.channels.commands import read_files
from entrepot.channels.commands.import_files import (
    QUEUE,
    AskImport,
    ImportNow,
    NoteBatch,
    WithdrawImport,
    ask_imports,
    note_batches,
    withdraw_imports,
)
from entrepot.channels.commands.read_files import NoteReading, note_readings
from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
from entrepot.channels.spreadsheet import importer, parse, read
from entrepot.kernel import aside, ids, ready, sql, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, Said, WrongState
from tests.rules.test_spreadsheet import book_of, saved
from tests.selling import CAUSE, COMPANY, NOW, a_seller, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

HEADER = "Order,SKU,Qty,Price,Customer,Name,Street,City,Country\n"
SERVED = {QUEUE: tasks.serve_files}


@pytest.fixture(autouse=True)
def seller(db, monkeypatch):
    a_seller(channels=("shop", "mail"))
    monkeypatch.setattr(read_files, "BATCH", 2)


def a_file(orders: int = 5, *, faults: int = 1) -> bytes:
    lines = [f"F{i},MUG,1,10.00,C{i},Ada Byron,1 High Street,Leeds,GB\n" for i in range(orders)]
    lines += [f"W{i},MUG,none,10.00,C{i},Ada Byron,1 High Street,Leeds,GB\n" for i in range(faults)]
    return (HEADER + "".join(lines)).encode()


def asking(
    data: bytes | None = None,
    *,
    tries: bool = False,
    key: str | None = None,
    channel: str = "shop",
    sheet: str | None = None,
) -> AskImport:
    return AskImport(COMPANY, channel, "orders.csv", tries, data or a_file(), sheet=sheet, key=key)


def asked(**facts) -> UUID:
    (answer,) = ask_imports(CAUSE, requests=[asking(**facts)])
    assert isinstance(answer, ImportNow)
    return answer.file


def was_read(**facts) -> UUID:
    """A file that the worker has read."""
    file = asked(**facts)
    served(file)
    return file


def reading(file: UUID, orders: int = 1, key: str | None = None) -> NoteReading:
    """What the worker read in a file of some orders."""
    sheet = read.read(a_file(orders, faults=0))
    columns = parse.propose(sheet.header)
    report, wanted = importer.read_orders(
        CAUSE, company=COMPANY, channel="shop", currency="GBP", sheet=sheet, mapping=columns, tries=False
    )
    return NoteReading(
        file, sheet.header, tuple(columns.items()), report.rows, report.orders, tuple(wanted), key=key
    )


def served(file: UUID, rounds: int = 1) -> queries.FileRow:
    for _ in range(rounds):
        worker.serve_once(SERVED)
    return queries.file_import(file)


def kept(file: UUID) -> int:
    """Batches whose content is kept."""
    return sql.run(
        "SELECT count(*) FROM channels_filebatch WHERE import_id = %(file)s AND orders IS NOT NULL",
        {"file": file},
    )[0][0]


def content(file: UUID) -> bytes | None:
    return sql.run("SELECT content FROM channels_fileimport WHERE id = %(file)s", {"file": file})[0][0]


def test_a_file_is_read_then_placed_batch_by_batch_and_its_content_goes_with_each():
    file = asked()
    assert (queries.file_import(file).state, content(file), kept(file)) == ("reading", a_file(), 0)
    found = served(file)
    assert (found.state, found.rows, found.orders, found.wanted) == ("asked", 6, 6, 5)
    assert (content(file), kept(file), rows("orders_order")) == (None, 3, 0)
    assert queries.mapping(company=COMPANY, channel="shop").columns == found.columns

    first = served(file)
    assert (first.state, first.done, first.wanted, first.placed, kept(file)) == ("asked", 2, 5, 2, 2)
    assert rows("orders_order") == 2

    last = served(file, 2)
    assert (last.state, last.done, last.placed, last.duplicates, last.refused) == ("done", 5, 5, 0, 1)
    assert (last.totals, kept(file), ready.waiting().get(QUEUE)) == ({"GBP": 50_00}, 0, None)
    assert [one.order for one in queries.file_outcomes(file, limit=9)] == [f"F{i}" for i in range(5)]
    (fault,) = queries.file_faults(file)
    assert (fault.row, fault.column, fault.found, fault.order) == (7, "Qty", "none", "W0")
    assert isinstance(fault.expected, Said)  # which a page tells in its own language


def test_sheets_that_are_not_read_and_columns_that_are_missing_are_told_and_stay_remembered():
    header, row = ("Order", "SKU", "Qty", "Price"), ("F1", "MUG", 1, 10)
    given = {"order": "Order", "sku": "SKU", "quantity": "Qty", "unit_price": "Price", "customer": "Debtor"}
    save_mapping(CAUSE, requests=[SaveMapping(COMPANY, "shop", tuple(given.items()))])
    book = saved(book_of(March=[header, row], April=[header, row]))
    found = served(asked(data=book), 2)
    assert (found.sheet, found.other_sheets, found.lost) == ("March", ["April"], {"customer": "Debtor"})
    assert (found.placed, queries.mapping(company=COMPANY, channel="shop").columns) == (1, given)


def test_a_sheet_is_chosen_then_remembered_when_orders_are_placed():
    header = ("Order", "SKU", "Qty", "Price")
    rows_ = {name: [header, (name, "MUG", 1, 10)] for name in ("March", "April")}
    book = saved(book_of(**rows_))
    tried = served(asked(data=book, tries=True, sheet="April"), 2)
    assert (tried.sheet, tried.usual_sheet, queries.mapping(company=COMPANY, channel="shop").sheet) == (
        "April", "April", "",
    )  # fmt: skip
    served(asked(data=book, sheet="April"), 2)
    assert queries.mapping(company=COMPANY, channel="shop").sheet == "April"

    again = served(asked(data=book), 2)
    assert (again.sheet, again.duplicates, again.lost_sheet) == ("April", 1, "")
    lost = served(asked(data=saved(book_of(March=rows_["March"]))), 2)
    assert (lost.sheet, lost.placed, lost.lost_sheet) == ("March", 1, "April")
    assert queries.mapping(company=COMPANY, channel="shop").sheet == "April"
    unknown = served(asked(data=book, sheet="May"), 1)
    assert (unknown.state, unknown.refusal.message) == (
        "unreadable", "sheet: expected one of March, April, found May.",
    )  # fmt: skip


def test_it_answers_what_a_file_answers_that_is_taken_in_at_once():
    tried = served(asked(tries=True), 4)
    sheet = read.read(a_file())
    at_once = importer.run(
        CAUSE, company=COMPANY, channel="shop", currency="GBP", sheet=sheet, mapping=parse.propose(sheet.header),
        tries=True,
    )  # fmt: skip

    figures = ("rows", "orders", "placed", "duplicates", "held", "refused", "unread", "tried")
    assert {name: getattr(tried, name) for name in figures} == {
        name: getattr(at_once, name) for name in figures
    }
    assert tried.totals == at_once.totals()
    assert queries.file_faults(tried.id) == at_once.wrong
    found = queries.file_outcomes(tried.id, limit=9)
    assert [dataclasses.replace(one, number="") for one in found] == [
        dataclasses.replace(one, number="") for one in at_once.outcomes
    ]


def test_a_trial_places_nothing():
    file = asked(tries=True)

    found = served(file, 4)

    assert (found.state, found.placed, found.tries) == ("done", 5, True)
    assert (rows("orders_order"), rows("parties_customer"), ready.waiting()) == (0, 0, {})
    assert queries.mapping(company=COMPANY, channel="shop").columns == {}


def test_an_order_that_is_refused_when_it_is_placed_is_a_fault():
    file = asked()
    one = reading(file, 2)
    strange = dataclasses.replace(one.wanted[0].order, currency="XXX")
    wanted = (dataclasses.replace(one.wanted[0], order=strange), one.wanted[1])
    note_readings(CAUSE, requests=[dataclasses.replace(one, wanted=wanted)])

    found = served(file)

    assert (found.state, found.done, found.placed, found.refused) == ("done", 2, 1, 1)
    assert [one.order for one in queries.file_faults(file)] == ["F0"]


def test_a_file_without_an_order_that_could_be_placed_is_done_when_it_is_read(monkeypatch):
    monkeypatch.setattr(read_files, "FAULTS", 3)  # kept in rows of their own

    found = served(was_read(data=a_file(0, faults=7)))

    assert (found.state, found.orders, found.wanted, found.refused) == ("done", 7, 0, 7)
    assert [one.row for one in queries.file_faults(found.id)] == list(range(2, 9))
    assert [one.row for one in queries.file_faults(found.id, limit=4)] == [2, 3, 4, 5]
    assert ready.waiting() == {}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04 and no more", "file: expected a workbook (XLSX), found another file, or a broken one."),
        (b"Order,SKU,Qty,Price", "file: expected a header and at least one row, found nothing."),
        (b"Order,SKU\0", "file: expected CSV or XLSX, found bytes of another kind."),
    ],
)
def test_what_is_no_file_of_orders_says_why(data, says):
    found = served(asked(data=data))

    assert (found.state, found.refusal.message, content(found.id)) == ("unreadable", says, None)
    assert (rows("channels_filebatch"), ready.waiting()) == (0, {})


def test_columns_that_somebody_chose_are_read_and_remembered_when_orders_are_placed():
    data = a_file().replace(b"Qty", b"Howmany")
    chosen = parse.propose(read.read(a_file()).header) | {"quantity": "Howmany", "email": "not there"}
    ask = dataclasses.replace(asking(data), columns=tuple(chosen.items()))
    (answer,) = ask_imports(CAUSE, requests=[ask])

    found = served(answer.file)

    assert (found.state, found.wanted, found.columns["quantity"]) == ("asked", 5, "Howmany")
    assert queries.mapping(company=COMPANY, channel="shop").columns["quantity"] == "Howmany"
    assert served(asked(data=data)).wanted == 5  # it is known by now


def test_rows_are_counted_while_a_file_is_read_and_a_withdrawal_ends_the_reading(monkeypatch):
    monkeypatch.setattr(read, "WATCH_EVERY", 2)
    told = []

    @contextlib.contextmanager
    def heard():
        def tell(statement, params):
            told.append(params["done"])
            sql.run(statement, params)
            if params["done"] == 12:
                withdraw_imports(CAUSE, requests=[WithdrawImport(file)])

        yield tell

    monkeypatch.setattr(aside, "aside", heard)
    file = asked(data=a_file(20))

    found = served(file)

    assert (told, found.rows) == ([10, 12], 12)
    assert (found.state, content(file), rows("channels_filebatch")) == ("withdrawn", None, 0)
    assert ready.waiting().get(QUEUE) is None
    assert isinstance(note_readings(CAUSE, requests=[reading(file)])[0], WrongState)


def test_a_worker_that_dies_while_it_reads_leaves_the_file_to_be_read(monkeypatch):
    file = asked()
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "note_readings", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            served(file)
    assert (queries.file_import(file).state, ready.waiting()[QUEUE]) == ("reading", 1)
    assert served(file, 4).placed == 5


def test_a_file_that_a_bug_keeps_from_being_read_is_told_so_and_its_content_goes(monkeypatch):
    file, other = asked(), asked(data=a_file(1))
    right = read.read

    def broken(data: bytes, *more: object, **named: object) -> object:
        if data == a_file():
            raise ZeroDivisionError
        return right(data, *more, **named)

    monkeypatch.setattr(tasks.read, "read", broken)
    found = served(file)
    assert (found.state, content(file), kept(other)) == ("unreadable", None, 1)
    assert "ZeroDivisionError" in str(found)
    assert queries.unread_files([file]) == []


def test_what_was_placed_stays_when_the_rest_is_withdrawn():
    file = was_read()
    served(file)

    (now,) = withdraw_imports(CAUSE, requests=[WithdrawImport(file)])

    assert (now.state, now.done) == ("withdrawn", 2)
    assert (rows("orders_order"), kept(file)) == (2, 0)
    found = served(file, 2)  # it was ready for its next batch, which there is none of
    assert (found.state, found.placed, found.left, rows("orders_order")) == ("withdrawn", 2, 3, 2)
    assert ready.waiting().get(QUEUE) is None


def test_a_batch_that_is_placed_while_the_file_is_withdrawn_is_counted_and_the_last():
    file = was_read()
    (batch,) = queries.waiting_batches([file])
    report = importer.Report(False, 0, 0, mapping=batch.columns)
    withdraw_imports(CAUSE, requests=[WithdrawImport(file)])
    importer.serve(CAUSE, report, batch.wanted)
    (now,) = note_batches(CAUSE, requests=[NoteBatch(file, batch.number, tuple(report.outcomes))])

    assert (now.state, now.done) == ("withdrawn", 2)
    found = queries.file_import(file)
    assert (found.placed, rows("orders_order"), queries.waiting_batches([file])) == (2, 2, [])


def test_a_worker_that_dies_in_the_middle_leaves_its_batch_waiting(monkeypatch):
    file = was_read()
    served(file)
    with monkeypatch.context() as broken:
        broken.setattr(tasks, "note_batches", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            served(file)
    found = queries.file_import(file)
    assert (found.state, found.done, rows("orders_order"), ready.waiting()[QUEUE]) == ("asked", 2, 2, 1)

    found = served(file, 2)

    assert (found.state, found.done, found.placed, found.duplicates, rows("orders_order")) == (
        "done",
        5,
        5,
        0,
        5,
    )


def test_the_same_file_again_finds_its_orders_placed():
    served(asked(), 4)

    found = served(asked(), 4)

    assert (found.state, found.placed, found.duplicates, rows("orders_order")) == ("done", 0, 5, 5)
    assert (found.totals, found.refused) == ({}, 1)


def test_again_by_key_answers_the_same():
    (first,) = ask_imports(CAUSE, requests=[asking(key="a")])
    assert ask_imports(CAUSE, requests=[asking(key="a")]) == [first]
    assert rows("channels_fileimport") == 1
    assert isinstance(ask_imports(CAUSE, requests=[asking(a_file(2), key="a")])[0], RequestReused)

    keep = reading(first.file, 5, "r")
    assert note_readings(CAUSE, requests=[keep]) == note_readings(CAUSE, requests=[keep])
    assert kept(first.file) == 3
    assert isinstance(note_readings(CAUSE, requests=[reading(first.file)])[0], WrongState)

    note = NoteBatch(first.file, 1, (), (), "n")
    assert note_batches(CAUSE, requests=[note]) == note_batches(CAUSE, requests=[note])
    assert queries.file_import(first.file).done == 2
    assert isinstance(note_batches(CAUSE, requests=[NoteBatch(first.file, 1, ())])[0], NotFound)

    withdraw = WithdrawImport(first.file, "w")
    assert withdraw_imports(CAUSE, requests=[withdraw]) == withdraw_imports(CAUSE, requests=[withdraw])
    assert isinstance(withdraw_imports(CAUSE, requests=[WithdrawImport(first.file)])[0], WrongState)


def test_what_cannot_be_is_refused_and_its_neighbor_is_not():
    nowhere = asking(channel="none")
    nothing = dataclasses.replace(asking(), content=b"")
    no_channel, no_order, done = ask_imports(CAUSE, requests=[nowhere, nothing, asking()])
    assert (type(no_channel), type(no_order), type(done)) == (NotFound, Invalid, ImportNow)

    absent, kept_now = note_readings(CAUSE, requests=[reading(ids.uuid7()), reading(done.file, 3)])
    assert (type(absent), kept_now) == (NotFound, ImportNow(done.file, "asked", 0))

    unknown, beyond = note_batches(
        CAUSE, requests=[NoteBatch(ids.uuid7(), 1, ()), NoteBatch(done.file, 9, ())]
    )
    assert (type(unknown), type(beyond)) == (NotFound, NotFound)

    served(done.file, 3)
    through, absent = withdraw_imports(
        CAUSE, requests=[WithdrawImport(done.file), WithdrawImport(ids.uuid7())]
    )
    assert (type(through), type(absent)) == (WrongState, NotFound)


def test_who_may_not_may_neither_ask_nor_note_nor_withdraw():
    nobody = Cause(Actor("eve"), NOW)
    file = asked()

    assert isinstance(ask_imports(nobody, requests=[asking()])[0], NotPermitted)
    assert isinstance(note_readings(nobody, requests=[reading(file)])[0], NotPermitted)
    assert isinstance(note_batches(nobody, requests=[NoteBatch(file, 1, ())])[0], NotPermitted)
    assert isinstance(withdraw_imports(nobody, requests=[WithdrawImport(file)])[0], NotPermitted)
    assert queries.file_import(file).state == "reading"


@pytest.mark.counts(
    "channels.ask_imports", "channels.note_readings", "channels.note_batches", "channels.withdraw_imports"
)
def test_statements_do_not_grow_with_the_batch(statements):
    ask, counts = asking(a_file(1, faults=0)), []
    example = reading(ids.uuid7())
    for size in SIZES:
        with statements() as ran:
            files = [one.file for one in ask_imports(CAUSE, requests=[ask] * size)]
        counts.append([len(ran)])
        with statements() as ran:
            note_readings(CAUSE, requests=[dataclasses.replace(example, file=file) for file in files])
        counts[-1].append(len(ran))
        with statements() as ran:
            note_batches(CAUSE, requests=[NoteBatch(file, 1, ()) for file in files])
        counts[-1].append(len(ran))
        given_up = [one.file for one in ask_imports(CAUSE, requests=[ask] * size)]
        with statements() as ran:
            withdraw_imports(CAUSE, requests=[WithdrawImport(file) for file in given_up])
        counts[-1].append(len(ran))
    assert counts[0] == counts[1] == counts[2], counts
