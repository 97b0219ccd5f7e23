package lab

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func ngircdConfig(addr string) string {
	return fmt.Sprintf(`[Global]
Name = irc.test.invalid
Info = test
Listen = 127.0.0.1
Ports = %s
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
MaxNickLength = 20
PingTimeout = 600
[Options]
DNS = no
Ident = no
PAM = no
`, portOf(addr))
}

func hybridConfig(addr string) string {
	return fmt.Sprintf(`serverinfo { name = "irc.test.invalid"; sid = "0HY"; description = "test"; network_name = "Test";
	default_max_clients = 500; max_nick_length = 30; max_topic_length = 300; };
admin { name = "x"; description = "x"; email = "x"; };
class { name = "users"; ping_time = 600 seconds; number_per_ip_local = 500; number_per_ip_global = 500;
	max_number = 500; sendq = 10 megabytes; recvq = 8000 bytes; };
auth { user = "*@*"; class = "users"; flags = no_tilde, can_flood, exceed_limit; };
listen { host = "127.0.0.1"; port = %s; };
channel { max_channels = 100; default_join_flood_count = 0; };
general { throttle_count = 0; throttle_time = 0; default_floodcount = 0; anti_spam_exit_message_time = 0;
	anti_nick_flood = no; pace_wait = 0; pace_wait_simple = 0; disable_auth = yes; };
`, portOf(addr))
}

var inspircdModules = strings.Fields(`cap ircv3 ircv3_servertime ircv3_capnotify ircv3_echomessage ircv3_labeledresponse
	ircv3_msgid ircv3_ctctags ircv3_batch ircv3_chghost ircv3_invitenotify monitor chanhistory namesx uhnames
	services_account spanningtree callerid chghost hideoper svshold cban setname`)

func inspircdConfig(dir, addr, link string, sasl bool) string {
	var b strings.Builder
	modules := inspircdModules
	if sasl {
		modules = append(slices.Clone(modules), "sasl")
	}
	for _, name := range modules {
		fmt.Fprintf(&b, "<module name=\"%s\">\n", name)
	}
	return fmt.Sprintf(`<server name="irc.test.invalid" description="test" network="Test" id="001">
<admin name="x" nick="x" email="x@x.invalid">
<bind address="127.0.0.1" port="%[2]s" type="clients">
<bind address="127.0.0.1" port="%[3]s" type="servers">
<connect allow="*" timeout="30" maxchans="1000" localmax="5000" globalmax="5000" useident="no" usednsbl="no"
	resolvehostnames="no" threshold="100000" commandrate="1000000" fakelag="no" hardsendq="10M" softsendq="1M" recvq="1M">
<dns server="127.0.0.1" timeout="1">
<log method="file" type="*" level="default" target="%[1]s/ircd.log">
<pid file="%[1]s/inspircd.pid">
<path datadir="%[1]s" logdir="%[1]s" runtimedir="%[1]s">
<limits maxnick="30" maxtopic="390">
<chanhistory maxlines="50" prefixmsg="no">
<link name="services.test.invalid" ipaddr="127.0.0.1" port="%[3]s" allowmask="127.0.0.1" sendpass="%[4]s" recvpass="%[4]s">
<uline server="services.test.invalid" silent="yes">
<sasl target="services.test.invalid" requiressl="no">
<module name="customprefix">
<customprefix name="halfop" letter="h" rank="20000" prefix="%%">
`, dir, portOf(addr), portOf(link), ircSecret) + b.String()
}

func athemeConfig(link string) string {
	var b strings.Builder
	for _, name := range []string{"backend/opensex", "protocol/inspircd", "crypto/pbkdf2v2", "nickserv/main", "nickserv/register",
		"nickserv/identify", "saslserv/main", "saslserv/plain"} {
		fmt.Fprintf(&b, "loadmodule \"modules/%s\";\n", name)
	}
	return b.String() + fmt.Sprintf(`crypto { pbkdf2v2_rounds = 10000; };
nickserv { nick = "NickServ"; user = "NickServ"; host = "services.test.invalid"; real = "Nicks"; };
saslserv { nick = "SaslServ"; user = "SaslServ"; host = "services.test.invalid"; real = "SASL"; };
serverinfo { name = "services.test.invalid"; desc = "services"; numeric = "00A"; recontime = 1; netname = "Test";
	adminname = "x"; adminemail = "x@x.invalid"; registeremail = "x@x.invalid"; mta = "/bin/true";
	loglevel = { error; info; admin; network; }; maxlogins = 20; maxusers = 20; mdlimit = 30;
	emaillimit = 100; emailtime = 300; auth = none; };
uplink "irc.test.invalid" { host = "127.0.0.1"; port = %s; send_password = "%[2]s"; receive_password = "%[2]s"; };
general { permissive_mode; commit_interval = 1; };
`, portOf(link), ircSecret)
}
