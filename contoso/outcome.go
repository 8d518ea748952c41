package contoso

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/liaison-skill/liaison/internal/jsonhttp"
)

// An outcome is what an attempt makes of a webhook.
type outcome struct {
	State   string
	Failure string
	Delay   time.Duration
}

// judge turns an attempt's error into an outcome: no answer, 408, 425, 429 and
// 5xx are tried again, later each time; any other answer is final.
func judge(err error, attempt int) outcome {
	if err == nil {
		return outcome{State: webhookSent}
	}
	e, ok := errors.AsType[*jsonhttp.Error](err)
	if !ok || !retryable(e.StatusCode()) {
		return outcome{State: webhookFailed, Failure: err.Error()}
	}
	return outcome{State: webhookQueued, Failure: err.Error(), Delay: max(backoff(attempt), min(e.RetryAfter(), longestAsked))}
}

func retryable(status int) bool {
	switch status {
	case 0, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

// backoff doubles from firstDelay to lastDelay, and adds up to a quarter so that
// conversations that failed together do not come back together.
func backoff(attempt int) time.Duration {
	delay := firstDelay
	for range attempt - 1 {
		delay = min(2*delay, lastDelay)
	}
	return min(delay+rand.N(delay/4), lastDelay)
}
