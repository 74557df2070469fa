"""What every room stands on: errors, paths, files, locks, commands, the machine and its tools. Imports none of ours."""
