"""`python -m experiments` is the command `firstword`."""

import sys

from experiments.cli import main

sys.exit(main())
