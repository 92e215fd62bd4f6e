"""The audit chains: rows of the event log and of the ledgers are sealed in batches after their commit, each digest over
the one before. Beside the digest of a batch stand four bytes of each of its rows, by which a row that was changed,
deleted or put in behind the house's back is named.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from django.db import transaction

from entrepot.kernel import imprint, sql
from entrepot.kernel.cause import Cause

ROWS_PER_LINK = 20_000
WAIT_S = 5.0
NAMED_MAX = 20
"""Rows of a link that are named one by one."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A table whose rows are never changed: its key, and what is digested of a row, in a text that does not depend on
    the settings of the session."""

    table: str
    key: str
    row: str
    what: str = "row"


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk along the chains saw: sealed rows, links, rows not sealed yet, and what is wrong."""

    rows: int
    links: int
    unsealed: int
    discrepancies: list[str]


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain. Whoever has it can tell later whether anything before it was written anew."""

    chain: str
    last: int
    rows: int
    digest: str
    sealed_at: datetime


EVENTS = Chain(
    "kernel_event",
    "seq",
    """concat_ws(E'\\x1f', e.seq, extract(epoch FROM e.occurred_at),
        extract(epoch FROM e.recorded_at), e.actor, e.command, e.company_id, e.subject_kind, e.subject_id,
        e.state_before, e.state_after, e.reason, COALESCE(e.payload::text, ''), e.correlation)""",
    "event",
)
chains = {EVENTS.table: EVENTS}
"""Every sealed table; the rooms add their own (`watch`)."""


def watch(table: str, columns: str, times: str, what: str, later: str = "") -> None:
    """Seal a table of a room as well: an append-only one with an `id`. `times` are columns with a moment; `later` are
    those that were added when rows had been sealed: one that has nothing there is digested as before."""
    parts = [f"COALESCE(e.{name}::text, '')" for name in columns.split()]
    parts += [f"extract(epoch FROM e.{name})::text" for name in times.split()]
    parts += [f"e.{name}::text" for name in later.split()]
    chains[table] = Chain(table, "id", f"concat_ws(E'\\x1f', {', '.join(parts)})", what)


def seal(cause: Cause) -> int:
    """Seal all rows up to now; returns how many events. Safe to call at any time and from several processes.

    Sequence numbers are not handed out in the order of commits: so the newest number is read first, and sealed only
    when every transaction that was running then has ended. Where one runs on for long, sealing waits for the next call.
    A number of our own tells which those are: a snapshot does not know those that are younger than the last commit.
    """
    newest = {one.table: sql.run(_newest(one))[0][0] for one in chains.values()}
    ((running,),) = sql.run("SELECT pg_current_xact_id()::text")
    if not _all_ended(running):
        return 0
    sealed = dict.fromkeys(chains, 0)
    for table, last in newest.items():
        while rows := _add_link(cause, chains[table], last):
            sealed[table] += rows
    return sealed[EVENTS.table]


def _all_ended(transaction_id: str) -> bool:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        statement = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(id)s::text::xid8"
        if sql.run(statement, {"id": transaction_id})[0][0]:
            return True
        time.sleep(0.01)
    return False


def _add_link(cause: Cause, chain: Chain, newest: int) -> int:
    with transaction.atomic():
        sql.run("SELECT pg_advisory_xact_lock(hashtextextended('kernel.seal', 0))")
        params = {"newest": newest, "limit": ROWS_PER_LINK, "at": cause.at, "source": chain.table}
        added = sql.run(_add(chain), params)
        if added and chain is EVENTS:
            imprint.of_sealed(*added[0][1:])
    return added[0][0] if added else 0


def verify() -> Walk:
    """Recompute every digest of the chains. Two statements for each, and one for each link that is broken."""
    broken = [sentence for one in chains.values() for sentence in _broken(one)]
    return replace(lengths(), discrepancies=broken)


def lengths() -> Walk:
    """How long the chains are, and what no link holds yet; nothing is recomputed. One statement for each."""
    rows = links = unsealed = 0
    for one in chains.values():
        found = sql.run(_counts(one), {"source": one.table})[0]
        rows, links, unsealed = rows + found[0], links + found[1], unsealed + found[2]
    return Walk(rows, links, unsealed, [])


def heads() -> list[Head]:
    """The last link of each chain that has one."""
    found = [(one, sql.run(_head(one), {"source": one.table})) for one in chains.values()]
    return [Head(one.table, *rows[0]) for one, rows in found if rows]


def written_anew(known: list[Head]) -> list[str]:
    """Sentences about heads, kept outside of the database, that are no links of its chains any more."""
    told = []
    for one in known:
        if one.chain not in chains:
            told.append(f"{one.chain}: no such chain")
            continue
        params = {"source": one.chain, "last": one.last, "digest": one.digest}
        if not sql.run(_link_of(chains[one.chain]), params)[0][0]:
            told.append(
                f"{one.chain}: no link ends at {one.last} with the digest that was kept: it was written anew"
            )
    return told


def _broken(chain: Chain) -> list[str]:
    sentences = []
    for first, last, after, sealed, found, leaves in sql.run(_broken_links(chain), {"source": chain.table}):
        where = f"{chain.what}s {first} to {last}"
        if sealed == found:
            sentence = f"{where}: {sealed} rows sealed, {found} found, but their content changed"
        else:
            sentence = f"{where}: {sealed} rows sealed, {found} found"
        sentences.append(sentence + _named(chain, first, last, after, leaves))
    return sentences


def _named(chain: Chain, first: int, last: int, after: int, leaves: bytes | None) -> str:
    """Which rows of a broken link they are."""
    if leaves is None:
        return ""
    sealed = {
        first + int.from_bytes(leaves[at : at + 4], "big"): bytes(leaves[at + 4 : at + 8])
        for at in range(0, len(leaves), 8)
    }
    params = {"after": after, "last": last}
    found = {key: bytes(leaf) for key, leaf in sql.run(_leaves(chain), params)}
    told = [
        f"{key} {'is gone' if key not in found else 'was put in' if key not in sealed else 'was changed'}"
        for key in sorted(sealed.keys() | found.keys())
        if sealed.get(key) != found.get(key)
    ]
    more = [f"{len(told) - NAMED_MAX} more"] if len(told) > NAMED_MAX else []
    return f": {', '.join(told[:NAMED_MAX] + more)}" if told else ": the chain before it is another"


# ---- statements

_OF_ROOM = ("kernel_rowseal", "source = %(source)s::text")


def _links(chain: Chain) -> tuple[str, str]:
    """The table of a chain's links, and which of its rows they are."""
    return ("kernel_seal", "%(source)s::text <> ''") if chain is EVENTS else _OF_ROOM


