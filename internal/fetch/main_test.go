package fetch

import (
	"testing"

	"syncd/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
