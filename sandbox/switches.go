package sandbox

// Switches choose between behaviours of Microsoft's side that nobody has
// confirmed, or that a maker chooses. The zero value is the kind one.
type Switches struct {
	DropEvents   bool `json:"dropEvents"`   // edits, deletions, reactions and installations do not reach the skill
	DropTyping   bool `json:"dropTyping"`   // nor does the user's typing
	DropFiles    bool `json:"dropFiles"`    // nor do attachments
	EagerGoodbye bool `json:"eagerGoodbye"` // a goodbye within a longer sentence ends the live chat, too
	StartInputs  bool `json:"startInputs"`  // startConversation gets the topic's inputs, and not only the first message
	RefuseEnd    int  `json:"refuseEnd"`    // the status that refuses an endOfConversation out of turn; 0 takes it
}

// Switches returns how the switches stand.
func (s *Sandbox) Switches() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches
}

// SetSwitches sets all switches.
func (s *Sandbox) SetSwitches(to Switches) {
	s.update(func() { s.switches = to })
}
