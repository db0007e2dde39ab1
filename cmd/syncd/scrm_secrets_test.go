package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/scrm"
)

// scrmHostile makes what a call is answered with; secret is its signature and its
// app key in one word, and both are in all.
type scrmHostile func(secret, all string) vendorsim.Verdict

// scrmEdit changes the simulator's own answer.
func scrmEdit(edit func(body, secret string) string) scrmHostile {
	return func(secret, _ string) vendorsim.Verdict {
		return vendorsim.Verdict{Edit: func(a *vendorsim.Answer) { a.Body = []byte(edit(string(a.Body), secret)) }}
	}
}

func scrmSays(text string) scrmHostile {
	return func(secret, all string) vendorsim.Verdict {
		return *body(strings.NewReplacer("$SECRET", quote(secret), "$ALL", quote(all)).Replace(text))
	}
}

// intoMember puts the secret before the values of members.
func intoMember(names ...string) scrmHostile {
	return scrmEdit(func(body, secret string) string {
		for _, name := range names {
			begin := `"` + name + `":"`
			body = strings.ReplaceAll(body, begin, begin+quoted(secret))
		}
		return body
	})
}

// quoted is a text as it stands between quotes in JSON.
func quoted(text string) string {
	q := quote(text)
	return q[1 : len(q)-1]
}

// scrmHostilities are answers that repeat what they were asked with.
var scrmHostilities = []struct {
	name string
	does scrmHostile
	code int
	// says is in the output, or landed a query that finds what was stored.
	says, landed string
}{
	{
		name: "redirect to another host", code: exitPartial, says: "not followed",
		does: func(secret, all string) vendorsim.Verdict {
			return vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.invalid/" + secret + "?" + all}},
			}}
		},
	},
	{
		name: "502 with the request", code: exitPartial, says: "http 502",
		does: func(secret, all string) vendorsim.Verdict {
			return vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusBadGateway, Header: http.Header{"X-Was": {all}}, Body: []byte(secret + all),
			}}
		},
	},
	{
		name: "a page of a gateway", code: exitPartial, says: "is not JSON",
		does: func(secret, all string) vendorsim.Verdict {
			return vendorsim.Verdict{Answer: &vendorsim.Answer{
				Header: http.Header{"Content-Type": {"text/html; was=" + secret}}, Body: []byte("<html>" + all),
			}}
		},
	},
	{
		name: "an error text with the request", code: exitFailed, says: "1002",
		does: scrmSays(`{"code":1002,"message":$ALL,"data":null}`),
	},
	{name: "an unknown code with the request", code: exitFailed, says: "777", does: scrmSays(`{"code":777,"message":$SECRET,"data":$ALL}`)},
	{name: "a code that is the secret", code: exitPartial, says: "no code", does: scrmSays(`{"code":$SECRET,"message":"x"}`)},
	{name: "JSON of somebody else", code: exitPartial, says: "no code", does: scrmSays(`{"url":$ALL,$SECRET:1}`)},
	{name: "data that is the request", code: exitFailed, says: "no object data", does: scrmSays(`{"code":0,"message":$ALL,"data":$SECRET}`)},
	{
		name: "totals that are the secret", code: exitFailed, says: "pageNo",
		does: scrmSays(`{"code":0,"message":"success","data":{"totalCount":$SECRET,"pageNo":$SECRET,"result":[]}}`),
	},
	{
		name: "names, titles and departments", says: "complete", landed: `select count(*) from groupchat.sop_task where title like '***%'`,
		does: intoMember("chatName", "salesName", "departmentName", "title"),
	},
	{
		name: "chats that are called so", says: "complete", does: intoMember("chatId"),
		landed: `select count(*) from groupchat.chat where chat_id like '***%'`,
	},
	{
		name: "owners", says: "complete", does: intoMember("salesId"),
		landed: `select count(*) from groupchat.chat where extra::text like '%***%' or owner_id like '***%'`,
	},
	{
		name: "times", says: "complete", does: intoMember("createTimeGroup"),
		landed: `select count(*) from groupchat.chat where created_at is null and extra->>'createTimeGroup' like '***%'`,
	},
	{
		name: "tags and calendars", says: "complete",
		landed: `select count(*) from groupchat.chat_tag t join groupchat.chat_calendar k using (source, chat_id)
			where t.tag_name like '***%' and k.raw->>'was' like '***%'`,
		does: scrmEdit(func(body, secret string) string {
			for _, name := range []string{"tagGroupNames", "calendars"} {
				body = strings.ReplaceAll(body, `"`+name+`":[`, `"`+name+`":[`+quote(secret)+`,{"was":`+quote(secret)+`,`+quote(secret)+`:2},`)
			}
			return strings.ReplaceAll(body, ",]", "]")
		}),
	},
	{
		name: "fields that nobody knows", says: "complete",
		landed: `select count(*) from groupchat.chat c join groupchat.sop_task t using (source, chat_id)
			where c.extra ? 'trace' and t.extra ? 'trace'`,
		does: scrmEdit(func(body, secret string) string {
			trace := `"trace":{"of":[` + quote(secret) + `],` + quote(secret) + `:1},`
			return strings.NewReplacer(`{"salesId":`, `{`+trace+`"salesId":`, `{"id":"`, `{`+trace+`"id":"`).Replace(body)
		}),
	},
	{
		name: "rows and tasks that cannot be read", code: exitPartial, says: "set aside in sync.reject",
		landed: `select count(*) from sync.reject where raw like '%***%'`,
		does: scrmEdit(func(body, secret string) string {
			aside := `{"was":` + quote(secret) + `},` + quote(secret)
			body = strings.ReplaceAll(body, `"tasks":[{`, `"tasks":[`+aside+`,{`)
			return strings.Replace(body, `"result":[`, `"result":[`+aside+`,`, 1)
		}),
	},
}

