package detect

// The checks of national numbers with letters, each after the published rule of its register. Letters are in lower
// case; the form of the number has been checked.

import "strings"

// nino: HMRC, NIM39110. It has no check digit; some prefixes are not given.
func nino(b []byte) bool {
	prefix := [2]byte{b[0], b[1]}
	switch prefix {
	case [2]byte{'b', 'g'}, [2]byte{'g', 'b'}, [2]byte{'k', 'n'}, [2]byte{'n', 'k'}, [2]byte{'n', 't'}, [2]byte{'t', 'n'}, [2]byte{'z', 'z'}:
		return false
	}
	return !strings.ContainsRune("dfiquv", rune(b[0])) && !strings.ContainsRune("dfioquv", rune(b[1])) && b[8] <= 'd'
}

const dniLetters = "trwagmyfpdxbnjzsqvhlcke"

func dni(b []byte) bool { return b[8] == dniLetters[value(b[:8])%23] }

func shortDNI(b []byte) bool { return b[7] == dniLetters[value(b[:7])%23] }

func nie(b []byte) bool {
	return 'x' <= b[0] && b[0] <= 'z' && b[8] == dniLetters[(int(b[0]-'x')*10_000_000+value(b[1:8]))%23]
}

func nric(b []byte) bool {
	sum := 0
	for i, w := range [...]int{2, 7, 6, 5, 4, 3, 2} {
		sum += int(b[1+i]-'0') * w
	}
	switch b[0] {
	case 's':
		return b[8] == "jzihgfedcba"[sum%11]
	case 't':
		return b[8] == "jzihgfedcba"[(sum+4)%11]
	case 'f':
		return b[8] == "xwutrqpnmlk"[sum%11]
	case 'g':
		return b[8] == "xwutrqpnmlk"[(sum+4)%11]
	case 'm':
		return b[8] == "xwutrqpnjlk"[(sum+3)%11]
	}
	return false
}

func pps(b []byte) bool {
	sum := 0
	for i := range 7 {
		sum += int(b[i]-'0') * (8 - i)
	}
	if len(b) == 9 && b[8] != 'w' {
		sum += int(b[8]-'a'+1) * 9
	}
	c := byte('w')
	if sum%23 != 0 {
		c = 'a' + byte(sum%23) - 1
	}
	return b[7] == c
}

var taiwanLetters = [26]int{10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33}

func taiwan(b []byte) bool {
	l := taiwanLetters[b[0]-'a']
	sum := l/10 + l%10*9
	for i := 1; i < 9; i++ {
		sum += int(b[i]-'0') * (9 - i)
	}
	return (b[1] == '1' || b[1] == '2' || b[1] == '8' || b[1] == '9') && (sum+int(b[9]-'0'))%10 == 0
}

// hetu: the remainder by 31 of the date and the serial is a character of this list.
func hetu(b []byte) bool {
	serial := b[len(b)-4 : len(b)-1]
	if len(b) == 11 && !strings.ContainsRune("abcdefuvwxy", rune(b[6])) {
		return false
	}
	n := value(b[:6])*1000 + value(serial)
	return isDate(value(b[2:4]), value(b[:2])) && b[len(b)-1] == "0123456789abcdefhjklmnprstuvwxy"[n%31]
}

// mbi: CMS's format of 2018; it leaves out letters that look like digits.
func mbi(b []byte) bool {
	for _, c := range b {
		if strings.ContainsRune("slobiz", rune(c)) {
			return false
		}
	}
	return b[0] != '0'
}

func rente(b []byte) bool {
	day, month := value(b[2:4]), value(b[4:6])
	if day > 50 {
		day -= 50
	}
	letter := int(b[8]-'a') + 1
	digits := [12]int{8: letter / 10, 9: letter % 10}
	for i := range 8 {
		digits[i] = int(b[i] - '0')
	}
	digits[10], digits[11] = int(b[9]-'0'), int(b[10]-'0')
	sum := 0
	for i, w := range [12]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1} {
		x := digits[i] * w
		sum += x/10 + x%10
	}
	return isDate(month, day) && sum%10 == int(b[11]-'0')
}

// fiscalOdd is what a character at an odd place counts, digits first (D.M. 23/12/1976).
var fiscalOdd = [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}

func codiceFiscale(b []byte) bool {
	if !strings.ContainsRune("abcdehlmprst", rune(b[8])) {
		return false
	}
	sum := 0
	for i, c := range b[:15] {
		x := int(c - 'a')
		if isDigit(c) {
			x = int(c - '0')
		}
		if i&1 == 0 {
			x = fiscalOdd[x]
		}
		sum += x
	}
	for _, i := range [...]int{6, 7, 9, 10, 12, 13, 14} {
		// Where two people would get the same, letters stand for digits.
		if !isDigit(b[i]) && !strings.ContainsRune("lmnpqrstuv", rune(b[i])) {
			return false
		}
	}
	return int(b[15]-'a') == sum%26
}

func curp(b []byte) bool {
	if !isDate(value(b[6:8]), value(b[8:10])) || b[10] != 'h' && b[10] != 'm' && b[10] != 'x' {
		return false
	}
	sum := 0
	for i, c := range b[:17] {
		x := int(c - '0')
		if isLetter(c) {
			if x = int(c-'a') + 10; c > 'n' {
				x++ // the letter after n has a place of its own
			}
		}
		sum += x * (18 - i)
	}
	return (10-sum%10)%10 == int(b[17]-'0')
}

func chineseX(b []byte) bool {
	var d [18]byte
	for i, c := range b[:17] {
		d[i] = c - '0'
	}
	return chineseDate(d[:]) && chineseSum(d[:])%11 == 2
}

func rutK(b []byte) bool {
	sum, w := 0, 2
	for i := len(b) - 2; i >= 0; i-- {
		sum += int(b[i]-'0') * w
		if w++; w > 7 {
			w = 2
		}
	}
	return sum%11 == 1
}
