"""Remember how the columns of a channel's files are to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.channels.spreadsheet import parse
from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class SaveMapping:
    """Field and header, for each field that the files have (`spreadsheet.contract.FIELDS`). `sheet` is read of
    workbooks that have it; '': the first that can hold orders."""

    company: int
    channel: str
    columns: tuple[tuple[str, str], ...]
    name: str = "default"
    sheet: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MappingSaved:
    mapping: UUID


@command("channels.save_mapping")
def save_mapping(cause: Cause, /, *, requests: Sequence[SaveMapping]) -> list[MappingSaved | Refused]:
    """Mappings by channel and name; a later one takes the place of an earlier.

    Locks: the mappings. Refuses: NotFound (channel); Invalid (an unknown field, a column twice, a field missing, no
    name). Again: the same mapping is saved again. 2 statements.
    """
    names = [(one.company, one.channel) for one in requests]
    rows = sql.run(_CHANNELS, sql.columns(("companies", "codes"), names))
    channels = {(company, code): channel for company, code, channel in rows}
    answers: list[MappingSaved | Refused | None] = []
    fitting = []
    for one in requests:
        wrong = parse.misfit_mapping(dict(one.columns))
        channel = channels.get((one.company, one.channel))
        if channel is None:
            answers.append(NotFound(what="channel", which=one.channel))
        elif not one.name:
            answers.append(Invalid(field="name", expected="a name", found="nothing"))
        elif wrong is not None:
            answers.append(Invalid(field=wrong.column, expected=wrong.expected, found=wrong.found))
        else:
            columns = wire.dump(dict(one.columns))
            fitting.append(
                (ids.uuid7(), one.company, channel, one.name, columns, one.sheet, cause.actor.name, cause.at)
            )
            answers.append(None)
    saved = {(row[1], row[2]): row[0] for row in sql.upsert("channels_mapping", _KEY, _COLUMNS, fitting)}
    announce(
        cause,
        [
            Event("mapping", saved[row[2], row[3]], row[1], "", "saved", None, {"name": row[3]})
            for row in fitting
        ],
    )
    keys = iter([saved[row[2], row[3]] for row in fitting])
    return [MappingSaved(next(keys)) if answer is None else answer for answer in answers]


_KEY = ("channel_id", "name")

_COLUMNS = ("id", "company_id", "channel_id", "name", "columns", "sheet", "saved_by", "saved_at")

_CHANNELS = """
SELECT c.company_id::int, c.code, c.id
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN network_channel AS c ON c.company_id = d.company AND c.code = d.code
"""
