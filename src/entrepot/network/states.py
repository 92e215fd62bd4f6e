"""The life of a bin, as a table. Pure."""

from __future__ import annotations

from entrepot.kernel.states import machine

BIN = machine(
    "bin", "in use",
    ("block", "in use", "blocked"),
    ("retire", ("in use", "blocked"), "retired"),
    ("open", ("blocked", "retired"), "in use"),
)  # fmt: skip
"""Blocked: nothing is put into it or picked from it, what stands in it stays. Retired: it is empty, and is not there
any more; its history stays."""
