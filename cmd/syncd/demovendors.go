package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"syncd/config"
	"syncd/internal/store"
	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/scrm"
	"syncd/internal/vendorsim/serve"
)

// demoVendors are the simulated vendors of a demonstration. The SCRM knows some of
// WeCom's chats, as it would where one company uses both.
type demoVendors struct {
	chats int
	seed  uint64
	// start is the clock of WeCom's tenant, and midnight before it that of the
	// others: their lists are cut at our own clock, which may be earlier than start.
	start, midnight time.Time

	wecom    *vendorsim.Sim
	dingtalk *dingtalk.Sim
	scrm     *scrm.Sim

	urls    map[string]string
	cancel  context.CancelFunc
	servers []*serve.Server
}

// demoMessages is how many robot messages of DingTalk are tracked, of ten times as
// many that were sent within two days.
const demoMessages = 20

// demoWays is how many ways to join chats are read.
const demoWays = 20

func newDemoVendors(chats int, seed uint64, now time.Time) *demoVendors {
	v := &demoVendors{chats: chats, seed: seed, start: tenantStart(now)}
	v.midnight = v.start.Truncate(time.Hour).Add(-tenantHour * time.Hour)
	return v
}

// serve makes the vendors, has them answer until stop, and says where.
func (v *demoVendors) serve(ctx context.Context, out io.Writer) (err error) {
	ctx, v.cancel = context.WithCancel(ctx)
	v.urls = map[string]string{}
	if v.wecom, err = vendorsim.New(vendorsim.Options{Seed: v.seed, Chats: v.chats, Start: v.start}); err != nil {
		return usage("%w", err)
	}
	v.dingtalk, err = dingtalk.New(dingtalk.Options{
		Seed: v.seed, Chats: max(1, v.chats/2), Start: v.midnight, Messages: 10 * demoMessages,
		Limits: dingtalk.Limits{PerMonth: -1},
	})
	if err != nil {
		return usage("%w", err)
	}
	v.scrm, err = scrm.New(scrm.Options{Seed: v.seed, Groups: max(1, v.chats/4), Start: v.midnight, Shared: v.shared(), PerSecond: -1})
	if err != nil {
		return usage("%w", err)
	}
	fmt.Fprintln(out, "1. three simulated vendors answer")
	for _, vendor := range []struct {
		name, what string
		sim        interface {
			Start(ctx context.Context, addr string) (*serve.Server, error)
		}
	}{
		{"wecom", fmt.Sprintf("WeCom, a tenant of %d chats", v.chats), v.wecom},
		{"dingtalk", fmt.Sprintf("DingTalk, an organisation of %d chats", max(1, v.chats/2)), v.dingtalk},
		{"scrm", fmt.Sprintf("Tanma SCRM, %d of WeCom's chats with their SOP tasks", max(1, v.chats/4)), v.scrm},
	} {
		server, err := vendor.sim.Start(ctx, "127.0.0.1:0")
		if err != nil {
			return err
		}
		v.servers = append(v.servers, server)
		v.urls[vendor.name] = server.URL()
		fmt.Fprintf(out, "   %s: %s\n", vendor.what, server.URL())
	}
	return nil
}

// shared are the chats of WeCom that the SCRM has, too.
func (v *demoVendors) shared() []scrm.Shared {
	var list []scrm.Shared
	for chat := range v.wecom.Chats(v.start) {
		if len(list) == max(1, v.chats/4) {
			break
		}
		if chat.CreatedAt.Before(v.midnight) {
			list = append(list, scrm.Shared{ChatID: chat.ID, Name: chat.Name, CreatedAt: chat.CreatedAt})
		}
	}
	return list
}

// messages are the latest robot messages, whose readers are followed: those that
// can be read for most of the day.
func (v *demoVendors) messages() []store.RobotMessage {
	sent := v.dingtalk.Messages(v.midnight)
	slices.SortFunc(sent, func(a, b dingtalk.Message) int {
		return cmp.Or(b.SentAt.Compare(a.SentAt), strings.Compare(a.Key, b.Key))
	})
	var list []store.RobotMessage
	for _, m := range sent[:min(demoMessages, len(sent))] {
		list = append(list, store.RobotMessage{Key: m.Key, ChatID: m.ChatID, RobotCode: m.RobotCode, SentAt: m.SentAt})
	}
	return list
}

// ways are the config_ids of some ways to join chats of WeCom, which has no list of
// them: the first ones that can be read and mark whom they bring.
func (v *demoVendors) ways() []string {
	var list []string
	for way := range v.wecom.JoinWays(v.start) {
		if len(list) < demoWays && way.DeletedAt.IsZero() && way.State != "" {
			list = append(list, way.ID)
		}
	}
	return list
}

// config is that of sources that read the simulators as fast as these allow, and
// everything again however fresh: so a second run shows that unchanged data is not
// written.
func (v *demoVendors) config() (*config.Config, error) {
	return config.Parse("demo", fmt.Appendf(nil, `
sources:
  - name: wecom
    vendor: wecom
    base_url: %s
    credentials: %s
    limits: {per_minute: 0, per_hour: 0, concurrency: 4}
    streams:
      members: {max_age: 1s}
      join_ways: {config_ids: [%s]}
  - name: dingtalk
    vendor: dingtalk
    base_url: %s
    credentials: %s
    limits: {per_second: 15, per_month: 0}
  - name: scrm
    vendor: scrm
    base_url: %s
    credentials: %s
    limits: {per_second: 0}
`, v.urls["wecom"], simVendors["wecom"].credentials, strings.Join(v.ways(), ", "), v.urls["dingtalk"], simVendors["dingtalk"].credentials,
		v.urls["scrm"], simVendors["scrm"].credentials), func(string) (string, bool) { return "", false })
}

// stop ends the vendors.
func (v *demoVendors) stop() error {
	if v.cancel != nil {
		v.cancel()
	}
	var errs []error
	for _, server := range v.servers {
		errs = append(errs, server.Wait())
	}
	return errors.Join(errs...)
}
