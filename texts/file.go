package texts

import "time"

// FileLink gives either side the other's file.
func FileLink(name string, bytes int64, url string, until, now time.Time) Text {
	return Text{"file_link", args{
		"name": words(name), "size": size(bytes), "url": address(url), "time": occasion{until, now},
	}}
}

// FileTooBig tells both sides that a file is larger than is taken, in bytes.
func FileTooBig(name string, limit int64) Text {
	return Text{"file_too_big", args{"name": words(name), "limit": size(limit)}}
}

// FileWrongType tells both sides that files of this kind are not taken.
func FileWrongType(name string) Text { return file("file_wrong_type", name) }

// FileExpired tells both sides that a file could not be fetched in its time.
func FileExpired(name string) Text { return file("file_expired", name) }

// FileFailed tells both sides that a file could not be fetched or passed on.
func FileFailed(name string) Text { return file("file_failed", name) }

// FileUnreadable tells both sides that a file is not what it says it is, or is
// damaged.
func FileUnreadable(name string) Text { return file("file_unreadable", name) }

// FileConsent asks the user, in our own bot's chat, whether they want the agent's
// file. Teams shows its name and size below.
func FileConsent() Text { return Text{key: "file_consent"} }

// FileDeclined tells both sides that the user does not want a file.
func FileDeclined(name string) Text { return file("file_declined", name) }

// FileNotShown tells the agent that the user sent something that cannot be passed
// on, such as a card.
func FileNotShown(name string) Text { return file("file_not_shown", name) }

func file(key, name string) Text { return Text{key, args{"name": words(name)}} }
