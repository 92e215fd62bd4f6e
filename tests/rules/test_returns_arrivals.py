"""What of a parcel was expected, what is missing, and what nobody announced."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.arrivals import Came, Expected, Part, Sorted, sort_out

RETURN, OTHER = UUID(int=1), UUID(int=2)
A, B, C = (UUID(int=n) for n in (10, 11, 12))
LINES = (
    Expected(RETURN, UUID(int=21), A, 2),
    Expected(OTHER, UUID(int=22), A, 1),
    Expected(OTHER, UUID(int=23), B, 1),
)


def test_what_was_announced_goes_to_its_lines_and_the_rest_is_strays():
    found = sort_out(LINES, [Came(A, 4), Came(C, 1), Came(None, 2)])
    assert found == Sorted(
        (Part(0, LINES[0], 2), Part(0, LINES[1], 1)),
        ((0, 1, "more"), (1, 1, "other"), (2, 2, "unknown")),
        (LINES[2],),
    )


def test_what_was_counted_beside_a_line_is_its_own():
    """However the lines are sorted; what is more than that goes to the others."""
    beside = [Came(A, 1, LINES[1].line), Came(A, 1, LINES[0].line)]
    assert sort_out(LINES, beside).parts == (Part(0, LINES[1], 1), Part(1, LINES[0], 1))
    assert sort_out(LINES, [Came(A, 1), Came(A, 1, LINES[0].line)]).parts == (
        Part(0, LINES[0], 1), Part(1, LINES[0], 1),
    )  # fmt: skip
    more = sort_out(LINES, [Came(A, 3, LINES[1].line), Came(B, 1, LINES[0].line)])
    assert more.parts == (Part(0, LINES[1], 1), Part(0, LINES[0], 2), Part(1, LINES[2], 1))
    assert more.strays == more.missing == ()


def test_a_parcel_that_nobody_expects():
    assert sort_out((), [Came(A, 1)]) == Sorted((), ((0, 1, "unannounced"),), ())


units = st.integers(1, 5)
skus = st.sampled_from([A, B, C])
expected = st.lists(st.tuples(skus, units), max_size=5).map(
    lambda some: [Expected(RETURN, UUID(int=100 + i), sku, n) for i, (sku, n) in enumerate(some)]
)
said = st.none() | st.integers(99, 105).map(lambda n: UUID(int=n))
came = st.lists(st.builds(Came, st.none() | skus, units, said), max_size=5)


@given(expected, came)
def test_every_unit_is_somewhere_and_no_line_gets_more_than_it_expects(
    lines: list[Expected], content: list[Came]
):
    found = sort_out(lines, content)
    for place, one in enumerate(content):
        placed = sum(part.units for part in found.parts if part.place == place)
        assert placed + sum(n for at, n, _ in found.strays if at == place) == one.units
    got = Counter[UUID]()
    for part in found.parts:
        assert part.of.sku == content[part.place].sku
        got[part.of.line] += part.units
    missing = {one.line: one.units for one in found.missing}
    assert all(got[line.line] + missing.get(line.line, 0) == line.units for line in lines)
    # Nothing is a stray as long as a line still waits for it.
    waited_for = {one.sku for one in found.missing}
    assert not any(content[place].sku in waited_for for place, _, _ in found.strays)
