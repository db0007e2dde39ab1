package dingtalk

import (
	"encoding/hex"
	"strings"
	"time"

	"syncd/internal/vendorsim/dice"
)

// setPersonal reports whether a set is for individual customers: every third is.
func setPersonal(set uint64) bool { return set%3 == 2 }

// setCreated is when the set was made, in Unix seconds. Those of the start are
// older than every group.
func (t *tenant) setCreated(set uint64) int64 {
	if set >= t.sets.N {
		return t.sets.When(set)
	}
	return t.start - 902*day - int64(t.bits(drawSetCreated, set, 0)%(300*day))
}

// setVersion is how often name, notice and managers have changed.
func (t *tenant) setVersion(set uint64, at int64) uint64 {
	return t.version(drawSetChange, set, at, 30*day, 300)
}

// setModified is when they last changed, to the slot.
func (t *tenant) setModified(set uint64, at int64) int64 {
	v := t.setVersion(set, at)
	if v == 0 {
		return t.setCreated(set)
	}
	// Found from its slot, by the same draw that made the version.
	x := t.bits(drawSetChange, set, v-1)
	return max(t.setCreated(set), t.start+int64(v-1)*30*day+int64(x>>32)%(30*day))
}

// setOf is the set that a group was made from, if any: six in ten were.
func (t *tenant) setOf(chat uint64) (uint64, bool) {
	x := t.bits(drawInSet, chat, 0)
	personal := t.personal(chat)
	sets := t.sets.N / 3 // of individual customers
	if !personal {
		sets = t.sets.N - sets
	}
	if sets == 0 || !dice.Percent(x, 60) {
		return 0, false
	}
	// The last set of either kind has no groups, if it is not the only one.
	k := x >> 8 % max(sets-1, 1)
	if personal {
		return 3*k + 2, true
	}
	return k/2*3 + k%2, true
}

func (t *tenant) setID(set uint64) string { return hex.EncodeToString(t.disguised(drawSetBorn, set)) }

func (t *tenant) setNumber(id string) (uint64, bool) {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 16 || strings.ToLower(id) != id {
		return 0, false
	}
	return t.undisguised(drawSetBorn, raw)
}

// User is somebody with a name.
type User struct{ ID, Name string }

// Set is the truth about a group set.
type Set struct {
	ID, Name, RelationType string
	Owner                  User
	Managers               []User
	// MemberQuota is the cap of each group, MemberCount the sum over all of them.
	MemberQuota, MemberCount, ChatCount int
	Notice                              string
	NoticeOnTop                         bool
	TemplateID                          string
	// LastChatID is the newest group; "" is none.
	LastChatID            string
	CreatedAt, ModifiedAt time.Time // whole minutes
	InviteLink            string
}

// describe says everything about a set but what its groups add up to.
func (t *tenant) describe(set uint64, at int64) Set {
	v := t.setVersion(set, at)
	x := t.bits(drawSetName, set, v)
	owner := t.bits(drawOwner, ^set, 0) % uint64(t.opt.Owners)
	s := Set{
		ID: t.setID(set), RelationType: relation(setPersonal(set)),
		Name:        pick(regions, x) + pick(topics, x>>8) + "集" + t.oddText(^set, v),
		Owner:       User{t.userID(owner), t.userName(owner)},
		MemberQuota: []int{200, 500, 1000}[x>>16%3],
		Notice:      pick(notices, x>>24),
		NoticeOnTop: x>>32%2 == 1,
		CreatedAt:   instant(t.setCreated(set)).Truncate(time.Minute),
		ModifiedAt:  instant(t.setModified(set, at)).Truncate(time.Minute),
		InviteLink:  "https://h5.dingtalk.com/circle/healthCheckin.html?corpId=" + t.opt.CorpID + "&s=" + t.setID(set)[:8],
	}
	s.TemplateID = hex.EncodeToString(t.disguised(drawSetName, set))
	managers := t.bits(drawManagers, set, v)
	for k := range managers % 4 {
		person := (managers>>8 + k) % uint64(t.opt.Owners)
		if person != owner {
			s.Managers = append(s.Managers, User{t.userID(person), t.userName(person)})
		}
	}
	return s
}

// sums adds up the groups of these sets.
func (t *tenant) sums(sets map[uint64]*Set, at int64) {
	rows, byTime := t.ledger.at(at)
	lag := t.opt.ListLag.Milliseconds()
	for _, n := range byTime {
		if !rows[n].born(at*milli, lag) || rows[n].gone(at*milli) {
			continue
		}
		number, ok := t.setOf(uint64(n))
		if set := sets[number]; ok && set != nil {
			set.ChatCount++
			set.MemberCount += t.members(uint64(n), at)
			set.LastChatID = t.chatID(uint64(n))
		}
	}
}

func instant(unix int64) time.Time { return time.Unix(unix, 0).In(chinaTime) }
