"""Animations: drawn fast, and written to files as movies or as pages that scrub through the frames."""

import contextlib
import logging
import re
import sys
import tempfile
from pathlib import Path
from subprocess import CalledProcessError

import matplotlib
import numpy as np
from matplotlib.animation import FFMpegWriter, HTMLWriter, PillowWriter
from matplotlib.artist import Artist
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tqdm import tqdm

from common.errors import first_line, told
from common.plots import style

logging.getLogger("matplotlib.animation").setLevel(logging.ERROR)  # what ffmpeg complains of, save_animation tells


def freeze(figure, moving):
    """Turn all of `figure` but the `moving` artists into a picture behind them: a frame then takes a tenth of the time.

    From here on the layout is fixed, and so are size and resolution (100 dpi).
    """
    figure.set_dpi(100)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for artist in moving:
        artist.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = _Picture(np.array(canvas.buffer_rgba()))
    FigureCanvasBase(figure)  # draws only when asked to save, not also after each frame
    for artist in [*figure.legends, *(child for ax in figure.axes for child in ax.get_children()), *moving]:
        artist.set_visible(artist in moving)
    figure.add_artist(picture)


class _Picture(Artist):
    """Pixels [height, width, 4] that are copied: matplotlib's own images are resampled in every frame."""

    zorder = -1

    def __init__(self, pixels):
        super().__init__()
        self.pixels = pixels[::-1]

    def draw(self, renderer):
        renderer.draw_image(renderer.new_gc(), 0, 0, self.pixels)


def save_animation(animation, path, fps=25):
    """Write `animation` to an .mp4 or a .gif, `fps` frames per second; shows a progress bar; returns the path.

    Without an ffmpeg of imageio-ffmpeg's, or where that fails, the .mp4 becomes a .gif, which a line on stderr says.
    ValueError for another suffix; OSError, and no half file, where it cannot be written.
    """
    path, ffmpeg = Path(path), _ffmpeg()
    if path.suffix == ".mp4":
        fault = f"{path}: imageio-ffmpeg has no ffmpeg here"
        if ffmpeg:
            # H.264 plays everywhere in the pixel format (yuv420p) and even size that matplotlib then sees to.
            writer = FFMpegWriter(fps, "h264", extra_args=["-movflags", "+faststart"])
            try:
                with matplotlib.rc_context({"animation.ffmpeg_path": ffmpeg}):
                    return _write(animation, path, writer)
            except OSError as error:
                cause, of_ffmpeg = error.__cause__, (CalledProcessError, BrokenPipeError, FileNotFoundError)
                if not isinstance(cause, of_ffmpeg) and getattr(cause, "filename", None) != ffmpeg:
                    raise
                fault = first_line(error)
        print(f"{fault}; a .gif is written instead", file=sys.stderr)
        path = path.with_suffix(".gif")
    if path.suffix != ".gif":
        raise ValueError(f"an animation must be an .mp4 or a .gif, got {path}")
    return _write(animation, path, PillowWriter(fps))


def save_page(animation, path, fps=25):
    """Write an .html page, complete in itself, that plays `animation` and scrubs through it; else as save_animation().

    The page is that of matplotlib's to_jshtml(), with words on its buttons.  It opens on the last frame, what all the
    training came to, from which Play starts at the first.
    """
    path = Path(path)
    if path.suffix != ".html":
        raise ValueError(f"a page must be an .html, got {path}")
    writer = HTMLWriter(fps, embed_frames=True, default_mode="once", embed_limit=float("inf"))
    return _write(animation, path, writer, lambda text: _from_the_last_frame(_without_icons(text)))


def save_each(figures, folder):
    """Write {file name: function that makes its figure or animation}; whether all were drawn.

    One that fails is told, and the others go on.
    """
    savers, num_drawn = {".png": style.save, ".html": save_page}, 0
    for name, make in figures.items():
        with told(f"{folder / name} is not drawn"):
            savers.get(Path(name).suffix, save_animation)(make(), folder / name)
            num_drawn += 1
    return num_drawn == len(figures)


def page(animation, fps=25):
    """What save_page() writes, as text: for a notebook."""
    with tempfile.TemporaryDirectory() as folder:
        return save_page(animation, Path(folder) / "page.html", fps).read_text(encoding="utf-8")


def _without_icons(page):
    """matplotlib fetches its buttons' icons from the web; their titles do as well."""
    page = re.sub(r"<link[^>]*font-awesome[^>]*>", "", page)
    page = re.sub(r'title="([^"]*)"([^>]*>)\s*<i class="fa[^>]*></i>', r"\2\1", page)
    style = "<style>.anim-buttons button {width: auto} input[type=range].anim-slider {width: 95%}</style>"
    return f'<!DOCTYPE html>\n<meta charset="utf-8">\n{page}\n{style}\n'


def _from_the_last_frame(page):
    """The page opens on its last frame; Play starts there at the first, as matplotlib's own would end at once."""
    replaced = {
        "this.current_frame = 0;": "this.current_frame = frames.length - 1;",
        "this.direction = 1;": "this.direction = 1;\n    if (this.current_frame >= this.frames.length - 1) "
                               "this.first_frame();"}
    for old, new in replaced.items():
        assert page.count(old) == 1, f"matplotlib's page no longer says {old}"
        page = page.replace(old, new)
    return page


def _ffmpeg():
    """Path of the ffmpeg that imageio-ffmpeg bundles or finds, else None."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None


def _interrupt_before(error):
    """The KeyboardInterrupt in whose handling the error came up, if one did."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _write(animation, path, writer, edit=None):
    """Draw into a temporary file, pass its text through `edit`, and rename it to `path`."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")  # keeps the suffix, which tells ffmpeg the format
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tqdm(desc=path.name, unit="frame", leave=False, disable=None) as bar:
            animation.save(part, writer, dpi="figure", progress_callback=lambda _, total: _advance(bar, total))
        if edit:
            part.write_text(edit(part.read_text()), encoding="utf-8")
        return part.replace(path)
    except CalledProcessError as error:
        if interrupt := _interrupt_before(error):  # Ctrl-C ends ffmpeg too, and it complains
            raise interrupt from None
        raise OSError(f"cannot write {path}: {error.stderr.strip() or error}") from error
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _advance(bar, total):
    bar.total = total
    bar.update()
