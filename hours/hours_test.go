package hours_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/liaison-skill/liaison/hours"
)

func parse(tb testing.TB, text string) hours.Schedule {
	tb.Helper()
	s, err := hours.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// at reads a time with its offset.
func at(tb testing.TB, text string) time.Time {
	tb.Helper()
	t, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// stand writes a status in the zone's clock.
func stand(s hours.Status, zone *time.Location) string {
	const form = "Mon 2006-01-02 15:04 -0700"
	switch {
	case s.Open && s.Closes.IsZero():
		return "open for good"
	case s.Open:
		return "open until " + s.Closes.In(zone).Format(form)
	case s.NextOpen.IsZero():
		return "closed for good"
	}
	return "closed until " + s.NextOpen.In(zone).Format(form)
}

func check(t *testing.T, zoneName, text string, want map[string]string) {
	t.Helper()
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, text)
	for moment, wanted := range want {
		if got := stand(s.At(at(t, moment)), zone); got != wanted {
			t.Errorf("%s: %s, want %s", moment, got, wanted)
		}
	}
}

const berlin = "Europe/Berlin Mon-Fri 09:00-17:30, Sat 10:00-14:00; closed 2026-12-25, 12-26; 2026-12-24 09:00-12:00"

func TestAt_week_and_holidays(t *testing.T) {
	t.Parallel()
	check(t, "Europe/Berlin", berlin, map[string]string{
		"2026-11-20 08:59 +0100": "closed until Fri 2026-11-20 09:00 +0100",
		"2026-11-20 09:00 +0100": "open until Fri 2026-11-20 17:30 +0100",
		"2026-11-20 17:29 +0100": "open until Fri 2026-11-20 17:30 +0100",
		"2026-11-20 17:30 +0100": "closed until Sat 2026-11-21 10:00 +0100",
		"2026-11-20 10:00 -0500": "open until Fri 2026-11-20 17:30 +0100", // by the zone, whoever asks
		"2026-11-21 14:00 +0100": "closed until Mon 2026-11-23 09:00 +0100",
		"2026-12-24 11:00 +0100": "open until Thu 2026-12-24 12:00 +0100",
		"2026-12-24 12:00 +0100": "closed until Mon 2026-12-28 09:00 +0100", // Friday and Saturday are holidays
		"2027-12-24 18:00 +0100": "closed until Sat 2027-12-25 10:00 +0100", // closed in 2026 only
		"2027-12-25 14:00 +0100": "closed until Mon 2027-12-27 09:00 +0100",
	})
}

func TestAt_over_midnight(t *testing.T) {
	t.Parallel()
	check(t, "Europe/Berlin", "Europe/Berlin Fri 22:00-06:00, Sat 06:00-08:00 18:00-24:00, Sun 00:00-02:00; closed 12-25", map[string]string{
		"2026-11-20 23:00 +0100": "open until Sat 2026-11-21 08:00 +0100", // what follows at once is one
		"2026-11-21 05:00 +0100": "open until Sat 2026-11-21 08:00 +0100",
		"2026-11-21 09:00 +0100": "closed until Sat 2026-11-21 18:00 +0100",
		"2026-11-21 23:59 +0100": "open until Sun 2026-11-22 02:00 +0100",
		"2026-11-20 21:00 +0100": "closed until Fri 2026-11-20 22:00 +0100",
		"2026-12-25 23:00 +0100": "closed until Sat 2026-12-26 06:00 +0100", // the holiday's own night
	})
	check(t, "Europe/Berlin", "Europe/Berlin daily 22:00-06:00; closed 12-25", map[string]string{
		"2026-12-25 05:00 +0100": "open until Fri 2026-12-25 06:00 +0100", // the night before the holiday
		"2026-12-26 05:00 +0100": "closed until Sat 2026-12-26 22:00 +0100",
	})
}

func TestAt_clocks_put_forward(t *testing.T) {
	t.Parallel()
	// 02:00 to 03:00 is left out on 2026-03-29.
	check(t, "Europe/Berlin", "Europe/Berlin Sat 22:00-02:30, Sun 02:15-02:45 04:00-05:00", map[string]string{
		"2026-03-29 01:59 +0100": "open until Sun 2026-03-29 03:00 +0200",
		"2026-03-29 03:00 +0200": "closed until Sun 2026-03-29 04:00 +0200", // the half hour never comes
		"2026-03-22 02:40 +0100": "open until Sun 2026-03-22 02:45 +0100",
	})
	check(t, "Europe/Berlin", "Europe/Berlin Sun 02:30-04:00", map[string]string{
		"2026-03-29 01:00 +0100": "closed until Sun 2026-03-29 03:00 +0200",
		"2026-03-29 03:10 +0200": "open until Sun 2026-03-29 04:00 +0200",
	})
	// In Beirut midnight itself is left out.
	check(t, "Asia/Beirut", "Asia/Beirut Sun 00:00-24:00", map[string]string{
		"2026-03-28 23:30 +0200": "closed until Sun 2026-03-29 01:00 +0300",
		"2026-03-29 01:00 +0300": "open until Mon 2026-03-30 00:00 +0300",
	})
	// Lord Howe Island puts its clocks forward by half an hour.
	check(t, "Australia/Lord_Howe", "Australia/Lord_Howe Sun 02:10-03:00", map[string]string{
		"2026-10-04 01:00 +1030": "closed until Sun 2026-10-04 02:30 +1100",
	})
}

func TestAt_clocks_put_back(t *testing.T) {
	t.Parallel()
	// 02:00 to 03:00 comes twice on 2026-10-25.
	check(t, "Europe/Berlin", "Europe/Berlin Sun 02:15-02:45", map[string]string{
		"2026-10-25 02:00 +0200": "closed until Sun 2026-10-25 02:15 +0200",
		"2026-10-25 02:50 +0200": "open until Sun 2026-10-25 02:45 +0100",
		"2026-10-25 02:44 +0100": "open until Sun 2026-10-25 02:45 +0100",
		"2026-10-25 02:45 +0100": "closed until Sun 2026-11-01 02:15 +0100",
	})
	// For good, as in Moscow; and by two hours, as in Juneau, from Pacific to Yukon time.
	check(t, "Europe/Moscow", "Europe/Moscow Sun 01:15-01:45", map[string]string{
		"2014-10-26 01:00 +0400": "closed until Sun 2014-10-26 01:15 +0400",
		"2014-10-26 01:50 +0400": "open until Sun 2014-10-26 01:45 +0300",
	})
	check(t, "America/Juneau", "America/Juneau Sun 00:15-00:45", map[string]string{
		"1983-10-30 00:10 -0700": "closed until Sun 1983-10-30 00:15 -0700",
		"1983-10-30 00:50 -0700": "open until Sun 1983-10-30 00:45 -0900",
	})
	check(t, "America/New_York", "America/New_York daily 08:00-20:00", map[string]string{
		"2026-10-31 20:00 -0400": "closed until Sun 2026-11-01 08:00 -0500",
	})
}

// TestAt_a_day_that_was_left_out: Samoa went over the date line from 29 to 31
// December 2011.
func TestAt_a_day_that_was_left_out(t *testing.T) {
	t.Parallel()
	check(t, "Pacific/Apia", "Pacific/Apia Fri 09:00-17:00, Sat 10:00-12:00", map[string]string{
		"2011-12-29 20:00 -1000": "closed until Sat 2011-12-31 10:00 +1400",
	})
}

func TestAt_without_limits(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-20 08:59 +0100")
	for text, want := range map[string]string{
		"always":                                   "open for good",
		" never\n":                                 "closed for good",
		"UTC daily 00:00-24:00":                    "open for good",
		"UTC daily 12:00-24:00 00:00-12:00":        "open for good",
		"UTC closed daily":                         "closed for good",
		"UTC 2025-01-01 00:00-24:00":               "closed for good",
		"UTC 2028-02-29 00:00-24:00":               "closed for good", // too far ahead to tell anybody
		"UTC 02-29 09:00-10:00; 11-20 07:00-24:00": "open until Sat 2026-11-21 00:00 +0000",
	} {
		if got := stand(parse(t, text).At(now), time.UTC); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := stand(hours.Schedule{}.At(now), time.UTC); got != "open for good" {
		t.Errorf("the zero schedule is %s", got)
	}
}

func TestAt_special_days(t *testing.T) {
	t.Parallel()
	const text = "UTC daily 09:00-17:00; closed 12-24..01-02; 12-31..12-31 10:00-11:00"
	if _, err := hours.Parse(text); err == nil {
		t.Error("12-31 had its times twice")
	}
	check(t, "UTC", "UTC daily 09:00-17:00; closed 12-24..01-02; 2026-12-31 10:00-11:00; 2027-02-28..2027-03-01 06:00-07:00; 12-01 06:00-07:00", map[string]string{
		"2026-12-23 17:00 +0000": "closed until Thu 2026-12-31 10:00 +0000",
		"2026-12-31 11:00 +0000": "closed until Sun 2027-01-03 09:00 +0000",
		"2027-12-23 17:00 +0000": "closed until Mon 2028-01-03 09:00 +0000",
		"2027-02-28 08:00 +0000": "closed until Mon 2027-03-01 06:00 +0000",
		"2029-11-30 20:00 +0000": "closed until Sat 2029-12-01 06:00 +0000",
	})
	check(t, "UTC", "UTC daily 09:00-17:00; closed 12-31..02-29", map[string]string{
		"2027-12-30 18:00 +0000": "closed until Wed 2028-03-01 09:00 +0000",
		"2026-12-30 18:00 +0000": "closed until Mon 2027-03-01 09:00 +0000",
	})
}

func TestParse_spellings_are_one(t *testing.T) {
	t.Parallel()
	moment := at(t, "2026-11-21 12:00 +0100")
	want := parse(t, berlin).At(moment)
	for _, text := range []string{
		"  Europe/Berlin   monday-FRIDAY 9:00-17:30 saturday 10:00-14:00\n\n closed 12-26,2026-12-25 # as in law; or so\n2026-12-24 09:00-12:00;;",
		"# ours\nEurope/Berlin\nMon-Fri 09:00-17:30\nSat 10:00-14:00",
	} {
		if diff := cmp.Diff(want, parse(t, text).At(moment)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestString_is_what_was_written(t *testing.T) {
	t.Parallel()
	if got := parse(t, " "+berlin+"\n").String(); got != berlin {
		t.Errorf("got %q", got)
	}
	if s := (hours.Schedule{}); s.String() != "always" || !s.IsZero() || parse(t, "always").IsZero() {
		t.Errorf("the zero schedule is %q", s)
	}
}
