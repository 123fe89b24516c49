package detect

// Numbers that states give to people and that consist of digits. Those that nine or ten digits would match by chance
// count only in the groups that people write them in, or beside their name.

import "slices"

// numberID is one country's format.
type numberID struct {
	country string // ISO 3166-1 alpha-2, and what it is called
	size    int    // digits
	shapes  []shape
	bare    bool // counts without a label, in any groups: its check is strong enough
	labels  []string
	valid   func(d []byte) bool
}

var ssnWords = []string{"ssn", "itin", "social security", "social security number", "social", "ss", "tin", "tax id"}

// numberIDs are tried on every window of their size.
var numberIDs = [...]numberID{
	{"US SSN", 9, []shape{shapeOf(3, 2, 4), shapeOf(3, 6)}, false, ssnWords, ssn},
	{"US ITIN", 9, []shape{shapeOf(3, 2, 4), shapeOf(3, 6)}, false, ssnWords, itin},
	{"CA SIN", 9, []shape{shapeOf(3, 3, 3)}, false, []string{"sin", "nas", "social insurance"}, sin},
	{"AU TFN", 9, []shape{shapeOf(3, 3, 3)}, false, []string{"tfn", "tax file", "tax file number"}, tfn},
	{"NL BSN", 9, nil, false, []string{"bsn", "sofi", "burgerservicenummer"}, bsn},
	{"PT NIF", 9, nil, false, []string{"nif", "contribuinte"}, nif},
	{"IL teudat zehut", 9, nil, false, []string{"teudat zehut", "zehut"}, luhnCheck},
	{"CL RUT", 8, []shape{shapeOf(1, 3, 3, 1)}, false, []string{"rut", "run"}, rut},
	{"CL RUT", 9, []shape{shapeOf(2, 3, 3, 1)}, false, []string{"rut", "run"}, rut},
	{"SE personnummer", 10, []shape{shapeOf(6, 4)}, false, []string{"personnummer", "pnr"}, personnummer},
	{"SE personnummer", 12, []shape{shapeOf(8, 4)}, true, nil, personnummer12},
	{"DK CPR", 10, []shape{shapeOf(6, 4)}, false, []string{"cpr", "cpr-nr"}, func(d []byte) bool { return dayMonth(d) }},
	{"IS kennitala", 10, nil, false, []string{"kennitala"}, func(d []byte) bool { return dayMonth(d) }},
	{"CZ, SK rodne cislo", 10, []shape{shapeOf(6, 4)}, false, []string{"rodne cislo", "rc"}, rodneCislo},
	{"BG EGN", 10, nil, false, []string{"egn"}, egn},
	{"GB NHS", 10, []shape{shapeOf(3, 3, 4)}, false, []string{"nhs", "nhs number"}, nhs},
	{"AU Medicare", 10, []shape{shapeOf(4, 5, 1)}, false, []string{"medicare"}, medicare},
	{"AT SVNR", 10, []shape{shapeOf(4, 6)}, false, []string{"svnr", "sozialversicherungsnummer"}, svnr},
	{"PL PESEL", 11, nil, true, nil, pesel},
	{"BE rijksregister", 11, nil, true, nil, rijksregister},
	{"NO fodselsnummer", 11, nil, true, nil, fodselsnummer},
	{"BR CPF", 11, nil, true, nil, cpf},
	{"EE, LT isikukood", 11, nil, true, nil, isikukood},
	{"TR kimlik", 11, nil, true, nil, kimlik},
	{"DE Steuer-ID", 11, []shape{shapeOf(2, 3, 3, 3)}, false, []string{"steuer-id", "steuer", "steueridentifikationsnummer", "idnr", "tin", "steuer-identifikationsnummer"}, steuerID},
	{"HR OIB", 11, nil, false, []string{"oib"}, mod1110},
	{"AR CUIT", 11, []shape{shapeOf(2, 8, 1)}, false, []string{"cuit", "cuil"}, cuit},
	{"RU SNILS", 11, []shape{shapeOf(3, 3, 3, 2)}, false, []string{"snils"}, snils},
	{"AU ABN", 11, []shape{shapeOf(2, 3, 3, 3)}, false, []string{"abn"}, abn},
	{"LV personas kods", 11, []shape{shapeOf(6, 5)}, false, []string{"personas kods"}, func(d []byte) bool { return dayMonth(d) }},
	{"IN Aadhaar", 12, []shape{shapeOf(4, 4, 4)}, false, []string{"aadhaar", "aadhar", "uid", "aadhaar number"}, aadhaar},
	{"JP My Number", 12, []shape{shapeOf(4, 4, 4)}, false, []string{"my number", "mynumber", "kojin bango"}, myNumber},
	{"MY MyKad", 12, []shape{shapeOf(6, 2, 4)}, false, []string{"mykad", "nric", "ic"}, func(d []byte) bool { return yearMonthDay(d) }},
	{"RU INN", 12, nil, false, []string{"inn"}, inn},
	{"ZA ID", 13, nil, true, nil, southAfrica},
	{"RO CNP", 13, nil, true, nil, cnp},
	{"KR RRN", 13, []shape{shapeOf(6, 7)}, false, []string{"rrn"}, func(d []byte) bool { return rrnDate(d) }},
	{"KR RRN", 13, nil, true, nil, rrn},
	{"TH ID", 13, []shape{shapeOf(1, 4, 5, 2, 1)}, false, []string{"thai id", "id card"}, thai},
	{"CH AHV", 13, nil, true, nil, ahv},
	{"FR NIR", 15, nil, true, nil, nir},
	{"CN resident ID", 18, nil, true, nil, chinese},
}

// nationalID says whether the window is one of them.
func (w *window) nationalID(d []byte) bool {
	if w.n < 8 || w.n > 18 || allSame(d, d[0]) || decimalFraction(w.q, w.g) {
		return false
	}
	for _, i := range numberIDsOf[w.n] {
		id := &numberIDs[i]
		if !id.valid(d) {
			continue
		}
		if id.bare || w.labelled(id.labels) {
			return true
		}
		if slices.Contains(id.shapes, w.shape) && w.standsAlone() {
			return true
		}
	}
	return false
}

// standsAlone says that the window's groups are not part of a longer row of such groups, and not the thousands of one
// number.
func (w *window) standsAlone() bool {
	q := w.q
	first, last := &q.group[w.g], &q.group[w.h]
	if w.g > 0 && q.group[w.g-1].sep == first.sep && q.group[w.g-1].size == first.size {
		return false
	}
	if w.h+1 < q.n && last.sep == q.group[w.h-1].sep && q.group[w.h+1].size == last.size {
		return false
	}
	if first.sep != '.' || first.size > 3 {
		return true
	}
	for i := w.g + 1; i <= w.h; i++ {
		if q.group[i].size != 3 {
			return true
		}
	}
	return false
}

// numberIDsOf lists the formats of each size.
var numberIDsOf = func() (t [maxGroup + 1][]uint8) {
	for i := range numberIDs {
		t[numberIDs[i].size] = append(t[numberIDs[i].size], uint8(i))
	}
	return t
}()
