"""The `entrepot` command: one module for each verb. Parses, opens the house, calls one function of a room."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from entrepot import Problem, __version__
from entrepot.cli import (
    advice,
    buyers,
    company,
    demo,
    doctor,
    export,
    holds,
    import_,
    manage,
    person,
    rebalance,
    relay,
    replan,
    session,
    up,
    user,
    verify,
    whatif,
    worker,
)

VERBS = (
    up,
    demo,
    import_,
    export,
    whatif,
    verify,
    doctor,
    user,
    company,
    person,
    buyers,
    holds,
    rebalance,
    replan,
    advice,
    worker,
    relay,
    manage,
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 something is amiss (verify, doctor), 2 what the person at the terminal can mend."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["manage"]:  # Django parses the rest, options included
            return manage.passthrough(arguments[1:])
        parsed = _parser().parse_args(arguments)
        return int(parsed.run(parsed))
    except Problem as problem:
        session.complain(str(problem))
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="entrepot", description="Operations ERP for ecommerce.")
    parser.add_argument("--version", action="version", version=f"entrepot {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for module in VERBS:
        module.add_to(verbs)
    return parser
