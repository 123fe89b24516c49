package filters

// Finds the host of a URL, and refuses whatever two readers might read differently: what is withheld harms nobody.

// maxHost is the longest host name that DNS knows, without the dot at its end.
const maxHost = 253

// appendHost appends the host name of a URL, in lower case and without a dot at its end, and returns it. url is
// scheme://host..., or a bare host name. Not ok: no host, an IPv6 literal, more than one @, a name that DNS cannot hold,
// or one beyond ASCII (an internationalised name travels as xn--).
func appendHost(dst, url []byte) (buf, host []byte, ok bool) {
	name, ok := rawHost(url)
	if !ok {
		return dst, nil, false
	}
	if n := len(name); n > 0 && name[n-1] == '.' {
		name = name[:n-1]
	}
	if len(name) == 0 || len(name) > maxHost {
		return dst, nil, false
	}
	from, label := len(dst), 0
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.':
			if label == 0 {
				return dst, nil, false
			}
			label = -1
		default:
			return dst, nil, false
		}
		if label++; label > 63 {
			return dst, nil, false
		}
		dst = append(dst, c)
	}
	if label == 0 {
		return dst[:from], nil, false
	}
	return dst, dst[from:], true
}

// Host is the host name of a URL as filters read it, appended to dst, or not ok where two readers might read two hosts.
func Host(dst, url []byte) (buf, host []byte, ok bool) { return appendHost(dst, url) }

// Rest is what stands behind the host and port of a URL: path, query and fragment, as they are. Empty for a bare host name.
func Rest(url []byte) []byte {
	i := max(schemeEnd(url), 0)
	for j, c := range url[i:] {
		if c == '/' || c == '?' || c == '#' {
			return url[i+j:]
		}
	}
	return nil
}

// rawHost cuts a URL down to what stands between userinfo and port.
func rawHost(url []byte) ([]byte, bool) {
	i := schemeEnd(url)
	if i < 0 {
		// A bare name: appendHost lets no / ? # @ or : through.
		return url, true
	}
	rest := url[i:]
	end := len(rest)
	for j, c := range rest {
		if c == '/' || c == '?' || c == '#' {
			end = j
			break
		}
		// Browsers read \ as /, others as part of a name.
		if c == '\\' || c <= ' ' || c == 0x7f {
			return nil, false
		}
	}
	authority := rest[:end]
	at := -1
	for j, c := range authority {
		if c == '@' {
			if at >= 0 {
				return nil, false
			}
			at = j
		}
	}
	authority = authority[at+1:]
	for j, c := range authority {
		if c == ':' {
			for _, d := range authority[j+1:] {
				if d < '0' || d > '9' {
					return nil, false
				}
			}
			return authority[:j], true
		}
	}
	return authority, true
}

// schemeEnd is where the authority begins, after scheme://; -1 if there is no such beginning. The schemes are those
// whose authority is a host on the Internet.
func schemeEnd(url []byte) int {
	for _, s := range [...]string{"https://", "http://", "wss://", "ws://", "ftp://"} {
		if len(url) >= len(s) && equalFold(url[:len(s)], s) {
			return len(s)
		}
	}
	return -1
}

func equalFold(b []byte, lower string) bool {
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