// No answer of a vendor makes a process tell the app key or a signature, in output,
// logs or tables.
func TestSCRMSecretsUnderHostileAnswers(t *testing.T) {
	t.Parallel()
	for i, h := range scrmHostilities {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := newSCRMFaulty(t, longAgo())
			var scripted atomic.Int64
			s.sim.SetScript(scrm.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
				key, sign := r.Header.Get("appKey"), r.Header.Get("sign")
				s.leaks.add("sign", sign)
				scripted.Add(1)
				all := "POST " + r.URL.Path + " appId: " + r.Header.Get("appId") + ", appKey: " + key + ", sign: " + sign + ", " + string(r.Body)
				return h.does(sign+key, all)
			}})
			r := s.runOn(patient, "sync", "--log-level", "trace", "--log-format", []string{"json", "console"}[i%2])
			require.Equal(t, h.code, r.code, r)
			require.Positive(t, scripted.Load())
			s.leaks.none(t, "output", r.String())
			require.Contains(t, r.stdout, h.says)
			if h.landed != "" {
				require.Positive(t, scalar[int](s.site, h.landed))
			}
			s.cleanOf(s.leaks)
			for _, args := range [][]string{{"status"}, {"status", "--json"}} {
				s.leaks.none(t, args[0], s.run(args...).String())
			}
		})
	}
}

// With a request in the air a process names its secret neither in the process list
// nor in the database's, whatever way it was given; an interrupt ends it at once
// and what was committed is where the next one goes on.
func TestSCRMSecretsInTheProcessList(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"environment", "file"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newSCRMFaulty(t, longAgo())
			if way == "file" {
				delete(s.env, "SCRM_APP_KEY")
				file := s.write("key", testSecret+"\n")
				text, err := os.ReadFile(s.config)
				require.NoError(t, err)
				s.write("syncd.yaml", strings.Replace(string(text), `app_key: "${SCRM_APP_KEY}"`, "app_key_file: "+file, 1))
			}
			hanging := s.hangAtPage(3)
			c := s.start("sync", "--log-level", "trace")
			<-hanging
			for _, name := range []string{"cmdline", "comm", "status"} {
				text, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/" + name)
				if os.IsNotExist(err) {
					t.Skip("no /proc here")
				}
				require.NoError(t, err)
				require.NotEmpty(t, text)
				s.leaks.none(t, name, string(text))
			}
			queries := scalar[string](s.site, `select string_agg(application_name || ' ' || query, E'\n')
				from pg_stat_activity where datname = current_database()`)
			require.Contains(t, queries, "syncd")
			s.leaks.none(t, "pg_stat_activity", queries)
			require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
			saw(t, &c.stderr, stopping)
			require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
			r := c.wait()
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stderr, "syncd: tanma/chats: interrupted; what was committed is kept")
			s.leaks.none(t, "output", r.String())
			s.cleanOf(s.leaks)
		})
	}
}

