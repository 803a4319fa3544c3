"""What attacks of one modality share, named for what it does. Attacks import these, never each other."""
