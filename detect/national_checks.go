package detect

// The checks of national numbers, each after the published rule of its register. Digits are values from 0 to 9; each
// function gets exactly as many as its number has.

// weighted is the sum of the digits times the weights.
func weighted(d []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(d[i]) * w
	}
	return sum
}

func twoDigits(d []byte, at int) int { return int(d[at])*10 + int(d[at+1]) }

// dayMonth and yearMonthDay say whether the first six digits are a date.
func dayMonth(d []byte) bool     { return isDate(twoDigits(d, 2), twoDigits(d, 0)) }
func yearMonthDay(d []byte) bool { return isDate(twoDigits(d, 2), twoDigits(d, 4)) }

func isDate(month, day int) bool {
	return 1 <= month && month <= 12 && 1 <= day && day <= 31
}

func luhnCheck(d []byte) bool {
	sum := 0
	for i, x := range d {
		if (len(d)-i)&1 == 0 {
			sum += int(luhnDouble[x])
		} else {
			sum += int(x)
		}
	}
	return sum%10 == 0
}

// ssn: areas 000, 666 and 900 to 999 were never given, nor group 00, nor serial 0000 (SSA, POMS RM 10201).
func ssn(d []byte) bool {
	area := number(d[:3])
	return area != 0 && area != 666 && area < 900 && twoDigits(d, 3) != 0 && number(d[5:]) != 0
}

// itin: begins with 9; the fourth and fifth digits lie in the ranges of the IRS (Publication 4757).
func itin(d []byte) bool {
	g := twoDigits(d, 3)
	return d[0] == 9 && (50 <= g && g <= 65 || 70 <= g && g <= 88 || 90 <= g && g <= 92 || 94 <= g)
}

