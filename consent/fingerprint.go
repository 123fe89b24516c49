// Which keys named the subjects in this store: what keeps two key folders from working on one store unseen.

package consent

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Fingerprint sets the fingerprint of a key once, and tells whether the one in the store is this one. False means that
// another key folder was here first.
func (s *Store) Fingerprint(ctx context.Context, name, hash string) (match bool, err error) {
	// No verdict waits for this, and a person's withdrawal must not fail because its first connection takes long.
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	key := fingerprintKey(name)
	client, err := s.master(ctx, key)
	if err != nil {
		return false, err
	}
	pipe := client.Pipeline()
	pipe.SetNX(ctx, key, hash, 0)
	got := pipe.Get(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return false, s.failed(ctx, err)
	}
	return got.Val() == hash, nil
}

// Printed is the fingerprint of a key that the store has; empty for none.
func (s *Store) Printed(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	key := fingerprintKey(name)
	client, err := s.master(ctx, key)
	if err != nil {
		return "", err
	}
	hash, err := client.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", s.failed(ctx, err)
	}
	return hash, nil
}

// Imprint sets the fingerprint of a key to what the log says, whatever is there: a store that was emptied may have been met
// first by somebody with another key folder.
func (s *Store) Imprint(ctx context.Context, name, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	key := fingerprintKey(name)
	client, err := s.master(ctx, key)
	if err != nil {
		return err
	}
	if err := client.Set(ctx, key, hash, 0).Err(); err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

func fingerprintKey(name string) string { return "consentry:keys:" + name }

// fingerprintLen is the length of a key's fingerprint: 8 bytes in hex.
const fingerprintLen = 16

// ValidFingerprint tells whether text has the form of a key's fingerprint.
func ValidFingerprint(text string) bool {
	if len(text) != fingerprintLen {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
