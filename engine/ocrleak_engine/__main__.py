"""`python -m ocrleak_engine` is the command `ocrleak-engine`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
