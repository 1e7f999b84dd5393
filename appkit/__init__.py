"""appkit: neural estimators whose explanations carry their own proof."""
