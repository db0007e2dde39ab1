package sweep

import (
	"time"

	"syncd/internal/model"
)

const (
	// restartsMax is how often a chain may start over within its pass.
	restartsMax = 3
	// emptiesMax is how many pages in a row may be empty and still lead on.
	emptiesMax = 20
	// pagesMax ends a chain that no other rule ends.
	pagesMax = 1_000_000
)

// next is the checkpoint after a page that was read at cp.
func next(cp model.Checkpoint, page model.Page) model.Checkpoint {
	cp = follow(cp, page)
	cp.Cursor = page.Next
	cp.Version++
	cp.Pages++
	cp.UpdatedAt = page.ReceivedAt
	return cp
}

// follow raises the watermark of the checkpoint by what a list page tells. What
// claims to be younger than the chain can show does not count, and an older record
// after a younger one says that the vendor keeps no order.
func follow(cp model.Checkpoint, page model.Page) model.Checkpoint {
	see := func(created *time.Time) {
		until := cp.Chain.Bounds.Until
		switch {
		case created == nil, !until.IsZero() && created.After(until):
		case created.Before(cp.Watermark):
			cp.Unordered = true
		default:
			cp.Watermark = *created
		}
	}
	for i := range page.Chats {
		see(page.Chats[i].CreatedAt)
	}
	for i := range page.GroupSets {
		see(page.GroupSets[i].CreatedAt)
	}
	return cp
}

// resumed is the checkpoint of a chain that goes on without its cursor: from the
// youngest record that it has committed, as the vendor lists the oldest first.
func resumed(cp model.Checkpoint, now time.Time) model.Checkpoint {
	cp.Cursor, cp.UpdatedAt = "", now
	cp.Version++
	cp.Resumes++
	cp.Chain.Bounds.After = cp.Watermark
	return cp
}

// restarted is the checkpoint at the head of the chain, with the params of now. The
// head of one that has gone on from its watermark is there: it may have passed over
// records before, and still may.
func restarted(cp model.Checkpoint, chain model.Chain, now time.Time) model.Checkpoint {
	return model.Checkpoint{
		Chain: chain, PassID: cp.PassID, Version: cp.Version + 1, Restarts: cp.Restarts + 1, UpdatedAt: now,
		Resumes: cp.Resumes, Unordered: cp.Gapped(),
	}
}

// rot watches the cursors of one chain for going round in circles, in constant
// memory: it keeps one cursor and compares those that follow with it, for twice
// as long each time (Brent's cycle detection).
type rot struct {
	// version is that of the checkpoint after the page that was seen last.
	version      int64
	kept         string
	steps, limit int
	empties      int
}

// seen takes the next page of the chain and says what is wrong with the way it
// leads on, or "".
func (r *rot) seen(cursor string, page model.Page) string {
	if page.Last {
		return ""
	}
	if page.Rows()+len(page.Rejects) == 0 {
		r.empties++
	} else {
		r.empties = 0
	}
	switch {
	case page.Next == "":
		return "a page that is not the last has no cursor"
	case page.Next == cursor || page.Next == r.kept:
		return "the same cursor came twice"
	case r.empties >= emptiesMax:
		return "one empty page follows another"
	}
	r.steps++
	if r.steps >= r.limit {
		r.kept, r.steps, r.limit = page.Next, 0, max(1, 2*r.limit)
	}
	return ""
}

// watches are those of the open chains of a pass, by subject. They outlive a run, or a
// circle that is longer than what a run reads would never be seen.
type watches struct {
	pass   int64
	chains map[string]*rot
}

// at returns the watch of a chain, a new one where its checkpoint is not where the
// watch has left it: somebody else has moved it.
func (w watches) at(cp model.Checkpoint) *rot {
	watch, ok := w.chains[cp.Chain.Subject]
	if !ok || watch.version != cp.Version {
		watch = &rot{version: cp.Version}
		w.chains[cp.Chain.Subject] = watch
	}
	return watch
}

// watch hands out the watches of a pass, until watchOn takes them back.
func (r *Runner) watch(pass model.Pass) watches {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := [2]string{pass.Stream, pass.Mode}
	w := r.watching[key]
	delete(r.watching, key)
	if w.pass != pass.ID {
		return watches{pass: pass.ID, chains: map[string]*rot{}}
	}
	return w
}

func (r *Runner) watchOn(pass model.Pass, w watches) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching[[2]string{pass.Stream, pass.Mode}] = w
}
