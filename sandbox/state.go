package sandbox

func (s *Sandbox) saveConversation(*person) {}
func (s *Sandbox) saveEvent(*person, event) {}
func (s *Sandbox) saveDialog(*person)       {}
