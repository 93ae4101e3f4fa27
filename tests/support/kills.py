"""How often tests kill: seldom in CI, as often as you like elsewhere."""

from __future__ import annotations

import os
import random
from typing import Final

#: So many times as many kills as in CI: `GRIDHOOK_KILLS=10 ./tests/check --timeout 7200 -k kill`.
TIMES: Final = int(os.environ.get("GRIDHOOK_KILLS", "1"))
#: Chooses moments, and guards nothing.
MOMENTS: Final = random.Random(20_261_129)  # noqa: S311
