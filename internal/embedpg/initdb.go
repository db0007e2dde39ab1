package embedpg

import "context"

// initdb makes a cluster in dataDir, which acct must be able to create or, if
// it exists, must own empty. It and its children work in dir from their first moment
// on. Text is UTF-8 and sorts by bytes, whatever the
// machine's locale, so that results are the same everywhere.
func initdb(ctx context.Context, bin Binaries, acct account, dir, dataDir string, extra ...string) error {
	args := append([]string{
		"--pgdata=" + dataDir, "--username=" + superuser, "--encoding=UTF8", "--locale=C",
		"--no-instructions",
	}, extra...)
	_, err := run(ctx, acct, dir, bin.path("initdb"), args...)
	return err
}
