package corpus

// Identifiers made of letters and words.

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strings"
)

var (
	givenNames = strings.Fields(`James Mary John Patricia Robert Linda Michael Barbara William Elizabeth David Jennifer Richard Maria Charles Susan Joseph
		Margaret Thomas Dorothy Daniel Nancy Paul Karen Mark Betty Donald Helen Sandra Steven Donna Kenneth Carol Andrew Ruth Sharon Kevin Brian Michelle
		Laura Sarah Kimberly Deborah Jessica Cynthia Angela Melissa Brenda Amy Anna Rebecca Kathleen Gary Jose Larry Frank Scott Eric Stephen Diane Carlos`)
	familyNames = strings.Fields(`Smith Johnson Williams Jones Brown Davis Miller Wilson Moore Taylor Anderson Thomas Jackson White Harris Martin Thompson
		Garcia Martinez Robinson Clark Rodriguez Lewis Lee Walker Hall Allen Young Hernandez King Wright Lopez Hill Scott Green Adams Baker Gonzalez Nelson
		Carter Mitchell Perez Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Sanchez Morris Rogers Reed Cook Morgan Bell Murphy`)
	plainWords = strings.Fields(`apple river stone cloud window basket silver orange planet garden bottle candle forest island jacket kettle lemon market
		needle ocean pepper quarter rocket saddle ticket umbrella velvet whistle yellow zebra filled count soap index home raft`)
	// Domains that are kept for examples (RFC 2606), and endings of all kinds.
	domains = strings.Fields(`example.com example.org mail.example.net example.co.uk example.de example.io example.museum example.online xn--bcher-kva.example.ch`)
)

func (m *maker) word() string { return m.pick(plainWords...) }

func emails(m *maker) error {
	m.of("email", "RFC 5322")
	for range 150 {
		given, family := strings.ToLower(m.pick(givenNames...)), strings.ToLower(m.pick(familyNames...))
		m.text(m.pick(given+"."+family, given[:1]+family, given+m.digits(2), family+"+"+m.word(), given+"_"+family) + "@" + m.pick(domains...))
	}
	m.of("email", "as people write them")
	for range 50 {
		local, domain := strings.ToLower(m.pick(givenNames...))+m.digits(2), m.pick("example.com", "example.org", "mail.example.net")
		spoken := strings.ReplaceAll(domain, ".", " dot ")
		m.text(m.pick(local+" at "+domain, local+" (at) "+domain, local+"[at]"+domain, local+" at "+spoken, local+" [at] "+strings.ReplaceAll(domain, ".", " [dot] "),
			local+"(at)"+strings.ReplaceAll(domain, ".", "(dot)"), "write to "+local+" @ "+domain, local+"%40"+domain))
	}
	return nil
}

func networks(m *maker) error {
	m.of("mac", "IEEE 802")
	for range 200 {
		n := 6
		if m.below(5) == 0 {
			n = 8
		}
		h := hex.EncodeToString(append([]byte{0x02 | byte(m.below(64)<<2), 0xa1}, m.bytes(n-2)...))
		if m.below(2) == 0 {
			h = strings.ToUpper(h)
		}
		pairs := []int{2, 2, 2, 2, 2, 2, 2, 2}[:n]
		switch m.below(5) {
		case 0:
			m.text(group(h, "-", pairs...))
		case 1:
			m.text(group(h, ".", []int{4, 4, 4, 4}[:n/2]...))
		case 2:
			m.text(m.pick("mac ", "bssid=", "hwaddr: ", "MAC: ") + h[:12])
		default:
			m.text(group(h, ":", pairs...))
		}
	}
	m.of("ip", "RFC 791, RFC 4291")
	for range 200 {
		b := m.bytes(4)
		b[0] = byte(m.between(1, 126))
		v4 := netip.AddrFrom4([4]byte(b))
		b6 := m.bytes(16)
		copy(b6, []byte{0x20, 0x01, 0x0d, 0xb8})
		if m.below(2) == 0 {
			clear(b6[6:12])
		}
		v6 := netip.AddrFrom16([16]byte(b6))
		number := uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
		switch m.below(8) {
		case 0, 1:
			m.text(v4.String())
		case 2, 3:
			m.text(v6.String())
		case 4:
			m.text("::ffff:" + v4.String())
		case 5:
			m.text("http://[" + v6.String() + "]:8080/index")
		case 6:
			m.text(fmt.Sprintf("http://%d/%s", number, m.word()))
		case 7:
			m.text(fmt.Sprintf("https://0x%08x/%s", number, m.word()))
		}
	}
	return nil
}

func identifiers(m *maker) error {
	m.of("uuid", "RFC 9562")
	for i := range 210 {
		b := m.bytes(16)
		b[6], b[8] = b[6]&0x0f|byte(i%8+1)<<4, b[8]&0x3f|0x80
		u := group(hex.EncodeToString(b), "-", 8, 4, 4, 4)
		m.text(m.pick(u, strings.ToUpper(u), "{"+u+"}", "urn:uuid:"+u, "aaid="+u))
	}
	m.of("digest", "RFC 1321, FIPS 180-4")
	for range 210 {
		what := m.bytes(12)
		a, b, c := md5.Sum(what), sha1.Sum(what), sha256.Sum256(what)
		d := m.pick(hex.EncodeToString(a[:]), hex.EncodeToString(b[:]), hex.EncodeToString(c[:]))
		m.text(m.pick(d, strings.ToUpper(d), "id "+d, "h="+d))
	}
	return nil
}

