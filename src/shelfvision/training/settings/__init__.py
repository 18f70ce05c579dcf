"""Settings of a `Trainer`: their checks, their JSON form and the recommended values."""
