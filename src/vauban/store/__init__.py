"""What people decided, kept: the only place that knows SQL."""
