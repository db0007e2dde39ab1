package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes wrong once, or for a while, costs calls and nothing else: the sync
// in which it happens is complete, and the tables are those of a calm one.
func TestFaultsThatHealWithinOneSync(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]string{
		"token expires":           {"token-expired:on=owners,at=1", "token-expired:on=list,at=3", "token-expired:on=get,at=20"},
		"token becomes invalid":   {"token-invalid:on=list,at=3", "token-invalid:on=get,at=20"},
		"system busy":             {"busy:on=token,at=1", "busy:on=owners,at=1", "busy:on=list,at=3", "busy:on=get,at=9"},
		"busy twice for one chat": {"busy:chat=#3,times=2"},
		"unknown code":            {"errcode:code=987654,on=list,at=2", "errcode:code=987654,on=get,at=5"},
		"5xx": {
			"gateway:on=token,at=1", "gateway:status=500,on=owners,at=1", "gateway:status=503,on=list,at=3",
			"gateway:status=504,body=nothing,on=get,at=9",
		},
		"HTML with 200": {
			"gateway:status=200,on=token,at=1", "gateway:status=200,on=owners,at=1",
			"gateway:status=200,on=list,at=3", "gateway:status=200,on=get,at=9",
		},
		"foreign JSON, no body": {
			"gateway:status=200,body=json,on=token,at=1", "gateway:status=200,body=nothing,on=owners,at=1",
			"gateway:status=200,body=json,on=list,at=3", "gateway:status=200,body=nothing,on=get,at=9",
		},
		"body cut off": {"cut:on=token,at=1", "cut:on=owners,at=1", "cut:on=list,at=3", "cut:on=get,at=9,after=300"},
		"body cut short": {
			"cut:as=whole,on=token,at=1", "cut:as=whole,on=owners,at=1", "cut:as=whole,on=list,at=3",
			"cut:as=whole,on=get,at=9,after=300",
		},
		"connection dropped":  {"drop:on=token,at=1", "drop:on=owners,at=1", "drop:on=list,at=3", "drop:on=get,at=9"},
		"answer too slow":     {"slow:on=token,at=1", "slow:on=list,at=3", "slow:on=get,at=9"},
		"body that stalls":    {"stall:on=owners,at=1", "stall:on=list,at=3", "stall:on=get,at=9,after=300"},
		"too many at once":    {"congested:on=get,at=2", "congested:on=get,at=7", "congested:on=list,at=2"},
		"minute's limit":      {"limited:on=list,at=3", "limited:on=get,at=9"},
		"HTTP 429":            {"gateway:status=429,body=nothing,on=get,at=9"},
		"cursor dies":         {"cursor-dead:at=3"},
		"cursor repeated":     {"cursor-repeated:at=3"},
		"cursors in a circle": {"cursor-repeated:back=2,at=4,times=1"},
		"some empty pages":    {"empty-pages:from=3,times=5"},
		"rows repeated":       {"rows-repeated:rows=3"},
		"rows doubled":        {"rows-doubled:on=owners+list"},
		"pages larger":        {"oversized-page:by=2,at=1", "oversized-page:by=3,at=2"},
		"numbers as strings":  {"quoted-numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHurriedSite(t, faults...)
			r := s.sync()
			require.Equal(t, exitOK, r.code, r)
			s.allStruck()
			s.sameAsCalm()
			require.Zero(t, scalar[int](s, "select count(*) from sync.checkpoint"))
			require.Equal(t, faultChats, scalar[int](s, "select count(*) from sync.item where stream = 'members' and fetched_at is not null and failures = 0"))
		})
	}
}

// An element that is none may be anything: the tables are those of the truth, but no
// list is taken for complete.
func TestElementsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newFaultySite(t, "unreadable:on=owners", "unreadable:on=list,row=3")
	r := s.sync()
	require.Equal(t, exitPartial, r.code, r)
	s.allStruck()
	s.sameAsCalm()
	for _, says := range []string{"acme/owners: partial: ", "acme/chats: partial: ", "acme/members: complete: "} {
		require.Contains(t, r.stdout, says)
	}
	s.recovers()
}

// storm is more bad weather than any vendor has.
var storm = []string{
	"busy", "gateway", "gateway:status=200", "cut", "drop", "errcode:code=45033", "token-expired", "cursor-dead",
	"rows-repeated", "rows-doubled:on=list+get", "empty-pages", "quoted-numbers",
}

// However foul the weather, the same command again and again comes to the same
// tables.
func TestStorm(t *testing.T) {
	t.Parallel()
	for _, share := range []string{"0.03", "0.08"} {
		t.Run(share, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t)
			for i, fault := range storm {
				joint := ":"
				if strings.Contains(fault, ":") {
					joint = ","
				}
				s.arm(fault + joint + "p=" + share + ",seed=" + string(rune('1'+i%9)))
			}
			codes := map[int]int{}
			for run := 0; codes[exitOK] == 0; run++ {
				require.Less(t, run, 100, codes)
				r := s.sync()
				codes[r.code]++
				t.Log(r)
				_, err := s.pool.Exec(t.Context(), "update sync.item set due_at = '-infinity' where failures > 0")
				require.NoError(t, err)
			}
			t.Logf("exit codes: %v", codes)
			s.recovers()
			s.sameAsCalm()
		})
	}
}
