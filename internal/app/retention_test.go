package app_test

import (
	"strings"
	"testing"

	"github.com/liaison-skill/liaison/internal/app"
)

func TestRetentionOutlastsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for value, fine := range map[string]bool{"24h": true, "1d": true, "23h": false, "0": false} {
		_, err := app.Load(t.Context(), []string{"LIAISON_RETENTION=" + value})
		if told := err != nil && strings.Contains(err.Error(), "LIAISON_RETENTION: "); told == fine {
			t.Errorf("%s: %v", value, err)
		}
	}
}
