package detect

// Places from CSV: a header that names the columns, then a place a line. Lines that begin with # are notices of who made the
// data and under which licence, and go into the list.

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxPlaceLine bounds a line, bytes.
const maxPlaceLine = 1 << 20

func (im *PlaceImport) readCSV(r io.Reader, rep *PlaceReport) (notice string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxPlaceLine)
	category, lat, lon, width := -1, -1, -1, 0
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimRight(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		if text, is := strings.CutPrefix(line, "#"); is {
			notice = strings.TrimSpace(notice + " " + strings.TrimSpace(text))
			continue
		}
		if line == "" {
			continue
		}
		c := csv.NewReader(strings.NewReader(line))
		row, err := c.Read()
		if category < 0 {
			if err != nil {
				return "", errors.New(lineOf(n) + ": the header is not CSV")
			}
			column := func(names ...string) int {
				return slices.IndexFunc(row, func(s string) bool { return slices.Contains(names, plainName(s)) })
			}
			category, lat, lon = column("category", "kind"), column("lat", "latitude"), column("lon", "lng", "longitude")
			if width = len(row); category < 0 || lat < 0 || lon < 0 {
				return "", errors.New(lineOf(n) + ": the header must name the columns category (or kind), lat and lon")
			}
			continue
		}
		if err != nil || len(row) != width {
			rep.malformed(lineOf(n), "not CSV, or not as many columns as the header")
			continue
		}
		at, ok := degrees(readNumber(row[lat]), readNumber(row[lon]))
		if !ok {
			rep.malformed(lineOf(n), "lat and lon are not a position in degrees")
			continue
		}
		mask := im.categories.any(row[category])
		if mask == 0 {
			rep.Skipped++
			continue
		}
		rep.Taken++
		im.point(mask, at)
	}
	switch {
	case errors.Is(lines.Err(), bufio.ErrTooLong):
		return "", errors.New(lineOf(n+1) + ": longer than 1 MiB")
	case lines.Err() != nil:
		return "", errors.New("the file cannot be read")
	case category < 0:
		return "", errors.New("the file is empty; its header must name the columns category (or kind), lat and lon")
	}
	return notice, nil
}

// any gives the categories of a name, of a tag written key=value, or of a house category's own name.
func (m *categoryMap) any(s string) uint64 {
	mask := m.name(s)
	if key, value, tag := strings.Cut(s, "="); tag {
		mask |= m.tag(strings.TrimSpace(key), strings.TrimSpace(value))
	}
	if bit := slices.Index(m.names, plainName(s)); bit >= 0 {
		mask |= 1 << bit
	}
	return mask
}

// readNumber is NaN for what is none.
func readNumber(s string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return math.NaN()
	}
	return f
}
