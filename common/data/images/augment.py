"""What changes training images at random."""

from common.data.images.affine import Affine
from common.data.images.crop import Crop


def build(config):
    """What the config asks for, images -> as many others: an Affine, a Crop, or None."""
    if config.get("augment"):
        return Affine(*(config[key] for key in ("rotation", "shift", "scale")))
    return Crop(config["crop"]) if config.get("crop") else None
