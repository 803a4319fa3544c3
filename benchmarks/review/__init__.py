"""The review of training data beside cleanlab and Data-OOB: what each finds of what was planted."""
