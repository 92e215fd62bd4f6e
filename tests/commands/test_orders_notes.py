"""orders.write_notes, orders.correct_notes, orders.withdraw_notes, orders.attach_files, orders.withdraw_files"""

from __future__ import annotations

import threading
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel import queries as kernel
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.kernel.masking import MASK
from entrepot.orders import errors, note_queries, noting
from entrepot.orders.commands.attach import (
    AttachFile,
    FileAttached,
    FileWithdrawn,
    WithdrawFile,
    attach_files,
    withdraw_files,
)
from entrepot.orders.commands.forget_buyers import ForgetBuyer, forget_buyers, forget_files
from entrepot.orders.commands.notes import (
    CorrectNote,
    NoteNow,
    WithdrawNote,
    WriteNote,
    correct_notes,
    withdraw_notes,
    write_notes,
)
from entrepot.settlement import privacy_queries
from tests.rules.test_returns_photos import jpeg, png
from tests.selling import CAUSE, COMPANY, a_seller, an_order, placed, rows
from tests.sizes import SIZES
from tests.together import all_at_once, at_once, until_someone_waits

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"


@pytest.fixture
def order(db: None) -> UUID:
    a_seller()
    return placed()[0].order


def noted(order: UUID, text: str = "She takes the blue one as well.", **facts: Any) -> NoteNow:
    (answer,) = write_notes(CAUSE, requests=[WriteNote(order, text, **facts)])
    assert isinstance(answer, NoteNow), answer
    return answer


def kept(order: UUID, content: bytes = PDF, name: str = "letter.pdf") -> FileAttached:
    (answer,) = attach_files(CAUSE, requests=[AttachFile(order, content, name)])
    assert isinstance(answer, FileAttached), answer
    return answer


def test_a_note_is_told_with_who_and_when_and_the_log_does_not_say_it(order: UUID):
    made = noted(order, "  Agreed by telephone:\nfive per cent.  ")
    (one,) = note_queries.notes(order)
    assert (one.id, one.text, one.state) == (made.note, "Agreed by telephone:\nfive per cent.", "standing")
    assert (one.written_by, one.written_at) == ("worker", CAUSE.at)
    story = kernel.timeline(subjects=[order])[-1]
    assert (story.command, story.before, story.after) == ("orders.write_notes", "", "")
    assert sql.run("SELECT 1 FROM kernel_event WHERE payload::text LIKE '%telephone%'") == []


def test_what_was_corrected_or_withdrawn_stays_to_be_read(order: UUID):
    first, other = noted(order, "five per cent"), noted(order, "of another order")
    (made,) = correct_notes(CAUSE, requests=[CorrectNote(first.note, "six per cent", "misheard")])
    assert isinstance(made, NoteNow)
    assert withdraw_notes(CAUSE, requests=[WithdrawNote(other.note, "not this one")]) == [
        NoteNow(order, other.note, "withdrawn")
    ]
    told = {one.id: one for one in note_queries.notes(order)}
    assert (told[made.note].text, told[made.note].corrects, told[made.note].state) == (
        "six per cent", first.note, "standing",
    )  # fmt: skip
    was = told[first.note]
    assert (was.text, was.state, was.ended_by, was.ended_because) == (
        "five per cent", "corrected", "worker", "misheard",
    )  # fmt: skip
    assert (told[other.note].text, told[other.note].ended_because) == ("of another order", "not this one")


