"""What people see of a training run: progress, logs, notebooks."""
