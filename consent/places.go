// How far the store has come, as short text: it travels in the metadata of each offset commit, so that a worker which
// starts knows what its predecessor saw.

package consent

import (
	"strconv"
	"strings"
)

const placesPrefix = "c1:"

// AppendPlaces appends an epoch and its places in at most 1 KiB of printable ASCII without spaces or semicolons.
func AppendPlaces(dst []byte, epoch uint64, places *[Shards]uint64) []byte {
	dst = append(dst, placesPrefix...)
	dst = strconv.AppendUint(dst, epoch, 36)
	dst = append(dst, ':')
	for i, p := range places {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, p, 36)
	}
	return dst
}

// ParsePlaces reads what AppendPlaces wrote. False for anything else, which a worker takes for "nothing seen".
func ParsePlaces(text string) (epoch uint64, places [Shards]uint64, ok bool) {
	rest, found := strings.CutPrefix(text, placesPrefix)
	head, rest, cut := strings.Cut(rest, ":")
	if !found || !cut {
		return 0, places, false
	}
	epoch, err := strconv.ParseUint(head, 36, 64)
	if err != nil || epoch == 0 {
		return 0, places, false
	}
	for i := range places {
		one, after, more := strings.Cut(rest, ".")
		if more != (i < Shards-1) {
			return 0, [Shards]uint64{}, false
		}
		if places[i], err = strconv.ParseUint(one, 36, 64); err != nil {
			return 0, [Shards]uint64{}, false
		}
		rest = after
	}
	return epoch, places, true
}
