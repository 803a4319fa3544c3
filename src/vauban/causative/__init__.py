"""Attacks on training: one mechanism a file."""
