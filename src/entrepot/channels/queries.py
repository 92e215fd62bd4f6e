"""What is asked of channels."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel import sql


def mapping(*, company: int, channel: str, name: str = "default") -> dict[str, str] | None:
    """Field → header as it was saved for a channel's files; None where it never was."""
    found = sql.run(_MAPPING, {"company": company, "channel": channel, "name": name})
    return dict(found[0][0]) if found else None


_MAPPING = """
SELECT m.columns FROM channels_mapping AS m JOIN network_channel AS c ON c.id = m.channel_id
WHERE c.company_id = %(company)s::smallint AND c.code = %(channel)s::text AND m.name = %(name)s::text
"""


def taken(company: int, source: str, names: Sequence[str]) -> set[str]:
    """Which messages of a source the inbox has already."""
    params = {"company": company, "source": source, "names": list(names)}
    return {name for (name,) in sql.run(_TAKEN, params)}


_TAKEN = """
SELECT external_id FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND source = %(source)s::text AND external_id = ANY(%(names)s::text[])
"""
