"""EasyPost: many carriers' tracking in one form."""
