package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/store"
)

// sessionBreaks are mistakes with what Touch, SessionsOf and RevokedAmong are about.
var sessionBreaks = map[string]func(p *plain){
	"Swap changes the kind":             swapped(func(s *store.Session, given store.Session) { s.Kind = given.Kind }),
	"Swap changes the owner":            swapped(func(s *store.Session, given store.Session) { s.Owner = given.Owner }),
	"Swap changes the provider session": swapped(func(s *store.Session, given store.Session) { s.ProviderSession = given.ProviderSession }),
	"Swap changes the note":             swapped(func(s *store.Session, given store.Session) { s.Note = given.Note }),
	"Swap changes Seen":                 swapped(func(s *store.Session, given store.Session) { s.Seen = given.Seen }),
	"Swap changes Idle":                 swapped(func(s *store.Session, given store.Session) { s.Idle = given.Idle }),
	"Touch counts":                      touched(func(s *store.Session, _, _ time.Time) { s.Version++ }),
	"Touch moves Seen back":             touched(func(s *store.Session, seen, _ time.Time) { s.Seen = seen }),
	"Touch moves Idle back":             touched(func(s *store.Session, _, idle time.Time) { s.Idle = idle }),
	"Touch moves Expires":               touched(func(s *store.Session, _, idle time.Time) { s.Expires = later(s.Expires, idle) }),
	"Touch moves both or none": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			if stored, ok := p.sessions[id]; ok && (seen.Before(stored.Seen) || idle.Before(stored.Idle)) {
				return nil
			}
			return p.touch(id, seen, idle)
		}
	},
	"Touch gives no first Idle": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			if p.sessions[id].Idle.IsZero() {
				idle = time.Time{}
			}
			return p.touch(id, seen, idle)
		}
	},
	"Touch inserts": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			if _, ok := p.sessions[id]; !ok {
				p.sessions[id] = store.Session{ID: id, Seen: seen, Idle: idle, Expires: idle, Version: 1}
			}
			return p.touch(id, seen, idle)
		}
	},
	"Touch says nothing of an absent session": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error { _ = p.touch(id, seen, idle); return nil }
	},
	"Touch does not find what it need not move": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			if stored := p.sessions[id]; !seen.After(stored.Seen) && !idle.After(stored.Idle) {
				return store.ErrNotFound
			}
			return p.touch(id, seen, idle)
		}
	},
	"Touch does not find what has ended": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			if stored, ok := p.sessions[id]; ok && endOf(stored).Before(after(-24*time.Hour)) {
				return store.ErrNotFound
			}
			return p.touch(id, seen, idle)
		}
	},
	"Touch looks and writes in two steps": func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			stored, ok := p.sessions[id]
			p.mu.Unlock()
			slow()
			p.mu.Lock()
			if !ok {
				return store.ErrNotFound
			}
			stored.Seen, stored.Idle = later(stored.Seen, seen), later(stored.Idle, idle)
			p.sessions[id] = stored
			return nil
		}
	},
	"Idle is not looked at": func(p *plain) {
		p.sessionAs = func(id string, now time.Time) (store.Session, error) {
			stored, ok := p.sessions[id]
			if !ok || !stored.Expires.After(now) {
				return store.Session{}, store.ErrNotFound
			}
			return stored, nil
		}
	},
	"a zero Idle has passed": func(p *plain) {
		p.sessionAs = func(id string, now time.Time) (store.Session, error) {
			if stored, ok := p.sessions[id]; ok && !stored.Idle.After(now) {
				return store.Session{}, store.ErrNotFound
			}
			return p.session(id, now)
		}
	},
	"SessionsOf with Data": func(p *plain) { p.givesData = true },
	"SessionsOf with ended": func(p *plain) {
		p.sessionsAs = func(of store.Selection, _ time.Time, limit int) []store.Session {
			return p.sessionsOf(of, time.Time{}, limit)
		}
	},
	"SessionsOf asks the clock": func(p *plain) {
		p.sessionsAs = func(of store.Selection, _ time.Time, limit int) []store.Session {
			return p.sessionsOf(of, time.Now(), limit)
		}
	},
	"SessionsOf counts ended ones": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			return slices.DeleteFunc(p.sessionsOf(of, time.Time{}, limit), func(s store.Session) bool { return !endOf(s).After(now) })
		}
	},
	"SessionsOf from the oldest": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			list := p.sessionsOf(of, now, 1000)
			slices.Reverse(list)
			return list[:max(0, min(limit, len(list)))]
		}
	},
	"SessionsOf without a limit": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, _ int) []store.Session { return p.sessionsOf(of, now, 1000) }
	},
	"SessionsOf takes 0 for no limit": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			if limit == 0 {
				limit = 1000
			}
			return p.sessionsOf(of, now, limit)
		}
	},
	"an empty owner is one": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) (list []store.Session) {
			for _, session := range p.sessions {
				if len(of.Owner)+len(of.ProviderSession) == 0 && len(session.Owner) == 0 {
					list = append(list, session)
				}
			}
			return append(list, p.sessionsOf(of, now, limit)...)
		}
	},
	"owners and provider sessions are mixed": func(p *plain) {
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			return append(p.sessionsOf(of, now, limit), p.sessionsOf(store.Selection{Owner: of.ProviderSession, ProviderSession: of.Owner}, now, limit)...)
		}
	},
	"the index outlives the row": func(p *plain) {
		known := map[string]store.Session{}
		p.putAs = func(s store.Session) error { known[s.ID] = s; return p.putSession(s) }
		p.sessionsAs = func(of store.Selection, now time.Time, limit int) []store.Session {
			list := p.sessionsOf(of, now, limit)
			for id, session := range known {
				if _, ok := p.sessions[id]; !ok && bytes.Equal(session.Owner, of.Owner) && len(of.Owner) > 0 {
					list = append(list, session)
				}
			}
			return list
		}
	},
	"RevokedAmong finds the first alone": func(p *plain) {
		p.amongAs = func(ids []string, now time.Time) []store.Revocation {
			return p.revokedAmong(ids[:min(1, len(ids))], now)
		}
	},
	"RevokedAmong of nothing finds all": func(p *plain) {
		p.amongAs = func(ids []string, now time.Time) []store.Revocation {
			if len(ids) == 0 {
				ids = slices.Collect(maps.Keys(p.feed))
			}
			return p.revokedAmong(ids, now)
		}
	},
	"RevokedAmong at Until": func(p *plain) {
		p.amongAs = func(ids []string, now time.Time) []store.Revocation {
			return p.revokedAmong(ids, now.Add(-time.Millisecond))
		}
	},
	"RevokedAmong folds IDs": func(p *plain) {
		p.amongAs = func(ids []string, now time.Time) (list []store.Revocation) {
			for _, entry := range p.feed {
				if slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, entry.ID) }) && entry.Until.After(now) {
					list = append(list, entry)
				}
			}
			return list
		}
	},
	"Purge leaves what is idle": func(p *plain) {
		p.purgeAs = func(now time.Time) int {
			idle := maps.Clone(p.sessions)
			maps.DeleteFunc(idle, func(_ string, s store.Session) bool { return !s.Expires.After(now) })
			n := p.purge(now)
			before := len(p.sessions)
			maps.Copy(p.sessions, idle)
			return n - (len(p.sessions) - before)
		}
	},
	"Purge takes what has no Idle": func(p *plain) {
		p.purgeAs = func(now time.Time) int {
			before := len(p.sessions)
			maps.DeleteFunc(p.sessions, func(_ string, s store.Session) bool { return !s.Idle.After(now) })
			return before - len(p.sessions) + p.purge(now)
		}
	},
	"kinds are folded":                column(func(s *store.Session) { s.Kind = strings.ToLower(s.Kind) }),
	"no kind becomes a token":         column(func(s *store.Session) { s.Kind = cmp.Or(s.Kind, store.KindToken) }),
	"notes are cut at 1,000":          column(func(s *store.Session) { s.Note = s.Note[:min(len(s.Note), 1000)] }),
	"owners end at a NUL":             column(func(s *store.Session) { s.Owner, _, _ = bytes.Cut(s.Owner, []byte{0}) }),
	"a provider session is forgotten": column(func(s *store.Session) { s.ProviderSession = nil }),
	"Seen in seconds":                 column(func(s *store.Session) { s.Seen = s.Seen.Truncate(time.Second) }),
	"a zero Idle becomes 1970":        column(func(s *store.Session) { s.Idle = time.UnixMilli(max(0, s.Idle.UnixMilli())).UTC() }),
}

// swapped lets Swap take over what has to stay.
func swapped(change func(stored *store.Session, given store.Session)) func(*plain) {
	return func(p *plain) {
		p.swapAs = func(given store.Session) error {
			err := p.swap(given)
			if err == nil {
				stored := p.sessions[given.ID]
				change(&stored, given)
				p.sessions[given.ID] = stored
			}
			return err
		}
	}
}

// touched lets Touch do something else, too.
func touched(change func(stored *store.Session, seen, idle time.Time)) func(*plain) {
	return func(p *plain) {
		p.touchAs = func(id string, seen, idle time.Time) error {
			err := p.touch(id, seen, idle)
			if err == nil {
				stored := p.sessions[id]
				change(&stored, seen, idle)
				p.sessions[id] = stored
			}
			return err
		}
	}
}