func tokens(m *maker) error {
	m.of("token", "RFC 7519")
	raw := base64.RawURLEncoding
	for range 60 {
		m.text(m.pick("", "Bearer ", "jwt=") + raw.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." +
			raw.EncodeToString([]byte(`{"sub":"`+m.digits(10)+`"}`)) + "." + raw.EncodeToString(m.bytes(32)))
	}
	m.of("token", "RFC 4648")
	for range 100 {
		var b []byte
		for b = m.bytes(m.between(18, 48)); bitsPerCharacter(raw.EncodeToString(b)) <= 3.8; b = m.bytes(m.between(18, 48)) {
		}
		m.text(m.pick(base64.StdEncoding.EncodeToString(b), raw.EncodeToString(b), base64.URLEncoding.EncodeToString(b)))
	}
	m.of("token", "prefixes of their makers")
	alnum := digits + upper + lower
	for range 60 {
		m.text(m.pick("ghp_"+m.from(alnum, 36), "AKIA"+m.from(upper+"234567", 16), "sk_live_"+m.from(alnum, 24), "xoxb-"+m.digits(12)+"-"+m.from(alnum, 24),
			"AIza"+m.from(alnum, 35), "glpat-"+m.from(alnum, 20), "PHPSESSID="+m.from(digits+lower, 26), "sessionid="+m.from(digits+lower, 32), "api_key="+m.from(alnum, 24)))
	}
	return nil
}

// bitsPerCharacter is the entropy of s: the class is that of more than 3.8.
func bitsPerCharacter(s string) float64 {
	counts := map[rune]float64{}
	for _, r := range s {
		counts[r]++
	}
	h := 0.0
	for _, n := range counts {
		h -= n / float64(len(s)) * math.Log2(n/float64(len(s)))
	}
	return h
}

func links(m *maker) error {
	m.of("click_id", "parameters of the networks")
	alnum := digits + upper + lower
	for range 220 {
		name := m.pick("gclid", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "twclid", "yclid")
		value := m.from(alnum, m.between(10, 50))
		switch name {
		case "gclid", "dclid":
			value = "Cj0KCQ" + m.from(alnum+"-_", 40)
		case "fbclid":
			value = "IwAR" + m.from(alnum+"-_", 50)
		case "msclkid":
			value = m.from(hexes, 32)
		case "yclid":
			value = m.digits(m.between(16, 19))
		}
		m.text(m.pick("https://example.com/"+m.word()+"?"+name+"="+value, name+"="+value, name+": "+value, "?utm_source="+m.word()+"&"+name+"="+value, `{"`+name+`":"`+value+`"}`))
	}
	m.of("url_userinfo", "RFC 3986")
	for range 220 {
		user := strings.ToLower(m.pick(givenNames...))
		host := m.pick(append(domains, "localhost", "10.1.2.3:8080", "[2001:db8::1]", "intranet")...)
		m.text(m.pick("https", "http", "ftp", "postgres", "redis", "amqp", "ssh") + "://" + m.pick(user, user+":"+m.from(alnum, 8), user+":p%40ss", ":"+m.from(alnum, 8), user+":a@b") + "@" + host + m.pick("", "/"+m.word()))
	}
	return nil
}

func people(m *maker) error {
	m.of("name_line", "the frequent names of the census")
	for range 220 {
		given, family := m.pick(givenNames...), m.pick(familyNames...)
		m.text(m.pick(given+" "+family, strings.ToLower(given+" "+family), strings.ToUpper(given+" "+family), family+", "+given, given+" "+m.from(upper, 1)+". "+family, "Dr. "+given+" "+family))
	}
	m.of("street_address", "USPS Publication 28")
	streets := strings.Fields("Main Elm Oak Maple Washington Lincoln Park Cedar Walnut Sunset Highland Church 5th 42nd Jefferson Ridge Willow Spruce Pennsylvania Martin")
	for range 210 {
		line := fmt.Sprint(m.between(1, 9999)) + m.pick(" ", " ", " N ", " West ") + m.pick(streets...) + " " +
			m.pick("Street", "St", "St.", "Avenue", "Ave", "Road", "Rd", "Boulevard", "Blvd", "Lane", "Ln", "Drive", "Dr", "Court", "Ct", "Place", "Pl", "Way", "Terrace", "Parkway", "Circle")
		town := m.pick("Springfield, IL 62704", "Portland, OR 97205", "Austin TX 78701", "Albany, NY 12207")
		m.text(m.pick(line, strings.ToLower(line), line+", Apt "+m.digits(2), line+", "+town, strings.ToUpper(line)+" "+strings.ToUpper(town)))
	}
	m.of("street_address", "with a postcode")
	for range 30 {
		n := fmt.Sprint(m.between(1, 300))
		m.text(m.pick(n+" Whitechapel, London E1 6AN", n+" Kings Cross, London N1C 4AG", n+" Yonge, Toronto M5B 1M4", n+" rue de Rivoli, 75001 Paris", "Hauptstraße "+n+", 10115 Berlin", "Calle Mayor "+n+", 28013 Madrid", "PO Box "+n))
	}
	return nil
}
