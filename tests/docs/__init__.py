"""The documents are tested: every fenced block in them is run, loaded or compared, and one that nobody claims fails."""
