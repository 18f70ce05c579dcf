"""The calibration methods, one module each, and the registry of methods by name."""
