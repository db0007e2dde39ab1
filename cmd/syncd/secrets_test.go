package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// leaks finds secrets in the forms in which they travel.
type leaks struct {
	mu    sync.Mutex
	forms map[string]string // what it is, by its form
}

func newLeaks(secrets ...string) *leaks {
	l := &leaks{forms: map[string]string{}}
	for _, s := range secrets {
		l.add("secret", s)
	}
	return l
}

// add makes l know one more secret, of some length: short ones are found
// everywhere.
func (l *leaks) add(what, secret string) {
	if len(secret) < 6 {
		panic("too short to be looked for: " + secret)
	}
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(url.QueryEscape(secret)),
		string(quoted[1 : len(quoted)-1]), strings.ReplaceAll(secret, "/", `\/`),
		base64.StdEncoding.EncodeToString([]byte(secret)), fmt.Sprintf("%x", secret),
	} {
		l.forms[strings.ToLower(form)] = what
	}
}

// in names the secrets that a text holds.
func (l *leaks) in(text string) []string {
	text = strings.ToLower(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for form, what := range l.forms {
		if strings.Contains(text, form) {
			found = append(found, what+" as "+form)
		}
	}
	slices.Sort(found)
	return found
}

// none fails the test when a text holds a secret.
func (l *leaks) none(tb testing.TB, where, text string) {
	tb.Helper()
	if found := l.in(text); len(found) > 0 {
		require.Fail(tb, "secret in "+where, "%s\n%.2000s", strings.Join(found, "\n"), text)
	}
}

// dump returns every row of every table of the database as text, by table.
func (s *site) dump() map[string]string {
	s.t.Helper()
	ctx := s.t.Context()
	rows, err := s.pool.Query(ctx, `select table_schema, table_name from information_schema.tables
		where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`)
	require.NoError(s.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Schema, Name string }])
	require.NoError(s.t, err)
	require.Greater(s.t, len(tables), 10)
	dump := map[string]string{}
	for _, table := range tables {
		var text string
		err := s.pool.QueryRow(ctx, "select coalesce(string_agg(t::text, E'\\n'), '') from "+
			pgx.Identifier{table.Schema, table.Name}.Sanitize()+" t").Scan(&text)
		require.NoError(s.t, err)
		dump[table.Schema+"."+table.Name] = text
	}
	return dump
}

// cleanOf checks that no table holds a secret.
func (s *site) cleanOf(l *leaks) {
	s.t.Helper()
	for table, text := range s.dump() {
		l.none(s.t, table, text)
	}
}

// A detector that finds nothing proves nothing.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	l := newLeaks(testSecret)
	for _, text := range []string{
		testSecret, "x" + testSecret + "y", "S3CR3T/of+THE app", `{"a":"s3cr3t\/of+the app"}`,
		"GET /cgi-bin/gettoken?corpid=a&corpsecret=s3cr3t%2Fof%2Bthe+app", "s3cr3t%2fof+the%20app", "s3cr3t%2Fof+the%20app",
		"https%3A%2F%2Fx%3Fcorpsecret%3Ds3cr3t%252Fof%252Bthe%2Bapp", base64.StdEncoding.EncodeToString([]byte(testSecret)),
	} {
		require.NotEmpty(t, l.in(text), text)
	}
	require.Empty(t, l.in("s3cr3t"))

	s := newSite(t, vendorsim.Options{Chats: 3})
	s.ok("sync")
	s.cleanOf(l)
	for table, plant := range map[string]string{
		"groupchat.chat":        `update groupchat.chat set extra = jsonb_build_object('unknown', array[$1::text])`,
		"groupchat.chat_member": `update groupchat.chat_member set name = $1::text`,
		"sync.pass":             `update sync.pass set error = 'Get "http://x/?corpsecret=' || $1::text || '"'`,
		"sync.page":             `insert into sync.page (pass_id, subject, record, ids) values (1, $1, $1, array[$1::text])`,
		"sync.reject": `insert into sync.reject (source, stream, kind, parent, id, raw_hash, raw, reason, pass_id, first_seen_at, last_seen_at)
			values ('acme', 'members', 'member', '', '', 1, '{"x":"' || $1::text || '"}', '', 1, now(), now())`,
	} {
		_, err := s.pool.Exec(t.Context(), plant, testSecret)
		require.NoError(t, err)
		require.NotEmpty(t, l.in(s.dump()[table]), table)
	}
}

