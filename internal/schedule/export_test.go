package schedule

// Hurry makes River start without its random pauses.
func (o *Options) Hurry() { o.hurry = true }
