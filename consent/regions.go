// How national telephone numbers are written in the regions that consent.region may name: country code, trunk prefix
// and the bounds of what is left without it. Only for `form: national`; a region that is not here has no national form
// and config refuses it. The lengths are those of mobile and geographic numbers in libphonenumber's public metadata.

package consent

// rule is one region's way to write a number. trunk "" means that a leading 0, if any, belongs to the number.
type rule struct {
	region        string
	code          string
	trunk         string
	trunkOptional bool
	min, max      int // digits without trunk
}

var rules = [...]rule{
	{"US", "1", "1", true, 10, 10},
	{"AT", "43", "0", false, 7, 13},
	{"AU", "61", "0", false, 9, 9},
	{"BE", "32", "0", false, 8, 9},
	{"BR", "55", "0", false, 10, 11},
	{"CA", "1", "1", true, 10, 10},
	{"CH", "41", "0", false, 9, 9},
	{"CN", "86", "0", false, 9, 11},
	{"CZ", "420", "", false, 9, 9},
	{"DE", "49", "0", false, 6, 11},
	{"DK", "45", "", false, 8, 8},
	{"EG", "20", "0", false, 8, 10},
	{"ES", "34", "", false, 9, 9},
	{"FI", "358", "0", false, 5, 10},
	{"FR", "33", "0", false, 9, 9},
	{"GB", "44", "0", false, 9, 10},
	{"GR", "30", "", false, 10, 10},
	{"HK", "852", "", false, 8, 8},
	{"HU", "36", "06", false, 8, 9},
	{"ID", "62", "0", false, 8, 12},
	{"IE", "353", "0", false, 7, 9},
	{"IL", "972", "0", false, 8, 9},
	{"IN", "91", "0", false, 10, 10},
	{"IT", "39", "", false, 6, 11},
	{"JP", "81", "0", false, 9, 10},
	{"KR", "82", "0", false, 8, 10},
	{"MX", "52", "", false, 10, 10},
	{"MY", "60", "0", false, 8, 10},
	{"NG", "234", "0", false, 8, 10},
	{"NL", "31", "0", false, 9, 9},
	{"NO", "47", "", false, 8, 8},
	{"NZ", "64", "0", false, 8, 10},
	{"PH", "63", "0", false, 8, 10},
	{"PL", "48", "", false, 9, 9},
	{"PT", "351", "", false, 9, 9},
	{"RO", "40", "0", false, 9, 9},
	{"SE", "46", "0", false, 7, 9},
	{"SG", "65", "", false, 8, 8},
	{"TR", "90", "0", false, 10, 10},
	{"UA", "380", "0", false, 9, 9},
	{"ZA", "27", "0", false, 9, 9},
}

func regionRule(region string) *rule {
	for i := range rules {
		if rules[i].region == region {
			return &rules[i]
		}
	}
	return nil
}

// KnownRegion tells whether national numbers of a region (ISO 3166, two capitals) can be read.
func KnownRegion(region string) bool { return regionRule(region) != nil }
