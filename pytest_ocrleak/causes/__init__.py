"""Why things are there: who made them, what keeps them, which stacks allocate what grows."""
