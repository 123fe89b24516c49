//go:build uncompressed

// The test build that the bench compares with loops that do not compress. Never shipped: built only with
// -tags uncompressed.

package kafka

import "github.com/twmb/franz-go/pkg/kgo"

func codecs() []kgo.CompressionCodec { return []kgo.CompressionCodec{kgo.NoCompression()} }
