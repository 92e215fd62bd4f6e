"""Rates of exchange from a file, looked at first or recorded at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.ledger import errors, queries, rate_files
from entrepot.ledger.commands.record_rates import RateRecorded, RecordRate, record_rates
from entrepot.ledger.rate_files import FileRate

TOLD_MAX = 50


@dataclass(frozen=True, slots=True)
class RateFile:
    """The text of a file as `rate_files.read` takes it. `dry_run`: nothing is recorded."""

    company: int
    text: str
    dry_run: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RateFileTaken:
    """Rates of the file that are recorded (or would be), that stood so before, and that `differ` from what stands: this
    stays until it is corrected. `otherwise` tells the first of them: currency, day, what stands, what the file says."""

    recorded: int
    known: int
    differ: int
    otherwise: tuple[tuple[str, str, str, str], ...]


@command("ledger.record_rate_files")
def record_rate_files(cause: Cause, /, *, requests: Sequence[RateFile]) -> list[RateFileTaken | Refused]:
    """The rates of files, each once a currency and day. A file with a fault does nothing.

    Refuses: NotFound (company); ledger.rate_file_faulty. Again: the first rate of a day stands, and nothing is
    recorded. 3 statements.
    """
    homes: dict[int, str] = dict(sql.run("SELECT id::int, currency::text FROM parties_company"))
    read = [_read(one, homes.get(one.company)) for one in requests]
    stand = queries.rates_standing(
        [
            (one.company, rate.currency, rate.on)
            for one, rates in zip(requests, read, strict=True)
            if not isinstance(rates, Refused)
            for rate in rates
        ]
    )
    stood: list[_Stood | Refused] = []
    wanted: list[tuple[_Stood, FileRate, RecordRate]] = []
    for one, rates in zip(requests, read, strict=True):
        if isinstance(rates, Refused):
            stood.append(rates)
            continue
        found = {each: stand.get((one.company, each.currency, each.on)) for each in rates}
        stood.append(found)
        if not one.dry_run:
            fresh = [each for each, rate in found.items() if rate is None]
            wanted += [
                (found, each, RecordRate(one.company, each.currency, each.on, each.rate)) for each in fresh
            ]
            stand |= {(one.company, each.currency, each.on): each.rate for each in fresh}
    recorded = record_rates(cause, requests=[one for *_, one in wanted]) if wanted else []
    for (found, each, _), answer in zip(wanted, recorded, strict=True):
        assert isinstance(answer, RateRecorded), "what a file says is read as a rate"
        if not answer.fresh:  # somebody recorded it since we looked
            found[each] = answer.rate
    return [one if isinstance(one, Refused) else _told(one) for one in stood]


_Stood = dict[FileRate, Decimal | None]
"""The rates of a file, each with what stood of its currency and day before."""


def _told(stood: _Stood) -> RateFileTaken:
    otherwise = [
        (each.currency, each.on.isoformat(), str(was), str(each.rate))
        for each, was in stood.items()
        if was is not None and was != each.rate
    ]
    recorded = sum(was is None for was in stood.values())
    known = len(stood) - recorded - len(otherwise)
    return RateFileTaken(recorded, known, len(otherwise), tuple(otherwise[:TOLD_MAX]))


def _read(one: RateFile, home: str | None) -> list[FileRate] | Refused:
    if home is None:
        return NotFound(what="company", which=str(one.company))
    sheet = rate_files.read(one.text, home)
    if sheet.faults:
        first = sheet.faults[0]
        return errors.RateFileFaulty(row=first.row, problem=first.problem, faults=len(sheet.faults))
    return sheet.rows
