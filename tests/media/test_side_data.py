"""The data that decoders attach to frames."""

import pytest
from PIL import Image, ImageCms
from processes import run_python

CODE = """
import gc, sys, av
from av.sidedata.sidedata import Type
from cartoonize.media.side_data import get_side_data
with av.open(sys.argv[1]) as container:
    frame = next(container.decode(video=0))
assert get_side_data(frame, Type.DISPLAYMATRIX) == b""
del frame
gc.collect()
"""


@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_colour_profile_does_not_end_the_process(tmp_path, mode):
    """Pictures in PNG with a colour profile, as a source of `live`, are read without a crash."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new(mode, (16, 16)).save(tmp_path / "a.png", icc_profile=profile)
    assert run_python(CODE, tmp_path / "a.png").stderr == ""
