//go:build !uncompressed

// How what a lane writes is compressed.

package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// codecs are tried in order: of those that every broker and client knows, lz4 costs least.
func codecs() []kgo.CompressionCodec {
	return []kgo.CompressionCodec{kgo.Lz4Compression(), kgo.NoCompression()}
}
