"""The page's routes, over plain HTTP."""
