package corpus

// Coordinates and codes for places.

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// point is anywhere but at the poles and the date line.
func (m *maker) point() (lat, lon float64) {
	return float64(m.between(-85_000_000, 85_000_000)) / 1e6, float64(m.between(-179_000_000, 179_000_000)) / 1e6
}

func coordinates(m *maker) error {
	m.of("coordinates", "RFC 5870, ISO 6709, OGC 06-103r4")
	for range 250 {
		lat, lon := m.point()
		n := m.between(3, 6)
		a, b := fmt.Sprintf("%.*f", n, lat), fmt.Sprintf("%.*f", n, lon)
		m.text(m.pick(
			a+","+b, a+", "+b, a+" "+b, b+","+a, a+";"+b, a+"/"+b,
			"lat="+a+"&lon="+b, `{"lat":`+a+`,"lng":`+b+`}`, "latitude: "+a+" longitude: "+b,
			"geo:"+a+","+b, "POINT("+b+" "+a+")", "SRID=4326;POINT ("+b+" "+a+")",
			"https://example.com/maps/@"+a+","+b+",15z", "near ("+a+", "+b+") now", "ll="+a+","+b,
			degrees(lat, "N", "S")+" "+degrees(lon, "E", "W"), degrees(lat, "N", "S")+", "+degrees(lon, "E", "W"),
			minutes(lat, "N", "S")+" "+minutes(lon, "E", "W"),
			decimalDegrees(lat, "N", "S")+", "+decimalDegrees(lon, "E", "W"),
		))
	}
	return nil
}

// degrees writes degrees, minutes and seconds, as in 40°42'46"N.
func degrees(x float64, plus, minus string) string {
	d, rest := math.Modf(math.Abs(x))
	min, rest := math.Modf(rest * 60)
	return fmt.Sprintf("%.0f°%02.0f'%04.1f\"%s", d, min, math.Min(rest*60, 59.9), side(x, plus, minus))
}

// minutes writes degrees and decimal minutes, the letter first.
func minutes(x float64, plus, minus string) string {
	d, rest := math.Modf(math.Abs(x))
	return fmt.Sprintf("%s %.0f° %06.3f'", side(x, plus, minus), d, math.Min(rest*60, 59.999))
}

func decimalDegrees(x float64, plus, minus string) string {
	return fmt.Sprintf("%.4f° %s", math.Abs(x), side(x, plus, minus))
}

func side(x float64, plus, minus string) string {
	if x < 0 {
		return minus
	}
	return plus
}

func geocodes(m *maker) error {
	m.of("geocode", "Open Location Code")
	err := m.column("ref_openlocationcode", "encoding.csv", 3, 400, func(code string) {
		if i := strings.IndexByte(code, '+'); i == 8 && len(code) > 10 {
			m.text(m.pick(code, strings.ToLower(code), "at "+code, "https://plus.codes/"+code))
		}
	})
	if err != nil {
		return err
	}
	m.of("geocode", "geohash")
	err = m.column("ref_geohash", "encode_a.csv", 1, 120, func(hash string) {
		hash = hash[:min(len(hash), m.between(6, 12))]
		m.text(m.pick("geohash:", "geohash=", "geohash ", "gh=", "geo: ", "loc=") + hash)
	})
	if err != nil {
		return err
	}
	m.of("geocode", "what3words")
	for range 80 {
		m.text(m.pick("///", "meet me at ///", "w3w ///", "https://w3w.co/") + m.word() + "." + m.word() + "." + m.word())
	}
	return nil
}

// column calls use with the values of one column of a published table, at most so many rows.
func (m *maker) column(folder, file string, column, most int, use func(string)) error {
	f, err := os.Open(filepath.Join(m.data, folder, file))
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', -1
	rows, err := r.ReadAll()
	if err != nil {
		return err
	}
	for i, row := range rows {
		if i > 0 && i <= most && column < len(row) {
			use(row[column])
		}
	}
	return nil
}
