package card_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/sandbox/card"
)

const survey = `{"type":"AdaptiveCard","version":"1.5","body":[
	{"type":"TextBlock","text":"How was it?","weight":"Bolder"},
	{"type":"Container","items":[{"type":"ColumnSet","columns":[{"items":[{"type":"TextBlock","text":"Case 7","isSubtle":true}]}]}]},
	{"type":"FactSet","facts":[{"title":"Agent","value":"Ada"}]},
	{"type":"Input.Rating","id":"stars","label":"Stars","isRequired":true},
	{"type":"Input.ChoiceSet","id":"why","choices":[{"title":"Quick","value":"quick"},{"title":"Kind","value":"kind"}],"isMultiSelect":true},
	{"type":"Input.Text","id":"more","placeholder":"Anything else?"},
	{"type":"ActionSet","actions":[{"type":"Action.Submit","title":"Send","data":{"survey":7}}]}],
	"actions":[
	{"type":"Action.Submit","title":"Skip","data":{"msteams":{"type":"messageBack","displayText":"Skipped","text":"skip","value":{"survey":null}}}},
	{"type":"Action.Submit","title":"Again","data":{"msteams":{"type":"imBack","value":"talk to a person"}}},
	{"type":"Action.OpenUrl","title":"Terms","url":"https://example.com/terms"}]}`

