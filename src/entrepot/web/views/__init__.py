"""Pages: each asks queries, calls at most one command, and renders."""
