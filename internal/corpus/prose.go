package corpus

// What a list without a model does not do: names and addresses of all countries inside sentences.

import (
	"encoding/json"
	"path/filepath"
	"strings"
)

// Prose reads the synthetic sentences of presidio-research that hold a full name, or a full address of any country, and
// nothing else that is marked. They measure what the detectors do not promise.
func Prose(data string) (names, addresses []string, err error) {
	err = eachLine(filepath.Join(data, "pii_presidio", "synthetic_sentences_a.jsonl"), func(line []byte) error {
		var c struct {
			Text  string
			Spans [][3]any
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		if len(c.Spans) != 1 {
			return nil
		}
		s := c.Spans[0]
		from, _ := s[0].(float64)
		to, _ := s[1].(float64)
		part := string([]rune(c.Text)[int(from):int(to)])
		switch {
		case s[2] == "PERSON" && strings.Contains(part, " "):
			names = append(names, c.Text)
		case s[2] == "STREET_ADDRESS" && strings.Contains(part, " ") && strings.ContainsAny(part, digits):
			addresses = append(addresses, c.Text)
		}
		return nil
	})
	return names, addresses, err
}
