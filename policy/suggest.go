package policy

// The word that was probably meant, for every room that refuses a word.

import (
	"strconv"
	"strings"
)

// Nearest returns the word that got was probably meant to be, empty if none is near. Of two as near it is the first in
// the alphabet, so that the order of words decides nothing.
func Nearest(got string, words []string) string {
	if len(got) > 64 {
		return ""
	}
	best, least := "", min(2, (len(got)+1)/3)+1
	for _, w := range words {
		d := Distance(strings.ToLower(got), strings.ToLower(w))
		if d < len(w) && (d < least || d == least && best != "" && w < best) {
			best, least = w, d
		}
	}
	return best
}

// DidYouMean words a suggestion for the end of a message; empty for no word.
func DidYouMean(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(word) + "?"
}

// Distance is the number of letters to insert, delete or replace, or neighbours to swap, between a and b.
func Distance(a, b string) int {
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
