package scrm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSignatures holds vectors that were made with other programs (sha256sum,
// md5sum and openssl over the joined text).
func TestSignatures(t *testing.T) {
	t.Parallel()
	const plain, keyword = `{"pageNo":1,"pageSize":10}`, `{"pageNo":1,"pageSize":10,"keyword":"客户群"}`
	for _, tc := range []struct{ strategy, body, want string }{
		{SignSHA256, plain, "32116a059baf73d0ea839fb75513131bb65f27ca814c058697043b9b9c19ca33"},
		{SignSHA256, keyword, "b6088d91f9f03bab518d7a56f3417c63bb605de09bde2f046171f6acaffcb59b"},
		{SignSHA256, "", "bd950ff6d6418a3db38854a81f20254fe48b4ca1b66a65eb24371cf5e265f62d"},
		{SignHMAC, keyword, "fa3e3438a0d225e34cc6c337b31b040ceb9cc6f9b54678f0fc13c7e0d32c5fc9"},
		{SignMD5, keyword, "1d1a4c482bdc68e10ca611f091be5f35"},
		{SignSorted, keyword, "22d4334dd733626aac854e522c046209"},
	} {
		got := signatures[tc.strategy]("app-demo", "1650944121000", []byte(tc.body), "key-demo")
		require.Equal(t, tc.want, got, "%s of %s", tc.strategy, tc.body)
	}
	require.Equal(t, "hmac-sha256, md5-concat, md5-sorted-params, sha256-concat", signatureNames())
}
