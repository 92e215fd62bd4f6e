"""Entrepot: the operations ERP of an ecommerce retailer. See DESIGN in `docs/` for the map of the house."""

__version__ = "0.1.0"


class Problem(Exception):  # noqa: N818 - it is what the person at the terminal reads, not a bug
    """What the person at the terminal can mend: one sentence, exit code 2, never a traceback."""
