package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/vendorsim/dingtalk"
)

// dingSite is a site that reads a simulated DingTalk by its clock.
type dingSite struct {
	*site
	sim *dingtalk.Sim
}

// newDingSite is a site of a tenant without limits per second.
func newDingSite(tb testing.TB, o dingtalk.Options) *dingSite {
	tb.Helper()
	if o.Limits.PerSecond == 0 {
		o.Limits.PerSecond = -1
	}
	s, sim := newDingTalkSite(tb, o)
	return &dingSite{site: s, sim: sim}
}

// hurried is a host with the tenant's clock, whose requests have short pauses and
// are waited for.
func (s *dingSite) hurried(h *host) {
	patient(h)
	h.now = s.sim.Now
}

// do is a command line by the tenant's clock, which must not tell any secret.
func (s *dingSite) do(args ...string) result {
	s.t.Helper()
	r := s.runOn(s.hurried, args...)
	for _, secret := range []string{testSecret, "s3cr3t", "Access-Token"} {
		require.NotContains(s.t, r.stdout+r.stderr, secret)
	}
	return r
}

// done is do for a command that must succeed.
func (s *dingSite) done(args ...string) result {
	s.t.Helper()
	r := s.do(args...)
	require.Equal(s.t, exitOK, r.code, r)
	return r
}

func (s *dingSite) advance(d time.Duration) {
	s.t.Helper()
	_, err := s.sim.Advance(d)
	require.NoError(s.t, err)
}

func (s *dingSite) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), sql, args...)
	require.NoError(s.t, err, sql)
}

// dingChat is what the list tells of a group.
type dingChat struct {
	Name, OwnerID, OwnerName, SetID, Relation string
	Members                                   int
	CreatedMillis                             int64
}

// chatsOfTruth are the groups that were created before an instant, as the vendor
// would list them at its clock.
func (s *dingSite) chatsOfTruth(before time.Time) map[string]dingChat {
	truth := map[string]dingChat{}
	for c := range s.sim.Chats(s.sim.Now()) {
		if c.CreatedAt.Before(before) {
			truth[c.ID] = dingChat{
				Name: asStored(c.Name), OwnerID: c.OwnerID, OwnerName: c.OwnerName, SetID: c.SetID, Relation: c.RelationType,
				Members: c.Members, CreatedMillis: c.CreatedAt.UnixMilli(),
			}
		}
	}
	return truth
}

// chatsStored are those of the tables that are not gone.
func (s *dingSite) chatsStored() map[string]dingChat {
	s.t.Helper()
	stored := map[string]dingChat{}
	for _, r := range rowsOf[struct {
		ID string
		dingChat
	}](s.site, `select chat_id, name, owner_id, owner_name, coalesce(group_set_id, ''), relation_type, coalesce(member_count, -1),
		       (extract(epoch from created_at) * 1000)::bigint
		  from groupchat.chat
		 where gone_at is null and department_name is null and status is null and notice is null`) {
		r.Name = asStored(r.Name)
		stored[r.ID] = r.dingChat
	}
	return stored
}

// chatsAreTrue checks every column of the groups. before is the youngest that a
// list may show.
func (s *dingSite) chatsAreTrue(before time.Time) map[string]dingChat {
	s.t.Helper()
	truth := s.chatsOfTruth(before)
	require.Empty(s.t, cmp.Diff(truth, s.chatsStored()))
	require.Len(s.t, truth, scalar[int](s.site, "select count(*) from groupchat.chat where gone_at is null"))
	return truth
}

// chatsAreListed checks that no group that was created before an instant is missing,
// whatever else is stored of it, and returns those groups.
func (s *dingSite) chatsAreListed(before time.Time) map[string]dingChat {
	s.t.Helper()
	truth, stored := s.chatsOfTruth(before), s.chatsStored()
	for id := range truth {
		if _, ok := stored[id]; !ok { // a map is large for require.Contains
			require.Fail(s.t, "not listed", "%s: %+v", id, truth[id])
		}
	}
	return truth
}

// visible is until when groups had to be created to be listed now.
func (s *dingSite) visible() time.Time { return s.sim.Now().Add(-time.Minute + time.Millisecond) }

type dingSet struct {
	Name, Relation, OwnerID, Notice string
	Quota, Members, Chats           int
	Created, Changed                int64
}

