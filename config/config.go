// Package config reads syncd.yaml: it parses the file, fills in defaults, takes
// secrets from the environment or from files, and lists everything that is wrong
// at once, each problem with its line, its key and what to write instead.
//
// One tagged struct per block says which keys exist and what they may hold; a
// single walker reads them all (decode.go), and rules that look at more than one
// key stand in check.go. What a vendor's keys default to is a table (vendors.go).
//
// ${VAR} and ${VAR:-default} are replaced in values only, after the YAML has been
// parsed, so that nothing in a variable can become structure; $$ is a plain $. A
// key without a value (null) counts as left out.
//
// It knows no vendor's protocol, opens no database and keeps nothing: which of
// these vendors a binary can really talk to is decided where clients are built.
package config

import (
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata" // zones must load on hosts without a zone database
)

// fileBytesMax is far above any real configuration and keeps a wrong path (a
// dump, a device) from filling the memory.
const fileBytesMax = 1 << 20

// Config is a whole configuration, complete and valid.
type Config struct {
	// DatabaseURL is a PostgreSQL URL or keyword/value string; empty means the
	// embedded PostgreSQL under DataDir.
	DatabaseURL Secret `key:"database_url" unset:"empty"`
	// DataDir is relative to the working directory.
	DataDir  string   `key:"data_dir" required:"true"`
	Embedded Embedded `key:"embedded"`
	HTTP     HTTP     `key:"http"`
	Log      Log      `key:"log"`
	// Workers is how many jobs run at once in one process.
	Workers int `key:"workers" min:"1" max:"256"`
	// LeaseTTL is how long a lease on a stream lives without being renewed.
	LeaseTTL  time.Duration `key:"lease_ttl" min:"1s" max:"1h"`
	Retention Retention     `key:"retention"`
	Breaker   Breaker       `key:"breaker"`
	// Sources has at least one element; names are unique.
	Sources []Source `key:"sources"`
}

// Embedded is about the private PostgreSQL that runs where no database is given.
type Embedded struct {
	// BinDir holds the postgres and initdb programs; "" looks for them.
	BinDir string `key:"bin_dir"`
	// Port is 0 for any free one.
	Port int `key:"port" min:"0" max:"65535"`
}

// HTTP is about the status page, health and metrics.
type HTTP struct {
	// Listen is host:port.
	Listen string `key:"listen" required:"true"`
	// Token is what a caller must present; only a loopback Listen may go without.
	Token Secret `key:"token" unset:"empty"`
}

// Log is about log lines on standard error.
type Log struct {
	Level string `key:"level" oneof:"trace debug info warn error"`
	// Format auto is console on a terminal and JSON otherwise.
	Format string `key:"format" oneof:"auto console json"`
}

// Retention is how long bookkeeping rows are kept. Facts are kept for ever.
type Retention struct {
	Passes  time.Duration `key:"passes" min:"1d" max:"36500d"`
	Rejects time.Duration `key:"rejects" min:"1d" max:"36500d"`
}

// Breaker says how many chats may go missing in one pass before a person has to
// approve it: more than Min and more than Share of the known ones.
type Breaker struct {
	Min   int     `key:"min" min:"0" max:"1000000000"`
	Share float64 `key:"share" min:"0" max:"1"`
}

// Source is one vendor API as set up for one customer's credential.
type Source struct {
	// Name is the first part of every key in the database.
	Name string `key:"name" required:"true"`
	// Vendor is "wecom", "dingtalk" or "scrm"; it decides which of the keys
	// below exist.
	Vendor string `key:"vendor" required:"true" oneof:"wecom dingtalk scrm"`
	// BaseURL has no trailing slash, query, fragment or user; its scheme is
	// https, or http on loopback.
	BaseURL string `key:"base_url"`
	// Timezone is the vendor's: statistic days and schedules are meant in it.
	Timezone    *time.Location `key:"timezone"`
	Credentials Credentials    `key:"credentials"`
	SCRM        SCRM           `key:"scrm" of:"scrm"`
	Limits      Limits         `key:"limits"`
	// OwnerIDs restricts the source to these owners; nil means everyone visible.
	OwnerIDs []string `key:"owner_ids" of:"wecom" bytes:"64"`
	// Streams holds every stream of the vendor by name, those that are switched
	// off as well.
	Streams map[string]Stream `key:"streams"`
}

// Credentials are what the vendor calls them. DingTalk has two sets, that of an
// internal app (AppKey, AppSecret) and that of a third-party one (the other
// four); exactly one is given.
type Credentials struct {
	CorpID      string `key:"corp_id" of:"wecom" required:"true"`
	Secret      Secret `key:"secret" of:"wecom" required:"true"`
	AppKey      string `key:"app_key" of:"dingtalk"`
	AppSecret   Secret `key:"app_secret" of:"dingtalk"`
	SuiteKey    string `key:"suite_key" of:"dingtalk"`
	SuiteSecret Secret `key:"suite_secret" of:"dingtalk"`
	SuiteTicket Secret `key:"suite_ticket" of:"dingtalk"`
	AuthCorpID  string `key:"auth_corp_id" of:"dingtalk"`
	AppID       string `key:"app_id" of:"scrm" required:"true"`
	// SignKey is the vendor's app_key: it signs requests.
	SignKey Secret `key:"app_key" of:"scrm" required:"true"`
}

