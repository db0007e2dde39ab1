package fetch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://api.example":                       "https://api.example",
		"https://api.example/":                      "https://api.example",
		"http://127.0.0.1:8787/apiServer//":         "http://127.0.0.1:8787/apiServer",
		"https://api.example/a%2Fb?token=t#x":       "https://api.example/a%2Fb",
		"https://user:s3cr3t@api.example/apiServer": "https://api.example/apiServer",
	} {
		got, err := BaseURL(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "api.example", "ftp://api.example", "https://", "https://user:s3%cr3t@api.example", "://"} {
		_, err := BaseURL(in)
		require.EqualError(t, err, "base_url is not an http address", in)
	}
}
