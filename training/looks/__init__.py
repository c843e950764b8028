"""The look of an artist: measured from pictures, written as settings of a recipe, shown on a sheet."""

from .measured_look import MeasuredLook
from .settings import target_look
from .settings_file import write_look

__all__ = ["MeasuredLook", "target_look", "write_look"]