def test_what_cannot_be_is_refused_and_its_neighbor_is_not(order: UUID):
    answers = write_notes(CAUSE, requests=[
        WriteNote(ids.uuid7(), "x"), WriteNote(order, " "), WriteNote(order, "y" * (noting.TEXT_MAX + 1)),
        WriteNote(order, "z"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid, NoteNow]
    which = answers[-1].note
    answers = correct_notes(CAUSE, requests=[
        CorrectNote(ids.uuid7(), "x", "why"), CorrectNote(which, "x", " "), CorrectNote(which, "x", "why"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid], (
        "the third is of a note that was named"
    )
    assert isinstance(correct_notes(CAUSE, requests=[CorrectNote(which, " ", "why")])[0], Invalid)
    answers = withdraw_notes(CAUSE, requests=[
        WithdrawNote(which, "why"), WithdrawNote(which, "why"), WithdrawNote(ids.uuid7(), "why"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NoteNow, Invalid, NotFound]
    assert isinstance(withdraw_notes(CAUSE, requests=[WithdrawNote(which, "")])[0], Invalid)
    assert isinstance(withdraw_notes(CAUSE, requests=[WithdrawNote(which, "why")])[0], WrongState)
    assert isinstance(correct_notes(CAUSE, requests=[CorrectNote(which, "x", "why")])[0], WrongState)


def test_files_are_told_by_their_bytes_and_kept_once(order: UUID):
    (other,) = placed(an_order("E2"))
    answers = attach_files(CAUSE, requests=[
        AttachFile(order, PDF, "C:\\letters\\May.pdf"), AttachFile(order, PDF, "again"), AttachFile(order, png()),
        AttachFile(order, jpeg() + b"<script>alert(1)</script>"), AttachFile(order, b"<svg/>", "x.pdf"),
        AttachFile(ids.uuid7(), PDF), AttachFile(other.order, PDF),
    ])  # fmt: skip
    kinds = [FileAttached, FileAttached, FileAttached, FileAttached, Invalid, NotFound, FileAttached]
    assert [type(one) for one in answers] == kinds
    assert answers[0] == answers[1] and answers[0].digest == answers[-1].digest
    told = note_queries.files(order)
    assert [(one.kind, one.name, one.is_here) for one in told] == [
        ("jpeg", "", True), ("png", "", True), ("pdf", "May.pdf", True),
    ]  # fmt: skip
    assert rows("orders_file") == rows("orders_filecontent") == 3
    assert note_queries.file(COMPANY, told[0].id) == ("jpeg", jpeg())
    assert note_queries.file(COMPANY + 1, told[0].id) is None
    assert isinstance(
        attach_files(CAUSE, requests=[AttachFile(order, b"%PDF-" + b"0" * 5_000_000 + b"%%EOF")])[0], Invalid
    )


def test_an_order_has_so_many_files_and_no_more_until_one_is_withdrawn(order: UUID):
    wanted = [AttachFile(order, png(1, n)) for n in range(1, noting.FILES_MAX + 2)]
    *answers, last = attach_files(CAUSE, requests=wanted)
    assert all(isinstance(one, FileAttached) for one in answers)
    assert isinstance(last, errors.TooManyFiles)
    (gone,) = withdraw_files(CAUSE, requests=[WithdrawFile(answers[0].attachment, "of somebody else")])
    assert gone == FileWithdrawn(order, answers[0].attachment)
    assert isinstance(attach_files(CAUSE, requests=wanted[-1:])[0], FileAttached)
    was = note_queries.files(order)[-1]
    assert (was.id, was.ended_by, was.ended_because) == (gone.attachment, "worker", "of somebody else")
    assert note_queries.file(COMPANY, was.id) is not None, "it stays to be seen"


def test_what_is_no_file_of_an_order_is_not_withdrawn(order: UUID):
    one = kept(order)
    wanted = [
        WithdrawFile(one.attachment, " "), WithdrawFile(one.attachment, "why"), WithdrawFile(ids.uuid7(), "why")
    ]  # fmt: skip
    assert [type(each) for each in withdraw_files(CAUSE, requests=wanted)] == [Invalid, Invalid, NotFound]
    withdraw_files(CAUSE, requests=wanted[1:2])
    assert isinstance(withdraw_files(CAUSE, requests=wanted[1:2])[0], WrongState)


def test_again_by_key_answers_the_same(order: UUID):
    one = WriteNote(order, "x", key="w")
    assert write_notes(CAUSE, requests=[one]) == write_notes(CAUSE, requests=[one])
    assert isinstance(write_notes(CAUSE, requests=[replace(one, text="y")])[0], RequestReused)
    note = noted(order).note
    other = CorrectNote(note, "x", "why", key="c")
    (made,) = correct_notes(CAUSE, requests=[other])
    assert correct_notes(CAUSE, requests=[other]) == [made]
    end = WithdrawNote(made.note, "why", key="e")
    assert withdraw_notes(CAUSE, requests=[end]) == withdraw_notes(CAUSE, requests=[end])
    file = AttachFile(order, PDF, key="f")
    (attached,) = attach_files(CAUSE, requests=[file])
    assert attach_files(CAUSE, requests=[file]) == [attached]
    gone = WithdrawFile(attached.attachment, "why", key="g")
    assert withdraw_files(CAUSE, requests=[gone]) == withdraw_files(CAUSE, requests=[gone])
    assert (rows("orders_note"), rows("orders_attachment")) == (3, 1)


def test_only_who_serves_customers_may(order: UUID):
    packer = replace(CAUSE, actor=Actor("packer", frozenset({"warehouse.pack"})))
    for command, one in (
        (write_notes, WriteNote(order, "x")),
        (correct_notes, CorrectNote(order, "x", "why")),
        (withdraw_notes, WithdrawNote(order, "why")),
        (attach_files, AttachFile(order, PDF)),
        (withdraw_files, WithdrawFile(order, "why")),
    ):
        assert isinstance(command(packer, requests=[one])[0], NotPermitted)


def test_notes_and_files_go_with_the_person_and_what_others_have_too_stays(order: UUID):
    (other,) = placed(an_order("E2"))
    own, shared = kept(order, PDF, "Ada.pdf"), kept(order, png(), "both.png")
    kept(other.order, png(), "both.png")
    noted(order, "Ada wants it blue.")
    was = noted(order, "Ada called").note
    withdraw_notes(CAUSE, requests=[WithdrawNote(was, "it was not Ada")])
    stays = noted(other.order, "of Bob")
    forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (order,))])
    assert {one.text for one in note_queries.notes(order)} == {MASK}
    assert {one.ended_because for one in note_queries.notes(order)} == {"", MASK}
    told = {one.id: one for one in note_queries.files(order)}
    assert (told[own.attachment].is_here, told[own.attachment].name) == (False, MASK)
    assert (told[own.attachment].digest, told[shared.attachment].is_here) == (own.digest, True)
    assert note_queries.file(COMPANY, own.attachment) is None
    assert [(one.id, one.text) for one in note_queries.notes(other.order)] == [(stays.note, "of Bob")]
    assert sql.run("SELECT 1 FROM orders_note AS n WHERE n::text LIKE '%Ada%'") == []
    kept(other.order, PDF)
    assert note_queries.file(COMPANY, own.attachment) == ("pdf", PDF), "somebody sent it anew"


def test_whoever_asks_for_their_data_gets_notes_and_files(order: UUID):
    (one,) = placed(an_order("E2", customer="C-1"))
    noted(one.order, "Ada wants it blue.")
    kept(one.order, PDF, "Ada.pdf")
    noted(order, "of Bob")
    told = privacy_queries.everything_of(COMPANY, customer="C-1")
    assert told is not None
    assert [each["text"] for each in told["order_notes"]] == ["Ada wants it blue."]
    (file,) = told["order_files"]
    assert (file["name"], file["kind"], b64decode(file["content"])) == ("Ada.pdf", "pdf", PDF)
    forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (one.order,))])
    told = privacy_queries.everything_of(COMPANY, customer="C-1")
    assert told is not None and told["order_files"][0]["content"] is None


