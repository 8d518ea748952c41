package files

import (
	"encoding/base64"
	"net/url"
	"strings"
)

const dataScheme = "data:"

func isData(rawURL string) bool {
	return len(rawURL) >= len(dataScheme) && strings.EqualFold(rawURL[:len(dataScheme)], dataScheme)
}

// readData returns what a data URL holds (RFC 2397), of at most limit bytes. The
// padding of base64 may be missing.
func readData(rawURL string, limit int64) ([]byte, Failure) {
	header, data, ok := strings.Cut(rawURL[len(dataScheme):], ",")
	if !ok {
		return nil, Unreadable
	}
	data, err := url.PathUnescape(data)
	if err != nil {
		return nil, Unreadable
	}
	content := []byte(data)
	if header = strings.ToLower(strings.TrimSpace(header)); strings.HasSuffix(header, ";base64") {
		data = strings.TrimRight(strings.Join(strings.Fields(data), ""), "=")
		if content, err = base64.RawStdEncoding.DecodeString(data); err != nil {
			return nil, Unreadable
		}
	}
	if int64(len(content)) > limit {
		return nil, TooBig
	}
	return content, ""
}
