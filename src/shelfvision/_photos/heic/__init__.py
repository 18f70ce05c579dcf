"""HEIC photos: parse the file structure, compute the cost of decoding, and open them."""
