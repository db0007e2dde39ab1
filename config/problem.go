package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	// Line and Column say where the key stands, from 1. A key that is missing
	// is reported where its parent stands.
	Line, Column int
	// Key is the full dotted key, "sources[1].streams.chats.page_size", or ""
	// for the file as a whole.
	Key string
	// Message says what is wrong and what to write instead. It holds no value
	// that came from the environment and none of a secret key.
	Message string
}

// Error is everything that is wrong with a configuration file, by line.
type Error struct {
	// File is the name the file was loaded under.
	File string
	// Problems has at least one element.
	Problems []Problem
}

// Error prints one line for each problem: "file:line: key: message".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: ", e.File, p.Line)
		if p.Key != "" {
			lines[i] += p.Key + ": "
		}
		lines[i] += p.Message
	}
	return strings.Join(lines, "\n")
}

func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Key, b.Key))
	})
}

// nearest returns the known word that got is most likely a slip of, or "".
func nearest(got string, known []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(s))
	}
	best, bestDistance := "", 3
	for _, k := range known {
		d := distance(plain(got), plain(k))
		if d < bestDistance && d*2 < len(k) {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the edits from a to b, two swapped neighbours being one.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
