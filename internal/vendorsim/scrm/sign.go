package scrm

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // one of the signatures that a deployment may use
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Strategy is how calls are signed. The vendor's page on it could not be read;
// three public clients agree on the first.
type Strategy int

// The strategies, and what is hashed.
const (
	// SignSHA256 is SHA-256 of appId, timestamp, body and appKey in a row.
	SignSHA256 Strategy = iota
	// SignHMAC is HMAC-SHA256 of appId, timestamp and body under appKey.
	SignHMAC
	// SignMD5 is MD5 of appId, timestamp, body and appKey in a row.
	SignMD5
	// SignMD5Bare is MD5 of appId, timestamp and appKey in a row.
	SignMD5Bare
	// SignMD5Sorted is MD5 of k=v&… over the body's members and appId and timestamp,
	// sorted by name, then appKey. Values are as in the body, strings unquoted.
	SignMD5Sorted
)

var strategies = []func(appID, timestamp, body, key string) []byte{
	SignSHA256: func(appID, timestamp, body, key string) []byte {
		sum := sha256.Sum256([]byte(appID + timestamp + body + key))
		return sum[:]
	},
	SignHMAC: func(appID, timestamp, body, key string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(appID + timestamp + body))
		return mac.Sum(nil)
	},
	SignMD5:       func(appID, timestamp, body, key string) []byte { return sumMD5(appID + timestamp + body + key) },
	SignMD5Bare:   func(appID, timestamp, _, key string) []byte { return sumMD5(appID + timestamp + key) },
	SignMD5Sorted: sortedParams,
}

func sumMD5(text string) []byte {
	sum := md5.Sum([]byte(text))
	return sum[:]
}

func sortedParams(appID, timestamp, body, key string) []byte {
	var members map[string]jsontext.Value
	_ = json.Unmarshal([]byte(body), &members) // what is no object has no members
	params := map[string]string{"appId": appID, "timestamp": timestamp}
	for name, value := range members {
		params[name] = string(value)
		if value.Kind() == '"' {
			var text string
			_ = json.Unmarshal(value, &text) // it has been read once
			params[name] = text
		}
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, name+"="+params[name])
	}
	return sumMD5(strings.Join(pairs, "&") + key)
}

// Signature is what the simulator expects in the header sign of a call with this
// timestamp and these bytes of body.
func (s *Sim) Signature(timestamp string, body []byte) string {
	return s.signature(s.opt.AppKey, timestamp, string(body))
}

func (s *Sim) signature(key, timestamp, body string) string {
	sign := hex.EncodeToString(strategies[s.opt.Sign](s.opt.AppID, timestamp, body, key))
	if s.opt.SignUpper {
		return strings.ToUpper(sign)
	}
	return sign
}

// timestampDigits is how long a timestamp in milliseconds is, from 2001 to 2286.
const timestampDigits = 13

// authorize checks the headers of a call: first when it was signed, then by whom.
// now is the vendor's time, key the one it takes for good.
func (s *Sim) authorize(header http.Header, body []byte, now time.Time, key string) refusal {
	timestamp := headerOf(header, "timestamp")
	millis, err := strconv.ParseUint(timestamp, 10, 63)
	if err != nil || len(timestamp) != timestampDigits {
		return refusal{codeBadTime, fmt.Sprintf("timestamp must be %d digits of milliseconds", timestampDigits)}
	}
	if off := now.Sub(time.UnixMilli(int64(millis))).Abs(); s.opt.SkewMax >= 0 && off > s.opt.SkewMax {
		return refusal{codeBadTime, "request time is too far from server time"}
	}
	if headerOf(header, "appId") != s.opt.AppID || !s.keyFits(headerOf(header, "appKey"), key) {
		return refusal{codeBadSign, "signature check failed"}
	}
	want := s.signature(key, timestamp, string(body))
	if !hmac.Equal([]byte(headerOf(header, "sign")), []byte(want)) {
		return refusal{codeBadSign, "signature check failed"}
	}
	return refusal{}
}

// headerOf is the value of a header whichever case its name is written in: a
// client that comes without a network in between has not had it changed.
func headerOf(header http.Header, name string) string {
	for written, values := range header {
		if strings.EqualFold(written, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

func (s *Sim) keyFits(sent, key string) bool {
	switch {
	case s.opt.Key == KeyIgnored:
		return true
	case sent == "":
		return s.opt.Key == KeyOptional
	default:
		return hmac.Equal([]byte(sent), []byte(key))
	}
}
