package relay_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/livechat"
	"github.com/liaison-skill/liaison/relay"
	"github.com/liaison-skill/liaison/words"
)

// buttons is a chat that shows two choices.
type buttons struct{ *chat }

func (buttons) MaxChoices() int { return 2 }

// brief is a chat that takes short texts only.
type brief struct{ *chat }

func (brief) MaxText() (int, words.Unit) { return 60, words.UTF16 }

const adaptive = `{"type":"AdaptiveCard","version":"1.5","body":[
	{"type":"TextBlock","text":"Your **order**","weight":"bolder"},
	{"type":"ColumnSet","columns":[{"items":[{"type":"FactSet","facts":[{"title":"Status:","value":"sent"},{"title":"No.","value":"42"}]}]}]},
	{"type":"Image","url":"https://example.com/a.png","altText":"a parcel"},
	{"type":"RichTextBlock","inlines":["Thank ",{"type":"TextRun","text":"you"}]},
	{"type":"NobodyKnows","text":"hidden"}],
	"actions":[{"type":"Action.OpenUrl","title":"Track it","url":"https://example.com/track?a=(1)"},
		{"type":"Action.OpenUrl","title":"Never","url":"javascript:alert(1)"},
		{"type":"Action.Submit","title":"Return it","data":{"do":"return","order":42}},
		{"type":"Action.Submit","title":"Keep it","data":"keep"}]}`

const hero = `{"title":"Coffee","subtitle":"or tea","text":"What would you like?","images":[{"url":"https://example.com/c.png"}],
	"buttons":[{"type":"imBack","title":"Coffee","value":"coffee please"},{"type":"openUrl","title":"Menu","value":"https://example.com/menu"}]}`

// says makes the copilot answer any message with a.
func (r *rig) answers(a activity.Activity) {
	r.sandbox.Direct().SetAnswer(func(in activity.Activity) []activity.Activity {
		if in.Type != activity.TypeMessage || in.Text != "show me" {
			return nil
		}
		return []activity.Activity{a}
	})
}

func attached(contentType, content string) activity.Activity {
	return activity.Activity{Type: activity.TypeMessage, Attachments: []activity.Attachment{{ContentType: contentType, Content: json.RawMessage(content)}}}
}

// TestCards: a card is text with links; what says something is a choice, or a number
// where the hub shows none.
func TestCards(t *testing.T) {
	t.Parallel()
	const order = "Your **order**\n\n- **Status**: sent\n- **No.**: 42\n\na parcel\n\nThank you\n\n" +
		"[Track it](https://example.com/track?a=%281%29)\n\nNever"
	const drinks = "**Coffee**\n\nor tea\n\nWhat would you like?\n\n[Menu](https://example.com/menu)"
	for name, tc := range map[string]struct {
		card           activity.Activity
		buttons        bool
		want           string
		choices        []livechat.Choice
		answer, value  string
		heard, pressed string
	}{
		"adaptive, with buttons": {
			card: attached("application/vnd.microsoft.card.adaptive", adaptive), buttons: true, want: order,
			choices: []livechat.Choice{{Title: "Return it", Value: "Return it"}, {Title: "Keep it", Value: "keep"}},
			answer:  "Return it", value: "Return it", pressed: `{"do":"return","order":42}`,
		},
		"adaptive, by number": {
			card: attached("application/vnd.microsoft.card.adaptive", adaptive), want: order + "\n\n1. Return it\n2. Keep it",
			answer: " 2. ", heard: "keep",
		},
		"hero, by number": {
			card: attached("application/vnd.microsoft.card.hero", hero), want: drinks + "\n\n1. Coffee", answer: "1", heard: "coffee please",
		},
		"hero, by title": {
			card: attached("application/vnd.microsoft.card.hero", hero), buttons: true, want: drinks,
			choices: []livechat.Choice{{Title: "Coffee", Value: "coffee please"}}, answer: "COFFEE", heard: "coffee please",
		},
		"hero, something else": {
			card: attached("application/vnd.microsoft.card.hero", hero), want: drinks + "\n\n1. Coffee", answer: "2", heard: "2",
		},
		"adaptive, with a member of another type": {
			card: attached("application/vnd.microsoft.card.adaptive", `{"body":[{"type":"TextBlock","text":"How many?"},
				{"type":"Input.Number","id":"n","value":3}],"actions":[{"type":"Action.Submit","title":"Order","data":{"do":"order"}}]}`),
			want: "How many?\n\n1. Order", answer: "1", pressed: `{"do":"order"}`,
		},
		"two cards, with buttons of one name": {
			card: activity.Activity{Type: activity.TypeMessage, Text: "Which?", Attachments: []activity.Attachment{
				{ContentType: "application/vnd.microsoft.card.adaptive", Content: json.RawMessage(`{"actions":[{"type":"Action.Submit","title":"Buy","data":{"buy":1}}]}`)},
				{ContentType: "application/vnd.microsoft.card.adaptive", Content: json.RawMessage(`{"actions":[{"type":"Action.Submit","title":"Buy","data":{"buy":2}}]}`)},
			}}, buttons: true, want: "Which?",
			choices: []livechat.Choice{{Title: "Buy", Value: "Buy"}, {Title: "Buy", Value: "Buy (2)"}},
			answer:  "Buy", value: "Buy (2)", pressed: `{"buy":2}`,
		},
		"broken":      {card: attached("application/vnd.microsoft.card.hero", `"no card"`), want: ""},
		"plain words": {card: activity.Activity{Type: activity.TypeMessage, Text: "5 * 3 _is_ *15*", TextFormat: "plain"}, want: `5 \* 3 \_is\_ \*15\*`},
		"a file": {
			card: activity.Activity{Type: activity.TypeMessage, Text: "Here", Attachments: []activity.Attachment{{ContentType: "image/png", Name: "plan.png", ContentURL: "https://example.com/plan.png"}}},
			want: "Here\n\n[plan.png](https://example.com/plan.png)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if tc.buttons {
				r.canvas = buttons{r.chat}
			}
			r.answers(tc.card)
			one := r.start("one")
			r.says(one, "show me")
			if tc.want == "" {
				r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasEnded})
				r.waitState(relay.Ended)
				r.waitSaid()
				return
			}
			r.waitSaid(tc.want)
			if diff := cmp.Diff(tc.choices, r.chat.messages(only)[0].Choices); diff != "" {
				t.Errorf("choices (-want +got):\n%s", diff)
			}
			if tc.answer == "" {
				return
			}
			r.hears(one, livechat.CanvasEvent{Kind: livechat.CanvasAsked, Text: tc.answer, Value: tc.value})
			eventually(t, "the copilot hears the answer", func() bool { return len(r.heard(r.talk())) == 3 })
			said := r.sandbox.Direct().Log(r.talk())
			if last := said[len(said)-1]; last.Text != tc.heard || string(last.Value) != tc.pressed {
				t.Errorf("the copilot heard %q %s, want %q %s", last.Text, last.Value, tc.heard, tc.pressed)
			}
		})
	}
}

// TestLongWords: a hub that takes short texts only is given several, in order.
func TestLongWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.canvas = brief{r.chat}
	r.answers(activity.Activity{Type: activity.TypeMessage, Text: "The first sentence is not very long. Neither is the second, nor the third."})
	one := r.start("one")
	r.says(one, "show me")
	r.waitSaid("(1/2) The first sentence is not very long.", "(2/2) Neither is the second, nor the third.")
}
