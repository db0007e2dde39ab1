package fetch

import (
	"errors"
	"net/url"
	"strings"
)

// BaseURL reads what stands before every path of a vendor: scheme, host and
// perhaps a path, without a slash at its end. A user, a query and a fragment are
// left out, and the error holds nothing of the text: people put passwords there.
func BaseURL(text string) (string, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return "", errors.New("base_url is not an http address")
	}
	return strings.TrimRight(base.Scheme+"://"+base.Host+base.EscapedPath(), "/"), nil
}
