"""The commands of the command line, one a module; what they do is in the rest of the package."""