// spy is a vendor that may do its worst: it is told the secret and its tokens with
// every call.
type spy struct {
	*site
	leaks *leaks
	// tokens counts the calls that brought one.
	tokens atomic.Int64
}

// hostile makes what a call is answered with; nil is the simulator's own answer.
// line is the path and query of the call, secret or token included.
type hostile func(endpoint, line string) *vendorsim.Verdict

func newSpy(tb testing.TB, h hostile) *spy {
	tb.Helper()
	s := &spy{site: newSite(tb, vendorsim.Options{Chats: 6, MeanMembers: 4, MaxMembers: 9}), leaks: newLeaks(testSecret)}
	s.stats, s.masses = true, true
	s.configure(s.vendor.URL, "")
	_, err := s.pool.Exec(tb.Context(), "insert into groupchat.join_way_wanted (source, config_id) values ('acme', 'of nobody')")
	require.NoError(tb, err)
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		s.learn(r)
		if v := h(r.Endpoint, r.URL.RequestURI()); v != nil {
			return *v
		}
		return vendorsim.Verdict{}
	}})
	return s
}

// learn takes the token out of a call: what the vendor does behind its answer may
// come after the next call.
func (s *spy) learn(r vendorsim.Request) {
	if token := r.URL.Query().Get("access_token"); token != "" {
		s.leaks.add("token", token)
		s.tokens.Add(1)
	}
}

// secretIn is the value that the line carries.
func secretIn(line string) string {
	u, err := url.Parse(line)
	if err != nil {
		panic(err)
	}
	return u.Query().Get("access_token") + u.Query().Get("corpsecret")
}

func body(text string) *vendorsim.Verdict {
	return &vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(text)}}
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// onBusiness is h for all calls but gettoken, onToken for gettoken alone.
func onBusiness(h hostile) hostile {
	return func(endpoint, line string) *vendorsim.Verdict {
		if endpoint == vendorsim.EndpointToken {
			return nil
		}
		return h(endpoint, line)
	}
}

func onToken(h hostile) hostile {
	return func(endpoint, line string) *vendorsim.Verdict {
		if endpoint != vendorsim.EndpointToken {
			return nil
		}
		return h(endpoint, line)
	}
}

func onDetail(edit func(body, secret string) string) hostile {
	return func(endpoint, line string) *vendorsim.Verdict {
		if endpoint != vendorsim.EndpointChatGet {
			return nil
		}
		return &vendorsim.Verdict{Edit: func(a *vendorsim.Answer) {
			a.Body = []byte(edit(string(a.Body), secretIn(line)))
		}}
	}
}

