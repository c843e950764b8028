"""The panels of `--help`. The options in no panel come first: they are those that most people need."""

LOOK, READING, WRITING, LIMITS = "Look", "Reading INPUT", "Writing OUTPUT", "Limits"
ONNX = "Running .onnx networks of other programs"
