package schema

// This file turns one event written by a person as JSON into Avro bytes, for explain. No worker uses it.

import (
	"bytes"
	"errors"

	"github.com/linkedin/goavro/v2"
)

// ErrNotThisSchema says that a JSON text is no event of an Avro schema. It does not say where: the library that finds
// out quotes the data.
var ErrNotThisSchema = errors.New("the JSON does not fit the Avro schema: every field must be there with its type, enums as text, bytes as text, and null where a union allows it")

// AvroFromJSON encodes one event in the plain Avro JSON form (a union's value stands alone, without its type's name) as
// an Avro body without the prefix.
func AvroFromJSON(schemaText string, json []byte) ([]byte, error) {
	codec, err := goavro.NewCodecForStandardJSONFull(schemaText)
	if err != nil {
		return nil, errors.New("the Avro schema cannot be used")
	}
	native, rest, err := codec.NativeFromTextual(json)
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, ErrNotThisSchema
	}
	body, err := codec.BinaryFromNative(nil, native)
	if err != nil {
		return nil, ErrNotThisSchema
	}
	return body, nil
}