// hostilities are answers that repeat what they were asked with.
var hostilities = []struct {
	name string
	does hostile
	code int
	// says is in the output, or landed a query that finds what was stored.
	says, landed string
}{
	{name: "nothing hostile", does: func(string, string) *vendorsim.Verdict { return nil }, says: "acme/members: complete"},
	{
		name: "redirect to another host", code: exitPartial, says: "redirect to elsewhere.invalid, not followed",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return &vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.invalid" + line}},
			}}
		}),
	},
	{
		name: "redirect to a host called like the token", code: exitPartial, says: "not followed",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return &vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://" + secretIn(line) + ".invalid/"}},
			}}
		}),
	},
	{
		name: "redirect of gettoken", code: exitPartial, says: "redirect to elsewhere.invalid, not followed",
		does: onToken(func(_, line string) *vendorsim.Verdict {
			return &vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusMovedPermanently, Header: http.Header{"Location": {"http://u:p@elsewhere.invalid" + line}},
			}}
		}),
	},
	{
		name: "a page of a gateway", code: exitPartial, says: "is not JSON",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return &vendorsim.Verdict{Answer: &vendorsim.Answer{
				Header: http.Header{"Content-Type": {"text/html; was=" + line}, "X-Was": {line}},
				Body:   []byte("<html><a href='" + line + "'>" + line + "</a></html>"),
			}}
		}),
	},
	{
		name: "a page of a gateway for gettoken", code: exitPartial, says: "is not JSON",
		does: onToken(func(_, line string) *vendorsim.Verdict { return body("<html>" + line + secretIn(line)) }),
	},
	{
		name: "502 with the request", code: exitPartial, says: "http 502",
		does: func(endpoint, line string) *vendorsim.Verdict {
			if endpoint == vendorsim.EndpointFollowUsers {
				return nil
			}
			if endpoint == vendorsim.EndpointToken {
				return nil
			}
			return &vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusBadGateway, Header: http.Header{"X-Was": {line}}, Body: []byte(line),
			}}
		},
	},
	{
		name: "an error text with the request", code: exitFailed, says: "60020",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return body(`{"errcode":60020,"errmsg":` + quote("no access to https://vendor"+line+", hint: ["+
				secretIn(line)+"], from ip: "+secretIn(line)+", more info at "+line) + `}`)
		}),
	},
	{
		name: "an unknown code with the request", code: exitPartial, says: "987654",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return body(`{"errcode":"987654","errmsg":` + quote(line+" "+secretIn(line)) + `}`)
		}),
	},
	{
		name: "a code that is the token", code: exitPartial, says: "errcode",
		does: onBusiness(func(_, line string) *vendorsim.Verdict { return body(`{"errcode":` + quote(secretIn(line)) + `}`) }),
	},
	{
		name: "a refused secret, repeated", code: exitFailed, says: "40001",
		does: onToken(func(_, line string) *vendorsim.Verdict {
			return body(`{"errcode":40001,"errmsg":` + quote("invalid credential "+secretIn(line)+" in "+line) + `}`)
		}),
	},
	{
		name: "a refused token, repeated", code: exitFailed, says: "a new token was refused as well",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return body(`{"errcode":42001,"errmsg":` + quote("access_token expired: "+secretIn(line)) + `}`)
		}),
	},
	{
		name: "JSON of somebody else", code: exitPartial, says: "no errcode",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			return body(`{"url":` + quote(line) + `,` + quote(secretIn(line)) + `:1}`)
		}),
	},
	{
		name: "an answer about another chat", code: exitPartial, says: "items could not be read",
		does: onDetail(func(body, secret string) string {
			return strings.Replace(body, `"chat_id":"`, `"chat_id":"`+secret, 1)
		}),
	},
	{
		name: "an answer cut off", code: exitPartial, says: "cut off",
		does: onBusiness(func(_, line string) *vendorsim.Verdict {
			v := body(line + strings.Repeat(" ", 100) + line)
			v.Cut, v.CutAfter = true, len(line)+10
			return v
		}),
	},
	{
		name: "a member that cannot be read", says: "elements set aside in sync.reject",
		landed: `select count(*) from sync.reject where kind = 'member' and raw like '%***%' having count(*) >= 6`,
		does: onDetail(func(body, secret string) string {
			return strings.Replace(body, `"member_list":[`,
				`"member_list":[{"userid":{"was":`+quote(secret)+`},"join_time":1},`+quote(secret)+`,`, 1)
		}),
	},
	{
		name: "a member with an id of the token, without a time", says: "elements set aside in sync.reject",
		landed: `select count(*) from sync.reject where kind = 'member' having count(*) >= 6`,
		does: onDetail(func(body, secret string) string {
			return strings.Replace(body, `"member_list":[`, `"member_list":[{"userid":`+quote(secret)+`,"join_time":"soon"},`, 1)
		}),
	},
	{
		name: "fields that nobody knows", says: "acme/members: complete",
		landed: `select count(*) from groupchat.chat c join groupchat.chat_member m using (source, chat_id)
			where c.extra ? 'trace' and m.extra ? 'trace' having count(*) >= 6`,
		does: onDetail(func(body, secret string) string {
			trace := `"trace":{"url":` + quote("https://vendor/?access_token="+secret) + `,"of":[` + quote(secret) + `],` + quote(secret) + `:1},`
			body = strings.Replace(body, `"group_chat":{`, `"group_chat":{`+trace, 1)
			return strings.ReplaceAll(body, `{"userid":`, `{`+trace+`"userid":`)
		}),
	},
	{
		name: "names that are the token, every character escaped", says: "acme/members: complete",
		landed: `select count(*) from groupchat.chat where name like 'look: ***%' and extra @> '{"trace": "***"}' having count(*) >= 6`,
		does: onDetail(func(body, secret string) string {
			var text strings.Builder
			for _, r := range secret {
				fmt.Fprintf(&text, `\u%04x`, r)
			}
			return strings.Replace(body, `,"name":"`, `,"trace":"`+text.String()+`","name":"look: `+text.String(), 1)
		}),
	},
	{
		name: "names that are the token", says: "acme/members: complete",
		landed: `select count(*) from groupchat.chat where name like 'look: %' having count(*) >= 6`,
		does: onDetail(func(body, secret string) string {
			body = strings.Replace(body, `,"name":"`, `,"name":"look: `+secret, 1)
			return strings.ReplaceAll(body, `"group_nickname":"`, `"group_nickname":"`+secret)
		}),
	},
}

