"""What this machine can do: each check tries the thing itself and says what a failure means."""
