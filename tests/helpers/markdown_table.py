"""Reads the tables that the report prints."""


def table(text):
    """The rows of the Markdown table in `text`, as {column: cell}."""
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]