// No answer of a vendor makes a process tell its secrets, in output, logs or
// tables.
func TestSecretsUnderHostileAnswers(t *testing.T) {
	t.Parallel()
	type try struct {
		*spy
		*child
	}
	tries := make([]try, len(hostilities))
	for i, h := range hostilities { // all at once: they wait more than they work
		s := newSpy(t, h.does)
		format := []string{"json", "console"}[i%2]
		tries[i] = try{s, s.start("sync", "--log-level", "trace", "--log-format", format)}
	}
	for i, h := range hostilities {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := tries[i].spy
			s.t, tries[i].child.t = t, t
			r := tries[i].child.wait()
			require.Equal(t, h.code, r.code, r)
			s.leaks.none(t, "stdout", r.stdout)
			s.leaks.none(t, "stderr", r.stderr)
			require.Contains(t, r.stdout, h.says)
			if h.landed != "" {
				require.Positive(t, scalar[int](s.site, h.landed))
			}
			s.cleanOf(s.leaks)
			for _, args := range [][]string{{"status"}, {"status", "--json"}} {
				r := s.run(args...)
				s.leaks.none(t, "status", r.String())
			}
			scripted := 0
			for _, calls := range s.sim.Calls() {
				scripted += calls.Scripted
			}
			require.Equal(t, i > 0, scripted > 0, "the answer was sent")
			for _, endpoint := range []string{vendorsim.EndpointStatisticByDay, vendorsim.EndpointMessages, vendorsim.EndpointJoinWay} {
				require.True(t, h.code != exitOK || s.sim.Calls()[endpoint].Calls > 0, "%s: streams of all kinds are synced", endpoint)
			}
		})
	}
}

// What goes wrong below HTTP does not tell them either.
func TestSecretsWhenTheVendorIsNotThere(t *testing.T) {
	t.Parallel()
	self := httptest.NewUnstartedServer(http.NotFoundHandler())
	self.Config.ErrorLog = log.New(io.Discard, "", 0)
	self.StartTLS()
	t.Cleanup(self.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct{ base, says string }{
		"nobody listens":            {"http://127.0.0.1:1", "connection refused"},
		"a certificate of its own":  {self.URL, "certificate"},
		"no TLS where TLS is asked": {strings.Replace(plain.URL, "http:", "https:", 1), "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, vendorsim.Options{Chats: 3})
			s.configure(c.base, "")
			l := newLeaks(testSecret)
			r := s.start("sync", "--log-level", "trace").wait()
			require.Equal(t, exitPartial, r.code, r)
			l.none(t, "output", r.String())
			require.Contains(t, strings.ToLower(r.stdout), c.says)
			s.cleanOf(l)
			l.none(t, "status", s.run("status").String())
		})
	}
}

// A server that does not speak HTTP has the line it was sent quoted in the error
// of net/http, and one that goes on speaking after its answer has it logged by
// net/http itself.
func TestSecretsFromAServerThatEchoes(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(line string, proper []byte) string{
		"instead of an answer": func(line string, _ []byte) string { return line + "\r\n\r\n" },
		"as a header": func(line string, _ []byte) string {
			return "HTTP/1.1 200 OK\r\n" + line + "\r\n\r\n"
		},
		"as a status": func(line string, _ []byte) string { return "HTTP/1.1 " + line + "\r\n\r\n" },
		"as a length": func(line string, _ []byte) string {
			return "HTTP/1.1 200 OK\r\nContent-Length: " + url.QueryEscape(line) + "\r\n\r\n"
		},
		"after the answer": func(line string, proper []byte) string {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s", len(proper), proper, line)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSpy(t, func(string, string) *vendorsim.Verdict { return nil })
			s.configure("http://"+s.echo(answer), "")
			c := s.start("sync", "--log-level", "trace")
			r := c.wait()
			s.leaks.none(t, "output", r.String())
			s.cleanOf(s.leaks)
			if name == "after the answer" {
				require.Equal(t, exitOK, r.code, r)
				s.sameAsTruth()
				return
			}
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stdout, "***", "the error would have told")
		})
	}
}

