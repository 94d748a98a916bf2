"""`python -m pytest_ocrleak` is the command `ocrleak`."""

import sys

from pytest_ocrleak.cli.main import main

sys.exit(main())
