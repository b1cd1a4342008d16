"""The agent seam's contract: what any adapter must hold, whatever framework it speaks for."""