// echo serves the simulator on a bare socket: gettoken is answered as it should
// be, the first line of everything else goes into answer.
func (s *spy) echo(answer func(line string, proper []byte) string) string {
	s.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					req.RemoteAddr = conn.RemoteAddr().String()
					w := httptest.NewRecorder()
					s.sim.ServeHTTP(w, req)
					proper := w.Body.Bytes()
					text := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(proper), proper)
					if !strings.HasSuffix(req.URL.Path, "/gettoken") {
						text = answer(req.URL.RequestURI(), proper)
					}
					if _, err := conn.Write([]byte(text)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// While a process runs, its command line names neither, whatever way the secret
// was given; nor does what it says when it is stopped with a request in the air.
func TestSecretsInTheProcessList(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"environment", "file"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newSpy(t, func(string, string) *vendorsim.Verdict { return nil })
			if way == "file" {
				delete(s.env, "WECOM_SECRET")
				file := s.write("secret", testSecret+"\n")
				text, err := os.ReadFile(s.config)
				require.NoError(t, err)
				s.write("syncd.yaml", strings.Replace(string(text), `secret: "${WECOM_SECRET}"`, "secret_file: "+file, 1))
			}
			hanging := make(chan struct{})
			var once sync.Once
			s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
				s.learn(r)
				if r.Endpoint == vendorsim.EndpointChatGet {
					once.Do(func() { close(hanging) })
					<-ctx.Done()
				}
				return vendorsim.Verdict{}
			}})
			c := s.start("sync", "--log-level", "trace")
			<-hanging
			for _, name := range []string{"cmdline", "comm", "status"} {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.cmd.Process.Pid, name))
				if os.IsNotExist(err) {
					t.Skip("no /proc here")
				}
				require.NoError(t, err)
				require.NotEmpty(t, text)
				s.leaks.none(t, name, string(text))
			}
			require.Positive(t, s.tokens.Load())
			var names string
			require.NoError(t, s.pool.QueryRow(t.Context(), `select string_agg(application_name || ' ' || query, E'\n')
				from pg_stat_activity where datname = current_database()`).Scan(&names))
			require.Contains(t, names, "syncd")
			s.leaks.none(t, "pg_stat_activity", names)
			require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
			saw(t, &c.stderr, stopping)
			require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
			r := c.wait()
			require.Equal(t, exitPartial, r.code, r)
			s.leaks.none(t, "output", r.String())
			s.cleanOf(s.leaks)
		})
	}
}

// A password in database_url is in no message, whatever is wrong with the URL or
// the server behind it.
func TestDatabasePassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	const password = "hunter2/of the+base"
	escaped := url.QueryEscape(password)
	l := newLeaks(testSecret, password)
	real, err := pgx.ParseConfig(s.dsn)
	require.NoError(t, err)
	for name, dsn := range map[string]string{
		"nobody listens":     "postgres://u:" + escaped + "@127.0.0.1:1/d",
		"several hosts":      "postgres://u:" + escaped + "@127.0.0.1:1,127.0.0.1:2/d?connect_timeout=1",
		"keywords":           "host=127.0.0.1 port=1 user=u dbname=d password='" + password + "'",
		"no such directory":  "postgres://u:" + escaped + "@/d?host=/nowhere",
		"a port of letters":  "postgres://u:" + escaped + "@127.0.0.1:port/d",
		"a broken escape":    "postgres://u:" + escaped + "%zz@127.0.0.1:1/d",
		"an unescaped slash": "postgres://u:" + password + "@127.0.0.1:1/d",
		"an unknown mode":    "postgres://u:" + escaped + "@127.0.0.1:1/d?sslmode=" + escaped,
		"no URL":             "mysql://u:" + escaped + "@127.0.0.1/d",
		"keywords, broken":   "host=127.0.0.1 port=1 password='" + password,
		"no such database":   "postgres://" + real.User + ":" + escaped + "@/nowhere?host=" + url.QueryEscape(real.Host),
		"TLS is not there":   "postgres://u:" + escaped + "@" + refuser(t) + "/d?sslmode=require",
		"not PostgreSQL":     "postgres://u:" + escaped + "@" + refuser(t) + "/d?sslmode=disable",
	} {
		for _, c := range []string{"sync", "sync --log-level trace --log-format console", "status", "migrate up", "migrate status"} {
			s.env["DSN"] = dsn
			r := s.run(strings.Fields(c)...)
			require.NotEqual(t, exitOK, r.code, name)
			require.NotEmpty(t, r.stderr)
			l.none(t, name, r.String())
		}
	}
	require.Zero(t, s.calls())
}

// refuser answers every connection at once with what is not PostgreSQL's.
func refuser(tb testing.TB) string {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}
