package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBrokenConfigs(t *testing.T) {
	// The exact messages for a file. FOLDER stands for the folder of the file, with the
	// files and folders that prepareFolder makes.
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty file", "", []string{
			`t.toml:1: network: missing; at least one [[network]] block is needed`,
		}},
		{"no network", "[log]\nlevel = \"info\"\n", []string{
			`t.toml:1: network: missing; at least one [[network]] block is needed`,
		}},
		{"everything missing", "[[network]]\n", []string{
			`t.toml:1: network.domain: missing; write domain = "icq.example.org"`,
			`t.toml:1: network.driver: missing; write driver = "echo" (allowed: echo, oscar)`,
			`t.toml:1: network.secret: missing; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
		}},
		{"second block is empty", minimal + "\n[[network]]\nname = \"x\"\n", []string{
			`t.toml:6: network.domain: missing; write domain = "icq.example.org"`,
			`t.toml:6: network.driver: missing; write driver = "echo" (allowed: echo, oscar)`,
			`t.toml:6: network.secret: missing; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
		}},
		{"misspelt key", "# config\n[[network]]\ndrvier = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.drvier: unknown key; did you mean "driver"? (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"unknown key", minimal + "colour = 1\n", []string{
			`t.toml:5: network.colour: unknown key (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"unknown table", "[loging]\nlevel = \"info\"\n" + minimal, []string{
			`t.toml:1: loging: unknown key (allowed: database, files, limits, log, network, server)`,
		}},
		{"wrong case", "[Log]\nLEVEL = \"info\"\n" + minimal, []string{
			`t.toml:1: Log: unknown key; did you mean "log"? (allowed: database, files, limits, log, network, server)`,
		}},
		{"key of another table", "level = \"debug\"\n" + minimal + "flavor = \"icq\"\n", []string{
			`t.toml:1: level: unknown key; it belongs below [log] (allowed: database, files, limits, log, network, server)`,
			`t.toml:6: network.flavor: unknown key; it belongs below [network.options] (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"key at the top", "driver = \"oscar\"\n" + minimal, []string{
			`t.toml:1: driver: unknown key; it belongs below [[network]] (allowed: database, files, limits, log, network, server)`,
		}},
		{"single brackets", "[network]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:1: network: is a table, must be an array of tables: write [[network]], in double brackets`,
		}},
		{"double brackets", "[[log]]\nlevel = \"info\"\n" + minimal, []string{
			`t.toml:1: log: is an array of tables, must be a table: write [log] before its keys`,
		}},
		{"table as a value", "log = 1\ndatabase = \"x\"\n" + minimal, []string{
			`t.toml:1: log: is an integer, must be a table: write [log] before its keys`,
			`t.toml:2: database: is a string, must be a table: write [database] before its keys`,
		}},
		{"network as a value", "network = 3\n", []string{
			`t.toml:1: network: is an integer, must be an array of tables: write [[network]], in double brackets`,
		}},
		{"network as an array of texts", "network = [\"oscar\"]\n", []string{
			`t.toml:1: network: is a string, must be a table`,
		}},
		{"bad level", "[log]\nlevel = \"verbose\"\n" + minimal, []string{
			`t.toml:2: log.level: "verbose" is not a log level (allowed: trace, debug, info, warn, error)`,
		}},
		{"level in capitals", "[log]\nlevel = \"INFO\"\n" + minimal, []string{
			`t.toml:2: log.level: "INFO" is not a log level; did you mean "info"? (allowed: trace, debug, info, warn, error)`,
		}},
		{"bad format", "[log]\nformat = \"jsn\"\n" + minimal, []string{
			`t.toml:2: log.format: "jsn" is not a log format; did you mean "json"? (allowed: auto, text, json)`,
		}},
		{"empty level", "[log]\nlevel = \"\"\nformat = \"\"\n" + minimal, []string{
			`t.toml:2: log.level: "" is not a log level (allowed: trace, debug, info, warn, error)`,
			`t.toml:3: log.format: "" is not a log format (allowed: auto, text, json)`,
		}},
		{"unknown driver", "[[network]]\ndriver = \"oscer\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:2: network.driver: "oscer" is not a driver; did you mean "oscar"? (allowed: echo, oscar)`,
		}},
		{"unlike any driver", "[[network]]\ndriver = \"telegram\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:2: network.driver: "telegram" is not a driver (allowed: echo, oscar)`,
		}},
		{"empty driver", "[[network]]\ndriver = \"\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:2: network.driver: must not be empty; write driver = "echo" (allowed: echo, oscar)`,
		}},
		{"int for a text", "[[network]]\ndriver = \"oscar\"\ndomain = 5\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: is an integer, must be a string in quotes`,
		}},
		{"every wrong type", "[log]\nlevel = 1.5\nformat = true\n[database]\npath = 1979-05-27\nkey_file = []\n[server]\naddress = {}\n[[network]]\ndriver = [1]\ndomain = 1\nname = false\nsecret = 12345678\nallow = \"*\"\ndeny = [1, \"x.org\", true]\nadmins = {}\noptions = 1\n", []string{
			`t.toml:2: log.level: is a float, must be a string in quotes`,
			`t.toml:3: log.format: is a boolean, must be a string in quotes`,
			`t.toml:5: database.path: is a date or time, must be a string in quotes`,
			`t.toml:6: database.key_file: is an array, must be a string in quotes`,
			`t.toml:8: server.address: is a table, must be a string in quotes`,
			`t.toml:10: network.driver: is an array, must be a string in quotes`,
			`t.toml:11: network.domain: is an integer, must be a string in quotes`,
			`t.toml:12: network.name: is a boolean, must be a string in quotes`,
			`t.toml:13: network.secret: is an integer, must be a string in quotes`,
			`t.toml:14: network.allow: is a string, must be an array, such as ["first", "second"]`,
			`t.toml:15: network.deny: is an integer, must be a string in quotes`,
			`t.toml:15: network.deny: is a boolean, must be a string in quotes`,
			`t.toml:16: network.admins: is a table, must be an array, such as ["first", "second"]`,
			`t.toml:17: network.options: is an integer, must be a table: write [network.options] before its keys`,
		}},
		{"domain with port", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org:5347\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "icq.example.org:5347" must have no port; the XMPP server's port belongs in server.address (did you mean "icq.example.org"?)`,
		}},
		{"domain is a JID", "[[network]]\ndriver = \"oscar\"\ndomain = \"bot@example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "bot@example.org" is a JID, must be a domain such as "icq.example.org"`,
		}},
		{"domain is an address", "[[network]]\ndriver = \"oscar\"\ndomain = \"127.0.0.1\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "127.0.0.1" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain is an IPv6 address", "[[network]]\ndriver = \"oscar\"\ndomain = \"::1\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "::1" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain with underscore", "[[network]]\ndriver = \"oscar\"\ndomain = \"my_icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "my_icq.example.org" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain with space", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "icq example.org" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain with two dots", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq..example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "icq..example.org" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain with hyphen first", "[[network]]\ndriver = \"oscar\"\ndomain = \"-icq.example.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "-icq.example.org" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain with slash", "[[network]]\ndriver = \"oscar\"\ndomain = \"https://icq.example.org/\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "https://icq.example.org/" is a URL, must be a domain such as "icq.example.org"`,
		}},
		{"domain of a long label", "[[network]]\ndriver = \"oscar\"\ndomain = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.org\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain of digits", "[[network]]\ndriver = \"oscar\"\ndomain = \"12.34\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: network.domain: "12.34" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"domain twice", minimal + "[[network]]\ndriver = \"oscar\"\ndomain = \"ICQ.Example.Org.\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:7: network.domain: "icq.example.org" is already the domain of the network on line 3; each network needs its own`,
		}},
		{"domain without parent", "[[network]]\ndriver = \"oscar\"\ndomain = \"localhost\"\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:1: network.allow: missing; localhost has no parent domain, so list the users or domains that may use the gateway`,
		}},
		{"empty secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"\"\n", []string{
			`t.toml:4: network.secret: must not be empty; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
		}},
		{"no secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nname = \"s3cr3t\"\n", []string{
			`t.toml:1: network.secret: missing; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
		}},
		{"both secrets", minimal + "secret_file = \"good\"\n", []string{
			`t.toml:5: network.secret_file: secret is also set, on line 4; remove one of them`,
		}},
		{"env not set", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"${NOT_SET}\"\n", []string{
			`t.toml:4: network.secret: the environment variable NOT_SET is not set`,
		}},
		{"env empty", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"${EMPTY}\"\n", []string{
			`t.toml:4: network.secret: the environment variable EMPTY is empty`,
		}},
		{"env inside", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"x${ICQ_SECRET}\"\n", []string{
			`t.toml:4: network.secret: ${NAME} must be the whole value, a name of letters, digits and underscores; put a secret that contains these characters into a secret_file`,
		}},
		{"env bad name", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"${ICQ SECRET}\"\n", []string{
			`t.toml:4: network.secret: ${NAME} must be the whole value, a name of letters, digits and underscores; put a secret that contains these characters into a secret_file`,
		}},
		{"secret file ", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"\"\n", []string{
			`t.toml:4: network.secret_file: must not be empty; write the path of a file`,
		}},
		{"secret file missing", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"missing\"\n", []string{
			`t.toml:4: network.secret_file: there is no file "FOLDER/missing"; create it with the secret as its only line`,
		}},
		{"secret file folder", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"folder\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/folder" is a folder, must be a file`,
		}},
		{"secret file empty", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"empty\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/empty" is empty; it must contain the secret as its only line`,
		}},
		{"secret file newline", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"newline\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/newline" is empty; it must contain the secret as its only line`,
		}},
		{"secret file two-lines", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"two-lines\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/two-lines" must contain one line of text, the secret, and nothing else`,
		}},
		{"secret file binary", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"binary\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/binary" must contain one line of text, the secret, and nothing else`,
		}},
		{"secret file latin1", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"latin1\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/latin1" must contain one line of text, the secret, and nothing else`,
		}},
		{"secret file huge", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"huge\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/huge" must contain one line of text, the secret, and nothing else`,
		}},
		{"secret file none/secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"none/secret\"\n", []string{
			`t.toml:4: network.secret_file: there is no folder "FOLDER/none"; create it, or choose another path`,
		}},
		{"secret file good/secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"good/secret\"\n", []string{
			`t.toml:4: network.secret_file: "FOLDER/good" is not a folder`,
		}},
		{"secret file ~/secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"~/secret\"\n", []string{
			`t.toml:4: network.secret_file: "~/secret": ~ is not expanded; write the full path of the home folder`,
		}},
		{"secret file /dev/null", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"/dev/null\"\n", []string{
			`t.toml:4: network.secret_file: "/dev/null" is not a regular file`,
		}},
		{"secret file a\\u0000b", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret_file = \"a\\u0000b\"\n", []string{
			`t.toml:4: network.secret_file: "a\x00b" has a control character, must be the path of a file`,
		}},
		{"server address ", "[server]\naddress = \"\"\n" + minimal, []string{
			`t.toml:2: server.address: must not be empty; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address localhost", "[server]\naddress = \"localhost\"\n" + minimal, []string{
			`t.toml:2: server.address: "localhost" has no port; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address 5347", "[server]\naddress = \"5347\"\n" + minimal, []string{
			`t.toml:2: server.address: "5347" has no port; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address :5347", "[server]\naddress = \":5347\"\n" + minimal, []string{
			`t.toml:2: server.address: ":5347" has no host; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address localhost:", "[server]\naddress = \"localhost:\"\n" + minimal, []string{
			`t.toml:2: server.address: the port in "localhost:" is not a number (allowed: 1 to 65535)`,
		}},
		{"server address localhost:http", "[server]\naddress = \"localhost:http\"\n" + minimal, []string{
			`t.toml:2: server.address: the port in "localhost:http" is not a number (allowed: 1 to 65535)`,
		}},
		{"server address localhost:0", "[server]\naddress = \"localhost:0\"\n" + minimal, []string{
			`t.toml:2: server.address: the port in "localhost:0" is not a number (allowed: 1 to 65535)`,
		}},
		{"server address localhost:65536", "[server]\naddress = \"localhost:65536\"\n" + minimal, []string{
			`t.toml:2: server.address: the port in "localhost:65536" is not a number (allowed: 1 to 65535)`,
		}},
		{"server address ::1:5347", "[server]\naddress = \"::1:5347\"\n" + minimal, []string{
			`t.toml:2: server.address: "::1:5347" is not host:port; write an IPv6 address in brackets, such as "[::1]:5347"`,
		}},
		{"server address [::1]", "[server]\naddress = \"[::1]\"\n" + minimal, []string{
			`t.toml:2: server.address: "[::1]" is not host:port; write an IPv6 address in brackets, such as "[::1]:5347"`,
		}},
		{"server address xmpp://localhost", "[server]\naddress = \"xmpp://localhost\"\n" + minimal, []string{
			`t.toml:2: server.address: "xmpp://localhost" is a URL, must be host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address xmpp://localhost:5347", "[server]\naddress = \"xmpp://localhost:5347\"\n" + minimal, []string{
			`t.toml:2: server.address: "xmpp://localhost:5347" is a URL, must be host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address local host:5347", "[server]\naddress = \"local host:5347\"\n" + minimal, []string{
			`t.toml:2: server.address: the host in "local host:5347" is not a name or an IP address`,
		}},
		{"server address localhost:5347/x", "[server]\naddress = \"localhost:5347/x\"\n" + minimal, []string{
			`t.toml:2: server.address: the port in "localhost:5347/x" is not a number (allowed: 1 to 65535)`,
		}},
		{"network address", minimal + "address = \"localhost\"\n", []string{
			`t.toml:5: network.address: "localhost" has no port; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"server address of another type", "[server]\naddress = 5347\n" + minimal, []string{
			`t.toml:2: server.address: is an integer, must be a string in quotes`,
		}},
		{"negative rate", minimal + "rate = -1\n", []string{
			`t.toml:5: network.rate: -1 is out of range (allowed: 0 to 1000000)`,
		}},
		{"empty name", minimal + "name = \"\"\n", []string{
			`t.toml:5: network.name: must be one line of text`,
		}},
		{"name of two lines", minimal + "name = \"a\\nb\"\n", []string{
			`t.toml:5: network.name: must be one line of text`,
		}},
		{"lists of JIDs", minimal + "allow = [\"example.org\", \"alice@example.org/phone\", \"a b@example.org\", \"\"]\ndeny = [\n  \"*\",\n  \"@example.org\",\n  \"exa_mple.org\",\n]\nadmins = [\"*\", \"example.org\", \"root@example.org\"]\n", []string{
			`t.toml:5: network.allow: "alice@example.org/phone" has a resource, must be a JID, a domain or "*"`,
			`t.toml:5: network.allow: "a b@example.org" is not a JID, a domain or "*"`,
			`t.toml:5: network.allow: "" is not a JID, a domain or "*"`,
			`t.toml:8: network.deny: "@example.org" is not a JID, a domain or "*"`,
			`t.toml:11: network.admins: "*" is not a JID such as "admin@example.org"`,
			`t.toml:11: network.admins: "example.org" is not a JID such as "admin@example.org"`,
		}},
		{"database paths", "[database]\npath = \"\"\nkey_file = \"folder\"\n" + minimal, []string{
			`t.toml:2: database.path: must not be empty; write the path of a file`,
			`t.toml:3: database.key_file: "FOLDER/folder" is a folder, must be a file`,
		}},
		{"database folder missing", "[database]\npath = \"no/such/transport.db\"\nkey_file = \"good/key\"\n" + minimal, []string{
			`t.toml:2: database.path: there is no folder "FOLDER/no/such"; create it, or choose another path`,
			`t.toml:3: database.key_file: "FOLDER/good" is not a folder`,
		}},
		{"database and key are one", "[database]\npath = \"./x\"\nkey_file = \"x\"\n" + minimal, []string{
			`t.toml:3: database.key_file: is the same file as database.path`,
		}},
		{"memory budget", "[limits]\nmemory = 1_000_000\n" + minimal, []string{
			`t.toml:2: limits.memory: 1000000 is out of range (allowed: 0, and 33554432 to 1125899906842624 bytes)`,
		}},
		{"files without a URL", "[files]\ndir = \"good\"\nkeep = 0\nmax_size = 5_000_000_000\ntotal_size = -1\nlisten = \":80\"\n" + minimal, []string{
			`t.toml:1: files.url: missing; write url = "https://files.example.org"`,
			`t.toml:2: files.dir: "FOLDER/good" is a file, must be a folder`,
			`t.toml:3: files.keep: 0 is out of range (allowed: 1 to 3650)`,
			`t.toml:4: files.max_size: 5000000000 is out of range (allowed: 0 to 4294967295)`,
			`t.toml:5: files.total_size: -1 is out of range (allowed: 1 to 1125899906842624)`,
			`t.toml:6: files.listen: ":80" has no host; write host:port, such as "127.0.0.1:5347"`,
		}},
		{"files with no room", "[files]\nurl = \"https://x.example\"\nmax_size = 1000\ntotal_size = 5000\n" + minimal, []string{
			`t.toml:4: files.total_size: 5000 is too small for a file of max_size; write at least 5096`,
		}},
		{"files beyond their quotas", "[files]\nurl = \"https://x.example\"\nmax_size = 1000\nsender_day = 5000\nsender_total = -1\n" + minimal, []string{
			`t.toml:4: files.sender_day: 5000 is too small for a file of max_size; write at least 5096, or 0 for no limit`,
			`t.toml:5: files.sender_total: -1 is out of range (allowed: 0 to 1125899906842624)`,
		}},
		{"files at a strange URL", "[files]\nurl = \"https://a:b@x.example/?q\"\n" + minimal, []string{
			`t.toml:2: files.url: "https://a:b@x.example/?q" is not a base URL such as "https://files.example.org"`,
		}},
		{"files here and there", "[files]\nurl = \"https://x.example\"\nupload = true\n" + minimal, []string{
			`t.toml:3: files.upload: is true, but url on line 2 makes the gateway store files itself; remove one of them`,
		}},
		{"files at no URL", "[files]\nurl = \"files.example.org\"\n" + minimal, []string{
			`t.toml:2: files.url: "files.example.org" is not a base URL such as "https://files.example.org"`,
		}},
		{"option of the driver", minimal + "[network.options]\nflavor = \"msn\"\nserver = \"\"\nrate = -1\n", []string{
			`t.toml:5: network.options: test: the rate is negative`,
			`t.toml:6: network.options.flavor: "msn" is not a flavor (allowed: icq, aim)`,
			`t.toml:7: network.options.server: missing; write host:port`,
		}},
		{"option left out", minimal + "options = { server = \"\" }\n", []string{
			`t.toml:5: network.options.server: missing; write host:port`,
		}},
		{"unknown option", minimal + "[network.options]\nflavour = \"icq\"\nadmins = []\n", []string{
			`t.toml:6: network.options.flavour: unknown key; did you mean "flavor"? (allowed: burst, colors, flavor, limit, limits, log_at, rate, server, timeout, verify)`,
			`t.toml:7: network.options.admins: unknown key; it belongs below [[network]] (allowed: burst, colors, flavor, limit, limits, log_at, rate, server, timeout, verify)`,
		}},
		{"options for a driver without", "[[network]]\ndriver = \"echo\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\"\n[network.options]\nx = 1\n", []string{
			`t.toml:6: network.options.x: unknown key (no keys are allowed here)`,
		}},
		{"option types", minimal + "[network.options]\ntimeout = 30\nlimit = 200\nburst = -1\nrate = \"1\"\nverify = \"yes\"\nlog_at = \"loud\"\ncolors = { red = 1 }\n[network.options.limits]\ndepth = \"3\"\nwidth = 1\n", []string{
			`t.toml:6: network.options.timeout: is an integer, must be a duration in quotes, such as "30s" or "5m"`,
			`t.toml:7: network.options.limit: 200 is out of range (allowed: -128 to 127)`,
			`t.toml:8: network.options.burst: -1 is out of range (allowed: 0 to 65535)`,
			`t.toml:9: network.options.rate: is a string, must be a number`,
			`t.toml:10: network.options.verify: is a string, must be true or false`,
			`t.toml:11: network.options.log_at: Unknown Level String: 'loud', defaulting to NoLevel`,
			`t.toml:12: network.options.colors.red: is an integer, must be a string in quotes`,
			`t.toml:14: network.options.limits.depth: is a string, must be an integer`,
			`t.toml:15: network.options.limits.width: unknown key (allowed: depth)`,
		}},
		{"option types 2", minimal + "[network.options]\ntimeout = \"30\"\nlimit = -129\nburst = 1.5\nlog_at = 3\ncolors = []\nlimits = []\n", []string{
			`t.toml:6: network.options.timeout: "30" is not a duration, such as "30s" or "5m"`,
			`t.toml:7: network.options.limit: -129 is out of range (allowed: -128 to 127)`,
			`t.toml:8: network.options.burst: is a float, must be an integer`,
			`t.toml:9: network.options.log_at: is an integer, must be a string in quotes`,
			`t.toml:10: network.options.colors: is an array, must be a table: write [network.options.colors] before its keys`,
			`t.toml:11: network.options.limits: is an array, must be a table: write [network.options.limits] before its keys`,
		}},
		{"options of the second network", minimal + "[network.options]\nflavor = \"icq\"\n[[network]]\ndriver = \"oscar\"\ndomain = \"aim.example.org\"\nsecret = \"s3cr3t\"\n[network.options]\nflavour = \"aim\"\n", []string{
			`t.toml:12: network.options.flavour: unknown key; did you mean "flavor"? (allowed: burst, colors, flavor, limit, limits, log_at, rate, server, timeout, verify)`,
		}},
		{"errors everywhere", "[log]\nlevel = \"loud\"\n[server]\naddress = \"x\"\n[[network]]\ndriver = \"x\"\ndomain = \"x y\"\n[[network]]\ndriver = \"oscar\"\nsecret = \"\"\noptions.flavor = \"\"\nfoo = 1\n", []string{
			`t.toml:2: log.level: "loud" is not a log level (allowed: trace, debug, info, warn, error)`,
			`t.toml:4: server.address: "x" has no port; write host:port, such as "127.0.0.1:5347"`,
			`t.toml:5: network.secret: missing; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
			`t.toml:6: network.driver: "x" is not a driver (allowed: echo, oscar)`,
			`t.toml:7: network.domain: "x y" is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
			`t.toml:8: network.domain: missing; write domain = "icq.example.org"`,
			`t.toml:10: network.secret: must not be empty; write secret = "…", secret = "${NAME}" for an environment variable, or secret_file = "path"`,
			`t.toml:11: network.options.flavor: "" is not a flavor (allowed: icq, aim)`,
			`t.toml:12: network.foo: unknown key (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"inline network", "network = [{ driver = \"oscar\", domain = \"icq.example.org\", secret = \"x\", allwo = [], nmae = \"\" }]\n", []string{
			`t.toml:1: network.allwo: unknown key; did you mean "allow"? (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
			`t.toml:1: network.nmae: unknown key; did you mean "name"? (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"long value", strings.Replace(minimal, "icq.example.org", strings.Repeat("x", 300)+" y", 1), []string{
			`t.toml:3: network.domain: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is not a domain (letters, digits and hyphens, with dots between, such as "icq.example.org")`,
		}},
		{"control characters in a key", minimal + "\"a\\n\\u001bb\" = 1\n", []string{
			`t.toml:5: network."a\n\x1bb": unknown key (allowed: address, admins, allow, deny, domain, driver, history_days, history_lines, name, options, rate, secret, secret_file)`,
		}},
		{"missing quotes", "[[network]]\ndriver = \"oscar\"\ndomain = icq.example.org\nsecret = \"s3cr3t\"\n", []string{
			`t.toml:3: not valid TOML: expected value; write strings in double quotes (near key network.domain)`,
		}},
		{"missing quotes around the secret", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = s3cr3t\n", []string{
			`t.toml:4: not valid TOML (not quoted, since the line may contain a secret); write each key on a separate line, as name = "text"`,
		}},
		{"secret with a colon", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret: s3cr3t\n", []string{
			`t.toml:4: not valid TOML (not quoted, since the line may contain a secret); write each key on a separate line, as name = "text"`,
		}},
		{"secret not closed", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"s3cr3t\n", []string{
			`t.toml:4: not valid TOML (not quoted, since the line may contain a secret); write each key on a separate line, as name = "text"`,
		}},
		{"secret over lines not closed", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecret = \"\"\"\ns3cr3t\n", []string{
			`t.toml:5: not valid TOML (not quoted, since the line may contain a secret); write each key on a separate line, as name = "text"`,
		}},
		{"misspelt secret without quotes", "[[network]]\ndriver = \"oscar\"\ndomain = \"icq.example.org\"\nsecert = s3cr3t\n", []string{
			`t.toml:4: not valid TOML: expected value; write strings in double quotes (near key network.secert)`,
		}},
		{"key twice", minimal + "driver = \"oscar\"\n", []string{
			`t.toml:5: not valid TOML: Key 'network.driver' has already been defined (near key network.driver)`,
		}},
		{"table twice", "[log]\n[log]\n" + minimal, []string{
			`t.toml:2: not valid TOML: Key 'log' has already been defined`,
		}},
		{"colon", "[log]\nlevel: debug\n", []string{
			`t.toml:2: not valid TOML: expected '.' or '='; write name = value (near key log)`,
		}},
		{"unclosed header", "[log\nlevel = \"debug\"\n", []string{
			`t.toml:2: not valid TOML: expected '.' or ']' to end table name`,
		}},
		{"unclosed array", minimal + "allow = [\n  \"x.org\"\n", []string{
			`t.toml:6: not valid TOML: expected a comma (',') or array terminator (']') (near key network.allow)`,
		}},
		{"bad escape", "[database]\npath = \"C:\\dir\"\n", []string{
			`t.toml:2: not valid TOML: invalid escape in string '\d' (near key database.path)`,
		}},
		{"not text", "\x7fELF\x02\x01\x01\x00\x00", []string{
			`t.toml:1: the file contains a NUL byte: it is not UTF-8 text`,
		}},
		{"NUL byte", minimal + "name = \"a\x00b\"\n", []string{
			`t.toml:5: the file contains a NUL byte: it is not UTF-8 text`,
		}},
		{"Latin-1", minimal + "name = \"gr\xfc\xdfe\"\n", []string{
			`t.toml:5: the file is not UTF-8: save it as UTF-8`,
		}},
		{"UTF-16", "\xff\xfe[\x00l\x00", []string{
			`t.toml:1: the file is UTF-16: save it as UTF-8`,
		}},
		{"too large", strings.Repeat("# comment\n", 30000), []string{
			`t.toml:1: the file is larger than 256 KiB, too large for a configuration`,
		}},
		{"too deep", minimal + "options" + strings.Repeat(".a", 5000) + " = 1\n", []string{
			`t.toml:5: nested too deeply`,
		}},
		{"XML", "<config>\n", []string{
			`t.toml:1: not valid TOML: expected '.' or '='; write name = value`,
		}},
		{"YAML", "network:\n  - driver: oscar\n", []string{
			`t.toml:1: not valid TOML: expected '.' or '='; write name = value`,
		}},
		{"JSON", "{\"network\": []}\n", []string{
			`t.toml:1: not valid TOML: expected '.' or '='; write name = value`,
		}},
		{"Lua", "component \"icq.localhost\"\n", []string{
			`t.toml:1: not valid TOML: expected '.' or '='; write name = value`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := prepareFolder(t)
			_, err := testLoader(t).load(filepath.Join(dir, "t.toml"), []byte(tt.text))
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("error is %v, want problems", err)
			}
			if strings.Contains(ps.Error(), "s3cr3t") {
				t.Errorf("a message shows the secret:\n%v", ps)
			}
			var got []string
			for _, p := range ps {
				got = append(got, strings.ReplaceAll(p.Error(), dir+"/t.toml", "t.toml"))
			}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], dir, "FOLDER")
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}
