"""The look of an artist: measured from pictures, written as settings of a recipe, shown on a sheet."""

from .measure import measure_look
from .measured_look import MeasuredLook
from .settings_file import write_look

__all__ = ["MeasuredLook", "measure_look", "write_look"]
