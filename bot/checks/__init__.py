"""What `signoff check` looks at, and `signoff serve` before it starts: findings as values, rendered elsewhere."""
