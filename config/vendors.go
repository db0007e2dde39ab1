package config

import (
	"maps"
	"slices"
	"time"
)

// zoneChina is the zone of all three vendors.
const zoneChina = "Asia/Shanghai"

const day = 24 * time.Hour

func defaultConfig() Config {
	return Config{
		DataDir:   "./data",
		HTTP:      HTTP{Listen: "127.0.0.1:8686"},
		Log:       Log{Level: "info", Format: "auto"},
		Workers:   4,
		LeaseTTL:  time.Minute,
		Retention: Retention{Passes: 400 * day, Rejects: 30 * day},
		Breaker:   Breaker{Min: 20, Share: 0.2},
	}
}

// vendor is what a source of that vendor has where its file says nothing.
type vendor struct {
	baseURL string
	limits  Limits
	streams map[string]Stream
}

// vendors holds the contract's figures: limits well below those the vendors
// publish, statistics after the hour at which they are ready, and minutes that
// keep clear of the full hour, when everybody calls.
var vendors = map[string]vendor{
	"wecom": {
		baseURL: "https://qyapi.weixin.qq.com",
		limits:  Limits{PerMinute: 3000, PerHour: 60000, Concurrency: 4, Scope: "endpoint"},
		streams: map[string]Stream{
			"owners":                {Schedule: mustSchedule("10 5 * * *")},
			"chats":                 {Schedule: mustSchedule("20 * * * *"), PageSize: 1000},
			"members":               {Schedule: mustSchedule("*/10 * * * *"), MaxAge: 24 * time.Hour},
			"daily_stats":           {Schedule: mustSchedule("15 6 * * *"), BackfillDays: 180, LookbackDays: 3, ReadyHour: 6},
			"owner_stats":           {Schedule: mustSchedule("15 6 * * *"), BackfillDays: 180, LookbackDays: 3, ReadyHour: 6},
			"owner_period_stats":    {Schedule: mustSchedule("45 6 * * *"), Periods: []int{7, 30}},
			"group_messages":        {Schedule: mustSchedule("40 * * * *"), BackfillDays: 30, ChatTypes: []string{"group"}},
			"group_message_tasks":   {Schedule: mustSchedule("45 * * * *"), FollowFor: 168 * time.Hour},
			"group_message_results": {Schedule: mustSchedule("50 * * * *"), FollowFor: 168 * time.Hour},
			"join_ways":             {Schedule: mustSchedule("30 5 * * *")},
		},
	},
	"dingtalk": {
		baseURL: "https://api.dingtalk.com",
		limits:  Limits{PerSecond: 15, PerMonth: 2500, Concurrency: 4, Scope: "endpoint", ReadsShare: 0.5},
		streams: map[string]Stream{
			"group_sets": {Schedule: mustSchedule("20 4 * * *"), CheckTotals: true},
			"chats": {
				Schedule:      mustSchedule("10 */6 * * *"),
				FullSchedule:  mustSchedule("10 3 * * 0"),
				RelationTypes: []string{"crm_customer", "crm_customer_personal"},
				CheckTotals:   true,
			},
			"chat_checks":   {Schedule: mustSchedule("25 */6 * * *")},
			"message_reads": {Schedule: mustSchedule("*/30 * * * *"), FollowFor: 24 * time.Hour},
		},
	},
	"scrm": {
		baseURL: "https://account.tanmarket.cn/apiServer",
		limits:  Limits{PerSecond: 5, Concurrency: 4, Scope: "endpoint"},
		streams: map[string]Stream{
			"chats": {Schedule: mustSchedule("50 * * * *"), PageSize: 50},
		},
	},
}

// defaultSource returns a source of the vendor as it is without a single key.
func defaultSource(name string) Source {
	v, s := vendors[name], Source{Timezone: mustZone(zoneChina)}
	s.BaseURL, s.Limits = v.baseURL, v.limits
	if name == "scrm" {
		s.SCRM = SCRM{Sign: "sha256-concat", SendAppKey: true}
	}
	s.Streams = make(map[string]Stream, len(v.streams))
	for stream, st := range v.streams {
		st.Enabled = true
		st.Periods = slices.Clone(st.Periods)
		st.RelationTypes = slices.Clone(st.RelationTypes)
		st.ChatTypes = slices.Clone(st.ChatTypes)
		s.Streams[stream] = st
	}
	return s
}

// streamNames lists the streams of a vendor, sorted.
func streamNames(name string) []string {
	return slices.Sorted(maps.Keys(vendors[name].streams))
}
