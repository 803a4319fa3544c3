"""What attacks of one modality share: small parts, each named for what it does. None is an attack."""
