package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/stretchr/testify/require"
)

const unitPath = root + "/deploy/systemd/syncd.service"

// The unit speaks the daemon's language and lets it do what it needs, no more.
func TestUnit(t *testing.T) {
	t.Parallel()
	file, err := os.Open(unitPath)
	require.NoError(t, err)
	defer file.Close()
	options, err := unit.DeserializeOptions(file)
	require.NoError(t, err)
	have := map[string][]string{}
	for _, o := range options {
		if o.Section == "Service" {
			have[o.Name] = append(have[o.Name], o.Value)
		}
	}
	for name, want := range map[string]string{
		"Type": "notify-reload", "NotifyAccess": "main", "KillMode": "mixed", "TimeoutStopSec": "15", "WatchdogSec": "60s",
		"Restart": "on-failure", "RestartPreventExitStatus": "64", "DynamicUser": "yes", "StateDirectory": "syncd",
		"StateDirectoryMode": "0700", "LoadCredential": "secret:/etc/syncd/secrets",
		"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateDevices": "yes", "PrivateTmp": "yes", "NoNewPrivileges": "yes",
		"CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces": "yes",
		"ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectControlGroups": "yes", "UMask": "0077",
	} {
		require.Equal(t, []string{want}, have[name], name)
	}
	require.Contains(t, have["SystemCallFilter"], "@system-service")
	require.Len(t, have["ExecStart"], 1)
	require.Regexp(t, `^/usr/local/bin/syncd run --config /etc/syncd/syncd\.yaml\b`, have["ExecStart"][0])
	for name, values := range have {
		require.NotRegexp(t, `(?i)^(environment|setcredential)`, name, "secrets do not stand in a unit: %s", values)
	}
}

// systemd takes the unit as it is, but for the program, which need not be installed.
func TestUnitVerified(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze here")
	}
	text, err := os.ReadFile(unitPath)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "syncd.service")
	changed := strings.ReplaceAll(string(text), "/usr/local/bin/syncd run", program+" run")
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	out, err := exec.CommandContext(t.Context(), analyze, "verify", path).CombinedOutput()
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "ignoring: notify-reload") {
			continue // before systemd 253, as the unit says
		}
		require.NotContains(t, line, "syncd.service:", "systemd says")
	}
}
