"""People, the roles that say which commands they may give, the duties kept apart, and API keys."""
