package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"transport/cmd/transport/internal/config"
	"transport/cmd/transport/internal/demo"
	"transport/legacy/oscar/oscarmock"
	"transport/legacy/oscar/oscarwire"
)

func mockCommand() *command {
	return &command{
		name:    "mock-icq",
		summary: "run a mock ICQ and AIM network for tests",
		about: `
Runs a small ICQ and AIM network on this machine, with sign-on, contact lists,
presence, messages and offline messages. It keeps everything in memory only.

Without --accounts there is one account: Alice, number ` + demo.AliceUIN + `, password ` + demo.AlicePassword + `.
Bob, number ` + demo.BobUIN + `, is always online and replies to messages, also in the AIM chat
room lobby. If you write "send file" or "send file by proxy" to him, he offers a file.
The gateway fetches it if its configuration has [files] and allow_private_files = true.

The file of --accounts has a line for each account: number or screen name, password,
and an optional nickname, separated by spaces. Lines that begin with # are skipped.

SIGTERM and SIGINT end the network.`,
		prepare: func(fs *flag.FlagSet) action {
			listen := fs.String("listen", "127.0.0.1:5190", "listen on `ADDRESS`, host:port")
			accounts := fs.String("accounts", "", "read the accounts from `FILE`")
			open := fs.Bool("open", false, "create an account for every unknown user who signs on")
			return func(ctx context.Context, std stdio) int {
				return serveMock(ctx, std, *listen, *accounts, *open)
			}
		},
	}
}

func serveMock(ctx context.Context, std stdio, listen, accountsFile string, open bool) int {
	fail := func(err error) int {
		fmt.Fprintln(std.err, "transport mock-icq:", err)
		return exitFailure
	}
	accounts := []oscarmock.Account{{Name: demo.AliceUIN, Password: demo.AlicePassword, Nick: "Alice"}}
	if accountsFile != "" {
		var err error
		if accounts, err = readAccounts(accountsFile); err != nil {
			return fail(err)
		}
	}
	if host, port, err := net.SplitHostPort(listen); err != nil || port == "" {
		return fail(fmt.Errorf("--listen: %s is not host:port", config.Quote(listen)))
	} else if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		fmt.Fprintln(std.err, "transport mock-icq: warning: other machines can reach this network, and its connections are not encrypted")
	}
	n := oscarmock.New(oscarmock.Options{OpenRegistration: open, MOTD: "This is a mock network."})
	defer n.Close()
	for _, a := range accounts {
		n.AddAccount(a)
	}
	bob := demo.NewBob(n)
	bob.SignOn()
	bob.EnterRoom("lobby")
	if err := n.Listen(listen); err != nil {
		return fail(err)
	}
	fmt.Fprintf(std.out, "ICQ network on %s\n", n.Addr())
	for _, a := range accounts {
		fmt.Fprintf(std.out, "  account %s\n", config.Quote(a.Name))
	}
	fmt.Fprintf(std.out, "  Bob is %s; he replies to messages, also in the AIM chat room lobby\n", demo.BobUIN)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return exitOK
}

const maxAccountsFile = 10_000 // limit: lines of the accounts of the mock network | the mock does not start

// readAccounts reads the file of --accounts.
func readAccounts(file string) ([]oscarmock.Account, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--accounts: %s: %s", config.Quote(file), config.Cause(err))
	}
	defer f.Close()
	var accounts []oscarmock.Account
	lines := bufio.NewScanner(f)
	for line := 1; lines.Scan(); line++ {
		fields := strings.Fields(lines.Text())
		switch {
		case line > maxAccountsFile:
			return nil, fmt.Errorf("--accounts: %s has more than %d lines", config.Quote(file), maxAccountsFile)
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
			continue
		case len(fields) < 2:
			return nil, fmt.Errorf("%s:%d: the password is missing; write NAME PASSWORD [NICKNAME]", file, line)
		case oscarwire.NormalizeScreenName(fields[0]) == demo.BobUIN:
			return nil, fmt.Errorf("%s:%d: %s is the number of Bob; choose another", file, line, demo.BobUIN)
		}
		a := oscarmock.Account{Name: fields[0], Password: fields[1]}
		if len(fields) > 2 {
			a.Nick = strings.Join(fields[2:], " ")
		}
		accounts = append(accounts, a)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--accounts: %s: %w", config.Quote(file), err)
	}
	if len(accounts) == 0 {
		return nil, errors.New("--accounts: " + config.Quote(file) + " has no accounts")
	}
	return accounts, nil
}
