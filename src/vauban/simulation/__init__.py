"""The retraining loop: traffic, labels, gates in order, retraining, measurement - clean, attacked and defended."""
