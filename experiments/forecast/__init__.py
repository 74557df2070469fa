"""Forecasts of time and money: how long a plan takes, what it costs, and what is still up and billed."""
