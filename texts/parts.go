package texts

import (
	"strings"
	"time"
)

// durationMoment is a length of time below a minute.
func durationMoment() Text { return Text{key: "duration_moment"} }

// durationMinutes is a length of time in minutes.
func durationMinutes(n int) Text { return Text{"duration_minutes", args{"n": count(n)}} }

// durationHours is a length of time in hours.
func durationHours(n int) Text { return Text{"duration_hours", args{"n": count(n)}} }

// sizeBytes is the size of a small file.
func sizeBytes(n int) Text { return Text{"size_bytes", args{"n": count(n)}} }

// sizeKB is the size of a file in kilobytes.
func sizeKB(n float64) Text { return Text{"size_kb", args{"n": decimal(n)}} }

// sizeMB is the size of a file in megabytes.
func sizeMB(n float64) Text { return Text{"size_mb", args{"n": decimal(n)}} }

// sizeGB is the size of a file in gigabytes.
func sizeGB(n float64) Text { return Text{"size_gb", args{"n": decimal(n)}} }

// timeClock is a time of day. A language says it by {hour}, 00 to 23, or by
// {hour12} and {half}, which is half_am or half_pm.
func timeClock(hour, minute int, half string) Text {
	return Text{"time_clock", args{
		"hour": part60(hour), "hour12": count((hour+11)%12 + 1), "minute": part60(minute), "half": plainText(half),
	}}
}

// halfAM is the half of a day before noon, for time_clock.
func halfAM() Text { return Text{key: "half_am"} }

// halfPM is the half of a day after noon, for time_clock.
func halfPM() Text { return Text{key: "half_pm"} }

// timeToday is a time within the day.
func timeToday(clock string) Text { return Text{"time_today", args{"clock": plainText(clock)}} }

// timeTomorrow is a time within the next day.
func timeTomorrow(clock string) Text { return Text{"time_tomorrow", args{"clock": plainText(clock)}} }

// timeWeekday is a time within a week.
func timeWeekday(weekday, clock string) Text {
	return Text{"time_weekday", args{"weekday": plainText(weekday), "clock": plainText(clock)}}
}

// timeDate is any other time.
func timeDate(weekday string, day int, month, clock string) Text {
	return Text{"time_date", args{
		"weekday": plainText(weekday), "day": count(day), "month": plainText(month), "clock": plainText(clock),
	}}
}

// weekdayName is a day's name within a sentence.
func weekdayName(d time.Weekday) Text { return Text{key: "weekday_" + strings.ToLower(d.String())} }

// monthName is a month's name within a date.
func monthName(m time.Month) Text { return Text{key: "month_" + strings.ToLower(m.String())} }
