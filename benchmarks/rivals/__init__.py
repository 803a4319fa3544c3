"""Vauban beside ART and Foolbox: the same victims, the same model, the same counting, in one run."""
