"""``python -m cast_nodes`` is ``cast``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
