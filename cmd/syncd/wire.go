package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/fetch/dingtalk"
	"syncd/internal/fetch/scrm"
	"syncd/internal/fetch/wecom"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// vendorClient is what a command needs of a vendor's client.
type vendorClient interface {
	sweep.Source
	// Try makes a cheap call of every kind that a sync makes.
	Try(ctx context.Context) []fetch.Trial
	// Documented are the call limits that the vendor publishes.
	Documented() fetch.Limits
	// Endpoint names the endpoint, and so the budget, that calls of a stream go to.
	Endpoint(stream string, by model.StatBy) string
	// ListedStatus tells which chats a subject of the chat list holds: those with
	// one status, or where it is not ok, those of any.
	ListedStatus(subject model.Subject) (status int64, ok bool)
	// ChatsPerPage is how many chats a page of the list holds at most.
	ChatsPerPage() int
	// Budget is what it may still call.
	Budget() *fetch.Budget
	Close()
}

// source is one configured source with its client.
type source struct {
	config.Source
	// account is the vendor's own name of the tenant; accountKey is the key of the
	// configuration that says it.
	account, accountKey string

	client vendorClient
	// enabled are the streams that this version can sync and that are switched on,
	// dependencies first; specs are those of them that are wanted.
	enabled, specs []model.StreamSpec
	// fresh are the specs of mode new, by the name of the stream, which is among
	// enabled with its full one.
	fresh map[string]model.StreamSpec
	// meter counts the calls of a month; nil without a limit.
	meter *boundMeter
	// pacer keeps the limits per second, minute and hour; nil without any.
	pacer *boundPacer
}

// limits is the call budget of the source.
func (s *source) limits() fetch.Limits {
	l := s.Limits
	return fetch.Limits{
		PerSecond: l.PerSecond, PerMinute: l.PerMinute, PerHour: l.PerHour, PerMonth: l.PerMonth, Zone: s.Timezone,
		Concurrency: l.Concurrency, Scope: fetch.Scope(l.Scope),
	}
}

// buildSource makes the client of a source, whose requests keep within bounds and
// the configured limits. It calls nobody.
func buildSource(c config.Source, bounds fetch.Options) (*source, error) {
	bounds.Version = versionText()
	s := &source{Source: c}
	bounds.Limits = s.limits()
	if c.Limits.PerMonth > 0 {
		s.meter = &boundMeter{}
		bounds.Meter = s.meter
	}
	if c.Limits.PerSecond > 0 || c.Limits.PerMinute > 0 || c.Limits.PerHour > 0 {
		s.pacer = &boundPacer{}
		bounds.Pacer = s.pacer
	}
	specs, err := s.connect(bounds)
	if err != nil {
		return nil, usage("source %s: %w", c.Name, err)
	}
	specs, s.fresh = foldModes(specs)
	for _, spec := range specs {
		if c.Streams[spec.Name].Enabled {
			s.enabled = append(s.enabled, spec)
		}
	}
	s.enabled, err = sweep.Order(s.enabled)
	s.specs = slices.Clone(s.enabled)
	return s, err
}

// connect makes the vendor's client and returns its streams.
func (s *source) connect(bounds fetch.Options) ([]model.StreamSpec, error) {
	c := s.Source
	switch c.Vendor {
	case "wecom":
		client, err := wecom.New(wecom.Options{
			Source: c.Name, BaseURL: c.BaseURL, CorpID: c.Credentials.CorpID, Secret: c.Credentials.Secret.Reveal(),
			OwnerIDs: c.OwnerIDs, PageSize: c.Streams["chats"].PageSize, MembersMaxAge: c.Streams["members"].MaxAge,
			Zone:       c.Timezone,
			OwnerStats: statDays(c.Streams["owner_stats"]), DailyStats: statDays(c.Streams["daily_stats"]),
			Periods: c.Streams["owner_period_stats"].Periods, Messages: massMessages(c.Streams), JoinWays: joinWays(c.Streams),
			Fetch: bounds,
		})
		return adopt(s, "corp_id", c.Credentials.CorpID, client, err)
	case "dingtalk":
		k := c.Credentials
		client, err := dingtalk.New(dingtalk.Options{
			Source: c.Name, BaseURL: c.BaseURL, AppKey: k.AppKey, AppSecret: k.AppSecret.Reveal(),
			SuiteKey: k.SuiteKey, SuiteSecret: k.SuiteSecret.Reveal(), SuiteTicket: k.SuiteTicket.Reveal(), AuthCorpID: k.AuthCorpID,
			RelationTypes: c.Streams["chats"].RelationTypes, QueryDSL: c.Streams["chats"].QueryDSL,
			UncountedChats: !c.Streams["chats"].CheckTotals, UncountedSets: !c.Streams["group_sets"].CheckTotals,
			Follow: c.Streams["message_reads"].FollowFor, Zone: c.Timezone, Fetch: bounds,
		})
		if k.AppKey == "" {
			return adopt(s, "auth_corp_id", k.SuiteKey+"/"+k.AuthCorpID, client, err)
		}
		return adopt(s, "app_key", k.AppKey, client, err)
	case "scrm":
		chats := c.Streams["chats"]
		client, err := scrm.New(scrm.Options{
			Source: c.Name, BaseURL: c.BaseURL, AppID: c.Credentials.AppID, AppKey: c.Credentials.SignKey.Reveal(),
			Sign: c.SCRM.Sign, SendAppKey: c.SCRM.SendAppKey, PageSize: chats.PageSize, UserIDs: chats.UserIDs,
			Keyword: chats.Keyword, TagGroupIDs: chats.TagGroupIDs, ConditionOp: chats.ConditionOp,
			CreatedFrom: chats.CreatedFrom, CreatedUntil: chats.CreatedUntil, Zone: c.Timezone, Fetch: bounds,
		})
		return adopt(s, "app_id", c.Credentials.AppID, client, err)
	}
	return nil, fmt.Errorf("vendor %s is not known", c.Vendor)
}

