"""The audit: plan what to try, ask, meter and judge, and say what was found."""
