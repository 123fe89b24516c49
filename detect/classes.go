package detect

// The one table of what is looked for: what a reading must show before a search is worth its time, and the search.

// search looks for classes in one reading of a value.
type search struct {
	classes Hits                              // what it may find; skipped once all of them are
	needs   traits                            // all of these must show in the reading
	find    func(s *Scanner, v *reading) Hits // must not keep v; linear; what may be tried often is counted by s.try
}

// numeric is how many searches look at reading.num. They come first, and are tried again if it differs from the text.
const numeric = 8

// searches are tried in this order on every reading.
var searches = [...]search{
	{numberClasses, digits7, findNumbers},
	{hit(IP), digits4, findIPv4},
	{hit(IP), hasDigit | hasColon, findIPv6},
	{hit(IP), hasDigit | hasSlash, findIPHost},
	{hexClasses, hex12, findHex},
	{hit(IBAN), digits7 | hasLetter, findIBAN},
	{hit(NationalID), digits4 | hasLetter, findLetteredIDs},
	{hit(Coordinates), digits4, findCoordinates},

	{hit(UUID), hasDash | hex12, findUUID},
	{hit(Email), hasAt, findEmail},
	{hit(Email), hasLetter, findSpokenEmail},
	{hit(URLUserinfo), hasAt | hasSlash, findUserinfo},
	{hit(Geocode), hasPlus, findPlusCode},
	{hit(Geocode), hasSlash | hasDot, findThreeWords},
	{hit(Geocode), hasLetter, findGeohash},
	{hit(Token), run20, findRandom},
	{hit(Token), run8 | hasDot, findJWT},
	{hit(Token), run8, findKey},
	{hit(ClickID, Token), hasLetter, findLabelled},
	{hit(StreetAddress), hasDigit | hasLetter, findAddress},
	{hit(NameLine), hasLetter, findNames},
}
