"""Export: from a style file to the formats of other runtimes. Installed as `cartoonize.export`."""
