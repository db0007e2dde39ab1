package scrm

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // one of the shapes that such signatures have; the default is another one
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// The signing strategies, by their names in the configuration.
const (
	// SignSHA256 is the lowercase hex of SHA-256(appId ‖ timestamp ‖ body ‖ appKey).
	// Three independent public clients agree on it.
	SignSHA256 = "sha256-concat"
	// SignHMAC is the lowercase hex of HMAC-SHA256 over appId ‖ timestamp ‖ body
	// with appKey as the key.
	SignHMAC = "hmac-sha256"
	// SignMD5 is the lowercase hex of MD5(appId ‖ timestamp ‖ body ‖ appKey).
	SignMD5 = "md5-concat"
	// SignSorted is the lowercase hex of MD5(k=v&k=v… ‖ appKey) over the members of
	// the body, appId and timestamp, sorted by name. Values stand as in the body,
	// text without its quotes.
	SignSorted = "md5-sorted-params"
)

// signature makes the text of the header sign. The timestamp is the text of the
// header, the body exactly what is sent.
type signature func(appID, timestamp string, body []byte, appKey string) string

// signatures are the strategies. The vendor's own page on authentication could not
// be read, so how requests are signed is a choice with a default.
var signatures = map[string]signature{
	SignSHA256: func(appID, timestamp string, body []byte, appKey string) string {
		sum := sha256.Sum256(joined(appID, timestamp, body, appKey))
		return hex.EncodeToString(sum[:])
	},
	SignHMAC: func(appID, timestamp string, body []byte, appKey string) string {
		mac := hmac.New(sha256.New, []byte(appKey))
		_, _ = mac.Write(joined(appID, timestamp, body, ""))
		return hex.EncodeToString(mac.Sum(nil))
	},
	SignMD5: func(appID, timestamp string, body []byte, appKey string) string {
		sum := md5.Sum(joined(appID, timestamp, body, appKey))
		return hex.EncodeToString(sum[:])
	},
	SignSorted: func(appID, timestamp string, body []byte, appKey string) string {
		sum := md5.Sum([]byte(sortedParams(appID, timestamp, body) + appKey))
		return hex.EncodeToString(sum[:])
	},
}

func sortedParams(appID, timestamp string, body []byte) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // what is no object has no members
	params := map[string]string{"appId": appID, "timestamp": timestamp}
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		params[name] = text
	}
	pairs := make([]string, 0, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, name+"="+params[name])
	}
	return strings.Join(pairs, "&")
}

func joined(appID, timestamp string, body []byte, appKey string) []byte {
	return slices.Concat([]byte(appID), []byte(timestamp), body, []byte(appKey))
}

// signatureNames lists the strategies for an error message.
func signatureNames() string {
	return strings.Join(slices.Sorted(maps.Keys(signatures)), ", ")
}
