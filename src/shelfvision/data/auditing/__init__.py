"""What is wrong with a set of photos, told before anything is trained on it."""
