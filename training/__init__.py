"""Training: from photos, films and drawings to a style file. Installed as `cartoonize.training`."""
