"""What attacks of one modality share: moves worth a name. No attack imports another; all may import these."""
