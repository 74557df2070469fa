"""What was observed of tasks and rounds, as frozen values. Pure."""
