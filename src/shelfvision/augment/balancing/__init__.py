"""Classes of different sizes made equal by augmented copies."""
