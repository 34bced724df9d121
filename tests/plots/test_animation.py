import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers.place import ROOT
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from PIL import Image

from common.plots import animation

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
pytestmark = pytest.mark.filterwarnings("ignore:Animation was deleted")


def make_animation(num_frames=4, size=(2, 1), fail=None):
    """A bar that grows to the right, frozen; a frame that raises `fail` is the third."""
    figure = Figure(figsize=size)
    ax = figure.add_axes([0, 0, 1, 1], xlim=(0, num_frames), ylim=(0, 1))
    (bar,) = ax.plot([0, 1], [0.5, 0.5], color="black", linewidth=20, solid_capstyle="butt")

    def draw(k):
        if fail and k == 2:
            raise fail
        bar.set_xdata([0, k + 1])
        return [bar]

    animation.freeze(figure, draw(0))
    return FuncAnimation(figure, draw, num_frames, repeat=False)


def read(path):
    """(what ffmpeg says of a movie, its frames [K, height, width, 3])."""
    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    width, height = about["size"]
    return about, np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames])


def blackness(frames):
    """Share of dark pixels in the middle row, without the axes' frame, of each frame."""
    return [np.mean(frame[frame.shape[0] // 2, 5:-5] < 99) for frame in np.array(frames)]


def test_an_mp4_plays_everywhere_and_shows_each_frame(tmp_path):
    path = tmp_path / "figures" / "bar.mp4"
    assert animation.save_animation(make_animation(), str(path), fps=10) == path
    about, frames = read(path)
    assert (about["size"], about["fps"], len(frames)) == ((200, 100), 10, 4)
    assert about["codec"] == "h264" and about["pix_fmt"].startswith("yuv420p")
    assert blackness(frames) == pytest.approx([0.25, 0.5, 0.75, 1], abs=0.08)
    assert list(path.parent.iterdir()) == [path]


def test_odd_sizes_are_made_even(tmp_path):
    about, _ = read(animation.save_animation(make_animation(size=(2.01, 1.01)), tmp_path / "bar.mp4"))
    assert about["size"] == (200, 100)


@pytest.mark.parametrize("missing", ["package", "executable"])
def test_without_ffmpeg_a_gif_is_written_and_said_to_be(tmp_path, monkeypatch, capsys, missing):
    def get_ffmpeg_exe():
        raise RuntimeError("No ffmpeg exe could be found.")

    if missing == "package":
        monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", get_ffmpeg_exe)
    path = animation.save_animation(make_animation(), tmp_path / "bar.mp4", fps=10)
    assert [path] == list(tmp_path.iterdir()) and path.name == "bar.gif"
    assert re.fullmatch(r".*bar\.mp4: .*a \.gif is written instead\n", capsys.readouterr().err)
    with Image.open(path) as image:
        assert (image.n_frames, image.size, image.info["duration"]) == (4, (200, 100), 100)


def test_a_gif_can_be_asked_for(tmp_path, capsys):
    assert animation.save_animation(make_animation(), tmp_path / "bar.gif").exists() and not capsys.readouterr().err


def test_a_page_holds_every_frame_and_fetches_nothing(tmp_path):
    page = animation.save_page(make_animation(), tmp_path / "bar.html").read_text(encoding="utf-8")
    assert page.count('"data:image/png;base64,') == 4 and 'type="range"' in page
    assert ">Play</button>" in page and ">Next frame</button>" in page and "<i " not in page
    assert not re.findall(r"https?://|<link|src=", page)


@pytest.mark.skipif(not shutil.which("node"), reason="no node to run the page's script")
def test_a_page_opens_on_its_last_frame_and_plays_from_the_first(tmp_path):
    page = animation.save_page(make_animation(), tmp_path / "bar.html").read_text(encoding="utf-8")
    script = re.search(r"function Animation\(.*?(?=</script>)", page, re.DOTALL)[0]
    played = """
        const made = {}, document = {getElementById: id => made[id] ||= {setAttribute() {}, getAttribute() {}}};
        class Image {}
        const isInternetExplorer = () => false;
        document.loop = {state: [{checked: true, value: "once"}]};
        let tick; const setInterval = f => {tick = f; return 1;}, clearInterval = () => {tick = null;};
        const shown = [], movie = new Animation(["a", "b", "c"], "image", "slider", 40, "loop");
        const show = () => shown.push(made.image.src);
        show(); movie.play_animation(); show(); tick(); show(); tick(); show(); tick(); show();
        movie.first_frame(); movie.next_frame(); movie.play_animation(); show();
        console.log(shown.join(""), tick !== null);
    """
    found = subprocess.run(["node", "-e", script + played], capture_output=True, text=True)
    assert found.stdout == "cabccb true\n", found.stderr


@pytest.mark.parametrize("save, name", [(animation.save_animation, "bar.avi"), (animation.save_page, "bar.mp4")])
def test_another_suffix_is_an_error(tmp_path, save, name):
    with pytest.raises(ValueError, match=re.escape(name)):
        save(make_animation(), tmp_path / name)


@pytest.mark.parametrize("name", ["bar.mp4", "bar.gif", "bar.html"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_leaves_what_was_there(tmp_path, name, error):
    (tmp_path / name).write_text("old")
    save = animation.save_page if name.endswith("html") else animation.save_animation
    with pytest.raises(type(error)) as caught:
        save(make_animation(fail=error), tmp_path / name)
    if isinstance(error, OSError):
        assert str(caught.value) == f"cannot write {tmp_path / name}: No space left on device"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("mode, content, words", [
    (0o755, "#!/bin/sh\necho 'no room for more' >&2; exit 1\n", "no room for more"),
    (0o755, "#!/bin/sh\n", "Broken pipe|No such file or directory"),  # it makes no movie and says nothing
    (0o644, "", "Permission denied"), (0o755, "no program", "Exec format error")])
def test_where_ffmpeg_fails_a_gif_is_written_and_one_line_says_so(tmp_path, monkeypatch, capfd, mode, content, words):
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(content)
    ffmpeg.chmod(mode)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(ffmpeg))
    path = animation.save_animation(make_animation(), tmp_path / "bar.mp4")
    assert set(tmp_path.iterdir()) == {ffmpeg, path} and path.name == "bar.gif"
    with Image.open(path) as image:
        assert image.n_frames == 4
    err = capfd.readouterr().err
    assert re.fullmatch(rf"cannot write .*bar\.mp4: .*({words}).*; a \.gif is written instead\n", err), err


def test_a_figure_that_fails_costs_the_others_nothing(tmp_path, capsys):
    def fail():
        raise RuntimeError("latex could not be found\nand more of it")

    animation.save_each({"a.png": Figure, "b.png": fail, "c.gif": make_animation, "d.png": lambda: 1 / 0,
                         "e.png": Figure}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "c.gif", "e.png"}
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {tmp_path / 'b.png'} is not drawn: latex could not be found",
        f"warning: {tmp_path / 'd.png'} is not drawn: ZeroDivisionError('division by zero')"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot write .*file/bar\.mp4"):
        animation.save_animation(make_animation(), tmp_path / "file" / "bar.mp4")


def interrupt(process):
    """Ctrl-C until `process` ends, since Python drops one that falls into a callback of its own; returns its stderr."""
    for _ in range(30):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=5)[1]
    raise AssertionError("not ended by Ctrl-C")


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C to a process group")
def test_ctrl_c_ends_it_as_ctrl_c(tmp_path):
    code = ("import sys; sys.path[:0] = ['.', 'tests', 'tests/plots']; import test_animation as t\n"
            "t.animation.save_animation(t.make_animation(10**6), sys.argv[1])")
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "bar.mp4"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # as in a terminal
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        assert "KeyboardInterrupt" in interrupt(process).splitlines()[-1]
    finally:
        process.kill()
    assert not list(tmp_path.iterdir())
