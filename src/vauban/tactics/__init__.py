"""What attacks of one modality share: moves worth a name of their own. No attack imports another; all may import these."""
