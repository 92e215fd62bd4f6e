"""Batches at which the statements of a command are counted."""

from __future__ import annotations

import os

MANY = int(os.environ.get("MANY", "100"))
"""The largest. `make slow` counts at a thousand, which takes a third of the time of all tests."""

SIZES = (1, 10, MANY)
"""A command takes the same number of statements for each of them."""
