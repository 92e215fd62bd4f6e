"""The only to-do list: what the rules could not decide waits here, with a reason, an owner and a due time."""
