"""The tools that Sociometer runs: their versions, where they are, and how missing ones are built."""
