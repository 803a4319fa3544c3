"""What attacks of one modality share: small parts of a search, none of them an attack."""
