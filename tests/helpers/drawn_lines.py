"""What is drawn in a figure's axes."""


def lines(ax, label=None):
    """The y values of the lines in `ax` that have `label`; of those without one if it is None."""
    return [list(line.get_ydata()) for line in ax.get_lines()
            if (line.get_label() == label if label else line.get_label().startswith("_"))]
