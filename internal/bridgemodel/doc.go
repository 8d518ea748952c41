// Package bridgemodel plays whole conversations against real bridges and holds
// what the peers saw against what a conversation may come to.
//
// A world has two replicas on one database, a hub, Teams and a copilot, all in
// this process, and a few dozen conversations that go through drawn steps at the
// same time: users, agents and the copilot begin, talk and end, posts are repeated,
// peers refuse, fall silent or lose their answers, times pass, replicas die. Then
// everything heals, and the books of each conversation have to balance.
//
// docs/decisions/015-conversation-model.md says what is checked.
package bridgemodel
