"""The command line: parses, builds typed settings, calls, and turns errors into exit codes; nothing else."""
