package oidctest

import (
	"maps"
	"slices"
)

// User is a user who can log in, for [WithUsers] and [Provider.AddUser].
type User struct {
	Name   string // the name on the login page, and the parameter user of methods such as [Provider.Bearer]
	Claims Claims // claims in tokens and in the userinfo response; without sub, sub is Name

	// Password is the password that this user types on the login page and on the device page. Empty: the password of [WithPassword]; if that
	// is empty too, the user presses a button.
	Password string
}

// builtinUsers are alice (realm role admin, group /staff/dev), bob and carol.
func builtinUsers() []User {
	person := func(name, given, family string, roles, groups []string) User {
		return User{Name: name, Claims: Claims{
			"sub": name, "preferred_username": name, "email": name + "@example.org", "email_verified": true,
			"name": given + " " + family, "given_name": given, "family_name": family,
			"groups": groups, "realm_access": Claims{"roles": roles},
		}}
	}
	return []User{
		person("alice", "Alice", "Adams", []string{"admin", "user"}, []string{"/staff/dev"}),
		person("bob", "Bob", "Brown", []string{"user"}, []string{}),
		person("carol", "Carol", "Clark", []string{"user"}, []string{"/staff"}),
	}
}

// AddUser adds a user, or replaces the one with the same name. It copies the claims.
func (p *Provider) AddUser(user User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user.Claims = deepCopy(user.Claims)
	p.users = append(slices.DeleteFunc(p.users, func(u User) bool { return u.Name == user.Name }), user)
}

// claimsOf returns a copy of a user's claims; an unknown user has only sub. The caller must not hold mu.
func (p *Provider) claimsOf(name string) Claims {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := Claims{"sub": name}
	user, _ := p.user(name)
	maps.Copy(claims, deepCopy(user.Claims))
	return claims
}

// deepCopy also copies nested claims, so that changes of the copy do not reach the user.
func deepCopy(claims Claims) Claims {
	out := make(Claims, len(claims))
	for name, value := range claims {
		out[name] = copyValue(value)
	}
	return out
}

func copyValue(value any) any {
	switch v := value.(type) {
	case Claims:
		return deepCopy(v)
	case []string:
		return slices.Clone(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = copyValue(v[i])
		}
		return out
	default:
		return value
	}
}

func (p *Provider) knows(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.user(name)
	return known
}

// user returns the user with a name, the zero User if there is none. The caller holds mu.
func (p *Provider) user(name string) (user User, known bool) {
	i := slices.IndexFunc(p.users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, false
	}
	return p.users[i], true
}

// userNames returns the users who need no password: the pages have a button for each.
func (p *Provider) userNames() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, 0, len(p.users))
	for _, user := range p.users {
		if p.passwordOf(user) == "" {
			names = append(names, user.Name)
		}
	}
	return names
}