func sin(d []byte) bool { return d[0] != 0 && d[0] != 8 && luhnCheck(d) }
func tfn(d []byte) bool { return weighted(d, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 }
func bsn(d []byte) bool { return weighted(d, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 }

func nif(d []byte) bool {
	c := (11 - weighted(d, 9, 8, 7, 6, 5, 4, 3, 2)%11) % 11
	return c%10 == int(d[8])
}

func rut(d []byte) bool {
	sum, w := 0, 2
	for i := len(d) - 2; i >= 0; i-- {
		sum += int(d[i]) * w
		if w++; w > 7 {
			w = 2
		}
	}
	c := (11 - sum%11) % 11
	return c == int(d[len(d)-1])
}

func personnummer(d []byte) bool {
	day := twoDigits(d, 4)
	if day > 60 { // a coordination number
		day -= 60
	}
	return isDate(twoDigits(d, 2), day) && luhnCheck(d)
}

func personnummer12(d []byte) bool {
	c := twoDigits(d, 0)
	return 18 <= c && c <= 20 && personnummer(d[2:])
}

func rodneCislo(d []byte) bool {
	month := twoDigits(d, 2)
	for _, more := range []int{70, 50, 20} {
		if month > more {
			month -= more
			break
		}
	}
	return isDate(month, twoDigits(d, 4)) && number(d)%11 == 0
}

func egn(d []byte) bool {
	month := twoDigits(d, 2)
	if month > 40 {
		month -= 40
	} else if month > 20 {
		month -= 20
	}
	return isDate(month, twoDigits(d, 4)) && weighted(d, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == int(d[9])
}

func nhs(d []byte) bool {
	return (11-weighted(d, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11 == int(d[9])
}

func medicare(d []byte) bool {
	return 2 <= d[0] && d[0] <= 6 && weighted(d, 1, 3, 7, 9, 1, 3, 7, 9)%10 == int(d[8])
}

func svnr(d []byte) bool {
	return d[0] != 0 && weighted(d, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == int(d[3]) && 1 <= twoDigits(d, 4) && twoDigits(d, 4) <= 31
}

func pesel(d []byte) bool {
	month := twoDigits(d, 2) % 20
	return isDate(month, twoDigits(d, 4)) && weighted(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

func rijksregister(d []byte) bool {
	// The month is 0 where the birthday is unknown, and 20 or 40 more in numbers of those who do not live there.
	if month := twoDigits(d, 2) % 20; month > 12 || twoDigits(d, 4) > 31 {
		return false
	}
	n, check := number(d[:9]), number(d[9:])
	return 97-n%97 == check || 97-(2_000_000_000+n)%97 == check
}

func fodselsnummer(d []byte) bool {
	day, month := twoDigits(d, 0), twoDigits(d, 2)
	if day > 40 { // D number
		day -= 40
	}
	if month > 40 { // H number
		month -= 40
	}
	return isDate(month, day) && weighted(d, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && weighted(d, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

func cpf(d []byte) bool {
	return weighted(d, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == int(d[9]) && weighted(d, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == int(d[10])
}

func isikukood(d []byte) bool {
	if d[0] < 1 || d[0] > 8 || !isDate(twoDigits(d, 3), twoDigits(d, 5)) {
		return false
	}
	c := weighted(d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if c == 10 {
		c = weighted(d, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return c == int(d[10])
}

func kimlik(d []byte) bool {
	odd := weighted(d, 1, 0, 1, 0, 1, 0, 1, 0, 1)
	even := weighted(d, 0, 1, 0, 1, 0, 1, 0, 1)
	return d[0] != 0 && (odd*7+even*9)%10 == int(d[9]) && weighted(d, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%10 == int(d[10])
}

// mod1110 is ISO/IEC 7064, MOD 11,10.
func mod1110(d []byte) bool {
	p := 10
	for _, x := range d[:len(d)-1] {
		if p = (p + int(x)) % 10; p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (p+int(d[len(d)-1]))%10 == 1
}

func steuerID(d []byte) bool {
	// One digit of the first ten occurs twice or three times, so that at most nine differ.
	var seen [10]int
	most, kinds := 0, 0
	for _, x := range d[:10] {
		if seen[x]++; seen[x] == 1 {
			kinds++
		}
		most = max(most, seen[x])
	}
	return d[0] != 0 && (most == 2 && kinds == 9 || most == 3 && kinds == 8) && mod1110(d)
}

func cuit(d []byte) bool {
	switch twoDigits(d, 0) {
	case 20, 23, 24, 25, 26, 27:
		return (11-weighted(d, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == int(d[10])
	}
	return false
}

func snils(d []byte) bool {
	return weighted(d, 9, 8, 7, 6, 5, 4, 3, 2, 1)%101%100 == twoDigits(d, 9)
}

func abn(d []byte) bool {
	return d[0] != 0 && weighted(d, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)%89 == 10
}

// Verhoeff's check: the dihedral group of ten elements and its permutation.
var (
	dihedral = [10][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
		{4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
		{8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	}
	verhoeff = [8][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
		{9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1}, {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
	}
)

func aadhaar(d []byte) bool {
	c := byte(0)
	for i := range d {
		c = dihedral[c][verhoeff[i%8][d[len(d)-1-i]]]
	}
	return d[0] >= 2 && c == 0
}

func myNumber(d []byte) bool {
	c := weighted(d, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if c <= 1 {
		return d[11] == 0
	}
	return 11-c == int(d[11])
}

func inn(d []byte) bool {
	return weighted(d, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == int(d[10]) && weighted(d, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == int(d[11])
}

func southAfrica(d []byte) bool {
	return yearMonthDay(d) && d[10] <= 2 && luhnCheck(d)
}

func cnp(d []byte) bool {
	c := weighted(d, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if c == 10 {
		c = 1
	}
	county := twoDigits(d, 7)
	return d[0] != 0 && isDate(twoDigits(d, 3), twoDigits(d, 5)) && 1 <= county && county <= 52 && c == int(d[12])
}

func rrnDate(d []byte) bool { return yearMonthDay(d) && d[6] <= 8 && d[6] > 0 }

func rrn(d []byte) bool {
	sum := weighted(d, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5) % 11
	citizen, foreigner := (11-sum)%10, (13-sum)%10
	return rrnDate(d) && (citizen == int(d[12]) || d[6] >= 5 && foreigner == int(d[12]))
}

func thai(d []byte) bool {
	return 1 <= d[0] && d[0] <= 8 && (11-weighted(d, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == int(d[12])
}

func ahv(d []byte) bool { return d[0] == 7 && d[1] == 5 && d[2] == 6 && eanCheck(d) }

func nir(d []byte) bool {
	month := twoDigits(d, 3)
	// Months above 12 stand for an unknown one.
	if d[0] < 1 || d[0] > 4 && d[0] != 7 && d[0] != 8 || month == 0 || month > 42 && month < 50 {
		return false
	}
	return 97-number(d[:13])%97 == number(d[13:])
}

func chinese(d []byte) bool {
	return chineseDate(d) && chineseSum(d)%11 == (12-int(d[17]))%11
}

func chineseDate(d []byte) bool {
	c := twoDigits(d, 6)
	return d[0] != 0 && (c == 18 || c == 19 || c == 20) && isDate(twoDigits(d, 10), twoDigits(d, 12))
}

func chineseSum(d []byte) int {
	return weighted(d, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
}
