package feed

// Own returns the number of own revocations.
func (f *Feed) Own() (n int) {
	for _, own := range f.own.Load().sets {
		n += len(own)
	}
	return n
}
