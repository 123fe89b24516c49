package filters

// The host of a URL against net/url, which is slower and lets more through: where ours reads a host, both read the same.

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/consentry/consentry/schema"
)

func agree(t *testing.T, raw string) {
	t.Helper()
	buf, host, ok := appendHost([]byte("before"), []byte(raw))
	if string(buf[:6]) != "before" {
		t.Fatalf("%q: overwrote what stood in the buffer", raw)
	}
	if !ok {
		return
	}
	name := string(host)
	if name == "" || len(name) > maxHost || strings.Contains(name, "..") || name[0] == '.' || name[len(name)-1] == '.' || name != strings.ToLower(name) {
		t.Fatalf("%q: host %q", raw, name)
	}
	if schemeEnd([]byte(raw)) < 0 {
		if want := strings.ToLower(strings.TrimSuffix(raw, ".")); want != name {
			t.Fatalf("%q: host %q", raw, name)
		}
		return
	}
	// net/url refuses more about paths and queries than a host needs: it is asked about scheme and authority alone.
	head := raw
	if i := strings.IndexAny(raw[schemeEnd([]byte(raw)):], "/?#"); i >= 0 {
		head = raw[:schemeEnd([]byte(raw))+i]
	}
	u, err := url.Parse(head)
	if err != nil {
		return
	}
	if want := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); want != name {
		t.Fatalf("%q: ours %q, net/url %q", raw, name, want)
	}
}

var urls = []string{
	"https://example.com", "HTTPS://Example.COM./x?y#z", "http://user:pass@example.com:8080/a", "http://example.com:/", "http://example.com?x=@evil.com",
	"http://example.com#@evil.com", "http://example.com/@evil.com", "http://a@b@example.com/", "http://example.com\\.evil.com/", "http://[::1]:80/", "http://[::1", "http://1.2.3.4",
	"ftp://ftp.example.co.uk/", "wss://live.example.com/socket", "file:///etc/passwd", "//example.com/", "example.com", "example.com.", "http://", "http://:80", "http://xn--bcher-kva.de/",
	"http://exa mple.com", "http://example.com\t", "http://ex%41mple.com", "http://a..b", "http://-a.com", "http://_dmarc.example.com", "http://\u0130.com", "http://example。com/", "http:/example.com", "http:example.com",
	"http://user@:80/", "http://example.com:99999999/", "http://example.com:+80/", "blob:https://example.com/", "data:text/html,<b>", "http://" + strings.Repeat("a", 64) + ".com", "http://" + strings.Repeat("a.", 127) + "com",
}

func TestHostsAgreeWithNetURL(t *testing.T) {
	read := 0
	for _, u := range urls {
		agree(t, u)
		if _, _, ok := appendHost(nil, []byte(u)); ok {
			read++
		}
	}
	if read < 12 {
		t.Errorf("only %d of %d were read: the oracle compares nothing", read, len(urls))
	}
}

func FuzzHost(f *testing.F) {
	for _, u := range urls {
		f.Add(u)
	}
	d := &domain{rules: icann(), rest: fallback{ifOutside: true, outside: schema.StringValue([]byte("other"))}}
	f.Fuzz(func(t *testing.T, raw string) {
		agree(t, raw)
		_, host, ok := appendHost(nil, []byte(raw))
		if !ok {
			return
		}
		reg, ok := icann().registrable(host)
		var dst schema.Value
		if o := d.Apply(&dst, []schema.Value{schema.StringValue([]byte(raw))}, &Event{}); (o == Filled) != ok {
			t.Fatalf("%q: outcome %d, registrable %v", raw, o, ok)
		}
		if !ok {
			return
		}
		if !strings.HasSuffix(string(host), string(reg)) || !strings.Contains(string(reg), ".") {
			t.Fatalf("%q: %q is no part of %q", raw, reg, host)
		}
		if _, err := netip.ParseAddr(string(host)); err == nil {
			t.Fatalf("%q: an address has the registrable domain %q", raw, reg)
		}
	})
}

func TestRestIsWhatStandsBehindTheHost(t *testing.T) {
	for url, want := range map[string]string{
		"https://a@example.com:80/b?c#d": "/b?c#d", "HTTP://example.com?c": "?c", "https://example.com#d": "#d", "https://example.com": "", "example.com": "", "": "",
		"example.com/b": "/b", // no host is read in it
	} {
		if got := string(Rest([]byte(url))); got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}
