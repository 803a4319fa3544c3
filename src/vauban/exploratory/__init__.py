"""Attacks on a deployed model: one mechanism a file. None imports another, grades itself or holds the model."""
