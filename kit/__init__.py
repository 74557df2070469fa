"""What every package stands on: errors, paths, files, locks, commands, daemons, the machine and its tools."""
