package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// problem is one mistake in a configuration file.
type problem struct {
	file string
	line int    // 0 if the mistake concerns the whole file
	key  string // the path of the key, "" if the mistake concerns a line
	text string // the mistake and its correction; never a secret
}

// Error returns the problem on one line: file:line: key: text.
func (p problem) Error() string {
	var b strings.Builder
	b.WriteString(p.file)
	if p.line > 0 {
		fmt.Fprintf(&b, ":%d", p.line)
	}
	b.WriteString(": ")
	if p.key != "" {
		b.WriteString(p.key)
		b.WriteString(": ")
	}
	b.WriteString(p.text)
	return b.String()
}

// Problems are all mistakes in a configuration file.
type Problems []problem

// Error returns the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// sort orders problems by line and key and removes duplicates.
func (ps Problems) sort() Problems {
	slices.SortStableFunc(ps, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.key, b.key))
	})
	return slices.Compact(ps)
}

// Describe formats an error of Load for users: a heading, and each problem on a separate
// line.
func Describe(err error) string {
	var ps Problems
	if !errors.As(err, &ps) || len(ps) == 0 {
		return err.Error()
	}
	noun := "errors"
	if len(ps) == 1 {
		noun = "error"
	}
	return fmt.Sprintf("%d %s in the configuration\n%s", len(ps), noun, ps.Error())
}

// Quote quotes a value for a message: printable, and at most 60 characters of it.
func Quote(value string) string {
	const most = 60
	if utf8.RuneCountInString(value) > most {
		return fmt.Sprintf("%.*q…", most, value)
	}
	return strconv.Quote(value)
}

// Closest returns the candidate with the smallest distance to name, or "" if none is
// close.
func Closest(name string, candidates []string) string {
	best, limit := "", min(1+len(name)/4, 4)
	for _, c := range candidates {
		if strings.EqualFold(c, name) {
			return c
		}
		if d := distance(name, c); d <= limit && len(name) > 1 {
			best, limit = c, d-1
		}
	}
	return best
}

// distance returns the edit distance of a and b: the number of letters to insert, delete,
// replace or swap with their neighbour.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// DidYouMean returns the closest candidate as part of a message, or "".
func DidYouMean(name string, candidates []string) string {
	if s := Closest(name, candidates); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}
