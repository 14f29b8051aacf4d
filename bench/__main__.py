"""python -m bench: the proxy against its rivals, side by side."""

import sys

from bench.main import main

if __name__ == "__main__":
    sys.exit(main())
