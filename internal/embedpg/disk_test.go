package embedpg

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiskFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	have, err := DiskFree(dir)
	require.NoError(t, err)
	require.Greater(t, have, uint64(1<<20))
	below, err := DiskFree(filepath.Join(dir, "not", "there", "yet"))
	require.NoError(t, err)
	require.InEpsilon(t, have, below, 0.5, "the file system of the directory above")

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = DiskFree(filepath.Join(file, "below"))
	require.Error(t, err, "a file is no directory")
}
