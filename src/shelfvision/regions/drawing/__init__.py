"""Pictures of shelf photos with boxes and cells."""
