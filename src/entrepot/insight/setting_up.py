"""What a company has of all that a house needs before orders flow through it."""

from __future__ import annotations

from typing import NamedTuple

from entrepot.kernel import sql


class SetUp(NamedTuple):
    """Whether there is any of each; `served`: no open channel is without an open node."""

    nodes: bool
    bins: bool
    channels: bool
    served: bool
    skus: bool
    services: bool
    taxes: bool
    suppliers: bool


def set_up(*, company: int) -> SetUp:
    """What stands of a company. One statement, which looks for one of each."""
    return SetUp(*sql.run(_SET_UP, {"company": company})[0])


_SET_UP = """
SELECT EXISTS (SELECT FROM network_node WHERE company_id = c.id AND active),
       EXISTS (SELECT FROM network_bin WHERE company_id = c.id),
       EXISTS (SELECT FROM network_channel WHERE company_id = c.id AND active),
       NOT EXISTS (
           SELECT FROM network_channel AS ch WHERE ch.company_id = c.id AND ch.active AND NOT EXISTS (
               SELECT FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
               WHERE cn.channel_id = ch.id)),
       EXISTS (SELECT FROM catalog_sku WHERE company_id = c.id),
       EXISTS (SELECT FROM carriage_service WHERE company_id = c.id AND active),
       EXISTS (SELECT FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
               WHERE j.company_id = c.id),
       EXISTS (SELECT FROM parties_supplier WHERE company_id = c.id)
FROM (SELECT %(company)s::smallint AS id) AS c
"""
