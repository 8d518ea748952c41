package texts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/texts"
)

func load(tb testing.TB, file, locale string) *texts.Catalogue {
	tb.Helper()
	c, err := texts.Load(file, locale)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// file writes a file of texts.
func file(tb testing.TB, body string) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "texts.json")
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

func TestIn(t *testing.T) {
	t.Parallel()
	c := load(t, "", "fr")
	for locale, want := range map[string]string{
		"en": "en", "en-US": "en", "EN_us": "en", "en-GB": "en-GB", "en-AU": "en-GB",
		"de": "de", "de-CH": "de", "de_DE.UTF-8": "de", "DE-at": "de", "gsw": "de",
		"fr-CA": "fr", "es-419": "es", "es-MX": "es", "ja-JP": "ja", "ja_JP@calendar=japanese": "ja",
		"":                         "fr",
		"x":                        "fr",
		"fi":                       "fr",
		"zh-Hant-TW":               "fr",
		"\x00":                     "fr",
		"german":                   "fr",
		strings.Repeat("de-", 1e5): "fr",
	} {
		if got := c.In(locale, "").Language(); got != want {
			t.Errorf("%.20q is spoken to in %s, want %s", locale, got, want)
		}
	}
}

func TestLoad_default_language(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"": "en", "ja": "ja", "de_CH": "de"} {
		if got := load(t, "", locale).In("fi", "").Language(); got != want {
			t.Errorf("default %q: spoken to in %s, want %s", locale, got, want)
		}
	}
	for _, locale := range []string{"fi", "nonsense", "??"} {
		if _, err := texts.Load("", locale); err == nil || !strings.Contains(err.Error(), "there are: de, en, en-GB, es, fr, ja") {
			t.Errorf("default %q: error is %v", locale, err)
		}
	}
}

func TestSay_plurals(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	const minute = time.Minute
	for _, tc := range []struct {
		locale string
		text   texts.Text
		want   string
	}{
		{"en", texts.Queued(1, 0), "You are next in the queue."},
		{"en", texts.Queued(2, minute), "You are number 2 in the queue. Estimated wait: about 1 minute."},
		{"en", texts.Queued(0, 2*minute), "You are in the queue. Estimated wait: about 2 minutes."},
		{"en", texts.Queued(0, 0), "You are in the queue. A person will join you as soon as possible."},
		{"en", texts.StillQueued(1234, 0), "Thank you for waiting. You are now number 1,234 in the queue."},
		{"de", texts.StillQueued(1234, 0), "Danke, dass Sie warten. Sie sind jetzt auf Platz 1.234 der Warteschlange."},
		{"de", texts.IdleReminder(minute), "Sind Sie noch da? Wenn Sie nicht schreiben, endet das Gespräch in etwa 1 Minute."},
		{"es", texts.IdleReminder(90 * minute), "¿Sigue ahí? Si no escribe, la conversación terminará en unas 2 horas."},
		{"ja", texts.Queued(1, 5*minute), "次がお客様の順番です。待ち時間の目安は約5分です。"},
		{"ja", texts.Queued(2, 5*minute), "お客様の順番は2番目です。待ち時間の目安は約5分です。"},
	} {
		if got := c.In(tc.locale, "").Say(tc.text); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.locale, got, tc.want)
		}
	}
}

func TestSay_without_a_name(t *testing.T) {
	t.Parallel()
	if got := load(t, "", "").In("en", "").Say(texts.AgentEnded(" ")); got != "The agent has ended the conversation. You are back with the copilot." {
		t.Errorf("said %q", got)
	}
}

