"""What is measured: plans, sweeps, records, summaries and the command line."""
