package proactive

import (
	"encoding/json"
	"fmt"

	"github.com/liaison-skill/liaison/activity"
)

// Content types of a bot's files in a personal chat
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4).
const (
	consentType  = "application/vnd.microsoft.teams.card.file.consent"
	fileInfoType = "application/vnd.microsoft.teams.card.file.info"
)

// AskConsent adds to a message the card that asks the user whether they want a file.
// Their answer brings back context, a JSON object.
func AskConsent(a activity.Activity, name string, size int64, context any) (activity.Activity, error) {
	content, err := json.Marshal(map[string]any{
		"description": name, "sizeInBytes": size, "acceptContext": context, "declineContext": context,
	})
	if err != nil {
		return activity.Activity{}, fmt.Errorf("encode card: %w", err)
	}
	a.Attachments = []activity.Attachment{{ContentType: consentType, Name: name, Content: content}}
	return a, nil
}

// An UploadInfo says where a file goes that a user wants, and how it is called there.
// UploadURL is a secret.
type UploadInfo struct {
	UploadURL  string `json:"uploadUrl"`
	ContentURL string `json:"contentUrl"`
	Name       string `json:"name"`
	UniqueID   string `json:"uniqueId"`
	FileType   string `json:"fileType"`
}

// FileInfo adds to a message the card of a file that was uploaded.
func FileInfo(a activity.Activity, info UploadInfo) (activity.Activity, error) {
	content, err := json.Marshal(map[string]string{"uniqueId": info.UniqueID, "fileType": info.FileType})
	if err != nil {
		return activity.Activity{}, fmt.Errorf("encode card: %w", err)
	}
	a.Attachments = []activity.Attachment{{ContentType: fileInfoType, ContentURL: info.ContentURL, Name: info.Name, Content: content}}
	return a, nil
}
