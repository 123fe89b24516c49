// suggest.go finds the word that was probably meant.

package config

import (
	"strconv"
	"strings"
)

// nearest returns the word that got was probably meant to be, or nothing if none is near.
func nearest(got string, words []string) string {
	if len(got) > 64 {
		return ""
	}
	best, bestAt := "", min(2, (len(got)+1)/3)+1
	for _, w := range words {
		if d := distance(strings.ToLower(got), strings.ToLower(w)); d < bestAt && d < len(w) {
			best, bestAt = w, d
		}
	}
	return best
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(word) + "?"
}

// oneOf lists a closed list for a message.
func oneOf(words []string) string {
	if len(words) == 1 {
		return strconv.Quote(words[0])
	}
	return "one of " + strings.Join(words, ", ")
}

// distance is the number of letters to insert, delete or replace, or neighbours to swap, between a and b.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// secretKey tells whether a key is, or was probably meant to be, the key of a secret.
func secretKey(key string) bool {
	key = strings.ToLower(key)
	return strings.Contains(key, "pass") || strings.Contains(key, "secret") || strings.Contains(key, "token") ||
		distance(key, "password") <= 3
}
