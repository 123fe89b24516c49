package detect

// Work is bounded on any input: fuzzing, texts made to be slow, and what a clean text costs.

import (
	"encoding/base64"
	"math/rand"
	"strings"
	"testing"
)

// slowTexts are made to be expensive: each fills about size bytes with what some search or decoder starts on and gives
// up late.
func slowTexts(size int) map[string]string {
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)+1)[:size] }
	tower := "4111 1111 1111 1112"
	for len(tower) < size {
		tower = base64.StdEncoding.EncodeToString([]byte(strings.Repeat(tower, 2)))
	}
	random := make([]byte, size)
	rand.New(rand.NewSource(1)).Read(random)
	hexed := make([]byte, size)
	for i := range hexed {
		hexed[i] = "0123456789abcdef"[random[i]&15]
	}
	lettered := make([]byte, size)
	for i := range lettered {
		lettered[i] = "abcdefghijklmnopqrstuvwxyz     "[random[i]%31]
	}
	return map[string]string{
		"zeros":           fill("0"),
		"digits":          fill("1234567890"),
		"single digits":   fill("3 "),
		"mixed digits":    fill("3 1-4/1.5_9 2 6-"),
		"groups":          fill("7777 "),
		"short groups":    fill("77 8 "),
		"plus":            fill("+7 "),
		"double zero":     fill("00"),
		"at":              fill("@"),
		"at words":        fill("a@b "),
		"at dots":         fill("a@b.c."),
		"percent":         fill("%25"),
		"nested percent":  fill("%2525"),
		"percent bytes":   fill("%ff%41"),
		"percent once":    fill("%2541bcdefghij"),
		"backslash u":     fill(`\u0031`),
		"broken u":        fill(`\u\u003`),
		"references":      fill("&#49;"),
		"base64 tower":    tower[:size],
		"base64 words":    fill("YWFhYWFhYWFhYWFh "),
		"base64 slashes":  fill("YWFhYWFh/"),
		"base64 dashes":   fill("YWFhYWFh-"),
		"base64 glued":    fill("xYWFhYWFhYWFh "),
		"signs aside":     fill("[ at ] "),
		"dots spelt":      fill("1 dot "),
		"entities":        fill("&amp;"),
		"dashes":          fill("12345678-1234-"),
		"long groups":     fill("a1234567890123"),
		"slashes":         fill("/"),
		"slash slash":     fill("//a"),
		"jwt":             fill("eyJ"),
		"jwt dots":        fill("eyJhbGciOi.eyJ."),
		"equals":          fill("a="),
		"hex words":       fill("ab cd "),
		"hex pairs":       fill("ab:"),
		"hex pairs clean": fill("ab-cd-e "),
		"hex":             string(hexed),
		"colons":          fill(":"),
		"colon groups":    fill("1:"),
		"iban":            fill("de12 "),
		"iban run":        fill("gb12abcd3456789012345 "),
		"dots":            fill("1."),
		"dotted":          fill("300.1.1."),
		"letters, ids":    fill("a1234567 "),
		"random bytes":    string(random),
		"random words":    string(lettered),
		"fullwidth":       fill("１２ "),
		"ligatures":       fill("\ufdfa"),
		"zero width":      fill("1\u200b"),
		"cyrillic":        fill("слово "),
		"hangul":          fill("한국어 "),
		"soft digits":     fill("ol1 "),
		"soft words":      fill("1-oo-ll-"),
		"words":           fill("the quick brown fox jumps over the lazy dog "),
		"sentences":       fill("In 2006 the 14th of 300 towns had 12,500 people. "),
		"names":           fill("john smith "),
		"streets":         fill("1 main "),
		"domains":         fill("a.com "),
		"coordinates":     fill("1.2345, "),
		"question marks":  fill("?a=1&"),
		"brackets":        fill("(["),
	}
}

// clean is a text of 40 bytes as people search.
var clean = []byte("best hiking trails near boulder colorado")

func TestCleanTextAllocatesNothing(t *testing.T) {
	s := newScanner(t)
	for _, text := range []string{
		string(clean), "", "a", "windows 10 update error 80070005", "Größe und Gewicht eines Blauwals im Jahr 2020", "как приготовить борщ", "東京から大阪まで何キロですか",
		"https://www.example.org/a/b?page=2", "100%25 cotton shirts", "dGhlIGxha2U= and", "89c2594", "order 12345678 of 2024-01-15",
	} {
		value := []byte(text)
		if hits := s.Scan(value); hits != 0 {
			t.Errorf("%q: %v", text, hits)
		}
		if n := testing.AllocsPerRun(20, func() { s.Scan(value) }); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

func BenchmarkScanClean(b *testing.B) {
	s := newScanner(b)
	b.ReportAllocs()
	for b.Loop() {
		if s.Scan(clean) != 0 {
			b.Fatal("hit")
		}
	}
}

// BenchmarkScanHostile shows the worst of the texts, each as long as any that is looked at: all within 10 ms.
func BenchmarkScanHostile(b *testing.B) {
	s := newScanner(b)
	for name, text := range slowTexts(maxValue) {
		value := []byte(text)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Scan(value)
			}
		})
	}
}
