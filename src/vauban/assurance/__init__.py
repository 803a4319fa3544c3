"""Assurance: random security testing, test sets that analysts name, failures that are kept and replayed first."""
