"""Triggers by which the database itself refuses what needs a duty that its person has not taken."""

from __future__ import annotations

import pgtrigger

from entrepot.access.rules import FIRST_BY


def duty_trigger(name: str, operation: pgtrigger.Operation, body: str) -> pgtrigger.Trigger:
    """A trigger of a table, on inserted or updated rows, with a body of `duty_taken`."""
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation,
        referencing=pgtrigger.Referencing(new="added"), func=body,
    )  # fmt: skip


def duty_triggers(name: str, body: str) -> list[pgtrigger.Trigger]:
    """Two of them: what is decided later is refused as it is where a row is put in decided."""
    return [
        duty_trigger(name, pgtrigger.Update, body),
        duty_trigger(f"{name}_at_once", pgtrigger.Insert, body),
    ]


def duty_taken(room: str, pair: str, side: str, document: str, person: str, when: str = "TRUE") -> str:
    """The body of a trigger that refuses rows of people who have not taken the side of the pair on the document.

    `document` and `person` are columns; the constraint that is named in the refusal begins with the room.
    """
    return f"""
IF EXISTS (SELECT FROM added AS a WHERE {when} AND NOT EXISTS (
    SELECT FROM access_duty AS d
    WHERE d.document = a.{document} AND d.pair = '{pair}' AND d.side = '{side}' AND d.person = a.{person})) THEN
    RAISE EXCEPTION 'whoever does this must have taken the duty to {side}'
        USING ERRCODE = 'check_violation', CONSTRAINT = '{room}_duty_to_{side}_taken';
END IF;
RETURN NULL;
"""


def by_another_trigger(
    name: str,
    operation: pgtrigger.Operation,
    room: str,
    pair: str,
    document: str,
    person: str,
    *,
    when: str,
    told_by: tuple[str, ...],
    also: str = "",
) -> pgtrigger.Trigger:
    """A trigger that refuses decisions of people who did the first part of the pair on the document, as the event log
    tells it; `also` is another reason to refuse one.

    `told_by` are the columns that make a decision: those of the primary key, the person, and what it is about. A row
    that was decided by them before is not judged again, whatever its person did since and whatever else changes.
    """
    side = pair.split("×")[1]
    commands = ", ".join(f"'{name}'" for name in FIRST_BY[pair])
    decided = f"SELECT {', '.join(f'a.{one}' for one in told_by)} FROM {{}} AS a WHERE ({when})"
    later = operation is pgtrigger.Update
    new = decided.format("added") + (f" EXCEPT {decided.format('was')}" if later else "")
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation,
        referencing=pgtrigger.Referencing(new="added", old="was" if later else None),
        func=f"""
IF EXISTS (SELECT FROM ({new}) AS a WHERE a.{person} <> '' AND (EXISTS (
    SELECT FROM kernel_event AS e
    WHERE e.subject_id = {document} AND e.actor = a.{person} AND e.command IN ({commands})){also})) THEN
    RAISE EXCEPTION 'whoever did the first part of {pair} does not do the other'
        USING ERRCODE = 'check_violation', CONSTRAINT = '{room}_{side}_by_another';
END IF;
RETURN NULL;
""",
    )  # fmt: skip


def by_another_triggers(
    name: str,
    room: str,
    pair: str,
    document: str,
    person: str,
    *,
    when: str,
    told_by: tuple[str, ...],
    also: str = "",
) -> list[pgtrigger.Trigger]:
    """Two of them: for what is decided later, and for rows that are put in decided."""
    return [
        by_another_trigger(
            named, operation, room, pair, document, person, when=when, told_by=told_by, also=also
        )
        for named, operation in ((name, pgtrigger.Update), (f"{name}_at_once", pgtrigger.Insert))
    ]
