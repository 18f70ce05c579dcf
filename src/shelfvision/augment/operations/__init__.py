"""Operations on images: geometry, colour, degradation and light."""
