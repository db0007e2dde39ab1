package embedpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that owns a cluster and runs its server.
type account struct {
	name string
	uid  int
	gid  int
	// credential makes a child run as this user; nil when it is ourselves.
	credential *syscall.Credential
}

// chooseAccount says who runs the server. Root may not, so it takes the first
// that exists of: the configured user, the owner of dataDir ("" or absent: no
// owner), postgres, nobody. initdb wants a user with a name. Anyone else can
// only be themselves.
func chooseAccount(configured, dataDir string) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		self := account{name: strconv.Itoa(uid), uid: uid, gid: os.Getegid()}
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			self.name = u.Username
		}
		return self, nil
	}
	if configured != "" {
		u, err := user.Lookup(configured)
		if err != nil {
			return account{}, fmt.Errorf("user that is to run postgres: %w", err)
		}
		return accountOf(u)
	}
	if uid, ok := ownerOf(dataDir); ok && uid != 0 {
		u, err := user.LookupId(strconv.Itoa(uid))
		if err != nil {
			return account{}, fmt.Errorf("owner of %s: %w", dataDir, err)
		}
		return accountOf(u)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, errors.New("postgres does not run as root, and there is no user postgres or nobody to run it as")
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user id of %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("group id of %s: %w", u.Username, err)
	}
	if uid == 0 {
		return account{}, fmt.Errorf("postgres does not run as %s, who is root", u.Username)
	}
	return account{
		name: u.Username, uid: int(uid), gid: int(gid),
		credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}, nil
}

// own gives path, which we made, to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// ownerOf is the user id of path's owner; false when there is no such path.
func ownerOf(path string) (int, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
