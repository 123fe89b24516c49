package changelog

import (
	"strings"
	"testing"
)

// Where nobody would switch nothing is filled: the store keeps no second copy that waits, and a person is told at once.
func TestRebuildWithoutAnOwner(t *testing.T) {
	r, o := opened(t)
	c := r.verb(testDeadline)
	r.outcome(c, grant(1, 1000))
	if err := o.halt(); err != nil {
		t.Fatal(err)
	}
	r.leave(o.group)
	r.until("no shard is believed", func() bool {
		s, err := c.Standing(t.Context())
		return err == nil && s.Believed == 0
	})
	_, err := c.Rebuild(t.Context(), func(what string, _ int) { t.Errorf("it began: %s", what) })
	if err == nil || !strings.Contains(err.Error(), "consentry consent sync") || !strings.Contains(err.Error(), "nothing was begun") {
		t.Fatalf("%v", err)
	}
	if m, err := r.store.Metas(t.Context(), []int{0}); err != nil || m[0].Building != 0 {
		t.Errorf("%+v %v", m, err)
	}
	r.start()
	r.until("an owner is there", func() bool {
		owned, err := c.Owned(t.Context())
		return err == nil && owned
	})
	told := ""
	if _, err := c.Rebuild(t.Context(), func(what string, _ int) { told += what + "\n" }); err != nil || !strings.Contains(told, Switching) {
		t.Errorf("%v, told %q", err, told)
	}
}
