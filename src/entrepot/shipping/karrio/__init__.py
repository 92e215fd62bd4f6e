"""Carriers by the library karrio, the extra `[carriers]`: rates and tracking of some sixty of them."""
