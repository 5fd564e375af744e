package feed

// Own returns how many revocations are kept beside the list.
func (f *Feed) Own() (n int) {
	for _, own := range *f.own.Load() {
		n += len(own)
	}
	return n
}