def test_a_file_that_was_erased_is_there_again_for_whoever_attaches_it_anew(order: UUID):
    was = kept(order, PDF, "Ada.pdf")
    forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (order,))])
    assert note_queries.file(COMPANY, was.attachment) is None
    later = replace(CAUSE, at=CAUSE.at + timedelta(days=9), actor=replace(CAUSE.actor, name="Bea"))
    assert attach_files(later, requests=[AttachFile(order, PDF, "letter.pdf")] * 2) == [was, was]
    assert note_queries.file(COMPANY, was.attachment) == ("pdf", PDF)
    (one,) = note_queries.files(order)
    assert (one.name, one.added_by, one.added_at, one.is_here) == ("letter.pdf", "Bea", later.at, True)
    assert attach_files(CAUSE, requests=[AttachFile(order, PDF, "other.pdf")]) == [was]
    assert note_queries.files(order) == [one], "what is there is not told as sent by another"


def test_what_somebody_gets_tells_who_kept_a_file_with_their_order_and_not_with_anothers(order: UUID):
    (mine,) = placed(an_order("E2", customer="C-1"))
    kept(order, PDF, "Bob.pdf")
    later = replace(CAUSE, at=CAUSE.at + timedelta(days=9), actor=replace(CAUSE.actor, name="Bea"))
    attach_files(later, requests=[AttachFile(mine.order, PDF, "Ada.pdf")])
    told = privacy_queries.everything_of(COMPANY, customer="C-1")
    assert told is not None
    (file,) = told["order_files"]
    assert (file["name"], file["added_by"], file["added_at"][:10]) == (
        "Ada.pdf",
        "Bea",
        f"{later.at:%Y-%m-%d}",
    )
    assert file["kind"] == "pdf" and file["digest"]


