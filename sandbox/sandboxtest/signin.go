package sandboxtest

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A Browser signs in as a browser does, without being one: it keeps cookies and
// follows redirects.
type Browser struct {
	tb     testing.TB
	Client *http.Client
}

// NewBrowser returns a browser nobody has used.
func NewBrowser(tb testing.TB) Browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return Browser{tb, &http.Client{Jar: jar, Transport: transport, Timeout: patience}}
}

// SignIn returns a client that has signed in at a desk as one of the sandbox's
// agents, by the pages.
func SignIn(tb testing.TB, desk, name string) *http.Client {
	tb.Helper()
	b := NewBrowser(tb)
	if at := b.Choose(b.Open(desk+"/auth/signin"), name); at != desk+"/" {
		tb.Fatalf("signing in ended at %s", at)
	}
	return b.Client
}

// A Page is what a browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Text   string
	Header http.Header
}

// Open goes to a URL.
func (b Browser) Open(target string) Page {
	b.tb.Helper()
	req, err := http.NewRequestWithContext(b.tb.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.tb.Fatal(err)
	}
	return b.load(req)
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	option = regexp.MustCompile(`<button name="person" value="([^"]*)">.*<b>([^<]*)</b>`)
	action = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
)

// Choose picks an agent on the sandbox's sign-in page, nobody by "", and returns
// where that led.
func (b Browser) Choose(p Page, name string) string {
	b.tb.Helper()
	return b.Pick(p, name).URL.String()
}

// Pick is Choose for who wants to see the page.
func (b Browser) Pick(p Page, name string) Page {
	b.tb.Helper()
	form := url.Values{"person": {""}}
	for _, field := range hidden.FindAllStringSubmatch(p.Text, -1) {
		form.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	for _, person := range option.FindAllStringSubmatch(p.Text, -1) {
		if person[2] == name {
			form.Set("person", person[1])
		}
	}
	target := action.FindStringSubmatch(p.Text)
	if target == nil || name != "" && form.Get("person") == "" {
		b.tb.Fatalf("%s: no sign-in page with %q, but %d %s", p.URL, name, p.Status, p.Text)
	}
	at, err := p.URL.Parse(html.UnescapeString(target[1]))
	if err != nil {
		b.tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.tb.Context(), http.MethodPost, at.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.load(req)
}

func (b Browser) load(req *http.Request) Page {
	b.tb.Helper()
	resp, err := b.Client.Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	return Page{URL: resp.Request.URL, Status: resp.StatusCode, Text: string(text), Header: resp.Header}
}
