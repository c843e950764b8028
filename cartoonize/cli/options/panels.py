"""The panels of `--help`. The options in no panel come first: they are those that most people need."""

LOOK, READING, WRITING = "Look", "Reading INPUT", "Writing OUTPUT"
ONNX = "Running .onnx networks of other programs"
