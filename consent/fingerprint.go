// Which keys named the subjects in this store: what keeps two key folders from working on one store unseen.

package consent

import "context"

// Fingerprint sets the fingerprint of a key once, and tells whether the one in the store is this one. False means that
// another key folder was here first.
func (s *Store) Fingerprint(ctx context.Context, name, hash string) (match bool, err error) {
	// No verdict waits for this, and a person's withdrawal must not fail because its first connection takes long.
	ctx, cancel := context.WithTimeout(ctx, s.writeDeadline)
	defer cancel()
	key := "consentry:keys:" + name
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
