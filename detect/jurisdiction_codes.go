package detect

// The codes of countries and of parts of the United States.

// countries are the officially assigned codes of ISO 3166-1 alpha-2, and XK, which is widely used for Kosovo.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY " +
	"BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK " +
	"FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR " +
	"IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK " +
	"ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM " +
	"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF " +
	"TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW " +
	"XK "

// usParts are the parts of the United States in ISO 3166-2.
const usParts = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR " +
	"PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR UM VI "

// letterPairs has a bit by second letter for each first one.
type letterPairs [26]uint32

func newLetterPairs(list string) (t letterPairs) {
	for i := 0; i+1 < len(list); i += 3 {
		t[list[i]-'A'] |= 1 << (list[i+1] - 'A')
	}
	return t
}

var countryPairs, usPairs = newLetterPairs(countries), newLetterPairs(usParts)

// has takes two bytes of any kind.
func (t *letterPairs) has(a, b byte) bool {
	return a >= 'A' && a <= 'Z' && b >= 'A' && b <= 'Z' && t[a-'A']>>(b-'A')&1 == 1
}