func parse(tb testing.TB, contentType, content string) card.Card {
	tb.Helper()
	c, err := card.Parse(contentType, json.RawMessage(content))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestAdaptiveCardBecomesBlocks(t *testing.T) {
	t.Parallel()
	var got []string
	for _, b := range parse(t, card.TypeAdaptive, survey).Blocks {
		var titles []string
		for _, a := range b.Actions {
			titles = append(titles, a.Title)
		}
		got = append(got, strings.Join([]string{string(b.Kind), b.Text, b.ID, strings.Join(titles, "+")}, " "))
	}
	want := []string{
		"text How was it?  ", "text Case 7  ", "facts   ", "rating Stars stars ", "choice  why ", "input Anything else? more ",
		"buttons   Send", "buttons   Skip+Again+Terms",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}

func TestPressSendsWhatTeamsSends(t *testing.T) {
	t.Parallel()
	const hero = `{"title":"Pick","subtitle":"one","text":"of these","images":[{"url":"https://example.com/a.png"}],"buttons":[
		{"type":"imBack","title":"Say it","value":"hello"},
		{"type":"messageBack","title":"Back","text":"raw","displayText":"shown","value":{"a":1}},
		{"type":"messageBack","title":"Word","text":"raw","value":"word"},
		{"type":"openUrl","title":"Open","value":"https://example.com"}]}`
	stars := map[string]string{"stars": "4"}
	for _, row := range []struct {
		kind, content, title string
		inputs               map[string]string
		want                 string
	}{
		{card.TypeAdaptive, survey, "Send", map[string]string{"stars": "4", "why": "quick,kind", "more": "thanks"}, `||{"more":"thanks","stars":4,"survey":7,"why":"quick,kind"}|`},
		{card.TypeAdaptive, survey, "Skip", stars, `skip|Skipped|{"stars":4,"survey":null}|`},
		{card.TypeAdaptive, survey, "Again", nil, `talk to a person|talk to a person||`},
		{card.TypeAdaptive, survey, "Terms", nil, `|||https://example.com/terms`},
		{card.TypeHero, hero, "Say it", nil, `hello|hello||`},
		{card.TypeHero, hero, "Back", nil, `raw|shown|{"a":1}|`},
		{card.TypeHero, hero, "Word", nil, `raw||"word"|`},
		{card.TypeHero, hero, "Open", nil, `|||https://example.com`},
	} {
		t.Run(row.title, func(t *testing.T) {
			t.Parallel()
			c := parse(t, row.kind, row.content)
			p, err := c.Press(action(t, c, row.title), row.inputs)
			if got := strings.Join([]string{p.Text, p.Shown, string(p.Value), p.URL}, "|"); err != nil || got != row.want {
				t.Errorf("%s, %v; want %s", got, err, row.want)
			}
		})
	}
}

func action(tb testing.TB, c card.Card, title string) card.Action {
	tb.Helper()
	for _, a := range c.Actions() {
		if a.Title == title {
			return a
		}
	}
	tb.Fatalf("no button %q", title)
	return card.Action{}
}

func TestClientKeepsTheUserFromPressing(t *testing.T) {
	t.Parallel()
	c := parse(t, card.TypeAdaptive, survey)
	for name, inputs := range map[string]map[string]string{
		"without what is required":  {"more": "x"},
		"with too many stars":       {"stars": "6"},
		"with no number of stars":   {"stars": "many"},
		"with what was not offered": {"stars": "1", "why": "quick,slow"},
		"with an unknown input":     {"stars": "1", "name": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p, err := c.Press(action(t, c, "Send"), inputs); err == nil {
				t.Errorf("pressed: %+v", p)
			}
		})
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	body := func(elements string) string {
		return `{"type":"AdaptiveCard","version":"1.4","body":[` + elements + `]}`
	}
	actions := func(list string) string {
		return `{"type":"AdaptiveCard","version":"1.4","actions":[` + list + `]}`
	}
	many := strings.TrimSuffix(strings.Repeat(`{"type":"Action.Submit","title":"x"},`, 7), ",")
	for name, row := range map[string][2]string{
		"another content type":    {"application/vnd.microsoft.card.receipt", `{}`},
		"no JSON":                 {card.TypeAdaptive, `nope`},
		"no adaptive card":        {card.TypeAdaptive, `{"type":"message","version":"1.4"}`},
		"no version":              {card.TypeAdaptive, `{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"x"}]}`},
		"a version of the future": {card.TypeAdaptive, `{"type":"AdaptiveCard","version":"1.7","body":[{"type":"TextBlock","text":"x"}]}`},
		"an empty card":           {card.TypeAdaptive, body("")},
		"an unknown element":      {card.TypeAdaptive, body(`{"type":"Chart.Pie"}`)},
		"a text without text":     {card.TypeAdaptive, body(`{"type":"TextBlock"}`)},
		"a text that is a number": {card.TypeAdaptive, body(`{"type":"TextBlock","text":7}`)},
		"facts without values":    {card.TypeAdaptive, body(`{"type":"FactSet","facts":[{"title":"x"}]}`)},
		"no choices":              {card.TypeAdaptive, body(`{"type":"Input.ChoiceSet","id":"a"}`)},
		"an input without id":     {card.TypeAdaptive, body(`{"type":"Input.Text"}`)},
		"two inputs of one id":    {card.TypeAdaptive, body(`{"type":"Input.Text","id":"a"},{"type":"Input.Text","id":"a"}`)},
		"an image of no URL":      {card.TypeAdaptive, body(`{"type":"Image","url":"cat.png"}`)},
		"depth":                   {card.TypeAdaptive, body(strings.Repeat(`{"type":"Container","items":[`, 12) + strings.Repeat(`]}`, 12))},
		"an unknown action":       {card.TypeAdaptive, actions(`{"type":"Action.Execute","title":"x"}`)},
		"an untitled action":      {card.TypeAdaptive, actions(`{"type":"Action.Submit"}`)},
		"data that is a word":     {card.TypeAdaptive, actions(`{"type":"Action.Submit","title":"x","data":"y"}`)},
		"msteams that is a word":  {card.TypeAdaptive, actions(`{"type":"Action.Submit","title":"x","data":{"msteams":"y"}}`)},
		"a script for a link":     {card.TypeAdaptive, actions(`{"type":"Action.OpenUrl","title":"x","url":"javascript:alert(1)"}`)},
		"too many actions":        {card.TypeAdaptive, actions(many)},
		"an empty hero":           {card.TypeHero, `{}`},
		"a hero that is a list":   {card.TypeHero, `[]`},
		"a button of no type":     {card.TypeHero, `{"buttons":[{"title":"x","value":"y"}]}`},
		"a button of no title":    {card.TypeHero, `{"buttons":[{"type":"imBack","value":"y"}]}`},
		"words that are a number": {card.TypeHero, `{"buttons":[{"type":"imBack","title":"x","value":7}]}`},
		"an empty messageBack":    {card.TypeHero, `{"buttons":[{"type":"messageBack","title":"x"}]}`},
		"an image of a script":    {card.TypeHero, `{"images":[{"url":"javascript:x"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c, err := card.Parse(row[0], json.RawMessage(row[1])); err == nil {
				t.Errorf("taken as %+v", c)
			}
		})
	}
}
