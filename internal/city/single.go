// Single events, for proofs that need one subject's events at a moment of their own.

package city

// Make fills e with an event of one subscriber at a moment of the caller's choice, beside those that Next gives. nonce
// tells several of one moment apart.
func (c *City) Make(who int, source Source, timeMS int64, nonce uint64, e *Event) {
	h := happening{source: source, who: uint64(who), timeMS: timeMS, random: rng(c.moment(tagEvent, uint64(who), timeMS) + nonce)}
	c.write(&h, e)
}