// setsAreTrue checks every column of the group sets.
func (s *dingSite) setsAreTrue() {
	s.t.Helper()
	truth, stored := map[string]dingSet{}, map[string]dingSet{}
	for _, g := range s.sim.Sets(s.sim.Now()) {
		truth[g.ID] = dingSet{
			asStored(g.Name), g.RelationType, g.Owner.ID, asStored(g.Notice), g.MemberQuota, g.MemberCount, g.ChatCount,
			g.CreatedAt.Unix(), g.ModifiedAt.Unix(),
		}
	}
	for _, r := range rowsOf[struct {
		ID string
		dingSet
	}](s.site, `select group_set_id, name, relation_type, owner_id, coalesce(notice, ''), member_quota, member_count, chat_count,
		       extract(epoch from created_at)::bigint, extract(epoch from changed_at)::bigint
		  from groupchat.group_set where gone_at is null`) {
		r.Name, r.Notice = asStored(r.Name), asStored(r.Notice)
		stored[r.ID] = r.dingSet
	}
	require.Empty(s.t, cmp.Diff(truth, stored))
}

// tracks has all messages that were sent since then followed, as their sender's own
// program would.
func (s *dingSite) tracks(since time.Time) []dingtalk.Message {
	s.t.Helper()
	var sent []dingtalk.Message
	var batch pgx.Batch
	for _, m := range s.sim.Messages(s.sim.Now()) {
		if m.SentAt.Before(since) {
			continue
		}
		sent = append(sent, m)
		batch.Queue(`insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at)
			values ('ding', $1, $2, $3, $4) on conflict do nothing`, m.Key, m.ChatID, m.RobotCode, m.SentAt)
	}
	require.NoError(s.t, s.pool.SendBatch(context.WithoutCancel(s.t.Context()), &batch).Close())
	return sent
}

// readers are who is known to have read messages, by the keys of those.
func (s *dingSite) readers(keys ...string) map[string]map[string]time.Time {
	s.t.Helper()
	readers := map[string]map[string]time.Time{}
	for _, r := range rowsOf[struct {
		Key, ID string
		First   time.Time
	}](s.site, "select process_query_key, user_id, first_seen_at from groupchat.robot_message_read where process_query_key = any ($1)", keys) {
		if readers[r.Key] == nil {
			readers[r.Key] = map[string]time.Time{}
		}
		readers[r.Key][r.ID] = r.First
	}
	return readers
}

// longRun is one process that lives through a long time: its connections, its client
// and its token last.
type longRun struct {
	s      *dingSite
	cfg    *config.Config
	source *source
	job    *syncJob
	out    *buffer
}

func (s *dingSite) longRun() *longRun {
	s.t.Helper()
	cfg, err := config.Load(s.config, s.getenv)
	require.NoError(s.t, err)
	l := &longRun{s: s, cfg: cfg, out: &buffer{}}
	h := &host{stdout: l.out, stderr: l.out, getenv: s.getenv}
	s.hurried(h)
	sources, err := choose(cfg, nil, h.watched(zerolog.Nop()))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { closeSources(sources) })
	l.source = sources[0]
	l.job = &syncJob{
		host: h, log: zerolog.Nop(), store: store.New(s.pool), leaseTTL: cfg.LeaseTTL,
		breaker: model.Breaker{Min: cfg.Breaker.Min, Share: cfg.Breaker.Share},
	}
	return l
}

// sync does what `syncd sync ding/STREAM` does, and returns its exit code and what it
// prints.
func (l *longRun) sync(stream string) (code int, printed string) {
	l.s.t.Helper()
	*l.out = buffer{}
	src := *l.source
	src.specs = slices.DeleteFunc(slices.Clone(src.specs), func(spec model.StreamSpec) bool { return spec.Name != stream })
	err := l.job.run(l.s.t.Context(), []*source{&src})
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code, l.out.String()
	}
	require.NoError(l.s.t, err)
	return exitOK, l.out.String()
}

// done is sync for a stream whose pass must be complete.
func (l *longRun) done(stream string) {
	l.s.t.Helper()
	code, printed := l.sync(stream)
	require.Equal(l.s.t, exitOK, code, printed)
}
