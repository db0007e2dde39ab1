package fetch

import (
	"net/http"
	"time"
)

// Trial is what one cheap call showed about a credential or a permission. A
// vendor client makes some so that a person learns what is missing before a
// sync does.
type Trial struct {
	// What was tried, in a few words: "chat list".
	What string
	// Found is what a good answer showed, in a few words.
	Found string
	// Advice is what a person should look at although the answer was good, or ""
	// where all is well.
	Advice string
	// Err is why it was not good, an [*Error].
	Err error
	// Clock is what the answer says of the vendor's clock.
	Clock Clock
}

// Clock compares another clock with ours.
type Clock struct {
	// Known is false where the answer did not tell.
	Known bool
	// Ahead is by how much it is ahead of ours at least; negative: behind. Within
	// what the answer can tell it is 0.
	Ahead time.Duration
}

// ReadClock reads the Date header of an answer, which is cut to the second, to a
// request that was made and answered at these times.
func ReadClock(header http.Header, requestedAt, receivedAt time.Time) Clock {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return Clock{}
	}
	// The other clock stood in [date, date+1s) at some time between the two.
	least, most := date.Sub(receivedAt), date.Add(time.Second).Sub(requestedAt)
	switch {
	case least > 0:
		return Clock{Known: true, Ahead: least}
	case most < 0:
		return Clock{Known: true, Ahead: most}
	}
	return Clock{Known: true}
}
