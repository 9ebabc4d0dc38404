"""The inventory as a graph: what follows from what, who is reached by it, and what nobody has said yet."""