// hangAtPage leaves the call for a page, and those after it, without an answer. The
// channel is closed when the first hangs.
func (s *scrmFaulty) hangAtPage(n int64) <-chan struct{} {
	hanging := make(chan struct{})
	var once sync.Once
	var calls atomic.Int64
	s.sim.SetScript(scrm.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		s.leaks.add("sign", r.Header.Get("sign"))
		if calls.Add(1) >= n {
			once.Do(func() { close(hanging) })
			<-ctx.Done()
		}
		return vendorsim.Verdict{}
	}})
	return hanging
}

// An interrupt in the middle of the list commits the pages in hand, and the same
// command goes on behind them. A vendor that hangs is not waited for twice.
func TestSCRMInterrupt(t *testing.T) {
	t.Parallel()
	s := newSCRMFaulty(t, longAgo())
	stopped := make(chan *running, 1)
	var once sync.Once
	s.sim.SetScript(scrm.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if bytes.Contains(r.Body, []byte(`"pageNo":4`)) {
			once.Do(func() {
				run := <-stopped
				run.signals <- os.Interrupt
				saw(t, run.stderr, stopping)
			})
		}
		return vendorsim.Verdict{}
	}})
	run := s.begin("sync")
	stopped <- run
	r := run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Regexp(t, `tanma/chats: partial: pass 1, 4 pages, .*; stopped on request, the same command resumes it\n`, r.stdout)
	require.Equal(t, 36, scalar[int](s.site, "select count(*) from groupchat.chat"))

	hanging := s.hangAtPage(2)
	run = s.begin("sync")
	<-hanging
	run.signals <- os.Interrupt
	run.signals <- os.Interrupt
	r = run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stderr, "interrupted; what was committed is kept")
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.lease where expires_at > now()"), "no lease is left behind")
	kept := scalar[int](s.site, "select count(*) from groupchat.chat")
	require.Contains(t, []int{36, 45}, kept, "the page before it is committed, or dropped")

	s.sim.SetScript(scrm.Script{})
	s.sim.ResetCalls()
	r = s.ok("sync")
	require.Contains(t, r.stdout, "tanma/chats: complete: pass 1, 7 pages, 174 rows read")
	s.sameAsSCRM(s.sim, nil)
	require.Equal(t, 7-kept/9, s.sim.Calls()[scrm.EndpointGroups].Calls, "what is committed is not asked for again")
}

// A server that does not speak HTTP has what it was sent quoted in the errors of
// net/http, and one that goes on speaking after its answer has it logged there.
func TestSCRMSecretsFromAServerThatEchoes(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"instead of an answer": "$SIGN\r\n\r\n",
		"as a header":          "HTTP/1.1 200 OK\r\n$ALL\r\n\r\n",
		"as a status":          "HTTP/1.1 $SIGN\r\n\r\n",
		"as a length":          "HTTP/1.1 200 OK\r\nContent-Length: $ALL\r\n\r\n",
		"after the answer":     "HTTP/1.1 200 OK\r\nContent-Length: $LENGTH\r\n\r\n$BODY$ALL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSCRMFaulty(t, longAgo())
			var conns sync.WaitGroup
			echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				proper := httptest.NewRecorder()
				s.sim.ServeHTTP(proper, r)
				s.leaks.add("sign", r.Header.Get("sign"))
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				text := strings.NewReplacer("$SIGN", r.Header.Get("sign"), "$ALL", r.Header.Get("appKey")+" "+r.Header.Get("sign"),
					"$BODY", proper.Body.String(), "$LENGTH", strconv.Itoa(proper.Body.Len())).Replace(answer)
				_, _ = conn.Write([]byte(text))
				conns.Go(func() { // until the other side has read it and goes away
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				})
			}))
			t.Cleanup(func() {
				echo.Close()
				conns.Wait()
			})
			s.vendor = echo
			s.setSCRM("page_size: 30")
			r := s.start("sync", "--log-level", "trace").wait()
			s.leaks.none(t, "output", r.String())
			s.cleanOf(s.leaks)
			if name == "after the answer" {
				require.Equal(t, exitOK, r.code, r)
				s.sameAsSCRM(s.sim, nil)
				return
			}
			require.Equal(t, exitPartial, r.code, r)
			require.Contains(t, r.stdout, "***", "the error would have told")
		})
	}
}
