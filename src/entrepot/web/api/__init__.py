"""The HTTP API, for programs: parse, authorize, call one command or query, answer."""
