"""What a `Trainer` may be set to, and how settings are written and checked."""
