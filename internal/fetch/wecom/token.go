package wecom

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/fetch/token"
)

// tokenMargin is how long before its end a token is replaced.
const tokenMargin = 200 * time.Second

// tokenAnswer is the answer of gettoken (vendor doc 91039).
type tokenAnswer struct {
	envelope
	AccessToken lenient.Text `json:"access_token"`
	ExpiresIn   lenient.Int  `json:"expires_in"`
}

// newTokens keeps the access token of one app. Source: vendor doc 91039.
func newTokens(client *fetch.Client, base, corpID, secret string) *token.Keeper {
	// A function, because fmt prints the strings of a struct that it meets.
	address := func() string {
		return base + endpointToken + "?" + url.Values{"corpid": {corpID}, "corpsecret": {secret}}.Encode()
	}
	return token.New(token.Options{
		Endpoint: endpointToken, Margin: tokenMargin,
		BadCredential: func(bad *fetch.Error) bool { return bad.Endpoint == endpointToken && isCredentialCode(bad.Code) },
		Ask: func(ctx context.Context) (string, time.Duration, error) {
			return askToken(ctx, client, address)
		},
	})
}

func askToken(ctx context.Context, client *fetch.Client, address func() string) (text string, life time.Duration, err error) {
	_, err = client.Do(ctx, fetch.Request{
		Endpoint: endpointToken, Unmetered: true,
		Prepare: func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, address(), nil)
		},
		Verdict: call{endpoint: endpointToken, decode: func(a fetch.Answer) (outcome, error) {
			answer, _, err := lenient.Decode[tokenAnswer](a.Body)
			if err != nil {
				return outcome{}, err
			}
			out, err := answer.outcome()
			if err != nil || out.code != 0 {
				return out, err
			}
			if text = answer.AccessToken.Value; text == "" {
				return out, malformed("answer holds no access_token")
			}
			// Before anything else can fail and speak of it.
			client.Scrubber().Add(text)
			life = token.Seconds(answer.ExpiresIn.Value)
			return out, nil
		}}.verdict,
	})
	return text, life, err
}
