"""Display of training: progress on a terminal, log lines and notebook views."""
