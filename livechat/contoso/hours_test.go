package contoso_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
	"github.com/liaison-skill/liaison/livechat/contoso"
)

// What a supervisor sets at the hub is what users are told.
func TestAvailability_is_that_of_the_hubs_business_hours(t *testing.T) {
	t.Parallel()
	h := start(t)
	adapter, ok := h.Adapter.(*contoso.Adapter)
	if !ok {
		t.Fatalf("the adapter is %T", h.Adapter)
	}
	day := time.Now().UTC().AddDate(0, 0, 2)
	hours := func(times string) map[string]any {
		return map[string]any{"zone": "UTC", "week": map[string]string{day.Format("Mon"): times}}
	}
	call(t, jsonhttp.Request{Method: http.MethodPut, URL: adapter.URL + "/api/desk/settings", In: map[string]any{
		"version": 1, "hours": hours("08:00-09:00"),
		"queues": []map[string]any{{"name": "printers", "hours": hours("13:30-14:00")}},
	}})
	for queue, opens := range map[string]time.Duration{"": 8 * time.Hour, "printers": 13*time.Hour + 30*time.Minute} {
		got, err := adapter.Availability(t.Context(), queue)
		if err != nil {
			t.Fatal(err)
		}
		next := day.Truncate(24 * time.Hour).Add(opens)
		if got.Open || got.Reason != "outside of the business hours" || !got.NextOpen.Equal(next) {
			t.Errorf("queue %q: %+v, want it closed until %s", queue, got, next)
		}
	}
}