def test_of_many_files_the_smallest_are_told_and_of_the_others_where_they_are(
    db: None, monkeypatch: pytest.MonkeyPatch
):
    a_seller()
    (mine,) = placed(an_order("E2", customer="C-1"))
    large = kept(mine.order, PDF + b"0" * 100 + b"%%EOF\n", "large.pdf")
    kept(mine.order, PDF, "small.pdf")
    monkeypatch.setattr(privacy_queries, "CONTENTS_MAX", 100)
    told = privacy_queries.everything_of(COMPANY, customer="C-1")
    assert told is not None
    by_name = {one["name"]: one for one in told["order_files"]}
    assert b64decode(by_name["small.pdf"]["content"]) == PDF and by_name["small.pdf"]["content_at"] is None
    assert by_name["large.pdf"]["content"] is None
    assert by_name["large.pdf"]["content_at"] == f"/api/v1/order-attachments/{large.attachment}/content"


def test_bytes_go_by_age_unless_an_order_has_them_that_is_kept_or_younger(order: UUID):
    (other,) = placed(an_order("E2"))
    own, shared, held = kept(order), kept(order, png()), kept(order, jpeg())
    later = replace(CAUSE, at=CAUSE.at + timedelta(days=9))
    attach_files(later, requests=[AttachFile(other.order, png())])
    young = CAUSE.at + timedelta(days=1)
    assert forget_files(COMPANY, None, [], 10) == forget_files(COMPANY, CAUSE.at, [], 10) == 0
    assert forget_files(COMPANY, young, [order], 10) == forget_files(COMPANY + 1, young, [], 10) == 0
    assert forget_files(COMPANY, young, [], 1) == 1
    assert forget_files(COMPANY, young, [], 10) == 1
    assert forget_files(COMPANY, young, [], 10) == 0
    assert [note_queries.file(COMPANY, one.attachment) for one in (own, held)] == [None, None]
    assert note_queries.file(COMPANY, shared.attachment) == ("png", png())


def test_notes_are_read_on_behind_one(order: UUID):
    made = [noted(order, f"{n}").note for n in range(5)]
    every = note_queries.notes(order, limit=3)
    rest = note_queries.notes(order, after=every[-1].id, limit=3)
    assert [one.id for one in (*every, *rest)] == made[::-1]
    files = [kept(order, png(1, n)).attachment for n in range(1, 4)]
    assert [one.id for one in note_queries.files(order, after=files[-1])] == files[1::-1]


