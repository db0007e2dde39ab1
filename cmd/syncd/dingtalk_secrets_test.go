package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
)

// dingHostilities are what a business call is answered with by somebody who repeats
// its token and the app's secret.
var dingHostilities = map[string]func(told string) vendorsim.Verdict{
	"names and unknown fields": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Edit: func(a *dingtalk.Answer) {
			q := quoted(told)
			a.Body = []byte(strings.NewReplacer(`"name":"`, `"trace":{"was":"`+q+`","`+q+`":1},"name":"`+q, `"ownerUserName":"`, `"ownerUserName":"`+q).
				Replace(string(a.Body)))
		}}
	},
	"ids": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Edit: func(a *dingtalk.Answer) {
			a.Body = []byte(strings.ReplaceAll(string(a.Body), `"ownerUserId":"`, `"ownerUserId":"`+quoted(told)))
		}}
	},
	"rows that are none": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Edit: func(a *dingtalk.Answer) {
			a.Body = []byte(strings.Replace(string(a.Body), `"resultList":[`, `"resultList":[{"was":`+quote(told)+`},`, 1))
		}}
	},
	"an error with the request": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &dingtalk.Answer{
			Status: http.StatusBadRequest, Body: []byte(`{"code":"invalidParameter","message":` + quote(told) + `,"requestid":` + quote(told) + `}`),
		}}
	},
	"a code that is the request": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &dingtalk.Answer{
			Status: http.StatusForbidden, Body: []byte(`{"code":` + quote(told) + `,"accessdenieddetail":{"requiredScopes":[` + quote(told) + `]}}`),
		}}
	},
	"a page of a gateway": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &dingtalk.Answer{Status: http.StatusBadGateway, Header: http.Header{"X-Was": {told}}, Body: []byte("<html>" + told)}}
	},
	"a redirect": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &dingtalk.Answer{
			Status: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.invalid/?" + told}},
		}}
	},
	"JSON of somebody else": func(told string) vendorsim.Verdict {
		return vendorsim.Verdict{Answer: &dingtalk.Answer{Body: []byte(`{` + quote(told) + `:` + quote(told) + `}`)}}
	},
}

// No answer makes a process tell its secret or a token, in output, logs or tables.
func TestDingTalkSecretsUnderHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, hostile := range dingHostilities {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDingFaulty(t)
			struck := make(chan struct{}, 1)
			s.sim.SetScript(dingtalk.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
				token := r.Header.Get("X-Acs-Dingtalk-Access-Token")
				if token == "" {
					return vendorsim.Verdict{}
				}
				s.mu.Lock()
				s.tokens[token] = true
				s.mu.Unlock()
				select {
				case struck <- struct{}{}:
				default:
				}
				return hostile(token + " " + testSecret)
			}})
			r := s.runOn(s.hurried, "sync", "--log-level", "trace")
			require.NotEmpty(t, struck, r)
			s.isClean(r)
		})
	}
}

// Nor does any answer to a third party's app make it tell the secret of the suite or
// the ticket, be it to the call that sends them.
func TestDingTalkSuiteSecretsUnderHostileAnswers(t *testing.T) {
	t.Parallel()
	const ticket = "t1cket/of+today=="
	for name, endpoint := range map[string]string{
		"the credential is refused": dingtalk.EndpointCorpToken, "a list": dingtalk.EndpointChats,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDingSite(t, dingtalk.Options{Seed: 30, Chats: 20, Start: dingStart, SuiteTicket: ticket, SuiteSecret: testSecret})
			s.describe(`
name: ding
vendor: dingtalk
base_url: %s
credentials: {suite_key: ` + dingtalk.DefaultSuiteKey + `, suite_secret: "${DINGTALK_SECRET}", suite_ticket: "` + ticket +
				`", auth_corp_id: ` + dingtalk.DefaultCorpID + `}
limits: {per_second: 0}
`)
			s.done("sync", "ding/group_sets") // the credential is good
			told := quote("suiteTicket=" + ticket + "&suiteSecret=" + testSecret)
			s.sim.SetScript(dingtalk.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
				if r.Endpoint != endpoint {
					return vendorsim.Verdict{}
				}
				return vendorsim.Verdict{Answer: &dingtalk.Answer{
					Status: http.StatusBadRequest,
					Body:   []byte(`{"code":"invalidSuiteKey","message":` + told + `,"requestid":` + told + `,"description":` + told + `}`),
				}}
			}})
			r := s.runOn(s.hurried, "sync", "--log-level", "trace")
			require.Equal(t, exitFailed, r.code, r)
			require.Contains(t, r.stdout, "invalidSuiteKey")
			secrets := newLeaks(testSecret, ticket)
			secrets.none(t, "output", r.String())
			secrets.none(t, "doctor", s.runOn(s.hurried, "doctor").String())
			s.cleanOf(secrets)
		})
	}
}
