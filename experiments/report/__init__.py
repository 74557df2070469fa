"""The output for people and programs: terminal, HTML page, Markdown, plots and exports."""