// SCRM is how requests to Tanma are signed.
type SCRM struct {
	Sign string `key:"sign" oneof:"sha256-concat hmac-sha256 md5-concat md5-sorted-params"`
	// SendAppKey sends the app key as a header beside the signature.
	SendAppKey bool `key:"send_app_key"`
}

// Limits are the calls a source may make. 0 is no limit of that kind.
type Limits struct {
	PerSecond int `key:"per_second" min:"0" max:"1000000"`
	PerMinute int `key:"per_minute" min:"0" max:"1000000"`
	PerHour   int `key:"per_hour" min:"0" max:"100000000"`
	// PerMonth counts calendar months and the whole source, whatever Scope says.
	PerMonth    int `key:"per_month" min:"0" max:"1000000000"`
	Concurrency int `key:"concurrency" min:"1" max:"64"`
	// Scope "endpoint" gives each endpoint its own limits, "source" makes the
	// endpoints share them.
	Scope string `key:"scope" oneof:"endpoint source"`
	// ReadsShare is the part of PerMonth that read receipts may take.
	ReadsShare float64 `key:"reads_share" of:"dingtalk" min:"0" max:"1"`
}

// Stream is the settings of one stream. A field that the stream does not have
// (its of tag names those that do) is zero.
type Stream struct {
	Enabled  bool     `key:"enabled"`
	Schedule Schedule `key:"schedule"`
	// FullSchedule is when all chats are listed, not only new ones.
	FullSchedule Schedule `key:"full_schedule" of:"dingtalk/chats"`
	PageSize     int      `key:"page_size" of:"wecom/chats scrm/chats" min:"1" max:"1000"`
	// MaxAge is how old a member list may grow before it is read again.
	MaxAge       time.Duration `key:"max_age" of:"wecom/members" min:"1s" max:"400d"`
	BackfillDays int           `key:"backfill_days" of:"wecom/daily_stats wecom/owner_stats wecom/group_messages" min:"1" max:"180"`
	// LookbackDays are read again although covered, because figures arrive late.
	LookbackDays int `key:"lookback_days" of:"wecom/daily_stats wecom/owner_stats" min:"0" max:"180"`
	// ReadyHour is the vendor's hour from which yesterday's figures are final.
	ReadyHour int `key:"ready_hour" of:"wecom/daily_stats wecom/owner_stats" min:"0" max:"23"`
	// Periods are lengths in days, each ending yesterday.
	Periods []int `key:"periods" of:"wecom/owner_period_stats" required:"true" min:"1" max:"30"`
	// FollowFor is how long after sending a message is looked at again.
	FollowFor time.Duration `key:"follow_for" of:"wecom/group_message_tasks wecom/group_message_results dingtalk/message_reads" min:"1h" max:"90d"`
	// ChatTypes are the kinds of receivers of the mass messages that are listed.
	ChatTypes []string `key:"chat_types" of:"wecom/group_messages" required:"true" oneof:"group single"`
	ConfigIDs []string `key:"config_ids" of:"wecom/join_ways" bytes:"64"`

	RelationTypes []string `key:"relation_types" of:"dingtalk/chats" required:"true" oneof:"crm_customer crm_customer_personal"`
	// QueryDSL is the vendor's filter, a JSON text or "".
	QueryDSL string `key:"query_dsl" of:"dingtalk/chats" lines:"many"`
	// CheckTotals holds what a list shows against how many records the vendor counts.
	CheckTotals bool    `key:"check_totals" of:"dingtalk/chats dingtalk/group_sets"`
	UserIDs     []int64 `key:"user_ids" of:"scrm/chats" min:"1"`
	Keyword     string  `key:"keyword" of:"scrm/chats"`
	TagGroupIDs []int64 `key:"tag_group_ids" of:"scrm/chats" min:"1"`
	// ConditionOp is how tag groups combine, a vendor's number; nil leaves it out.
	ConditionOp *int64 `key:"condition_op" of:"scrm/chats"`
	// CreatedFrom and CreatedUntil are days in the vendor's zone, 2006-01-02 or "":
	// the first and the last on which a chat was created.
	CreatedFrom  string `key:"created_from" of:"scrm/chats"`
	CreatedUntil string `key:"created_until" of:"scrm/chats"`
}

// Load reads the file at path. See [Parse] for getenv and what is wrong with the
// content; a file that cannot be read is an error of package os, wrapped.
func Load(path string, getenv func(string) (string, bool)) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w; copy config/syncd.example.yaml there or name another file with --config", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return Parse(path, data, getenv)
}

// Parse reads a configuration from data; name is how errors call it. getenv is
// [os.LookupEnv] outside tests. Files that *_file keys name are read. The error
// is an [*Error] that lists every problem.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	d := newDecoder(getenv, readSecretFile)
	c := d.config(data)
	if len(d.problems) > 0 {
		sortProblems(d.problems)
		return nil, &Error{File: name, Problems: d.problems}
	}
	return c, nil
}
