"""What imports of a retailer's history share: packed files, the house that it happened in, and its weeks."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO, TypeVar
from uuid import UUID

from entrepot import Problem
from entrepot.carriage.commands.register import register_services
from entrepot.carriage.rules import RegisterService, Zone
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import AllOrNothing
from entrepot.network.commands import register as network
from entrepot.parties import queries as parties

BINS = (
    ("IN", "receiving"),
    ("SHELF", "pick"),
    ("STAGING", "staging"),
    ("PACKING", "packing"),
    ("QUARANTINE", "quarantine"),
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Imported:
    """Where the orders are now."""

    company: int
    channel: str


class Place(NamedTuple):
    """A node with the shelf that its goods stand on."""

    node: UUID
    bin: UUID


class Dated(Protocol):
    @property
    def at(self) -> datetime: ...


D = TypeVar("D", bound=Dated)


# ---- files


@contextlib.contextmanager
def unpacked(file: Path, *, is_gzip: bool) -> Iterator[TextIO]:
    """The lines of a file, gzipped or not. Raises Problem where it can't be unpacked, also while it is read."""
    opened = gzip.open if is_gzip else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
            yield lines
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Problem(f"{file} can't be unpacked: {error}.") from error


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """What a command refuses stops the import where it is, and the reader is told."""
    try:
        yield
    except AllOrNothing as refused:
        reason = refused.refusals[0].message
        raise Problem(f"The import stopped: {reason} What came before stands; run it again.") from refused


# ---- the house that the history happened in


def company_number(code: str) -> int:
    """The number of the company with the code, or the next one."""
    known = {company.code: company.id for company in parties.companies()}
    return known.get(code) or max(known.values(), default=0) + 1


def set_up_network(
    cause: Cause, nodes: Sequence[network.RegisterNode], channel: network.RegisterChannel
) -> list[Place]:
    """Nodes with their bins, which all serve the channel; what stands is left alone."""
    registered = whole(network.register_nodes(cause, requests=nodes))
    bins = whole(
        network.register_bins(
            cause,
            requests=[
                network.RegisterBin(channel.company, node.id, code, kind, pick_sequence=i)
                for node in registered
                for i, (code, kind) in enumerate(BINS)
            ],
        )
    )
    (served,) = whole(network.register_channels(cause, requests=[channel]))
    serving = [network.ServeChannel(served.id, node.id) for node in registered]
    whole(network.serve_channels(cause, requests=serving))
    shelves = [one.id for one in bins if one.code == "SHELF"]
    return [Place(node.id, shelf) for node, shelf in zip(registered, shelves, strict=True)]


def set_up_carriage(cause: Cause, company: int, currency: str) -> None:
    """One service that takes everything anywhere and costs nothing: what a carrier was paid, the files don't tell."""
    service = RegisterService(
        company, "own", "OWN", "As it was sent", 3, 2**31 - 1, currency,
        (Zone("*", "*", "all"),), (("all", 2**31 - 1, 0),), divisor=0,
    )  # fmt: skip
    whole(register_services(cause, requests=[service]))


# ---- its weeks


def by_week(items: Iterable[D]) -> Iterator[tuple[datetime, list[D]]]:
    """What comes in the order of time, by the Monday that its week begins with."""
    week: list[D] = []
    start = datetime.min.replace(tzinfo=UTC)
    for item in items:
        monday = week_start(item.at)
        if week and monday != start:
            yield start, week
            week = []
        start = monday
        week.append(item)
    if week:
        yield start, week


def week_start(at: datetime) -> datetime:
    """Monday midnight, UTC."""
    return (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
