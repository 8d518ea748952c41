package hours_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/hours"
)

// TestParse_refuses: each error names the place and what was expected there.
func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"", "character 1: expected a time zone, like Europe/Berlin, and times; or always, or never"},
		{" ;;", "character 4: expected a time zone"},
		{"Mon-Fri 09:00-17:00", `character 1: "Mon-Fri": expected a time zone, like Europe/Berlin or UTC, or always, or never`},
		{"Europe/Berln Mon 09:00-17:00", `character 1: "Europe/Berln": expected a time zone`},
		{"Local Mon 09:00-17:00", `character 1: "Local": expected a time zone`},
		{"../../etc/passwd Mon 09:00-10:00", `character 1: "../../etc/passwd": expected a time zone`},
		{"UTC", "character 4: expected days and times, like Mon-Fri 09:00-17:30"},
		{"always Mon 09:00-10:00", `character 1: "always": expected a time zone`},
		{"UTC Mno 09:00-10:00", `character 5: "Mno": expected days, like Mon, Mon-Fri, daily, 12-26 or 2026-12-24, or closed`},
		{"UTC Mon-Fir 09:00-10:00", `character 5: "Mon-Fir": expected days`},
		{"UTC Mon - Fri 09:00-10:00", `character 9: "-": expected days`},
		{"UTC Mon", `character 5: "Mon": expected times after the days, like 09:00-17:30, or closed before them`},
		{"UTC Mon; Tue 09:00-10:00", `character 5: "Mon": expected times after the days`},
		{"UTC 09:00-10:00", `character 5: "09:00-10:00": expected days before the times`},
		{"UTC Mon 09:00", `character 9: "09:00": expected times, like 09:00-17:30`},
		{"UTC Mon 09:00–10:00", `character 9: "09:00–10:00": expected times`},
		{"UTC Mon 09:00-24:01", `character 9: "09:00-24:01": expected times from 00:00 to 24:00`},
		{"UTC Mon 24:00-06:00", `character 9: "24:00-06:00": expected times from`},
		{"UTC Mon 09:60-10:00", `character 9: "09:60-10:00": expected times from`},
		{"UTC Mon 09:00-09:00", `character 9: "09:00-09:00" has no length; a whole day is 00:00-24:00`},
		{"UTC Mon 09:00-12:00, 11:00-13:00", `character 22: "11:00-13:00" overlaps the times before it`},
		{"UTC Mon 09:00-12:00, Mon-Tue 13:00-17:00", "character 22: Mon has its times before this; write them together"},
		{"UTC Mon-Tue 09:00-12:00; closed Tuesday", "character 33: Tuesday has its times before this"},
		{"UTC daily 09:00-12:00; closed 12-25 12-25", "character 31: 12-25 has its times before this"},
		{"UTC closed 2026-12-25, 2026-12-24..2026-12-26", "character 12: 2026-12-25 has its times before this"},
		{"UTC closed", "character 11: expected days after closed, like 12-25"},
		{"UTC closed 12-25 09:00-12:00", `character 18: "09:00-12:00": closed days have no times; end the rule with a semicolon`},
		{"UTC closed 2026-02-29", `character 12: "2026-02-29": the calendar has no such day`},
		{"UTC closed 02-30", `character 12: "02-30": the calendar has no such day`},
		{"UTC closed 0000-01-01", `character 12: "0000-01-01": the calendar has no such day`},
		{"UTC closed 25.12.", `character 12: "25.12.": expected a date, like 2026-12-24 or, for every year, 12-24`},
		{"UTC closed 12-24..2026-12-26", `"12-24..2026-12-26": expected a year at both ends or at none`},
		{"UTC closed 2026-12-26..2026-12-24", `"2026-12-26..2026-12-24": ends before it begins`},
		{"UTC closed 2026-01-01..2028-01-01", `longer than a year`},
		{"UTC closed 2026-01-01..", `"": expected a date`},
		{"UTC\nMon 09:00-10:00\n# ä\n Dienstag 09:00-10:00", `line 4, character 2: "Dienstag": expected days`},
		{"UTC # ä\nMon", `line 2, character 1: "Mon": expected times`},
		{strings.Repeat(" ", 1<<16+1), "longer than 65536 bytes"},
	} {
		_, err := hours.Parse(tc.text)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.80q: error is %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestLoad_reads_a_file(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad, huge := filepath.Join(dir, "good"), filepath.Join(dir, "bad"), filepath.Join(dir, "huge")
	for name, text := range map[string]string{
		good: "# the desk in Berlin\nEurope/Berlin\nMon-Fri 09:00-17:30\nclosed 12-25, 12-26\n", bad: "UTC\nMon 9-10\n", huge: strings.Repeat("#", 1<<17),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var s hours.Schedule
	if err := s.UnmarshalText([]byte("@" + good)); err != nil {
		t.Fatal(err)
	}
	if !s.At(time.Date(2026, time.November, 20, 8, 0, 0, 0, time.UTC)).Open {
		t.Error("closed at nine on a Friday in Berlin")
	}
	for text, want := range map[string]string{
		"@" + bad: bad + `: line 2, character 5: "9-10": expected a date`, "@" + huge: huge + ": longer than",
		"@" + dir + "/none": "read hours: ", "@" + dir: "read hours: ",
	} {
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", text, err, want)
		}
	}
	if s.IsZero() {
		t.Error("a schedule that could not be read took the place of the last")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(berlin)
	f.Add("Asia/Beirut daily 00:00-24:00 # x\nclosed 02-28..03-01; 2026-12-24..2027-01-01 9:00-8:00")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := hours.Parse(text)
		if err != nil {
			return
		}
		again, err := hours.Parse(s.String())
		if err != nil {
			t.Fatalf("what it writes is refused: %v", err)
		}
		now := time.Date(2026, time.March, 29, 0, 30, 0, 0, time.UTC)
		if stand(s.At(now), time.UTC) != stand(again.At(now), time.UTC) {
			t.Error("what it writes is another schedule")
		}
	})
}
