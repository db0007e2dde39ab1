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
