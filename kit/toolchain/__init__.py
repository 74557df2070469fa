"""The tools that Sociometer runs: which versions, where they are, and how what is missing is built."""
