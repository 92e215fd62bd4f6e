"""What channels refuse."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class NoMend(Refused):
    """A difference that no command can end by itself."""

    code = "channels.no_mend"
    says = "{difference} of {name}: only a person can say which side is right. Mend it there or here, and explain it."
