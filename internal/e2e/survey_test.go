package e2e

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/browsertest"
	"github.com/liaison-skill/liaison/sandbox"
	"github.com/liaison-skill/liaison/sandbox/sandboxtest"
)

// surveyLinks are the choices of the survey in a user's chat; none before it is
// there.
func surveyLinks(u sandbox.User) []string {
	var links []string
	for _, line := range u.Lines() {
		for _, card := range line.Cards {
			for _, a := range card.Actions() {
				if strings.Contains(a.URL, "/survey/") {
					links = append(links, a.URL)
				}
			}
		}
	}
	return links
}

// surveyed is a user whose conversation with an agent has ended, and the links
// they were sent.
func surveyed(t *testing.T, settings ...string) (w *world, user sandbox.User, id string, links []string) {
	t.Helper()
	w, user, id = escalated(t, sandbox.Config{}, append([]string{"LIAISON_SURVEY=on"}, settings...)...)
	w.agentSays(t, id, "hello")
	sandboxtest.WaitLine(t, user, sandbox.ByAgent, "hello")
	w.agentEnds(t, id)
	eventually(t, "the survey", func() bool { return len(surveyLinks(user)) > 0 })
	return w, user, id, surveyLinks(user)
}

// visit makes a request as a browser does.
func visit(tb testing.TB, method, link string, form url.Values) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, link, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept-Language", "fr-CH, fr;q=0.9")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); resp.StatusCode < 300 && !strings.HasPrefix(policy, "default-src 'none'") {
		tb.Errorf("policy is %q", policy)
	}
	return resp.StatusCode, string(page)
}

// rated is what the desk knows of a conversation's rating.
func (w *world) rated(tb testing.TB, id string) (score int, comment string) {
	tb.Helper()
	var got struct {
		Conversation struct {
			RatingScore   int
			RatingComment string
		}
	}
	w.desk(tb, http.MethodGet, "/api/desk/conversations/"+id, nil, &got)
	return got.Conversation.RatingScore, got.Conversation.RatingComment
}

// TestSurvey_is_answered_once by sending its form, not by looking at it.
func TestSurvey_is_answered_once(t *testing.T) {
	t.Parallel()
	w, user, id, links := surveyed(t)
	if len(links) != 5 {
		t.Fatalf("%d links", len(links))
	}
	for _, link := range links { // a scanner follows them all
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if status, _ := visit(t, method, link, nil); status != http.StatusOK {
				t.Errorf("%s: %d", method, status)
			}
		}
	}
	if _, page := visit(t, http.MethodGet, links[3], nil); !strings.Contains(page, `value="4" required checked`) {
		t.Errorf("the choice is not on the page:\n%s", page)
	}
	for name, form := range map[string]url.Values{"none": {}, "zero": {"score": {"0"}}, "six": {"score": {"6"}}, "words": {"score": {"good"}}} {
		if status, _ := visit(t, http.MethodPost, links[0], form); status != http.StatusBadRequest {
			t.Errorf("score %s: %d", name, status)
		}
	}
	form := url.Values{"score": {"4"}, "comment": {"Danke! {{.Author}}"}}
	if status, page := visit(t, http.MethodPost, links[3], form); status != http.StatusOK || !strings.Contains(page, "Thank you for your answer.") {
		t.Errorf("%d:\n%s", status, page)
	}
	eventually(t, "the rating on the desk", func() bool {
		score, comment := w.rated(t, id)
		return score == 4 && comment == "Danke! {\u2060{.Author}\u2060}"
	})
	form.Set("score", "1")
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		if status, page := visit(t, method, links[0], form); status != http.StatusGone || !strings.Contains(page, "You have answered already") {
			t.Errorf("%s again: %d:\n%s", method, status, page)
		}
	}
	if score, _ := w.rated(t, id); score != 4 || len(surveyLinks(user)) != 5 {
		t.Errorf("the score is %d", score)
	}
	token, _, _ := strings.Cut(links[0][strings.Index(links[0], "/survey/")+len("/survey/"):], "?")
	if strings.Contains(w.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// TestSurvey_of_nobody tells a forger nothing, whatever they try.
func TestSurvey_of_nobody(t *testing.T) {
	t.Parallel()
	w, _, id, links := surveyed(t)
	page, _, _ := strings.Cut(links[0], "?")
	for _, forged := range []string{page + "A", page[:len(page)-1], strings.ToLower(page), w.service.url() + "/survey/1", w.service.url() + "/survey/%00"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			status, page := visit(t, method, forged, url.Values{"score": {"1"}})
			if status != http.StatusNotFound || !strings.Contains(page, `lang="fr"`) || !strings.Contains(page, "terminée") {
				t.Errorf("%s %s: %d:\n%s", method, forged, status, page)
			}
		}
	}
	if _, err := w.db.Exec(t.Context(), `UPDATE survey SET expires_at = now()`); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if status, _ := visit(t, method, links[4], url.Values{"score": {"5"}}); status != http.StatusGone {
			t.Errorf("%s of an old one: %d", method, status)
		}
	}
	if score, _ := w.rated(t, id); score != 0 {
		t.Errorf("the score is %d", score)
	}
}

