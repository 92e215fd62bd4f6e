"""A handheld with its scanner, as tests of the scan screens use it."""

from __future__ import annotations

import re
from itertools import count

from entrepot.stock import queries as stock


class Handheld:
    """A browser with a scanner: every scan has a key of its own, and the page after it is remembered."""

    def __init__(self, browser) -> None:
        self.browser, self.at, self.page, self.keys = browser, "", "", count(1)

    def goes(self, address: str) -> str:
        return self._see(self.browser.get(address, follow=True), address)

    def scans(self, *codes: str, key: str = "") -> str:
        for code in codes:
            said = {"scan": code, "key": key or f"k{next(self.keys)}"}
            self._see(self.browser.post(self.at, said, follow=True), self.at)
        return self.page

    def _see(self, answer, address: str) -> str:
        assert answer.status_code == 200, answer
        self.at = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        self.page = answer.content.decode()
        return self.page

    @property
    def wrong(self) -> str:
        found = re.search(r'role="alert"><b>Stop.</b> (.*?)</p>', self.page)
        return found.group(1).replace("&#x27;", "'") if found else ""

    @property
    def right(self) -> list[str]:
        return re.findall(r'<p class="said right">(.*?)</p>', self.page)

    @property
    def asks(self) -> tuple[str, str]:
        verb = re.search(r'<p class="verb">(.*?)</p>', self.page)
        what = re.search(r'<p class="what">(.*?)</p>', self.page)
        return (verb.group(1) if verb else "", what.group(1) if what else "")


def stands(sku) -> dict[str, int]:
    return {row.bin_code: row.quantity for row in stock.buckets(sku=sku) if row.node_code == "LDN"}