// TestSay_arguments_are_no_format: what people write stays as it is.
func TestSay_arguments_are_no_format(t *testing.T) {
	t.Parallel()
	v := load(t, "", "").In("en", "")
	for _, words := range []string{"{text}", "%s %d %!", "{n, plural, other {}}", "}{", "a\nb", `\u2068`, "😀 👩‍👩‍👧", ""} {
		if got, want := v.Say(texts.Edited(words)), "(edited) "+words; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}

func TestSay_isolates_the_other_direction(t *testing.T) {
	t.Parallel()
	hebrew := file(t, `{"he": {"agent_joined": "הצטרף {agent}"}}`)
	c := load(t, hebrew, "")
	const fsi, pdi, rlo, lri = "\u2068", "\u2069", "\u202e", "\u2066"
	for _, tc := range []struct{ locale, name, want string }{
		{"en", "דנה", fsi + "דנה" + pdi + " has joined the conversation."},
		{"en", "سارة 2", fsi + "سارة 2" + pdi + " has joined the conversation."},
		{"en", "Ada", "Ada has joined the conversation."},
		{"en", rlo + "adA", fsi + rlo + "adA" + pdi + " has joined the conversation."},
		{"en", "א" + pdi + pdi, fsi + "א" + pdi + " has joined the conversation."},
		{"en", "א" + lri, fsi + "א" + lri + pdi + pdi + " has joined the conversation."},
		{"en", lri + "א" + pdi, fsi + lri + "א" + pdi + pdi + " has joined the conversation."},
		{"he", "Ada", "הצטרף " + fsi + "Ada" + pdi},
		{"he", "דנה", "הצטרף דנה"},
	} {
		if got := c.In(tc.locale, "").Say(texts.AgentJoined(tc.name)); got != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.locale, tc.name, got, tc.want)
		}
	}
	// What the language does not have is said in English, from left to right.
	if got, want := c.In("he", "").Say(texts.AgentLeft("דנה")), fsi+"דנה"+pdi+" has left the conversation. Somebody else will join you."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestZeroVoice_is_silent(t *testing.T) {
	t.Parallel()
	var v texts.Voice
	if got := v.Say(texts.AgentJoined("Ada")) + v.Language() + v.Duration(time.Minute) + v.Time(time.Now(), time.Now()); got != "" {
		t.Errorf("said %q", got)
	}
}

