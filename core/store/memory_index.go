package store

// memoryIndex finds the sessions of a [Memory] by owner and by provider session. The zero value is ready for use.
type memoryIndex struct {
	owners, providerSessions map[string]map[string]struct{} // to IDs
}

// of returns the IDs of a selection; nil if it is empty.
func (x *memoryIndex) of(selection Selection) map[string]struct{} {
	if len(selection.Owner) > 0 {
		return x.owners[string(selection.Owner)]
	}
	return x.providerSessions[string(selection.ProviderSession)]
}

// add adds a session that is not in the index.
func (x *memoryIndex) add(s Session) {
	if x.owners == nil {
		x.owners, x.providerSessions = make(map[string]map[string]struct{}), make(map[string]map[string]struct{})
	}
	addTo(x.owners, s.Owner, s.ID)
	addTo(x.providerSessions, s.ProviderSession, s.ID)
}

func addTo(index map[string]map[string]struct{}, value []byte, id string) {
	if len(value) == 0 {
		return // found by no lookup
	}
	if index[string(value)] == nil {
		index[string(value)] = make(map[string]struct{})
	}
	index[string(value)][id] = struct{}{}
}

// remove removes a session. It does nothing if the session is not in the index.
func (x *memoryIndex) remove(s Session) {
	removeFrom(x.owners, s.Owner, s.ID)
	removeFrom(x.providerSessions, s.ProviderSession, s.ID)
}

func removeFrom(index map[string]map[string]struct{}, value []byte, id string) {
	delete(index[string(value)], id)
	if len(index[string(value)]) == 0 {
		delete(index, string(value))
	}
}
