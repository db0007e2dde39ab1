package dingtalk

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/fetch/token"
)

// tokenMargin is how long before its end a token is replaced. An app of the
// organisation itself then gets the same one again, with a new life.
const tokenMargin = 10 * time.Minute

// tokenRequest is the body of oauth2/accessToken (vendor page
// 获取企业内部应用的accessToken).
type tokenRequest struct {
	AppKey    string `json:"appKey"`
	AppSecret string `json:"appSecret"`
}

// suiteTokenRequest is the body of oauth2/corpAccessToken (vendor page
// 获取定制应用的accessToken).
type suiteTokenRequest struct {
	SuiteKey    string `json:"suiteKey"`
	SuiteSecret string `json:"suiteSecret"`
	AuthCorpID  string `json:"authCorpId"`
	SuiteTicket string `json:"suiteTicket"`
}

// tokenAnswer is the answer of both. ExpireIn is seconds.
type tokenAnswer struct {
	AccessToken lenient.Text `json:"accessToken"`
	ExpireIn    lenient.Int  `json:"expireIn"`
}

func (c *Client) newTokens(opts Options) *token.Keeper {
	endpoint := endpointToken
	// A function, because fmt prints the strings of a struct that it meets.
	credential := func() any { return tokenRequest{AppKey: opts.AppKey, AppSecret: opts.AppSecret} }
	if c.suite {
		endpoint = endpointSuiteToken
		credential = func() any {
			return suiteTokenRequest{
				SuiteKey: opts.SuiteKey, SuiteSecret: opts.SuiteSecret, AuthCorpID: opts.AuthCorpID, SuiteTicket: opts.SuiteTicket,
			}
		}
	}
	return token.New(token.Options{
		Endpoint: endpoint, Margin: tokenMargin,
		BadCredential: func(bad *fetch.Error) bool { return isCredentialCode(bad.Code) },
		Ask: func(ctx context.Context) (string, time.Duration, error) {
			return c.askToken(ctx, endpoint, credential)
		},
	})
}

func (c *Client) askToken(ctx context.Context, endpoint string, credential func() any) (string, time.Duration, error) {
	var text string
	var life time.Duration
	_, err := c.http.Do(ctx, fetch.Request{
		Endpoint: endpoint, Unmetered: true,
		Prepare: func(ctx context.Context) (*http.Request, error) {
			body, err := json.Marshal(credential())
			if err != nil {
				return nil, err
			}
			return c.request(ctx, call{question: question{endpoint: endpoint}, post: true}, token.Token{}, body)
		},
		Verdict: func(a fetch.Answer) *fetch.Error {
			return c.verdict(question{endpoint: endpoint}, a, func(body []byte) error {
				answer, _, err := lenient.Decode[tokenAnswer](body)
				if err != nil {
					return err
				}
				if text = answer.AccessToken.Value; text == "" {
					return malformed("answer holds no accessToken")
				}
				// Before anything else can fail and speak of it.
				c.http.Scrubber().Add(text)
				life = token.Seconds(answer.ExpireIn.Value)
				return nil
			})
		},
	})
	return text, life, err
}
