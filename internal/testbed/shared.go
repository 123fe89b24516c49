// One testbed for all tests of a package.

package testbed

import (
	"context"
	"sync"
)

// Shared gives one testbed, in the clear and with all its parts, to every caller in this process; it starts with the
// first call and is ended by its guard when the process ends. Tests share the servers, so each uses topics, groups and
// subjects of its own, and none stops a part.
var Shared = sync.OnceValues(func() (*Testbed, error) { return Start(context.Background(), Options{}) })

// SharedSecure is Shared with TLS, users and passwords.
var SharedSecure = sync.OnceValues(func() (*Testbed, error) {
	return Start(context.Background(), Options{Secure: true})
})
