package sweep

import (
	"context"
	"fmt"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// wholePagesMax ends a chain whose pages are put together and that no other rule
// ends.
const wholePagesMax = 1000

// pages follows a chain of a detail or window stream to its last page and puts the
// pages together: such a record counts as read only when all of them are in. A
// chain whose cursor has rotted is read again from its head, within bounds. The
// page beside an error has its Calls.
func (p *pursuit) pages(ctx context.Context, chain model.Chain) (model.Page, error) {
	calls := 0
	for restarts := 0; ; restarts++ {
		whole, err := p.pagesOnce(ctx, chain)
		whole.Calls += calls
		if fetch.ClassOf(err) != fetch.ClassCursorGone || restarts == restartsMax || ended(ctx) {
			return whole, err
		}
		calls = whole.Calls
	}
}

func (p *pursuit) pagesOnce(ctx context.Context, chain model.Chain) (model.Page, error) {
	var whole model.Page
	var watch rot
	cursor := ""
	for range wholePagesMax {
		page, err := p.runner.source.Page(ctx, chain, cursor)
		calls := whole.Calls + page.Calls
		if err != nil {
			whole.Calls = calls
			return whole, err
		}
		if whole.RequestedAt.IsZero() {
			whole.RequestedAt = page.RequestedAt
		}
		whole = whole.Join(page)
		if page.Last {
			return whole, nil
		}
		if wrong := watch.seen(cursor, page); wrong != "" {
			return whole, endless(chain, fetch.ClassCursorGone, "cursor", wrong)
		}
		cursor = page.Next
	}
	return whole, endless(chain, fetch.ClassMalformed, "pages", fmt.Sprintf("more than %d pages", wholePagesMax))
}

// endless says that a chain has no last page: about this one record, so that it keeps
// no other.
func endless(chain model.Chain, class fetch.Class, code, message string) error {
	return &fetch.Error{Class: class, Source: chain.Source, Endpoint: chain.Stream, Code: code, Message: message}
}
