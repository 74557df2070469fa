"""What people and programs get: terminal, page, Markdown, plots, exports."""
