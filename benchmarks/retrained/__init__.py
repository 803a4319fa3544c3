"""Candidates in which something is wrong, and sound ones, before the gate and the review of predictions."""
