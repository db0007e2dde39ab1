package vendorsim

// quirks are the odd shapes of one object of an answer. Without [Options.Odd]
// there are none.
type quirks uint8

const (
	quirkQuoted  quirks = 1 << iota // numbers are strings
	quirkUnknown                    // fields that no document knows
	quirkNull                       // null for what would be absent
)

// drawQuirks gives every eighth object some.
func (t *tenant) drawQuirks(chat, spell uint64) quirks {
	if !t.odd {
		return 0
	}
	x := t.bits(drawOdd, chat, spell)
	if x%8 != 0 {
		return 0
	}
	return quirks(x>>8) & (quirkQuoted | quirkUnknown | quirkNull)
}

// oddTexts are appended to names and notices. The surrogates stand for \ud83d
// and \ude00 alone; [appendString] escapes them so.
var oddTexts = []string{"\x00", "\xed\xa0\xbd", "\xed\xb8\x80x", "\xff\xfe", "\xf0\x9f\x98", "\u2028\x1f", "\ufeff", "\u202e"}

// oddText is "" but for every sixteenth text of an odd tenant.
func (t *tenant) oddText(subject, version uint64) string {
	if !t.odd {
		return ""
	}
	x := t.bits(drawOdd, ^subject, version)
	if x%16 != 0 {
		return ""
	}
	return oddTexts[x>>8%uint64(len(oddTexts))]
}

// oddScene replaces the join scene of every twentieth member.
func (t *tenant) oddScene(chat, spell uint64, scene int) int {
	if !t.odd {
		return scene
	}
	switch t.bits(drawScene, ^chat, spell) % 40 {
	case 0:
		return 0
	case 1:
		return 17
	}
	return scene
}

// oddStatus replaces the status of every fiftieth chat.
func (t *tenant) oddStatus(chat uint64, status int) int {
	if t.odd && t.bits(drawOdd, chat, never)%50 == 0 {
		return 4
	}
	return status
}

// oddMembers lets some members have no join time, and one customer in every
// tenth chat stand there twice with two join times.
func (t *tenant) oddMembers(present []presence, chat uint64) []presence {
	for i, p := range present {
		if !p.staff && t.bits(drawOdd, chat, ^p.spell)%100 == 0 {
			present[i].joined = 0
		}
	}
	if len(present) == 0 || t.bits(drawOdd, ^chat, never)%10 != 0 {
		return present
	}
	twin := present[len(present)-1]
	if twin.staff || twin.joined == 0 {
		return present
	}
	twin.joined -= 3600
	return append(present, twin)
}
