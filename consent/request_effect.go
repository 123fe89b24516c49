// What became of a request that is no change of a line, or that never came to Merge.

package consent

// Effects of requests that are no Change, or were refused before they came to Merge, which never answers them.
const (
	Made    Effect = 64 + iota // a stop, a protection or an opening was made
	Adopted                    // a line of a single store was taken over
	Kept                       // it was not: the subject has a line already
	RefusedClosed
	RefusedEpoch
	RefusedOpened
	RefusedUnreadable
	RefusedHouse
)

var requestEffects = map[Effect]string{
	Made: "", Adopted: "",
	Kept:              "the subject has a line already, which stays",
	RefusedClosed:     "the store has not been accepted yet: run consentry consent accept-epoch",
	RefusedEpoch:      "a later epoch is open",
	RefusedOpened:     "lines of a single store are taken over only before the first opening",
	RefusedUnreadable: "the request cannot be read",
	RefusedHouse:      "another house key names the subjects of this log: mount the key folder of this deployment",
}

// known tells whether e is one of all the effects.
func (e Effect) known() bool {
	_, ok := requestEffects[e]
	return ok || e > 0 && e < numEffects
}
