"""From data frames to findings: effects, verdicts, trends, noise, cautions. Pure."""
