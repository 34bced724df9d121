from common.bench import plot


def test_the_figure_shows_medians_in_milliseconds_and_how_much_faster():
    both = {"peer": [0.004, 0.006, 0.1], "ours": [0.002, 0.001, 0.003]}
    sizes = {"num_steps": 10, "batch_size": 1, "size": 8}
    figure = plot.sweep({"centre": sizes, "seconds": {name: {size: both} for name, size in sizes.items()}})
    steps = figure.axes[0]
    assert {line.get_label(): list(line.get_ydata()) for line in steps.get_lines()} == {
        "snntorch, step by step": [6.0], "ours": [2.0]}
    assert [text.get_text() for text in steps.texts] == ["3.0×"] and steps.get_title() == "B 1, N 8"
