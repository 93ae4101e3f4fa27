"""`python -m receiver` is `gridhook`."""

from __future__ import annotations

from receiver.app import main

if __name__ == "__main__":
    main()
