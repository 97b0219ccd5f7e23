package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The measures, in the order of the table.
const (
	goroutines  = "goroutines"
	descriptors = "descriptors"
	resident    = "resident KiB"
	inUse       = "heap and stacks KiB"
	database    = "database KiB" // with the journal and SQLite's log
)

var measures = []string{goroutines, descriptors, resident, inUse, database}

// samples are those of a run, by measure.
type samples map[string][]point

// introspection is the last line of the gateway's statistics.
var introspection = regexp.MustCompile(`Memory in use: (\d+) KiB, goroutines: (\d+)`)

// take adds a sample of each measure. It returns false if the gateway did not answer, as
// while the XMPP server restarts.
func (w *world) take(ctx context.Context, s samples, at time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	text, err := w.statistics(ctx)
	if err != nil {
		return false
	}
	numbers := introspection.FindStringSubmatch(text)
	if numbers == nil {
		return false
	}
	rss, err := w.status("VmRSS:")
	if err != nil {
		return false
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.gateway.PID()))
	if err != nil {
		return false
	}
	for name, value := range map[string]float64{goroutines: number(numbers[2]), descriptors: float64(len(fds)), resident: rss,
		inUse: number(numbers[1]), database: w.databaseSize()} {
		s[name] = append(s[name], point{at, value})
	}
	return true
}

func number(digits string) float64 {
	n, _ := strconv.ParseFloat(digits, 64) // the regular expression permits nothing else
	return n
}

// status returns a number of KiB of the gateway's process.
func (w *world) status(name string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.gateway.PID()))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			return strconv.ParseFloat(words[1], 64)
		}
	}
	return 0, errors.New("no " + name)
}

// databaseSize returns the size of the gateway's database in KiB.
func (w *world) databaseSize() (size float64) {
	for _, suffix := range []string{"", "-wal", ".journal"} {
		if info, err := os.Stat(filepath.Join(w.dir, "transport.db"+suffix)); err == nil {
			size += float64(info.Size()) / 1024
		}
	}
	return size
}
