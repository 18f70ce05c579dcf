"""HEIC photos: their boxes, their cost before decoding, and how they are opened."""
