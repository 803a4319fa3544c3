"""Ways of searching that attacks of one modality share: no attack, no model, no questions."""