// TestSurvey_asks_only about conversations with an agent, and where it is on.
func TestSurvey_asks_only(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings []string
		joins    bool
		asks     bool
	}{
		"off by default":           {nil, true, false},
		"on":                       {[]string{"LIAISON_SURVEY=on"}, true, true},
		"on for the hub":           {[]string{"LIAISON_HUB_CONTOSO_SURVEY=on"}, true, true},
		"off for the hub":          {[]string{"LIAISON_SURVEY=on", "LIAISON_HUB_CONTOSO_SURVEY=off"}, true, false},
		"on, but nobody was there": {[]string{"LIAISON_SURVEY=on"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, user, id := escalated(t, sandbox.Config{}, tc.settings...)
			if tc.joins {
				w.agentSays(t, id, "hello")
				sandboxtest.WaitLine(t, user, sandbox.ByAgent, "hello")
			}
			sandboxtest.Say(t, user, "Good bye")
			eventually(t, "it is over", func() bool { return w.mappings(t, "closed") == 1 })
			var n int
			if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM survey`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if (n == 1) != tc.asks {
				t.Errorf("%d surveys", n)
			}
			if tc.asks {
				eventually(t, "the card", func() bool { return len(surveyLinks(user)) == 5 })
			}
			if lines := user.Lines(); !tc.asks && slices.ContainsFunc(lines, func(l sandbox.Line) bool { return strings.Contains(l.Text, "How was") }) {
				t.Error("the user was asked")
			}
		})
	}
}

// TestSurvey_page is for people: in their language, by keyboard, without scripts.
func TestSurvey_page(t *testing.T) {
	t.Parallel()
	w, _, id, links := surveyed(t)
	if _, err := w.db.Exec(t.Context(), `UPDATE mapping SET teams = jsonb_set(teams, '{locale}', '"de-AT"')`); err != nil {
		t.Fatal(err)
	}
	page := browsertest.Open(t, links[1])
	page.Wait(`document.documentElement.lang`, "de")
	page.Wait(`document.querySelector("h1").innerText`, "Wie war Ihr Gespräch mit Bo?")
	page.Wait(`document.querySelector("input:checked").labels[0].innerText`, "Schlecht")
	page.Wait(`[...document.querySelectorAll("input, textarea")].every((e) => e.labels.length === 1)`, "true")
	page.Wait(`document.scripts.length + document.documentElement.scrollWidth - innerWidth <= 0`, "true")
	page.Click("label:nth-of-type(5) input")
	page.Type("#comment", "Sehr nett")
	page.Click("form button")
	page.Wait(`document.querySelector("h1").innerText`, "Danke für Ihre Antwort.")
	eventually(t, "the rating on the desk", func() bool {
		score, comment := w.rated(t, id)
		return score == 5 && comment == "Sehr nett"
	})
}