@pytest.mark.counts(
    "orders.write_notes", "orders.correct_notes", "orders.withdraw_notes", "orders.attach_files",
    "orders.withdraw_files",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(order: UUID, statements: Any):
    orders = [one.order for one in placed(*(an_order(f"B{n}") for n in range(max(SIZES))))]
    counts = []
    for batch in SIZES:
        with statements() as ran:
            made = write_notes(CAUSE, requests=[WriteNote(order, f"{n}") for n in range(batch)])
            again = correct_notes(CAUSE, requests=[CorrectNote(one.note, "x", "why") for one in made])
            withdraw_notes(CAUSE, requests=[WithdrawNote(one.note, "why") for one in again])
            wanted = [AttachFile(one, png(2 + batch, n)) for n, one in enumerate(orders[:batch], 1)]
            files = attach_files(CAUSE, requests=wanted)
            withdraw_files(CAUSE, requests=[WithdrawFile(one.attachment, "why") for one in files])
        counts.append(len(ran.texts))
    assert counts[0] == counts[1] == counts[2]


def test_of_many_who_correct_a_note_at_once_one_does(committed_db: None):
    a_seller()
    order = placed()[0].order
    notes = [noted(order, f"{n}").note for n in range(10)]
    batches = [[CorrectNote(one, f"by {turn}", "why") for one in notes[:: (-1) ** turn]] for turn in range(4)]
    answers = all_at_once(correct_notes, CAUSE, *batches)
    assert sum(isinstance(one, NoteNow) for one in answers) == 10
    assert sum(isinstance(one, WrongState) for one in answers) == 30


def test_of_many_who_keep_a_file_at_once_it_is_kept_once(committed_db: None):
    a_seller()
    orders = [one.order for one in placed(an_order("E1"), an_order("E2"))]
    batches = [[AttachFile(one, PDF) for one in orders[:: (-1) ** turn]] for turn in range(4)]
    answers = all_at_once(attach_files, CAUSE, *batches)
    assert len({one.attachment for one in answers}) == 2
    assert (rows("orders_file"), rows("orders_attachment"), rows("orders_filecontent")) == (1, 2, 1)
    ends = [[WithdrawFile(one.attachment, "why") for one in answers[:2]] for _ in range(3)]
    gone = all_at_once(withdraw_files, CAUSE, *ends)
    assert sum(isinstance(one, FileWithdrawn) for one in gone) == 2


def test_a_file_that_is_attached_while_another_order_is_erased_is_there(committed_db: None):
    a_seller()
    orders = [one.order for one in placed(*(an_order(f"R{n}") for n in range(16)))]
    for n, (gone, stays) in enumerate(zip(orders[::2], orders[1::2], strict=True), 1):
        content = png(1, n)
        kept(gone, content)
        at_once([
            lambda gone=gone: forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (gone,))]),
            lambda stays=stays, content=content: kept(stays, content),
        ])  # fmt: skip
        (one,) = note_queries.files(stays)
        assert note_queries.file(COMPANY, one.id) == ("png", content)


def test_an_erasure_waits_for_who_attaches_the_same_bytes_to_another_order(committed_db: None):
    """Deterministic: the erasure begins while the other's attachment is written and not yet committed."""
    a_seller()
    gone, stays = (one.order for one in placed(an_order("R1"), an_order("R2")))
    kept(gone)
    begun = threading.Event()

    def attach() -> None:
        with transaction.atomic():
            kept(stays)
            begun.set()
            until_someone_waits("transactionid")

    def erase() -> None:
        assert begun.wait(20)
        forget_buyers(CAUSE, requests=[ForgetBuyer(COMPANY, (gone,))])

    at_once([attach, erase])
    (one,) = note_queries.files(stays)
    assert note_queries.file(COMPANY, one.id) == ("pdf", PDF)
