package schema

// An event as people read it: what a reader locates, as JSON. For the demo's synthetic events and nothing else: this is
// the one place where a raw value becomes text for the eye.

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Render writes every field of an event that can be located as a JSON object, nested as the paths are, in the order of
// the schema. Lists, maps and unions of several types are left out. wire is what Reader.Read takes.
func (s *Shape) Render(wire []byte) ([]byte, error) {
	paths := s.Paths()
	reader, err := s.Compile(Layout{Paths: paths, Required: make([]bool, len(paths))})
	if err != nil {
		return nil, err
	}
	var rec Record
	if err := reader.Read(wire, &rec); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	var open []string // the objects that stand open
	for i, path := range paths {
		names := strings.Split(path, ".")
		leaf := names[len(names)-1]
		names = names[:len(names)-1]
		same := 0
		for same < len(open) && same < len(names) && open[same] == names[same] {
			same++
		}
		for range open[same:] {
			out = append(out, '}')
		}
		if last := out[len(out)-1]; last != '{' {
			out = append(out, ',')
		}
		for _, name := range names[same:] {
			out = append(append(appendJSONText(out, name), ':'), '{')
		}
		open = names
		out = append(appendJSONText(out, leaf), ':')
		out = appendShown(out, rec.Slots[i])
	}
	for range open {
		out = append(out, '}')
	}
	return append(out, '}'), nil
}

func appendShown(dst []byte, v Value) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case Int:
		return strconv.AppendInt(dst, v.Num, 10)
	case Float:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.AppendFloat(dst, f, 'g', 9, 64)
		}
		return append(dst, `"not a number"`...)
	case String:
		return appendJSONText(dst, string(v.Raw))
	case Bytes:
		return append(strconv.AppendInt(append(dst, '"'), int64(len(v.Raw)), 10), ` bytes"`...)
	case Time:
		text, ok := AppendTime(nil, v.Num)
		if !ok {
			return append(dst, `"no time"`...)
		}
		return append(append(append(dst, '"'), text...), '"')
	}
	return append(dst, "null"...)
}

func appendJSONText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil { // no string fails
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
