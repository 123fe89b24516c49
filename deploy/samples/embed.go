// Package samples holds the configuration that the demo, the tour in README.md and the tests all use.
package samples

import "embed"

// Files is this folder: consentry.yaml, sources/, partners/, lists/ and schemas/.
//
//go:embed consentry.yaml sources partners lists schemas
var Files embed.FS