// adopt makes a new client that of the source, for the account by which the vendor
// knows it and the key of its credentials that says so.
func adopt[C interface {
	vendorClient
	Specs() []model.StreamSpec
}](s *source, key, account string, client C, err error) ([]model.StreamSpec, error) {
	if err != nil {
		return nil, err
	}
	s.account, s.accountKey, s.client = account, "credentials."+key, client
	return client.Specs(), nil
}

func closeSources(sources []*source) {
	for _, s := range sources {
		s.client.Close()
	}
}

func statDays(s config.Stream) wecom.StatDays {
	return wecom.StatDays{Backfill: s.BackfillDays, Lookback: s.LookbackDays, ReadyHour: s.ReadyHour}
}

// massMessages says which mass messages are read; nil where no stream of theirs is
// switched on.
func massMessages(streams map[string]config.Stream) *wecom.MessageOptions {
	list, tasks, results := streams["group_messages"], streams["group_message_tasks"], streams["group_message_results"]
	if !list.Enabled && !tasks.Enabled && !results.Enabled {
		return nil
	}
	return &wecom.MessageOptions{
		ChatTypes: list.ChatTypes, Backfill: time.Duration(list.BackfillDays) * 24 * time.Hour,
		TasksFor: tasks.FollowFor, ResultsFor: results.FollowFor,
	}
}

// joinWays says which join ways are read; nil where their stream is switched off.
func joinWays(streams map[string]config.Stream) *wecom.JoinWayOptions {
	if s := streams["join_ways"]; s.Enabled {
		return &wecom.JoinWayOptions{ConfigIDs: s.ConfigIDs}
	}
	return nil
}

// choose builds the sources that targets ("SOURCE" or "SOURCE/STREAM") name, each
// with the streams that are wanted; no targets are all of them.
func choose(cfg *config.Config, targets []string, bounds fetch.Options) ([]*source, error) {
	var chosen []*source
	matched := make([]bool, len(targets))
	for _, c := range cfg.Sources {
		wanted, whole := map[string]bool{}, len(targets) == 0
		for i, target := range targets {
			name, stream, narrow := strings.Cut(target, "/")
			if name != c.Name {
				continue
			}
			matched[i] = true
			whole = whole || !narrow
			wanted[stream] = narrow
		}
		if !whole && len(wanted) == 0 {
			continue
		}
		s, err := buildSource(c, bounds)
		if err != nil {
			return nil, err
		}
		if !whole {
			if err := s.narrow(wanted); err != nil {
				return nil, err
			}
		}
		chosen = append(chosen, s)
	}
	if i := slices.Index(matched, false); i >= 0 {
		return nil, usage("%s: no such source in the configuration; it has %s", targets[i], sourceNames(cfg))
	}
	return chosen, nil
}

// narrow keeps the streams that are wanted.
func (s *source) narrow(wanted map[string]bool) error {
	var have []string
	for _, spec := range s.specs {
		have = append(have, spec.Name)
	}
	for stream := range wanted {
		if !slices.Contains(have, stream) {
			return usage("%s/%s: no such stream, or it is switched off; %s has %s", s.Name, stream, s.Name,
				strings.Join(have, ", "))
		}
	}
	s.specs = slices.DeleteFunc(s.specs, func(spec model.StreamSpec) bool { return !wanted[spec.Name] })
	return nil
}

func sourceNames(cfg *config.Config) string {
	var names []string
	for _, c := range cfg.Sources {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// holder names this process in sync.lease.
func holder(now time.Time) string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown host"
	}
	return fmt.Sprintf("%s pid %d (%s)", name, os.Getpid(), strconv.FormatInt(now.UnixMilli(), 36))
}
