package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"transport/cmd/transport/internal/lab"
)

// steps are what each client is to do, in the words of the table.
var steps = []string{
	"discover", "register with a wrong password", "register", "contacts online with names",
	"chat", "typing", "list of rooms", "join by address", "say in a room", "nick change", "settings of a room",
	"kick", "ban", "correction", "reaction", "restart", "unregister",
}

// Outcomes of a step.
const (
	stepOK     = "ok"
	stepFailed = "failed"
	stepAbsent = "not offered" // the client cannot do it with any server
	stepSkip   = "not driven"  // the walk cannot press what the client offers
)

// result is what came of a step.
type result struct {
	Outcome, Picture, Remark string
}

// table is what came of each step, by client.
type table struct {
	out     io.Writer // for progress
	clients []string
	results map[string]map[string]result // by client and step
	order   map[string][]string          // of the steps that a walk has taken
}

func newTable(out io.Writer) *table {
	return &table{out: out, results: make(map[string]map[string]result), order: make(map[string][]string)}
}

// follow runs a walk and takes down what it reports: lines of outcome, step, the file of
// its picture, and a remark, with tabs between. All that it says goes to its log. What it
// reports after the end of the context does not count.
func (t *table) follow(ctx context.Context, client, out string, cmd *exec.Cmd, keep bool) error {
	t.clients = append(t.clients, client)
	t.results[client] = make(map[string]result)
	log, err := os.Create(filepath.Join(out, "walk.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	reports, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reports.Close()
	cmd.Stdout, cmd.Stderr = w, log
	p, err := lab.Start(cmd)
	w.Close()
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		end(p)
		reports.Close() // a child of the walk may hold the other end
	})
	defer func() {
		if !stop() {
			<-ended
		}
		end(p)
	}()
	for lines := bufio.NewScanner(io.TeeReader(reports, log)); lines.Scan(); {
		if ctx.Err() != nil {
			continue
		}
		fields := strings.SplitN(lines.Text(), "\t", 4)
		if len(fields) != 4 || !slices.Contains(steps, fields[1]) {
			if lines.Text() == "done" && keep {
				fmt.Fprintln(t.out, "the walk is over; SIGINT ends it")
			}
			continue
		}
		t.results[client][fields[1]] = result{fields[0], fields[2], fields[3]}
		t.order[client] = append(t.order[client], fields[1])
		fmt.Fprintf(t.out, "  %-32s %-12s %s\n", fields[1], fields[0], fields[3])
	}
	if code := p.Wait(); code != 0 && ctx.Err() == nil {
		t.giveUp(client, fmt.Sprintf("the walk ended with exit code %d; %s says why", code, log.Name()))
	}
	return nil
}

// giveUp counts the steps that a walk has not reached as failed.
func (t *table) giveUp(client, why string) {
	fmt.Fprintf(t.out, "  %s\n", why)
	for _, step := range steps {
		if t.results[client][step].Outcome == "" {
			t.results[client][step] = result{Outcome: stepFailed, Remark: why}
		}
	}
}

func (t *table) failures() int {
	n := 0
	for _, results := range t.results {
		for _, step := range steps {
			if o := results[step].Outcome; o != stepOK && o != stepAbsent && o != stepSkip {
				n++
			}
		}
	}
	return n
}

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s", "")
	for _, client := range t.clients {
		fmt.Fprintf(&b, " %-12s", client)
	}
	for _, step := range steps {
		fmt.Fprintf(&b, "\n%-32s", step)
		for _, client := range t.clients {
			fmt.Fprintf(&b, " %-12s", cmp.Or(t.results[client][step].Outcome, stepFailed))
		}
	}
	return b.String()
}
