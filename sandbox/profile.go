package sandbox

import "maps"

// A Profile is what Teams and the copilot know of a user. What is empty is not
// sent.
type Profile struct {
	Name      string         `json:"name"`
	Email     string         `json:"email"`
	ObjectID  string         `json:"objectId"` // Entra's
	Locale    string         `json:"locale"`
	TimeZone  string         `json:"timeZone"`
	Country   string         `json:"country"`
	Platform  string         `json:"platform"`            // of the client: Web, Windows, iOS, …
	Variables map[string]any `json:"variables,omitempty"` // scalars the topic binds to the skill's inputs
}

// Profile returns the user's profile.
func (u User) Profile() Profile {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return *u.p.profile
}

// SetProfile replaces the user's profile. It counts from the next activity on.
func (u User) SetProfile(profile Profile) {
	profile.Variables = maps.Clone(profile.Variables)
	u.s.update(func() {
		*u.p.profile = profile
		u.s.journal.write(saved{Person: u.p.name, Profile: &profile})
	})
}
