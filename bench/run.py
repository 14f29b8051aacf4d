"""python bench/run.py: the same as python -m bench, from wherever one stands."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.main import main  # noqa: E402  the path comes first

sys.exit(main())
