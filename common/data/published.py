"""Published data sets: found on this machine or downloaded, and known by the hashes of their files."""

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from common.data import download


class Published(NamedTuple):
    """A data set as its authors published it, and what serves where it cannot be had.

    title: its name.  folder: what its folder is called.
    hashes: {file: hash}, of the content if `unzip`, as download.fetch takes them; urls: {file: where it is}.
    ends: what may follow a file's name: "" nothing, ".gz" a packed file, "/" a folder of that name; cached: what
    follows it in the user's cache.  stand_in: what stands in, "generated gestures stand in".
    system_folder: where a Linux package puts it.  aliases: what else its folder may be called.
    """

    title: str
    folder: str
    hashes: dict
    urls: dict
    ends: tuple
    cached: str
    stand_in: str
    unzip: bool = True
    system_folder: str = ""
    aliases: tuple = ()

    def path_of(self, folder, file):
        """Where `folder` has a file, under its own name or one near it; None if it has not."""
        return self._first(file, folder.joinpath) or self._near_path(folder, file)

    def _near_path(self, folder, file):
        there = {_plain(path.name): path for path in sorted(folder.glob("[!.]*"))}
        return self._first(file, lambda name: there.get(_plain(name), folder / name))

    def _first(self, file, place):
        """Of what may follow a file's name, the first with which place(name) is there, and of its kind."""
        for end in self.ends:
            path = place(f"{file}{end}".removesuffix("/"))
            if path.is_dir() if end == "/" else path.is_file():
                return path
        return None

    def _folders(self, root):
        """Those that may hold the set: in `root` that of its name, `root`, those of names near it; raw/ in each."""
        near = [path for path in sorted(root.glob("[!.]*/")) if _plain(path.name) in self._plain_names()]
        return [root / self.folder, root, *near, *(folder / "raw" for folder in (*near, root))]

    def _plain_names(self):
        return {_plain(name) for name in (self.title, self.folder, *self.aliases)}

    def _near(self, root, files):
        """A hint at what in `root`, or in its folders, is called nearly as some of the set's files are."""
        stems, paths = tuple(_plain(file.partition(".")[0]) for file in files), [*root.glob("*"), *root.glob("*/*")]
        near = [str(path) for path in paths if _plain(path.name).startswith(stems)]
        return f"; there are {', '.join(near[:8])}: if it is in these, rename them or set data_dir" if near else ""

    def paths(self, folder):
        """{file: where `folder` has it}; ValueError, naming those that it lacks."""
        paths = {file: self.path_of(folder, file) for file in self.hashes}
        if missing := [file for file, path in paths.items() if path is None]:
            raise ValueError(f"{folder} holds only some of the files of {self.title}: add {self._names(missing)}, or "
                             f"take the others out{self._near(folder, missing)}")
        return paths

    def _names(self, files):
        return ", ".join(f"{file}{self.cached}" for file in files)

    def locate(self, data_dir, source, matches=download.matches):
        """The folder that has the set; None, and it is announced, if the stand-in is to serve.

        data_dir: holds the set's folder, or is that; else the same of $SNN_DATA, the user's cache, the system's folder
        and the mirrors are asked, in this order.  source: "auto" | "published" | "sample" (the stand-in).
        matches: download.matches, or one that remembers files.  ValueError for another source, a file for a folder and,
        under "published", if no mirror gives the set.
        """
        if source not in ("auto", "published", "sample"):
            raise ValueError(f'source must be "auto", "published" or "sample", got {source!r}')
        try:
            data_dir = Path(data_dir).expanduser()
        except RuntimeError as error:
            raise ValueError(f"data_dir={data_dir}: there is no such user's home") from error
        if data_dir.is_file():
            raise ValueError(f"data_dir must name a folder, and {data_dir} is a file")
        folder = None if source == "sample" else self._find(data_dir, matches) or self._download(data_dir, source)
        if folder is None:
            near = "" if source == "sample" else self._near(data_dir, self.hashes)
            print(f"*** This is NOT the set {self.title}: {self.stand_in} for it.\n"
                  f"*** For the real one, put {self._names(self.hashes)} into {data_dir / self.folder}; "
                  f"source=published says from where, and insists on it{near}.", file=sys.stderr)
        return folder

    def _find(self, data_dir, matches):
        """The first folder that has a file of the set: one is enough, so that a missing one is noticed; but the cache,
        where they arrive one by one, needs all, as published."""
        own, cache = self._folders(data_dir), download.cache(self.folder)
        roots = [Path(root).expanduser() for root in (data_dir, os.environ.get("SNN_DATA")) if root]
        system = [Path(self.system_folder)] if self.system_folder else []

        def has(folder):
            if folder == cache:
                return all(matches(cache / f"{file}{self.cached}", digest, self.unzip)
                           for file, digest in self.hashes.items())
            return any(self.path_of(folder, file) for file in self.hashes)

        for folder in [*(folder for root in roots for folder in self._folders(root)), cache, *system]:
            if has(folder):
                if folder not in own:
                    print(f"{self.title}: not in {data_dir}, taken from {folder}", file=sys.stderr)
                return folder
        for root in roots:
            if not root.exists():
                print(f"{self.title}: {root} does not exist", file=sys.stderr)
        return None

    def _download(self, data_dir, source):
        """The cache's folder, once it has the set; if no mirror gives it None, under "published" ValueError."""
        cache = download.cache(self.folder)
        try:
            for file, digest in self.hashes.items():
                download.fetch(cache / f"{file}{self.cached}", self.urls[file], digest, self.unzip)
        except download.DownloadError as error:
            if source == "published":
                files = "\n".join(f"  {file}{self.cached} ({digest}): {' or '.join(self.urls[file])}"
                                  for file, digest in self.hashes.items())
                raise ValueError(f"{self.title} is not in {data_dir}{self._near(data_dir, self.hashes)}; {error}\n"
                                 f"Put these files into {data_dir / self.folder}:\n{files}") from error
            print(error, file=sys.stderr)
            return None
        return cache

    def identify(self, folder, differing, source, reserved=()):
        """The name of the set in `folder`: the published one's, or that of the folder, which is announced.

        differing: those of its files that are not known to be as published.  reserved: names of folders that do not
        tell one set from another; with these, the folder above is named too.  ValueError under source "published".
        """
        if not differing:
            return self.title
        files, place = self._names(differing), folder.resolve()
        if source == "published":
            urls = ", ".join(" or ".join(self.urls[file]) for file in differing)
            raise ValueError(f"{folder} does not hold the published {self.title}, or not what would prove it: the "
                             f"hashes of {files} differ or are not known; put {files} there from {urls}, or use what "
                             "is there with source=auto")
        shared = _plain(place.name) in self._plain_names() | {_plain(name) for name in reserved}
        title = f"{place.parent.name}/{place.name}" if shared else place.name
        print(f"*** {title}: your own set in the layout of {self.title}, from {folder}.\n*** The hashes of {files} are "
              "not the published ones, on which source=published insists.", file=sys.stderr)
        return title


def _plain(name):
    """A file's name without that in which the names of one thing differ: case, dots, dashes and the like."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def refuse_same(hashes, paths, train, test):
    """ValueError, naming their paths, if the files `train` and `test` of a set have the same content."""
    if hashes[train] == hashes[test]:
        raise ValueError(f"{paths[train]} and {paths[test]} hold the same samples; replace one of them")
