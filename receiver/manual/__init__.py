"""The user's manual: pages of Markdown, shown by `gridhook manual` in a terminal and at `/manual` in a browser."""