func TestVoice_duration(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	for d, want := range map[time.Duration][2]string{
		-time.Hour:                     {"less than a minute", "weniger als 1 Minute"},
		0:                              {"less than a minute", "weniger als 1 Minute"},
		59 * time.Second:               {"less than a minute", "weniger als 1 Minute"},
		time.Minute:                    {"about 1 minute", "etwa 1 Minute"},
		61 * time.Second:               {"about 2 minutes", "etwa 2 Minuten"},
		59 * time.Minute:               {"about 59 minutes", "etwa 59 Minuten"},
		59*time.Minute + 1:             {"about 1 hour", "etwa 1 Stunde"},
		89 * time.Minute:               {"about 1 hour", "etwa 1 Stunde"},
		90 * time.Minute:               {"about 2 hours", "etwa 2 Stunden"},
		49*time.Hour + 10*time.Minute:  {"about 49 hours", "etwa 49 Stunden"},
		1000*time.Hour + 1*time.Second: {"about 1,000 hours", "etwa 1.000 Stunden"},
	} {
		if got := [2]string{c.In("en", "").Duration(d), c.In("de", "").Duration(d)}; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestVoice_size(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	for bytes, want := range map[int64][3]string{
		-1:               {"0 bytes", "0 octet", "0 Byte"},
		0:                {"0 bytes", "0 octet", "0 Byte"},
		1:                {"1 byte", "1 octet", "1 Byte"},
		999:              {"999 bytes", "999 octets", "999 Byte"},
		1000:             {"1 KB", "1 Ko", "1 KB"},
		1536:             {"1.5 KB", "1,5 Ko", "1,5 KB"},
		1023 << 10:       {"1 MB", "1 Mo", "1 MB"},
		20 << 20:         {"20 MB", "20 Mo", "20 MB"},
		12_345_678:       {"12 MB", "12 Mo", "12 MB"},
		5<<30 + 1<<29:    {"5.5 GB", "5,5 Go", "5,5 GB"},
		1_500_000 << 20:  {"1,465 GB", "1\u202f465 Go", "1.465 GB"},
		9007199254740993: {"8,388,608 GB", "8\u202f388\u202f608 Go", "8.388.608 GB"},
	} {
		got := [3]string{c.In("en", "").Size(bytes), c.In("fr", "").Size(bytes), c.In("de", "").Size(bytes)}
		got[1] = strings.ReplaceAll(got[1], "\u00a0", "\u202f") // which of the two is CLDR's choice, and changed
		if got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

// TestVoice_numbers_of_the_region: the language is the same, its numbers are not.
func TestVoice_numbers_of_the_region(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	for locale, want := range map[string]string{"de-DE": "2.000 GB", "de-CH": "2’000 GB", "en-IN": "2,000 GB", "es-MX": "2,000 GB"} {
		if got := c.In(locale, "").Size(2000 << 30); got != want {
			t.Errorf("%s: %q, want %q", locale, got, want)
		}
	}
}

func TestVoice_time(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	now := time.Date(2026, time.July, 31, 20, 0, 0, 0, time.UTC) // a Friday; Saturday in Tokyo
	for _, tc := range []struct {
		locale, zone string
		in           time.Duration
		want         string
	}{
		{"en", "America/New_York", time.Hour, "today at 5:00 PM"},
		{"en", "America/New_York", 8 * time.Hour, "tomorrow at 12:00 AM"},
		{"en", "America/New_York", 20 * time.Hour, "tomorrow at 12:00 PM"},
		{"en-GB", "Europe/London", time.Hour, "today at 22:00"},
		{"en-GB", "Europe/London", 6 * 24 * time.Hour, "Thursday at 21:00"},
		{"en-GB", "Europe/London", 7 * 24 * time.Hour, "Friday, 7 August at 21:00"},
		{"en", "Asia/Tokyo", 7 * 24 * time.Hour, "Saturday, August 8 at 5:00 AM"},
		{"de", "Europe/Berlin", time.Hour, "heute, 23:00 Uhr"},
		{"de", "Europe/Berlin", 7 * 24 * time.Hour, "Freitag, 7. August, 22:00 Uhr"},
		{"fr", "Europe/Paris", 10 * time.Hour, "demain à 08:00"},
		{"fr", "Europe/Paris", 32 * 24 * time.Hour, "mardi 1er septembre à 22:00"},
		{"es", "Europe/Madrid", 3 * time.Hour, "mañana a la 01:00"},
		{"es", "Europe/Madrid", 72 * time.Hour, "el lunes a las 22:00"},
		{"ja", "Asia/Tokyo", time.Hour, "本日06:00"},
		{"ja", "Asia/Tokyo", 7 * 24 * time.Hour, "8月8日(土曜日)05:00"},
		{"en", "", time.Hour, "today at 9:00 PM UTC"},
		{"en", "Local", time.Hour, "today at 9:00 PM UTC"},
		{"en", "../../etc/passwd", time.Hour, "today at 9:00 PM UTC"},
		{"en", "W. Europe Standard Time", time.Hour, "today at 9:00 PM UTC"},
		{"en", "UTC", -24 * time.Hour, "Thursday, July 30 at 8:00 PM"},
	} {
		if got := c.In(tc.locale, tc.zone).Time(now.Add(tc.in), now); got != tc.want {
			t.Errorf("%s in %q after %s: %q, want %q", tc.locale, tc.zone, tc.in, got, tc.want)
		}
	}
}

// TestVoice_time_counts_days_by_the_calendar, though one of them has 23 hours.
func TestVoice_time_counts_days_by_the_calendar(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, time.March, 28, 23, 30, 0, 0, berlin)
	v := load(t, "", "").In("de", "Europe/Berlin")
	if got := v.Time(time.Date(2026, time.March, 30, 0, 15, 0, 0, berlin), now); got != "Montag, 00:15 Uhr" {
		t.Errorf("said %q", got)
	}
}

func TestWrite_is_what_Load_reads(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	var all bytes.Buffer
	if err := c.Write(&all); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := load(t, file(t, all.String()), "").Write(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all.String(), again.String()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(all.String(), `"ja": {`) || strings.Contains(all.String(), `\u003c`) {
		t.Error("a language is missing, or its letters are escaped")
	}
	if err := c.Write(&again, "de", "fi"); err == nil || !strings.Contains(err.Error(), `no texts in "fi"; there are: de, en`) {
		t.Errorf("error is %v", err)
	}
}

func TestCatalogue_is_safe_for_concurrent_use(t *testing.T) {
	t.Parallel()
	c := load(t, "", "")
	var wg sync.WaitGroup
	for range 8 {
		for _, locale := range c.Languages() {
			wg.Go(func() {
				v := c.In(locale, "Europe/Berlin")
				for range 20 {
					if v.Say(texts.FileLink("a", 1<<20, "u", time.Now(), time.Now())) == "" {
						t.Error("said nothing")
					}
				}
			})
		}
	}
	wg.Wait()
}
