"""How often somebody tried to get in where there is no person to lock out: doors for the public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.access.errors import TooManyTries
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody tries a door; `who` is a fingerprint, never an address or a name. At most `most` in each `minutes`."""

    door: str
    who: str
    most: int
    minutes: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """The try may go on; `left` are those after it in this stretch of time."""

    left: int


@dataclass(frozen=True, slots=True)
class ForgetTries:
    """Who came in did not guess: what was counted of them is forgotten, or no more than the `latest` tries of this
    stretch of time, where others may have made the rest."""

    door: str
    who: str
    key: str | None = None
    latest: int | None = None


@dataclass(frozen=True, slots=True)
class TriesForgotten:
    door: str


@command("access.count_tries")
def count_tries(cause: Cause, /, *, requests: Sequence[Try]) -> list[Tried | Refused]:
    """Each try counted, also the refused one, within stretches of so many minutes; those of the day before are dropped.

    Locks: the counters, in the order of their keys. Refuses: TooManyTries.
    Again: counts again; by key. 1 statement.
    """
    wanted = Counter((one.door, one.who, one.minutes) for one in requests)
    rows = [(*key, count) for key, count in sorted(wanted.items())]
    batch = sql.columns(("doors", "whos", "minutes", "counts"), rows)
    counted = {
        (door, who, minutes): count
        for door, who, minutes, count in sql.run(_COUNT, {**batch, "at": cause.at})
    }
    answers: list[Tried | Refused] = []
    for one in requests:
        key = (one.door, one.who, one.minutes)
        wanted[key] -= 1
        left = one.most - (counted[key] - wanted[key])
        answers.append(Tried(left) if left >= 0 else TooManyTries(minutes=one.minutes))
    return answers


@command("access.forget_tries")
def forget_tries(cause: Cause, /, *, requests: Sequence[ForgetTries]) -> list[TriesForgotten | Refused]:
    """Tries that did not guess, no longer counted.

    Locks: the counters, in the order of their keys. Again: forgets what came since; the latest anew; by key.
    1 statement.
    """
    rows = [(one.door, one.who, one.latest) for one in requests]
    sql.run(_FORGET, {**sql.columns(("doors", "whos", "latest"), rows), "at": cause.at})
    return [TriesForgotten(one.door) for one in requests]


_COUNT = f"""
WITH dropped AS (DELETE FROM access_tries WHERE since < %(at)s::timestamptz - interval '1 day')
INSERT INTO access_tries AS t (door, who, since, minutes, count)
SELECT doors, whos, date_bin(minutes * interval '1 minute', %(at)s::timestamptz, 'epoch'), minutes, counts
FROM {sql.unnest("one", doors="text", whos="text", minutes="int", counts="int")}
ON CONFLICT (door, who, minutes, since) DO UPDATE SET count = t.count + excluded.count
RETURNING door, who, minutes, count
"""

# A counter is never 0: what has no try left is dropped.
_FORGET = f"""
WITH asked AS (
    SELECT doors AS door, whos AS who, sum(latest)::int AS latest, bool_or(latest IS NULL) AS whole
    FROM {sql.unnest("one", doors="text", whos="text", latest="int")} GROUP BY 1, 2
), found AS (
    SELECT t.door, t.who, t.minutes, t.since, a.whole, a.latest, t.count
    FROM access_tries AS t JOIN asked AS a ON a.door = t.door AND a.who = t.who
     AND (a.whole OR t.since = date_bin(t.minutes * interval '1 minute', %(at)s::timestamptz, 'epoch'))
    ORDER BY t.door COLLATE "C", t.who COLLATE "C", t.minutes, t.since FOR UPDATE OF t
), dropped AS (
    DELETE FROM access_tries AS t USING found AS f
    WHERE (t.door, t.who, t.minutes, t.since) = (f.door, f.who, f.minutes, f.since) AND (f.whole OR f.count <= f.latest)
)
UPDATE access_tries AS t SET count = t.count - f.latest FROM found AS f
WHERE (t.door, t.who, t.minutes, t.since) = (f.door, f.who, f.minutes, f.since) AND NOT f.whole AND f.count > f.latest
"""
