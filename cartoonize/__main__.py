"""`python -m cartoonize`: the command line; also what torchrun launches."""

from cartoonize.cli.main import main

if __name__ == "__main__":
    main()
