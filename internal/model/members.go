package model

// MemberVerdict says what a detail answer proves about the known members.
type MemberVerdict int

// The verdicts.
const (
	// MembersProven: whoever is missing has left.
	MembersProven MemberVerdict = iota
	// MembersDoubtful: too strange to be believed the first time. A second equal
	// answer is believed.
	MembersDoubtful
	// MembersUnreadable: somebody in it could not be read, so nobody is absent.
	MembersUnreadable
)

// An answer that lacks at least shrinkMin of the known members, and more than
// half of them, is doubtful.
const shrinkMin = 10

// JudgeMembers says whether the answer may close spells. known counts the open
// spells of the chat and missing those among them that the answer lacks.
func JudgeMembers(d ChatDetail, known, missing int) MemberVerdict {
	switch {
	case missing == 0:
		return MembersProven
	case d.MembersUnread > 0:
		return MembersUnreadable
	case len(d.Members) == 0, !holdsOwner(d):
		return MembersDoubtful
	case missing >= shrinkMin && 2*missing > known:
		return MembersDoubtful
	default:
		return MembersProven
	}
}

func holdsOwner(d ChatDetail) bool {
	if d.Chat.OwnerID == nil {
		return false
	}
	for _, m := range d.Members {
		if m.ID == *d.Chat.OwnerID {
			return true
		}
	}
	return false
}