def _digest(chain: Chain) -> str:
    return f"sha256(convert_to(string_agg({chain.row}, E'\\x1e' ORDER BY e.{chain.key}), 'UTF8'))"


def _leaf(chain: Chain) -> str:
    return f"substring(sha256(convert_to({chain.row}, 'UTF8')) FROM 1 FOR 4)"


@cache
def _newest(chain: Chain) -> str:
    return f"SELECT COALESCE(max({chain.key}), 0) FROM {chain.table}"


@cache
def _add(chain: Chain) -> str:
    links, own = _links(chain)
    source, value = ("", "") if chain is EVENTS else ("source, ", "%(source)s::text, ")
    return f"""
WITH link AS (SELECT last_seq, digest FROM {links} WHERE {own} ORDER BY id DESC LIMIT 1),
batch AS (
    SELECT * FROM {chain.table}
    WHERE {chain.key} > COALESCE((SELECT last_seq FROM link), 0) AND {chain.key} <= %(newest)s::bigint
    ORDER BY {chain.key} LIMIT %(limit)s::int
),
bounds AS (SELECT min({chain.key}) AS first FROM batch)
INSERT INTO {links} ({source}first_seq, last_seq, rows, digest, leaves, sealed_at)
SELECT {value}min(e.{chain.key}), max(e.{chain.key}), count(*),
       sha256(COALESCE((SELECT digest FROM link), ''::bytea) || {_digest(chain)}),
       string_agg(int4send((e.{chain.key} - bounds.first)::int) || {_leaf(chain)}, ''::bytea ORDER BY e.{chain.key}),
       %(at)s::timestamptz
FROM batch AS e, bounds HAVING count(*) > 0
RETURNING rows, first_seq, last_seq
"""


@cache
def _broken_links(chain: Chain) -> str:
    links, own = _links(chain)
    return f"""
WITH link AS (
    SELECT id, first_seq, last_seq, rows, digest, leaves, lag(digest) OVER chain AS before,
           lag(last_seq) OVER chain AS last_before
    FROM {links} WHERE {own} WINDOW chain AS (ORDER BY id)
),
walked AS (
    SELECT link.*, found.rows AS rows_found,
           sha256(COALESCE(link.before, ''::bytea) || COALESCE(found.digest, ''::bytea)) AS digest_found
    FROM link CROSS JOIN LATERAL (
        SELECT count(*) AS rows, {_digest(chain)} AS digest FROM {chain.table} AS e
        WHERE e.{chain.key} > COALESCE(link.last_before, 0) AND e.{chain.key} <= link.last_seq) AS found
)
SELECT first_seq, last_seq, COALESCE(last_before, 0), rows, rows_found, leaves
FROM walked WHERE digest <> digest_found OR rows <> rows_found ORDER BY id
"""


@cache
def _leaves(chain: Chain) -> str:
    return f"""
SELECT e.{chain.key}, {_leaf(chain)} FROM {chain.table} AS e
WHERE e.{chain.key} > %(after)s::bigint AND e.{chain.key} <= %(last)s::bigint
"""


@cache
def _counts(chain: Chain) -> str:
    links, own = _links(chain)
    return f"""
SELECT COALESCE(sum(rows), 0)::bigint, count(*),
       (SELECT count(*) FROM {chain.table} WHERE {chain.key} > COALESCE(max(last_seq), 0))
FROM {links} WHERE {own}
"""


@cache
def _link_of(chain: Chain) -> str:
    links, own = _links(chain)
    return f"""
SELECT EXISTS (SELECT FROM {links} WHERE {own} AND last_seq = %(last)s::bigint
               AND encode(digest, 'hex') = %(digest)s::text)
"""


@cache
def _head(chain: Chain) -> str:
    links, own = _links(chain)
    return f"""
SELECT last_seq, (SELECT sum(rows) FROM {links} WHERE {own})::bigint, encode(digest, 'hex'), sealed_at
FROM {links} WHERE {own} ORDER BY id DESC LIMIT 1
"""
