"""What was observed of a task and a round, as frozen values. Pure."""
