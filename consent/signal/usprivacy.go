// US Privacy strings ("1YNN"), IAB Tech Lab, version 1: a version, and whether notice was given, whether the person
// opted out of the sale of personal data, and whether the agreement of limited service providers covers it.

package signal

// USPrivacy tells whether a US Privacy string says no: an opt-out, a sale without notice, or anything that is no such
// string. "1---" (does not apply) says nothing.
func USPrivacy(text []byte) (no bool) {
	if len(text) != 4 || text[0] != '1' {
		return true
	}
	for _, c := range text[1:] {
		if c != 'Y' && c != 'N' && c != '-' {
			return true
		}
	}
	notice, optOut := text[1], text[2]
	return notice == 'N' || optOut == 'Y'
}
