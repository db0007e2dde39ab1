package main

import (
	"context"
	"fmt"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/scrm"
	"syncd/internal/vendorsim/serve"
)

// simulator is what the command needs of a simulated vendor.
type simulator interface {
	Arm(text string) error
	Armed() []fault.Armed
	Start(ctx context.Context, addr string) (*serve.Server, error)
}

// simVendor is a vendor that can be simulated.
type simVendor struct {
	title string
	// credentials are those of a source, as they stand in the configuration.
	credentials string
	make        func(*simCmd) (simulator, error)
	faults      func() []fault.Info
	when        func() []fault.Param
}

var simVendors = map[string]simVendor{
	"wecom": {
		title:       "WeCom",
		credentials: fmt.Sprintf("{corp_id: %s, secret: %s}", vendorsim.DefaultCorpID, vendorsim.DefaultSecret),
		make: func(s *simCmd) (simulator, error) {
			return vendorsim.New(vendorsim.Options{
				Seed: s.Seed, Chats: s.Chats, MeanMembers: s.MeanMembers, MaxMembers: s.MaxMembers, Owners: s.Owners,
				Start: s.Start, Latency: s.Latency, Odd: s.Odd,
				Limits: vendorsim.Limits{PerMinute: s.PerMinute, PerHour: s.PerHour},
			})
		},
		faults: vendorsim.Faults, when: vendorsim.FaultWhen,
	},
	"dingtalk": {
		title:       "DingTalk",
		credentials: fmt.Sprintf("{app_key: %s, app_secret: %s}", dingtalk.DefaultAppKey, dingtalk.DefaultAppSecret),
		make: func(s *simCmd) (simulator, error) {
			return dingtalk.New(dingtalk.Options{
				Seed: s.Seed, Chats: s.Chats, MeanMembers: s.MeanMembers, MaxMembers: s.MaxMembers, Owners: s.Owners,
				Start: s.Start, Latency: s.Latency, Odd: s.Odd,
				Limits: dingtalk.Limits{PerSecond: s.PerSecond, PerMonth: s.PerMonth},
			})
		},
		faults: dingtalk.Faults, when: dingtalk.FaultWhen,
	},
	"scrm": {
		title:       "Tanma SCRM",
		credentials: fmt.Sprintf("{app_id: %s, app_key: %s}", scrm.DefaultAppID, scrm.DefaultAppKey),
		make: func(s *simCmd) (simulator, error) {
			return scrm.New(scrm.Options{
				Seed: s.Seed, Groups: s.Chats, Employees: s.Owners,
				Start: s.Start, Latency: s.Latency, Odd: s.Odd, PerSecond: s.PerSecond,
			})
		},
		faults: scrm.Faults, when: scrm.FaultWhen,
	},
}
