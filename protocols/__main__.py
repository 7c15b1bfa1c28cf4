"""``python -m brian_le.protocols`` is the command ``brian-le``."""

import sys

from brian_le.protocols.cli import main

sys.exit(main())
