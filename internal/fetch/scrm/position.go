package scrm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// pagesMax is how many pages a list may have: far more than there are groups, and
// a bound for a vendor whose totals are wrong.
const pagesMax = 20_000

// position is where a chain stands in the vendor's pages: the cursor.
//
// What it proves. The list is frozen to groups created before the pass began, so
// groups can leave it and none can enter. Every page tells how many the list has.
// When all pages of a chain tell the same number, and the chain has shown as many
// different groups, it has shown every one that was there at its head: what it can
// show is part of that set, and is as large. Whoever asks for the certificate
// compares the numbers; Shifted says that they can no longer prove it.
//
// When the number changes, groups have left, and the rows behind them have moved up
// over the seams between pages, unseen. From there the chain walks from the last
// page down to the first: a group only ever moves up, towards pages that are still
// to come, so what is there all along is met. The chain has then read everything,
// but stays Shifted: another pass must show who is gone.
//
// What it does not prove: a group that enters while another one leaves, between
// the same two pages, changes no number. Old groups enter only by a filter of the
// source (a new owner under user_ids, a new name under keyword) or where the vendor
// learns of them late. Nor does a number tell that was counted after the rows of the
// head were read. That is why one list without a group is not enough for it to be
// gone.
type position struct {
	// Page is the next one to be asked for, from 1.
	Page int64 `json:"page"`
	// Size is how many rows a page has; at the head what is asked for, later what
	// the vendor gives.
	Size int64 `json:"size"`
	// Total is the vendor's number of groups at the head, Latest that of the page
	// before.
	Total  int64 `json:"total"`
	Latest int64 `json:"latest"`
	// Down says that the chain walks towards page 1.
	Down bool `json:"down,omitempty"`
	// Shifted says that rows have moved since the head.
	Shifted bool `json:"shifted,omitempty"`
	// IDs is a hash of the groups on the page before, "" on the way down, where rows
	// can come again.
	IDs string `json:"ids,omitempty"`
}

// listing is what an answer says of the list.
type listing struct {
	// page is the one it says it is; size how many rows one has, 0 where it does
	// not tell; total the number of groups; pages that of pages, 0 or 1 for none.
	page, size, total, pages int64
	// rows is how many it holds.
	rows int64
	// ids is a hash of the groups, or "" where none is readable.
	ids string
}

// parsePosition reads a cursor; false is one that this version has not written.
func parsePosition(cursor string) (position, bool) {
	var p position
	dec := json.NewDecoder(bytes.NewBufferString(cursor))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	good := err == nil && p.Page >= 1 && p.Page <= pagesMax && p.Size >= 1 && p.Size <= pageSizeMax
	return p, good && p.Total >= 0 && p.Latest >= 0
}

// String writes the cursor.
func (p position) String() string { return string(encode(p)) }

// head reports whether nothing has been read yet. A chain comes back to page 1
// downwards only.
func (p position) head() bool { return p.Page == 1 && !p.Down }

// after says where to go on once the page at p has been answered so, and whether
// that was the last one. The error is an answer that cannot belong to the request.
func (p position) after(a listing) (next position, last bool, err error) {
	if a.size < 1 {
		a.size = p.Size
	}
	// The vendor's number of pages may be too small, but must not end the list.
	a.pages = max(a.pages, ceil(a.total, a.size))
	if a.total == 0 && a.rows == 0 {
		a.page = p.Page // an empty list has no page 1 with some vendors
	}
	if err := p.refuse(a); err != nil {
		return position{}, false, err
	}
	next = position{
		Page: a.page + 1, Size: a.size, Total: p.Total, Latest: a.total, Down: p.Down, Shifted: p.Shifted,
	}
	if p.head() {
		next.Total = a.total
	}
	moved := a.page != p.Page || a.total != next.Total || !p.head() && a.size != p.Size
	next.Shifted = p.Shifted || moved || a.rows != a.expected()
	switch {
	case p.Down:
		next.Page = min(a.page-1, a.pages)
	case moved:
		next.Down = true
		if next.Page = a.pages; next.Page == a.page {
			next.Page-- // the answer in hand is the last page
		}
	case a.page >= a.pages:
		return next, true, nil
	default:
		next.IDs = a.ids
	}
	return next, next.Page < 1, nil
}

// refuse says why an answer cannot be that to the page at p: a vendor that does not
// heed page numbers gives the same groups again and again.
func (p position) refuse(a listing) error {
	switch {
	case a.pages > pagesMax:
		return malformed("the list has %d pages, more than %d: a greater page_size may help", a.pages, pagesMax)
	case a.page != p.Page && (p.Page <= a.pages || a.page != a.pages):
		// Beyond the end some vendors answer with the last page there is.
		return malformed("page %d was asked for and page %d came", p.Page, a.page)
	case a.ids != "" && a.ids == p.IDs && a.page == p.Page && a.total == p.Latest:
		return malformed("page %d has the same groups as the one before: the vendor does not heed pageNo", p.Page)
	case p.Down && a.size != p.Size:
		return &fetch.Error{
			Class: fetch.ClassCursorGone, Code: "page size",
			Message: fmt.Sprintf("the size of a page has changed on the way down, from %d to %d", p.Size, a.size),
		}
	}
	return nil
}

// expected is how many rows the page must have by the totals that stand beside it.
func (a listing) expected() int64 { return min(max(a.total-(a.page-1)*a.size, 0), a.size) }

func ceil(n, size int64) int64 {
	pages := n / size
	if n%size > 0 {
		pages++
	}
	return pages
}

// hashIDs is equal for equal sets of groups; "" is no group.
func hashIDs(chats []model.Chat) string {
	if len(chats) == 0 {
		return ""
	}
	ids := make([]string, 0, len(chats))
	for i := range chats {
		ids = append(ids, chats[i].ID)
	}
	slices.Sort(ids)
	hash := sha256.New()
	for _, id := range slices.Compact(ids) {
		_, _ = hash.Write([]byte(id))
		_, _ = hash.Write([]byte{0})
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
