"""Figures are drawn once for each state of a run."""

from common.running import drawing


def test_figures_are_drawn_once_and_again_of_other_results(tmp_path, capsys):
    figures, drawn = tmp_path / "figures", []

    def draw(*names):
        def write():
            figures.mkdir(exist_ok=True)
            drawn.append(names)
            for name in names:
                (figures / name).touch()
            return True
        return write

    def there():
        return {file.name for file in figures.iterdir()}

    drawing.once(tmp_path, [1], draw("a.png", "a.mp4", "a.html"))
    (figures / "mine.pdf").touch()
    drawing.once(tmp_path, [1], draw("b.png"))
    assert len(drawn) == 1 and "evaluate= draws them again" in capsys.readouterr().out
    drawing.once(tmp_path, [2], draw("a.png"))  # without what would now be of an older state
    assert there() == {"a.png", "mine.pdf", ".drawn"}
    drawing.once(tmp_path, [2], draw("c.png"), anew=True)
    assert there() == {"a.png", "c.png", "mine.pdf", ".drawn"} and len(drawn) == 3


def test_what_was_stopped_while_drawing_is_drawn_again(tmp_path):
    def stopped():
        raise KeyboardInterrupt

    drawn = []
    (tmp_path / "figures").mkdir()
    drawing.once(tmp_path, [1], lambda: drawn.append(1) or True)
    try:
        drawing.once(tmp_path, [1], stopped, anew=True)
    except KeyboardInterrupt:
        drawing.once(tmp_path, [1], lambda: drawn.append(2) or True)
    assert drawn == [1, 2]


def test_what_was_not_drawn_whole_is_drawn_again(tmp_path):
    drawn = []
    for whole in (False, True, True):
        (tmp_path / "figures").mkdir(exist_ok=True)
        drawing.once(tmp_path, [1], lambda whole=whole: drawn.append(whole) or whole)
    assert drawn == [False, True]
