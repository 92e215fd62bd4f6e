"""What pictures of returned goods may be: how many of them. What a picture is says the kernel. Pure."""

from __future__ import annotations

from entrepot.kernel.pictures import BYTES_MAX, PIXELS_MAX, SIDE_MAX, TYPES, Picture, read

__all__ = (
    "BYTES_MAX", "OF_CUSTOMER_MAX", "PHOTOS_MAX", "PIXELS_MAX", "SIDE_MAX", "TYPES", "Picture", "read",
)  # fmt: skip

PHOTOS_MAX = 12
"""Of one inspection."""
OF_CUSTOMER_MAX = 6
"""Of one return, by its customer."""
