"""Figures with their n and interval."""
