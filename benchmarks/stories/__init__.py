"""The stories of attacks on training, told end to end on real data, and each gate against each story."""
