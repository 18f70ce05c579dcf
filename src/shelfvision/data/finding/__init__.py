"""Which photos there are: folders, manifests, and what was passed over."""
