package embedpg

type lockFile struct{}

func (l *lockFile) release() error { return nil }
