"""`python -m entrepot` is the `entrepot` command, for children that must run in the same environment."""

import sys

from entrepot.cli import main

sys.exit(main())
