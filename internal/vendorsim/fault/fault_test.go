package fault_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/serve"
)

// call is one of a vendor with two endpoints.
type call struct {
	endpoint  string
	continues bool
}

var catalogue = fault.Catalogue[call]{
	Kinds: append([]fault.Kind[call]{
		{
			Name: "count", Does: "counts", On: []string{"list"}, Defaults: map[string]string{"page": fault.PageNext},
			Make: func(p *fault.Params) func() fault.Strike[call] {
				by := p.Count("by", 1, 1, 9, "how many")
				return func() fault.Strike[call] {
					n := 0
					return func(_ call, v *serve.Verdict) {
						n += by
						v.CutAfter = n
					}
				}
			},
		},
		{
			Name: "only", Does: "strikes at one endpoint", On: []string{"get"}, Only: []string{"get"},
			Make: func(*fault.Params) func() fault.Strike[call] {
				return fault.Always(func(call, *serve.Verdict) {})
			},
		},
	}, fault.Network[call]([]string{"list", "get"}, []string{"get"}, `{"ok":true,`)...),
	Endpoints:  []fault.Endpoint{{Short: "list", Name: "/list"}, {Short: "get", Name: "/get"}},
	EndpointOf: func(c call) string { return c.endpoint },
	Which: func(p *fault.Params) func(call) bool {
		meant, anyPage := fault.Pages(p)
		if anyPage {
			return nil
		}
		return func(c call) bool { return meant(c.continues) }
	},
}

func TestStrikesHaveAStateOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := catalogue.Armory()
	require.NoError(t, a.Arm("count:by=2"))
	require.NoError(t, a.Arm("count:by=2,page=any,every=3"))
	var last serve.Verdict
	for i := range 9 {
		last = serve.Verdict{}
		a.Bend(call{"/list", i%2 == 1}, &last)
		a.Bend(call{"/get", true}, &serve.Verdict{})
	}
	require.Equal(t, []fault.Armed{
		{Fault: "count:by=2", Calls: 4, Struck: 4},
		{Fault: "count:by=2,page=any,every=3", Calls: 9, Struck: 3},
	}, a.Armed())
	require.Equal(t, 6, last.CutAfter)
	a.Disarm()
	require.Empty(t, a.Armed())
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	a := catalogue.Armory()
	require.NoError(t, a.Arm("count:page=any,times=50"))
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() { a.Bend(call{"/list", false}, &serve.Verdict{}) })
	}
	wg.Wait()
	require.Equal(t, []fault.Armed{{Fault: "count:page=any,times=50", Calls: 200, Struck: 50}}, a.Armed())
}

func TestDefaultsOfAKind(t *testing.T) {
	t.Parallel()
	f, err := catalogue.Parse("count")
	require.NoError(t, err)
	require.Equal(t, []string{"/list"}, f.Endpoints())
	for _, p := range catalogue.When() {
		if p.Name == "page" {
			require.Equal(t, "any", p.Default)
		}
		if p.Name == "on" {
			require.Equal(t, "list+get", p.Default)
		}
	}
	for text, want := range map[string]string{
		"only:on=list": "it does nothing at list", "only:on=": `no endpoint ""`, "count:by=10": `by is "10"`, "none": `no fault "none"`,
		"count:page=last": `page is "last", want one of any, head, next`, "count:,": `"" is not KEY=VALUE`,
	} {
		_, err := catalogue.Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("count:by=2,every=3")
	f.Add("cut:as=whole,after=0,p=0.5,seed=9")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := catalogue.Parse(text)
		if err != nil {
			return
		}
		require.Equal(t, text, got.String())
		require.NotEmpty(t, got.Endpoints())
	})
}

// Bodies and headers of the faults that all vendors share.
func TestNetwork(t *testing.T) {
	t.Parallel()
	front := serve.NewFront("", "/get")
	a := catalogue.Armory()
	for _, text := range []string{
		"gateway:at=1,retry-after=3", "gateway:at=2,body=json,status=503", "cut:at=3,after=4,as=whole", "huge:at=4,bytes=1000",
	} {
		require.NoError(t, a.Arm(text))
	}
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		front.Handle(w, httptest.NewRequest(http.MethodGet, "/get", nil), "/get", func(serve.Request, int) serve.Turn[string] {
			return serve.Turn[string]{
				Bend:   func(v *serve.Verdict) { a.Bend(call{endpoint: "/get"}, v) },
				Answer: func() (serve.Answer, string) { return serve.Answer{Body: []byte(`{"good":1}`)}, "ok" },
			}
		})
		return w
	}
	w := get()
	require.Equal(t, []any{502, "3", "text/html"}, []any{w.Code, w.Header().Get("Retry-After"), w.Header().Get("Content-Type")})
	w = get()
	require.Equal(t, 503, w.Code)
	require.JSONEq(t, `{"message":"no healthy upstream"}`, w.Body.String())
	require.Equal(t, `{"go`, get().Body.String())
	require.JSONEq(t, `{"ok":true,"padding":"`+strings.Repeat("0", 1000)+`"}`, get().Body.String())
	require.JSONEq(t, `{"good":1}`, get().Body.String())
	require.Equal(t, serve.Calls[string]{Calls: 5, Codes: map[string]int{"ok": 2}, Scripted: 4, InFlightMost: 1}, front.Calls()["/get"])
}
