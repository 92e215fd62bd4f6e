"""Screens for people with a scanner in their hand: one task at a time, on a phone held upright."""
