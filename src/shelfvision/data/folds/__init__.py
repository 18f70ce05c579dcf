"""Folds for scikit-learn: its columns of photos, and folds that keep related photos together."""
