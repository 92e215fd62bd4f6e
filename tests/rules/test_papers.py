"""Papers: labels for printers, and PDFs of any name."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.parties.queries import Address
from entrepot.web import papers

WHERE = Address(
    UUID(int=1), "Zoë Łącka", "1 ^Hill~ Street_", "", "Sibiu", "", "550001", "RO", "z@example.com", "", "", "", None,
)  # fmt: skip
LABEL = papers.Label(("Hearth & Home",), WHERE, "UPS", "Ground", "1Z5R89390357567127", "PK-1", "SO-1", 1250)


def test_a_label_for_a_printer_has_the_number_as_a_barcode():
    zpl = papers.label_zpl(LABEL)
    assert zpl.startswith("^XA\n^CI28\n")
    assert zpl.endswith("^XZ\n")
    assert "^BCN,260,Y,N,N,A^FH^FD1Z5R89390357567127^FS" in zpl
    assert "Zoë Łącka" in zpl
    assert "z@example.com" not in zpl


def test_nothing_in_an_address_commands_the_printer():
    assert "1 _5EHill_7E Street_5F" in papers.label_zpl(LABEL)


@given(st.text(max_size=40))
def test_whatever_a_name_is_the_printer_gets_whole_fields(name: str):
    zpl = papers.label_zpl(LABEL._replace(address=replace(WHERE, name=name), tracking=name))
    assert zpl.count("^FD") == zpl.count("^FS") - 1  # the rule has no text
    assert zpl.count("^XA") == zpl.count("^XZ") == 1


def test_papers_are_made_of_any_name_and_number():
    for tracking in ("1Z5R89390357567127", "номер 7", "x" * 64, ""):
        pdf = papers.label_pdf([LABEL._replace(tracking=tracking), LABEL])
        assert pdf.startswith(b"%PDF")
    assert papers.label_pdf([LABEL._replace(address=None)]).startswith(b"%PDF")
    slip = papers.Slip(
        "House", "SO-1", "X", "FF-1", WHERE, [("PK-1", "C1", [papers.SlipLine("A", "Чай", 2)])]
    )
    assert papers.packing_slip(slip).startswith(b"%PDF")
    many = [(f"T{i}", f"PK-{i}", 10) for i in range(300)]
    told = papers.ManifestPaper("MF-1", "House", "London", "UPS", "today", 3000, many)
    assert papers.manifest_pdf(told).startswith(b"%PDF")
