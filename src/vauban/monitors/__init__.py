"""What watches the training data: gates that say which records of a batch may be trained on."""
