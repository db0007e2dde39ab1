package scrm

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"syncd/internal/vendorsim/dice"
)

// The values of sendStatus and mode. The sample has sendStatus 1 and modes 0 and
// 1; what they mean is documented nowhere.
const (
	sendPending = 0
	sendDone    = 1
	modeOther   = 0
	modeUsual   = 1
)

// tasks are the SOP tasks of the group that its row shows at the instant, in no
// order of time; chatName is what they repeat of the group.
//
// Two groups in five have tasks. Tasks come one after another, ten days apart on
// average, from the day on which the group's SOP began; each stays for 40 days on
// average, and of more than tasksMax only the latest are shown.
func (t *tenant) tasks(group uint64, chatID, chatName string, created, at int64) []Task {
	x := t.bits(drawTasks, group, 0)
	if x%5 >= 2 || t.tasksMax == 0 {
		return nil
	}
	// The SOP of an old group began within the hundred days before the start.
	from := max(created, t.start-100*day)
	due := from + dice.Wait(t.bits(drawTaskFirst, group, 0), 5*day)
	var list []Task
	for k := uint64(0); due <= at; k++ {
		if at < due+dice.Wait(t.bits(drawTaskStay, group, k), 40*day) {
			list = append(list, t.task(group, k, due, at))
		}
		due += dice.Wait(t.bits(drawTaskGap, group, k), 10*day)
	}
	if drop := len(list) - t.tasksMax; drop > 0 {
		list = list[drop:]
	}
	for i := range list {
		list[i].ChatID, list[i].ChatName = chatID, chatName
	}
	slices.SortFunc(list, func(a, b Task) int { return int(a.ID[4]) - int(b.ID[4]) })
	return list
}

// task is number k of the group, made at the instant due.
func (t *tenant) task(group, k uint64, due, at int64) Task {
	x := t.bits(drawTaskID, group, k)
	// The definition is some 20 ms older than the task, in the same second.
	ticks := 300_000 + int64(x%9_000_000)
	older := ticks - 200_000 - int64(x>>24%50_000)
	task := Task{
		ID:         uuidV1(due, ticks, uint16(x>>48)),
		SopInfoID:  uuidV1(due, older, uint16(x>>48)),
		Title:      oneOf(t.bits(drawTaskTitle, group, k), titles),
		SendStatus: sendPending,
		Mode:       modeUsual,
		CreatorID:  t.staffID(t.pick(t.bits(drawTaskCreator, group, k), due)),
		MadeAt:     instant(due).Add(time.Duration(ticks) * 100),
		StartTime:  instant(due - due%minute),
	}
	if due+dice.Wait(t.bits(drawTaskSent, group, k), 6*hour) <= at {
		task.SendStatus = sendDone
	}
	mode := t.bits(drawTaskMode, group, k)
	if dice.Percent(mode, 10) {
		task.Mode = modeOther
	}
	if t.odd && mode>>32%8 == 0 {
		task.SendStatus, task.Mode = oneOf(mode>>40, []int64{2, 7, -1, 4_294_967_296}), oneOf(mode>>48, []int64{2, 99, -3})
	}
	return task
}

// gregorian is how many ticks of 100 ns lie between the beginning of UUID time,
// 15 October 1582, and that of Unix time.
const gregorian = 122_192_928_000_000_000

// uuidNode is the machine that made the sample's ids.
const uuidNode = "00163e06cc86"

// uuidV1 is a UUID of version 1 for an instant, without dashes: its first three
// fields are the time.
func uuidV1(unix, ticks int64, sequence uint16) string {
	at := uint64(unix*10_000_000 + ticks + gregorian)
	raw := binary.BigEndian.AppendUint32(nil, uint32(at))
	raw = binary.BigEndian.AppendUint16(raw, uint16(at>>32))
	raw = binary.BigEndian.AppendUint16(raw, uint16(at>>48)&0x0fff|0x1000)
	raw = binary.BigEndian.AppendUint16(raw, sequence&0x3fff|0x8000)
	return hex.EncodeToString(raw) + uuidNode
}
