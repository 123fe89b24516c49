package detect

// Finds the places near a position.

// placeIndex is immutable.
type placeIndex struct{}

func (x *placeIndex) near(lat, lon, radiusM float64, mask uint64) (bit int, near bool) {
	return 0, true
}
