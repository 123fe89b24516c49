// suggest.go words what a message says of a closed list, and knows the keys of secrets even when they are mistyped.

package config

import (
	"strconv"
	"strings"

	"github.com/consentry/consentry/policy"
)

// oneOf lists a closed list for a message.
func oneOf(words []string) string {
	if len(words) == 1 {
		return strconv.Quote(words[0])
	}
	return "one of " + strings.Join(words, ", ")
}

// secretKey tells whether a key is, or was probably meant to be, the key of a secret.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "pass") || strings.Contains(key, "secret") || strings.Contains(key, "token") ||
		policy.Distance(key, "password") <= 3
}
