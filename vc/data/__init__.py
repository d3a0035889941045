"""From folders of recordings to batches: layouts, preparation, the prepared store, sampling, perturbation."""
