"""`signoff demo`: the real bot beside a local workspace, and a play in which its people use it."""
