"""The review of training data: what a person should look at, in which order, and what follows from the verdicts."""
