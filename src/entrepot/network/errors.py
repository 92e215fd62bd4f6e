"""What the network refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class BinOut(Refused):
    """A bin is blocked or retired, and so nothing is put into it, and it is not set up otherwise."""

    code = "network.bin_out"
    says = "Bin {which} is {state}. Choose another one, or open it first."
