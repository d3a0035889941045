"""How good a model is: measures nobody here wrote, anchors to read them against, and what remains of a run."""
