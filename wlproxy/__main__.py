"""`python -m wlproxy` is `wlproxy`."""

import sys

from wlproxy.cli.main import main

sys.exit(main())
