package skill

import (
	"encoding/json"
	"strings"

	"github.com/liaison-skill/liaison/activity"
	"github.com/liaison-skill/liaison/auth"
	"github.com/liaison-skill/liaison/bridge"
	"github.com/liaison-skill/liaison/files"
)

// typeDownload is a file that a user sent in Teams. Its URL is its own credential
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4).
const typeDownload = "application/vnd.microsoft.teams.file.download.info"

// typeCards begins the types of what is shown to a user and is no file.
const typeCards = "application/vnd.microsoft."

// attached splits a message's attachments into files and others. What is behind the
// connector wants a credential. Teams repeats the text as text/html: that is neither.
func attached(all []activity.Attachment, credential string) (sources []files.Source, others []activity.Attachment) {
	for _, a := range all {
		switch kind := strings.ToLower(a.ContentType); {
		case kind == companion:
		case kind == typeDownload:
			sources = append(sources, download(a))
		case a.ContentURL == "" || strings.HasPrefix(kind, typeCards):
			others = append(others, a)
		default: // a pasted picture is behind the connector; of a data URL nothing is asked
			sources = append(sources, files.Source{
				Name: clean(a.Name), Type: claimed(a.ContentType), URL: clean(a.ContentURL), Credential: credential,
			})
		}
	}
	return sources, others
}

// connectorFiles names the credential for what is behind the connector: in our own
// bot's chat that is the bot's.
func connectorFiles(caller auth.Caller) string {
	if caller.Kind == auth.Channel {
		return bridge.BotFiles(botAppID(caller))
	}
	return bridge.ConnectorFiles
}

// download is a file in OneDrive or SharePoint: no token of ours belongs there.
func download(a activity.Attachment) files.Source {
	var in struct {
		DownloadURL string `json:"downloadUrl"`
		FileType    string `json:"fileType"`
	}
	_ = json.Unmarshal(a.Content, &in) // without a URL it is a file that cannot be had
	name := clean(a.Name)
	if name == "" && in.FileType != "" {
		name = "file." + clean(in.FileType)
	}
	return files.Source{Name: name, URL: clean(in.DownloadURL)}
}

// claimed is a media type as its sender said; Teams says image/* of any picture.
func claimed(kind string) string {
	if strings.HasSuffix(kind, "/*") {
		return ""
	}
	return clean(kind)
}

// clean leaves out U+0000, which PostgreSQL's text cannot hold.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }
