"""The command line, in this process and in its own."""
