// Package hours says when a hub is open: weekly times in a time zone, with
// holidays and special days.
//
// A [Schedule] is written in a line, or in a file of such lines:
//
//	Europe/Berlin Mon-Fri 09:00-17:30, Sat 10:00-14:00; closed 2026-12-25, 12-26; 2026-12-24 09:00-12:00
//
// A zone of the IANA database comes first. Then come days with their times, in
// rules that a semicolon or a new line ends; commas and spaces separate alike.
//
//	Mon, Monday, Mon-Fri, daily         days of the week
//	12-26, 12-24..01-01                 days of every year
//	2026-12-24, 2026-12-24..2027-01-01  days of one year, or of two
//	09:00-12:00, 13:00-17:30            times of the days before them
//	22:00-06:00                         over midnight; it belongs to the day it begins on
//	closed 12-25, 12-26                 no times, for all days of the rule
//	# until Easter                      a remark, to the end of the line
//
// A date of one year goes before a day of every year, and that before a day of the
// week. A day has its times once. In place of all this, always and never stand for
// themselves.
//
// Times are those of the wall clock. Where clocks are put forward, a time that is
// left out is the moment they are put forward; where they are put back, a span
// begins at the first of two equal times and ends at the second.
package hours
