"""The calibration methods: one module each, and the registration that makes them known by name."""
