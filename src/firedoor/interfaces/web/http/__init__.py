"""HTTP itself: requests read strictly, answers in one shape, pages, sessions, uploads."""
