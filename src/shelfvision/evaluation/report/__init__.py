"""An evaluation as a value, as text, as a page and as a model card."""
